"""Where members of classes gather, in every column that says how a source was observed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from skerry.answer import array
from skerry.examine.artifacts.concentration import Gathered, gathered_in, gathered_on_sky
from skerry.examine.columns import column_of, require_columns, usable
from skerry.examine.settings import ExamineConfig, names_of
from skerry.examine.statistics import q_values, rank_difference
from skerry.examine.subject import Subject
from skerry.types import DoubleArray, IntArray

WORDS = ("detector", "brick", "exposure")
NUMBERS = ("PSF", "depth")
"""Roles of columns that are looked at wherever the catalog has them."""
FEWEST = 5
"""Members and others with a value, with fewer of which a column is not looked at."""

GATHERED_SCHEMA = pa.schema(
    [
        ("class_id", pa.string()),
        ("column", pa.string()),
        ("kind", pa.string()),
        ("members", pa.int64()),
        ("statistic", pa.float64()),
        ("expected", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("most", pa.string()),
        ("p_value", pa.float64()),
        ("q_value", pa.float64()),
    ]
)
"""One row a class and column. ``kind`` is ``words`` (``statistic``: pairs of members with one
value), ``sky`` (median arcmin to the next member), both with what is expected of as many sources
drawn at random and its 95% range; or ``numbers`` (Cliff's delta against the sea, ``low`` and
``high`` its 95% interval, 0 expected). ``q_value`` is over all rows."""


def gatherings(subject: Subject, settings: ExamineConfig) -> tuple[pa.Table, list[str]]:
    """Look at every class in every column, and on the sky; the table, and what was left out.

    Raises
    ------
    ConfigError
        The catalog lacks a column that ``settings.columns`` names.
    """
    words, numbers, notes = _columns(subject, settings)
    rng = np.random.default_rng(settings.seed)
    sea = np.flatnonzero(subject.label < 0)
    rows: list[dict[str, object]] = []
    for rare, members in zip(subject.classes, subject.members, strict=True):
        for name, values in words.items():
            known = sum(values[row] != "" for row in members.tolist())
            if known >= FEWEST:
                found = gathered_in(values, members, settings.permutations, rng)
                rows.append(_row(rare.class_id, name, "words", found))
        for name, column in numbers.items():
            rows += _difference(rare.class_id, name, column, members, sea)
        if subject.positions is not None:
            placed = np.isfinite(subject.positions[members]).all(axis=1)
            if placed.sum() >= FEWEST:
                found = gathered_on_sky(subject.positions, members, settings.permutations, rng)
                rows.append(_row(rare.class_id, "position", "sky", found))
    for row, q in zip(rows, q_values(array([row["p_value"] for row in rows])), strict=True):
        row["q_value"] = float(q)
    return pa.Table.from_pylist(rows, schema=GATHERED_SCHEMA), notes


def _columns(
    subject: Subject, settings: ExamineConfig
) -> tuple[dict[str, Sequence[str]], dict[str, DoubleArray], list[str]]:
    """Columns in which sources may gather, those in which they may differ, and notes."""
    known = subject.attributes
    words: dict[str, Sequence[str]] = {}
    numbers: dict[str, DoubleArray] = {}
    notes = []
    for role in WORDS:
        name = column_of(role, [*known.words, *known.numbers])
        if name is None:
            notes.append(f"The catalog has no column of the {role}, in which members might gather.")
        else:
            held = list(known.words.get(name, ()))
            words[name] = held if name in known.words else _named(known.numbers[name])
    for role in NUMBERS:
        name = column_of(role, list(known.numbers))
        if name is None:
            notes.append(f"The catalog has no column of the {role}.")
        else:
            numbers[name] = known.numbers[name]
    require_columns(known, names_of(settings.columns))
    for name in names_of(settings.columns):
        if name in known.words:
            words[name] = list(known.words[name])
        else:
            numbers[name] = known.numbers[name]
    if subject.positions is None:
        notes.append("The sources have no positions: whether members lie together is not known.")
    for name in [name for name, values in words.items() if len(set(values) - {""}) < 2]:
        notes.append(f"Column {name!r} was left out: it has fewer than 2 values.")
        del words[name]
    for name, why in [(name, usable(values)) for name, values in numbers.items()]:
        if why:
            notes.append(f"Column {name!r} was left out: {why}.")
            del numbers[name]
    return words, numbers, notes


def _named(values: DoubleArray) -> list[str]:
    return [f"{value:g}" if np.isfinite(value) else "" for value in values.tolist()]


def _row(class_id: str, column: str, kind: str, found: Gathered) -> dict[str, object]:
    return {
        "class_id": class_id,
        "column": column,
        "kind": kind,
        "members": found.members,
        "statistic": found.statistic,
        "expected": found.expected,
        "low": found.low,
        "high": found.high,
        "most": found.most,
        "p_value": found.p,
    }


def _difference(
    class_id: str, column: str, values: DoubleArray, members: IntArray, sea: IntArray
) -> list[dict[str, object]]:
    inside, outside = values[members], values[sea]
    inside, outside = inside[np.isfinite(inside)], outside[np.isfinite(outside)]
    if min(len(inside), len(outside)) < FEWEST:
        return []
    effect, low, high, p = rank_difference(inside, outside)
    found = Gathered(len(inside), effect, 0.0, low, high, p)
    return [_row(class_id, column, "numbers", found)]
