"""Which targets are tested for independence of the representation given votes, and the tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from skerry.errors import CannotAnswerError
from skerry.examine.columns import TRUTH, column_of, numeric_columns, usable
from skerry.examine.label_independence.conditional_gain import Gain, gains
from skerry.examine.label_independence.unlearned import unlearned
from skerry.examine.label_independence.voting import Votes, question_of
from skerry.examine.settings import ExamineConfig, names_of
from skerry.examine.subject import Subject
from skerry.represent.trees.schema import ODD_QUESTIONS
from skerry.types import DoubleArray, IntArray

MOST, FEWEST = 4000, 300
"""Sources that a test is made with, at random where there are more, and the fewest."""
NUISANCE = ("magnitude", "size", "signal to noise", "PSF")
TARGETS = ("mass", "redshift")
LEARNED = "representation"
Unlearned = tuple[dict[str, DoubleArray], IntArray]


@dataclass(frozen=True)
class Tested:
    """One target given one kind of votes: the gain of ``what``, a representation."""

    votes: str
    target: str
    what: str
    gain: Gain


def nuisance_of(subject: Subject, settings: ExamineConfig) -> tuple[dict[str, DoubleArray], str]:
    """The columns of ``settings.nuisance``, or those with usual names, and a note.

    Raises
    ------
    CannotAnswerError
        One that is named is not there.
    """
    if settings.nuisance:
        return numeric_columns(subject, settings.nuisance), ""
    numbers = subject.attributes.numbers
    plain = [name for name in numbers if not name.startswith(TRUTH)]
    chosen = {role: column_of(role, plain) for role in NUISANCE}
    found = {name: numbers[name] for name in chosen.values() if name and not usable(numbers[name])}
    lacking = [role for role, name in chosen.items() if name not in found]
    if not lacking:
        return found, ""
    return found, (
        f"Nuisance: no usable column of {', '.join(lacking)} was found by its usual names; name "
        "yours with -s nuisance=COLUMN,COLUMN."
    )


def targets_of(subject: Subject, settings: ExamineConfig) -> tuple[dict[str, DoubleArray], str]:
    """The columns of ``settings.target``, or mass, redshift and odd features where the catalog has
    them, float64 (n,) with NaN where empty, and a note.

    Raises
    ------
    CannotAnswerError
        One that is named is not there, has neither numbers nor two words, too few values, or is an
        answer that the encoder was trained to predict.
    """
    if settings.target:
        found = {name: _named(subject, name) for name in names_of(settings.target)}
        return found, ""
    numbers = subject.attributes.numbers
    plain = [name for name in numbers if not name.startswith(TRUTH)]
    names = [name for role in TARGETS if (name := column_of(role, plain))]
    odd = [f"{question}_yes{end}" for question in ODD_QUESTIONS for end in ("_fraction", "")]
    names += [name for name in odd if name in plain][:1]
    found = {name: numbers[name] for name in names if not usable(numbers[name], FEWEST)}
    found = {name: v for name, v in found.items() if question_of(name) not in _learned(subject)}
    if found:
        return found, f"Targets were chosen by their usual names: {', '.join(found)}."
    return {}, (
        "No target was tested: no usable column of mass, redshift or odd features; name one that "
        "the encoder was not trained on with -s target=COLUMN."
    )


def _learned(subject: Subject) -> set[str]:
    return {question_of(column) for column in subject.vote_columns}


def _named(subject: Subject, name: str) -> DoubleArray:
    if question_of(name) in _learned(subject):
        raise CannotAnswerError(
            f"target {name!r} is an answer that the encoder was trained to predict; give a column "
            "that it never saw"
        )
    words = subject.attributes.words.get(name)
    if words is None:
        values = numeric_columns(subject, name)[name]
    else:
        known = sorted({str(word) for word in words} - {""})
        if len(known) != 2:
            raise CannotAnswerError(
                f"target {name!r} has {len(known)} different words; give a column of numbers, or "
                "of two words"
            )
        values = np.array([known.index(w) if w else np.nan for w in words], dtype=np.float64)
    why = usable(values, FEWEST)
    if why:
        raise CannotAnswerError(
            f"target {name!r} cannot be tested: {why}; give a column with different values for "
            f"{FEWEST} sources or more"
        )
    return values


def tests(
    subject: Subject,
    votes: Sequence[Votes],
    targets: Mapping[str, DoubleArray],
    nuisance: Mapping[str, DoubleArray],
    settings: ExamineConfig,
) -> tuple[list[Tested], list[str]]:
    """Every target given every kind of votes, by the representation and those that learned
    nothing; and notes.

    Targets and nuisance are put to the normal scores of their ranks, two values to 0 and 1.
    """
    found: list[Tested] = []
    notes: list[str] = []
    order = np.random.default_rng([settings.seed, 3]).permutation(len(subject))
    seen: dict[bytes, Unlearned] = {}
    for held in votes:
        for names, rows in _together(held, targets, nuisance, order).items():
            if len(rows) < FEWEST:
                notes.append(
                    f"{', '.join(names)} given the {held.kind} votes: not tested, as only "
                    f"{len(rows)} sources have all values."
                )
                continue
            found += _tested(subject, held, names, rows, targets, nuisance, settings, seen)
    if found and subject.images is None:
        notes.append("The run has no images: no control by pixels or untrained convolutions.")
    return found, notes


def _together(
    votes: Votes,
    targets: Mapping[str, DoubleArray],
    nuisance: Mapping[str, DoubleArray],
    order: IntArray,
) -> dict[tuple[str, ...], IntArray]:
    """Rows to test with, for the targets that have values for the same sources.

    ``order`` (n,) is random, the same for all votes, so that they share what they can."""
    known = np.zeros(len(order), bool)
    known[votes.rows] = True
    for values in nuisance.values():
        known &= np.isfinite(values)
    groups: dict[bytes, list[str]] = {}
    for name, values in targets.items():
        groups.setdefault(np.isfinite(values).tobytes(), []).append(name)
    found = {}
    for names in groups.values():
        eligible = known & np.isfinite(targets[names[0]])
        found[tuple(names)] = np.sort(order[eligible[order]][:MOST])
    return found


def _tested(
    subject: Subject,
    votes: Votes,
    names: tuple[str, ...],
    rows: IntArray,
    targets: Mapping[str, DoubleArray],
    nuisance: Mapping[str, DoubleArray],
    settings: ExamineConfig,
    seen: dict[bytes, Unlearned],
) -> list[Tested]:
    kept = votes.of(np.searchsorted(votes.rows, rows))
    y = np.stack([_scored(targets[name][rows]) for name in names], axis=1)
    beside = [_scored(v[rows]) for k, v in nuisance.items() if k not in names]
    held = np.stack(beside, axis=1) if beside else np.empty((len(rows), 0))
    vectors = subject.space.vectors[rows].astype(np.float64)
    draws, seed = settings.permutations, (settings.seed, 4)
    results = {LEARNED: gains(kept, vectors, held, y, draws=draws, seed=seed)}
    if subject.images is not None:
        key = rows.tobytes()
        if key not in seen:
            ids = [subject.ids[i] for i in rows]
            seen[key] = unlearned(subject.images, ids, vectors.shape[1], settings.seed)
        made, at = seen[key]
        for what, other in made.items() if len(at) >= FEWEST else ():
            results[what] = gains(
                kept.of(at), other, held[at], y[at], draws=draws, seed=seed, worlds=0
            )
    return [
        Tested(votes.kind, name, what, gain)
        for what, found in results.items()
        for name, gain in zip(names, found, strict=True)
    ]


def _scored(values: DoubleArray) -> DoubleArray:
    """Normal scores of ranks (n,), or 0 and 1 of two values."""
    from scipy.stats import norm, rankdata

    different = np.unique(values)
    if len(different) <= 2:
        return np.asarray((values == different[-1]).astype(np.float64))
    return np.asarray(norm.ppf((rankdata(values) - 0.5) / len(values)))
