"""Are the classes known types? Members against existing labels, and against lists of odd objects.

Labels are Galaxy Zoo's votes, a user's columns, or another catalog by position. Beside that: would
a ranking of single objects by how anomalous they are have shown the class, and which lone outliers
are there that no class holds?
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from skerry.answer import Answer
from skerry.errors import ConfigError
from skerry.examine.crossmatch.agreement import Agreement, agreement
from skerry.examine.crossmatch.anomalies import SEEN, Surfaced, anomaly_ranks, surfaced
from skerry.examine.crossmatch.enrichment import DOUBTFUL, Enrichment, enrichments
from skerry.examine.crossmatch.labels import Labelling, own_labels
from skerry.examine.crossmatch.matching import SHIFTS, shift_of
from skerry.examine.crossmatch.positional import Matched, catalog_labels
from skerry.examine.crossmatch.shown import (
    best_label,
    label_figure,
    labels_of_class,
    sentence_of_class,
    sought_figure,
)
from skerry.examine.crossmatch.tables import (
    EXPLAINED,
    UNEXPLAINED,
    UNLABELED,
    agreement_table,
    anomalies_table,
    labels_table,
    matches_table,
    members_table,
    outliers_table,
)
from skerry.examine.settings import ExamineConfig, names_of
from skerry.examine.subject import Subject

QUESTION = "crossmatch"

CAVEAT = (
    "A label that is enriched says what the members share with a known type, not that the type is "
    "what set them apart; labels by looks follow the same images as the class. A share of the "
    "members that is no larger than a label's share of all sources has the label by chance. Not "
    "being explained may only mean that no labelling knows the type: novelty has to be looked up "
    "in more catalogs, object by object. Ranks of anomalies are those of two methods on one "
    "representation; others would rank otherwise."
)


def crossmatch(subject: Subject, settings: ExamineConfig) -> Answer:
    """Enrichment of each label in each class, what no label explains, and ranks as anomalies.

    ``settings.labels`` are the columns that hold labels, of ``settings.catalog`` where one is
    given, else of the run's own catalog; empty: those that look so, and votes of Galaxy Zoo. A
    service is asked over the network only where ``settings.catalog`` is its address.

    Raises
    ------
    CannotAnswerError
        No class; a column of labels holds none; the sources or the catalog have no
        positions to match by.
    ConfigError
        A column of labels that is named is missing.
    InputError
        The catalog or the service cannot be read now. No answer is kept then.
    """
    subject.require_classes()
    labellings, matched, notes = _labellings(subject, settings)
    enriched = enrichments(labellings, subject.members, settings.alpha)
    ranks = anomaly_ranks(subject.space, settings.seed)
    standing = surfaced(ranks, subject.members, settings.alpha)
    agreements = [
        one
        for labelling in labellings
        if labelling.full
        and (one := agreement(labelling, subject.members, settings.permutations, settings.seed))
    ]
    members = members_table(subject, labellings, enriched, ranks)
    tables = {
        "labels": labels_table(subject, enriched),
        "members": members,
        "anomalies": anomalies_table(subject, standing),
        "outliers": outliers_table(subject, labellings, ranks),
        "agreement": agreement_table(agreements),
    }
    if matched is not None:
        tables["matches"] = matches_table(subject, matched)
    return Answer(
        QUESTION,
        _sentence(subject, enriched if labellings else None, standing, members),
        CAVEAT,
        {name: table for name, table in tables.items() if table.num_rows},
        plots=tuple(
            plot
            for plot in (label_figure(subject, enriched), sought_figure(subject, ranks))
            if plot is not None
        ),
        of_class={
            rare.class_id: sentence_of_class(
                [e for e in enriched if e.number == i],
                [s for s in standing if s.number == i],
                _counts(members, rare.class_id),
            )
            for i, rare in enumerate(subject.classes)
        },
        class_plots={
            rare.class_id: plot
            for i, rare in enumerate(subject.classes)
            if (plot := labels_of_class(rare.class_id, [e for e in enriched if e.number == i]))
        },
        notes=tuple([*notes, *_said_of(agreements)]),
    )


def _labellings(
    subject: Subject, settings: ExamineConfig
) -> tuple[list[Labelling], Matched | None, list[str]]:
    if not settings.catalog:
        found, notes = own_labels(subject.attributes, settings.labels)
        if not found:
            notes.append(
                "There is nothing to match with: give columns that hold labels as labels=NAME, a "
                "table by id as table=FILE, or another catalog as catalog=FILE or an address."
            )
        return found, None, notes
    columns = names_of(settings.labels)
    inside = np.flatnonzero(subject.label >= 0)
    matched, missing = catalog_labels(
        settings.catalog, subject.positions, inside, columns, settings.radius, settings.seed
    )
    try:
        found, notes = own_labels(subject.attributes, ",".join(missing)) if missing else ([], [])
    except ConfigError as error:
        names = ", ".join(map(repr, missing))
        raise ConfigError(f"{matched.name} has no column {names}, and {error}") from error
    notes += [_match_note(subject, matched, settings.radius), *matched.notes]
    return [*matched.labellings, *found], matched, notes


def _match_note(subject: Subject, matched: Matched, radius: float) -> str:
    asked = int(matched.asked.sum())
    expected = matched.expected
    said = (
        f"{matched.matches} of {asked} sources have an entry of {matched.name} within {radius:g} "
        f"arcsec; {expected:.1f} are expected by chance, by as many looks in {SHIFTS} places each "
        f"{shift_of(radius):g} arcsec away."
    )
    placed = 0 if subject.positions is None else int(np.isfinite(subject.positions).all(1).sum())
    if placed < len(subject):
        said += f" Of all {len(subject)} sources {placed} have positions."
    if asked < placed:
        said += (
            f" Of these {placed} only {asked} were asked for: all members, and others at random."
        )
    if expected > DOUBTFUL * matched.matches:
        said += " That is too many for its labels to explain a class."
    return said


def _said_of(agreements: Sequence[Agreement]) -> list[str]:
    return [
        f"Against the labelling {a.labelling!r} of {a.sources} sources, {a.labels} labels: "
        f"adjusted Rand index {a.ari:.3f} and adjusted mutual information {a.ami:.3f} (0 for "
        f"groups drawn at random; p = {a.p:.2g}), with the sources in no class as one group; "
        f"purity of the classes {a.purity:.0%}, with shuffled labels {a.by_chance:.0%}."
        for a in agreements
    ]


def _counts(members: pa.Table, class_id: str) -> dict[str, int]:
    own = [row["status"] for row in members.to_pylist() if row["class_id"] == class_id]
    return {status: own.count(status) for status in (EXPLAINED, UNEXPLAINED, UNLABELED)}


def _sentence(
    subject: Subject,
    enriched: Sequence[Enrichment] | None,
    standing: Sequence[Surfaced],
    members: pa.Table,
) -> str:
    n = len(subject.classes)
    first = "No labels were there to match the classes with."
    if enriched is not None:
        own = [[e for e in enriched if e.number == i and e.rediscovered] for i in range(n)]
        bests = [best for labels in own if (best := best_label(labels))]
        names = ", ".join(sorted({best.label for best in bests}))
        statuses = members["status"].to_pylist()
        first = (
            f"{len(bests)} of {n} classes {'is a known type' if n == 1 else 'are known types'} "
            f"rediscovered{f' ({names})' if names else ''}; labels explain "
            f"{statuses.count(EXPLAINED)} of {len(statuses) - statuses.count(UNLABELED)} labeled "
            "members."
        )
    shown = {s.number for s in standing if s.shown}
    return (
        f"{first} Looking through the {standing[0].looked} most anomalous of {len(subject):,} "
        f"single sources would have shown {len(shown)} of {n} classes ({SEEN} members or more, and "
        "more than by chance)."
    )
