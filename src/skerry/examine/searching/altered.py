"""Altered representations: where to search again for what the leading structure hides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from skerry.discover import largest_size
from skerry.discover.order import distinct_rows
from skerry.errors import CannotAnswerError, InputError
from skerry.examine.columns import column_of, numeric_columns, usable
from skerry.examine.searching.residuals import joined, ranks, residuals, without_leading
from skerry.examine.settings import ExamineConfig, names_of
from skerry.examine.subject import Subject
from skerry.survey.columns import normalized
from skerry.types import DoubleArray, FloatArray, IntArray

LEADING = 0.5
"""The share of the variance that the leading components taken out hold."""
TYPE = 0.5
"""A source is of a common type where more than this share of votes is expected to say so."""
LEAST = 300
"""Sources that a search needs."""
ROLES = ("size", "magnitude", "redshift")
_COLORS = ("g_r", "color", "colour", "gr", "g_minus_r", "g_i", "u_r", "r_z", "b_v", "u_g")
"""Usual names of a color; the first that is there is taken."""


@dataclass(frozen=True)
class Altered:
    """A representation to be searched again.

    ``rows`` int64 (m,) of all sources, ascending; ``vectors`` float32 (m, d). ``said`` tells what
    was done.
    """

    name: str
    said: str
    rows: IntArray
    vectors: FloatArray


def altered(subject: Subject, settings: ExamineConfig) -> tuple[list[Altered], list[str]]:
    """Every alteration that the run allows, and notes on those it does not.

    ``votes``: residuals on the votes that the encoder expects. ``columns``: residuals on size,
    color, magnitude and redshift, or on ``settings.columns``. ``components``: without the leading
    principal components. ``within ...``: the sources of one common type by the first question of
    the votes. ``joined``: with ``settings.joined``, columns standardized.

    Raises
    ------
    ConfigError
        A column that is named is missing.
    CannotAnswerError
        One that is named holds no numbers, or there are fewer than ``LEAST`` sources.
    """
    if len(subject) < LEAST:
        raise CannotAnswerError(
            f"{len(subject)} sources are too few to search again; give {LEAST} or more"
        )
    makers: Sequence[Callable[[Subject, ExamineConfig], tuple[list[Altered], list[str]]]] = (
        _without_votes,
        _without_columns,
        _without_components,
        _within_types,
        _with_columns,
    )
    found: list[Altered] = []
    notes: list[str] = []
    for make in makers:
        made, said = make(subject, settings)
        notes += said
        for one in made:
            kept = np.sort(distinct_rows(one.vectors))
            one = Altered(one.name, one.said, one.rows[kept], one.vectors[kept])
            try:
                largest_size(len(one.rows), subject.config.classes)
            except InputError:
                notes.append(f"{one.name}: {len(one.rows)} sources are too few to search again.")
                continue
            found.append(one)
    return found, notes


def _everywhere(subject: Subject) -> IntArray:
    return np.arange(len(subject), dtype=np.int64)


def _without_votes(subject: Subject, _: ExamineConfig) -> tuple[list[Altered], list[str]]:
    if not subject.votes.shape[1]:
        return [], [
            "The encoder expects no votes: none were taken out, and no common type searched."
        ]
    left, explained = residuals(subject.space.vectors, subject.votes.astype(np.float64))
    told = f"the {subject.votes.shape[1]} expected votes tell ({explained:.0%} of the variance)"
    return [Altered("without votes", f"without what {told}", _everywhere(subject), left)], []


def _without_columns(subject: Subject, settings: ExamineConfig) -> tuple[list[Altered], list[str]]:
    columns = numeric_columns(subject, settings.columns) if settings.columns else _usual(subject)
    columns, notes = _with_values(columns)
    if not columns:
        return [], [*notes, "No size, color, magnitude or redshift was found in the catalog to be "
                    "taken out; name columns of numbers as columns=NAME,NAME."]  # fmt: skip
    rows, table, said_missing = _complete(columns)
    if len(rows) < LEAST:
        return [], [*notes, f"Only {len(rows)} sources have {', '.join(columns)}."]
    left, explained = residuals(subject.space.vectors[rows], ranks(table))
    said = f"without what {', '.join(columns)} tell ({explained:.0%} of the variance)"
    return [Altered("without columns", said, rows, left)], [*notes, *said_missing]


def _usual(subject: Subject) -> dict[str, DoubleArray]:
    """Size, color, magnitude and redshift, as many as the catalog has."""
    numbers = subject.attributes.numbers
    names = [column_of(role, list(numbers)) for role in ROLES]
    by_name = {normalized(name): name for name in reversed(list(numbers))}
    names.append(next((by_name[a] for a in _COLORS if a in by_name), None))
    return {name: numbers[name] for name in names if name is not None}


def _without_components(subject: Subject, _: ExamineConfig) -> tuple[list[Altered], list[str]]:
    if subject.space.vectors.shape[1] < 2:
        return [], []
    left, removed = without_leading(subject.space.vectors, LEADING)
    said = f"without the {removed} leading principal components ({LEADING:.0%} of the variance)"
    return [Altered("without leading components", said, _everywhere(subject), left)], []


def _within_types(subject: Subject, _: ExamineConfig) -> tuple[list[Altered], list[str]]:
    """One for each answer of the first question with sources enough, if not nearly all."""
    if not subject.vote_columns:
        return [], []
    question = subject.vote_columns[0].rpartition("_")[0]
    found = []
    for i, name in enumerate(subject.vote_columns):
        if name.rpartition("_")[0] != question:
            continue
        rows = np.flatnonzero(subject.votes[:, i] > TYPE).astype(np.int64)
        if LEAST <= len(rows) < 0.95 * len(subject):
            answer = name.rpartition("_")[2]
            said = f"the {len(rows)} sources that most votes are expected to call {answer}"
            found.append(Altered(f"within {answer}", said, rows, subject.space.vectors[rows]))
    return found, []


def _with_columns(subject: Subject, settings: ExamineConfig) -> tuple[list[Altered], list[str]]:
    if not settings.joined:
        return [], []
    columns, notes = _with_values(numeric_columns(subject, settings.joined))
    rows, table, said_missing = _complete(columns)
    if not columns or len(rows) < LEAST:
        raise CannotAnswerError(
            f"only {len(rows)} sources have {' and '.join(names_of(settings.joined))} with "
            "different values; name columns of numbers that most sources have"
        )
    said = f"with {', '.join(columns)} joined to the representation"
    vectors = joined(subject.space.vectors[rows], table)
    return [Altered("joined", said, rows, vectors)], [*notes, *said_missing]


def _with_values(columns: dict[str, DoubleArray]) -> tuple[dict[str, DoubleArray], list[str]]:
    why = {name: usable(values, LEAST) for name, values in columns.items()}
    notes = [f"Column {name!r} was left out: {said}." for name, said in why.items() if said]
    return {name: values for name, values in columns.items() if not why[name]}, notes


def _complete(columns: dict[str, DoubleArray]) -> tuple[IntArray, DoubleArray, list[str]]:
    """The rows with a value in every column, these values, and a note where that is not all."""
    if not columns:
        return np.empty(0, dtype=np.int64), np.empty((0, 0)), []
    table = np.stack(list(columns.values()), axis=1)
    rows = np.flatnonzero(np.isfinite(table).all(axis=1)).astype(np.int64)
    lost = len(table) - len(rows)
    notes = [f"{lost} sources lack a value of {', '.join(columns)} and were left out there."]
    return rows, table[rows], notes if lost else []
