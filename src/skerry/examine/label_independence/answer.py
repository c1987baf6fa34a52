"""Does the representation hold more than the votes that its encoder was trained on?

Asked of each principal direction, of galaxies with the same votes, of targets that the encoder was
never trained on, and of each class: is it made of votes alone?
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skerry.answer import Answer
from skerry.errors import CannotAnswerError
from skerry.examine.label_independence.classes import Alike, ByVotes, Twin, alike, by_votes, twins
from skerry.examine.label_independence.figures import class_plot, directions_plot, gains_plot
from skerry.examine.label_independence.independence_tests import (
    LEARNED,
    nuisance_of,
    targets_of,
    tests,
)
from skerry.examine.label_independence.principal_directions import predicted
from skerry.examine.label_independence.tables import (
    classes_table,
    directions_table,
    likeness_table,
    same_votes_table,
    tests_table,
)
from skerry.examine.label_independence.voting import Votes, votes_of
from skerry.examine.label_independence.words import CAVEAT, class_sentences, notes_of, sentence
from skerry.examine.settings import ExamineConfig, names_of
from skerry.examine.statistics import q_values
from skerry.examine.subject import Subject

QUESTION = "label_independence"
FEWEST = 100
"""Sources with votes that anything is fitted with."""


def label_independence(subject: Subject, settings: ExamineConfig) -> Answer:
    """Hold the representation, and each class, against the votes.

    Votes are those that the encoder predicts, and those of volunteers where the catalog has them:
    counts or fractions of a tree that ships. ``settings.target`` are columns that the encoder was
    not trained on, of numbers or two words; empty: mass, redshift and odd features where there are
    such. ``settings.nuisance`` are columns that explain what a target and looks share without
    morphology; empty: magnitude, size, signal to noise and PSF by their usual names.

    The null of each test, the controls and how noisy votes are treated: see
    `skerry.examine.conditional_gain.gains`.

    Raises
    ------
    CannotAnswerError
        No votes of either kind for enough sources, or a column that is named cannot be used.
    ConfigError
        A column that is named is missing.
    """
    votes, notes = _votes(subject, settings)
    nuisance, lacking = nuisance_of(subject, settings)
    targets, chosen = targets_of(subject, settings)
    notes += [note for note in (lacking, chosen) if note]
    tested, left_out = tests(subject, votes, targets, nuisance, settings)
    p = np.array([t.gain.p if t.what == LEARNED else np.nan for t in tested], np.float64)
    table = tests_table(tested, q_values(p), settings.alpha)
    directions = [predicted(subject.space.vectors, held, settings.seed) for held in votes]
    classes, alikes, pairs = _classes(subject, votes, settings.seed)
    notes += left_out + _small(subject, classes)
    return Answer(
        QUESTION,
        sentence(table.to_pylist(), directions, classes, nuisance),
        CAVEAT,
        {
            "tests": table,
            "classes": classes_table(classes),
            "same_votes": same_votes_table(pairs),
            "likeness": likeness_table(alikes),
            "directions": directions_table(directions),
        },
        plots=(*((gains_plot(tested),) if tested else ()), directions_plot(directions)),
        of_class=class_sentences(classes, alikes),
        class_plots={
            c: class_plot([one for one in classes if one.class_id == c])
            for c in {one.class_id: None for one in classes}
        },
        notes=(*notes, *notes_of(table.to_pylist(), alikes)),
    )


def _votes(subject: Subject, settings: ExamineConfig) -> tuple[list[Votes], list[str]]:
    found, notes = votes_of(subject, names_of(settings.target))
    kept = [votes for votes in found if len(votes.rows) >= FEWEST]
    notes += [
        f"The {votes.kind} votes were left out: only {len(votes.rows)} sources have them."
        for votes in found
        if len(votes.rows) < FEWEST
    ]
    if not kept:
        raise CannotAnswerError(
            f"no votes for {FEWEST} sources or more ({' '.join(notes).rstrip('.')}); use an "
            "encoder with vote heads, or give a table of votes by id with -s table=FILE"
        )
    return kept, notes


def _classes(
    subject: Subject, votes: Sequence[Votes], seed: int
) -> tuple[list[ByVotes], list[Alike], list[Twin]]:
    found = [one for held in votes for one in by_votes(subject, held, seed)]
    place = {rare.class_id: i for i, rare in enumerate(subject.classes)}
    found.sort(key=lambda one: place[one.class_id])
    alikes = [one for held in votes for one in alike(subject, held, seed)]
    return found, alikes, twins(subject, votes[0], seed)


def _small(subject: Subject, classes: Sequence[ByVotes]) -> list[str]:
    if not subject.classes:
        return ["The run has no class: only the representation as a whole was looked at."]
    told = {one.class_id for one in classes}
    small = [rare.class_id for rare in subject.classes if rare.class_id not in told]
    return (
        [f"Too small to be told, with fewer than 5 members: {', '.join(small)}."] if small else []
    )
