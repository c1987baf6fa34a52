"""Do a class's members differ from other sources in the numbers that the catalog has of them?

Each column is compared by ranks, so that no unit and no outlier matters: of the class against the
sea, and against controls matched on chosen columns (as mass and redshift), since a difference from
the sea may only say that the members are nearer or brighter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from skerry.answer import Answer, array
from skerry.errors import CannotAnswerError
from skerry.examine.columns import numeric_columns, stand_ins, usable
from skerry.examine.environment import NEIGHBOR, surface_density
from skerry.examine.properties.matched import (
    CONTROLS,
    Controls,
    matched_controls,
    stratified_difference,
)
from skerry.examine.properties.shown import MATCHED, SEA, plot_of_class, sentence, sentence_of_class
from skerry.examine.settings import ExamineConfig
from skerry.examine.statistics import q_values, rank_difference
from skerry.examine.subject import Subject
from skerry.survey.columns import listed
from skerry.types import DoubleArray, IntArray

QUESTION = "properties"
FEWEST = 5
"""Members and others with a value, with fewer of which a column is not compared."""

PROPERTIES_SCHEMA = pa.schema(
    [
        ("class_id", pa.string()),
        ("column", pa.string()),
        ("unit", pa.string()),
        ("against", pa.string()),
        ("members", pa.int64()),
        ("others", pa.int64()),
        ("median_members", pa.float64()),
        ("median_others", pa.float64()),
        ("effect", pa.float64()),
        ("effect_low", pa.float64()),
        ("effect_high", pa.float64()),
        ("p_value", pa.float64()),
        ("q_value", pa.float64()),
        ("differs", pa.bool_()),
    ]
)
"""One row a class, column and comparison. ``effect`` is Cliff's delta (the chance that a member's
value exceeds another's, less the reverse) with its 95% interval; ``q_value`` is over all rows."""

CAVEAT = (
    "A class is chosen by appearance, and columns follow appearance: a difference says what its "
    "members are like, not why. Against the sea it may only mirror distance, brightness or how "
    "well sources are resolved; the comparison with matched controls takes that out for the "
    "columns named, not for others. Members of one cluster of galaxies, or fragments of one "
    "galaxy, are not independent: then intervals are too narrow."
)


@dataclass(frozen=True)
class _Compared:
    class_id: str
    column: str
    against: str
    members: DoubleArray
    others: DoubleArray
    effect: float
    low: float
    high: float
    p: float


def properties(subject: Subject, settings: ExamineConfig) -> Answer:
    """Compare every column of numbers, and the density of neighbors on the sky.

    ``settings.columns`` are compared, all if empty; ``settings.matched`` are those that controls
    are alike in; none: no controls. What is constant, empty or not compared is named in the notes.

    Raises
    ------
    ConfigError
        A column that is named is missing.
    CannotAnswerError
        No class, no column of numbers, or none with values, to compare or to match.
    """
    subject.require_classes()
    columns, notes = _columns(subject, settings)
    matched = _matched(subject, settings, notes)
    sea = np.flatnonzero(subject.label < 0)
    compared: list[_Compared] = []
    for rare, rows in zip(subject.classes, subject.members, strict=True):
        made = _against_sea(rare.class_id, rows, sea, columns)
        notes += _left_out(rare.class_id, SEA, made, columns)
        compared += made
        if matched:
            controls = matched_controls(rows, sea, list(matched.values()), settings.seed)
            if controls.unmatched:
                notes.append(
                    f"{rare.class_id}: {controls.unmatched} of {len(rows)} members have no "
                    f"{CONTROLS} controls alike in {', '.join(matched)}, and were left out there."
                )
            others = {k: v for k, v in columns.items() if k not in matched}
            made = _against_controls(rare.class_id, controls, others)
            notes += _left_out(rare.class_id, MATCHED, made, others)
            compared += made
    if not compared:
        raise CannotAnswerError(
            f"no column has a value for {FEWEST} or more members of a class and others"
        )
    table = _table(compared, subject, settings.alpha)
    rows_of = table.to_pylist()
    return Answer(
        QUESTION,
        sentence(rows_of, len(subject.classes), list(matched), settings.alpha),
        CAVEAT,
        {"properties": table},
        of_class={c.class_id: sentence_of_class(rows_of, c.class_id) for c in subject.classes},
        class_plots={
            c.class_id: plot_of_class(rows_of, c.class_id)
            for c in subject.classes
            if any(row["class_id"] == c.class_id for row in rows_of)
        },
        notes=tuple(notes),
    )


def _columns(subject: Subject, settings: ExamineConfig) -> tuple[dict[str, DoubleArray], list[str]]:
    notes = []
    try:
        found = numeric_columns(subject, settings.columns)
    except CannotAnswerError as error:
        if settings.columns or subject.positions is None:
            raise
        found, notes = {}, [f"{error}."]
    found = _with_values(found, notes)
    if subject.positions is None:
        notes.append("The sources have no positions: their environment was not looked at.")
    else:
        found["environment"] = surface_density(subject.positions)
        notes.append(
            f"'environment' is log10 of the sources per deg² within the {NEIGHBOR}th nearest on "
            "the sky, in projection: of the survey's own sources, whatever its selection."
        )
    if not found:
        raise CannotAnswerError("no column of numbers has values: " + " ".join(notes))
    return found, notes


def _matched(subject: Subject, settings: ExamineConfig, notes: list[str]) -> dict[str, DoubleArray]:
    """The columns that controls are alike in; none where none was named."""
    if not settings.matched:
        return {}
    said: list[str] = []
    found = _with_values(numeric_columns(subject, settings.matched), said)
    if not found:
        raise CannotAnswerError("no controls can be matched: " + " ".join(said))
    notes += [f"To match controls: {note}" for note in said]
    return found


def _with_values(columns: dict[str, DoubleArray], notes: list[str]) -> dict[str, DoubleArray]:
    why = {name: usable(values) for name, values in columns.items()}
    notes += [f"Column {name!r} was left out: {said}." for name, said in why.items() if said]
    found = {name: values for name, values in columns.items() if not why[name]}
    notes += [
        f"Column {name!r}: {count} sources have {value:g}, far from all others. It was taken as a "
        "number; if it says that there is none, leave it empty."
        for name, values in found.items()
        for value, count in stand_ins(values)
    ]
    return found


def _left_out(
    class_id: str, against: str, made: Sequence[_Compared], columns: dict[str, DoubleArray]
) -> list[str]:
    left = sorted(set(columns) - {one.column for one in made})
    if not left:
        return []
    return [
        f"{class_id}: not compared with the {against}, as fewer than {FEWEST} members or others "
        f"have a value: {listed(left)}."
    ]


def _against_sea(
    class_id: str, rows: IntArray, sea: IntArray, columns: dict[str, DoubleArray]
) -> list[_Compared]:
    found = []
    for name, values in columns.items():
        inside, outside = values[rows], values[sea]
        inside, outside = inside[np.isfinite(inside)], outside[np.isfinite(outside)]
        if min(len(inside), len(outside)) >= FEWEST:
            difference = rank_difference(inside, outside)
            found.append(_Compared(class_id, name, SEA, inside, outside, *difference))
    return found


def _against_controls(
    class_id: str, controls: Controls, columns: dict[str, DoubleArray]
) -> list[_Compared]:
    found = []
    for name, values in columns.items():
        inside, outside = values[controls.members], values[controls.rows]
        known = np.isfinite(inside) & np.isfinite(outside).all(axis=1)
        if known.sum() >= FEWEST:
            inside, outside = inside[known], outside[known]
            difference = stratified_difference(inside, outside)
            found.append(_Compared(class_id, name, MATCHED, inside, outside.ravel(), *difference))
    return found


def _table(compared: Sequence[_Compared], subject: Subject, alpha: float) -> pa.Table:
    p = array([c.p for c in compared])
    q = q_values(p)
    units = subject.attributes.units
    rows = [
        {
            "class_id": c.class_id,
            "column": c.column,
            "unit": units.get(c.column, ""),
            "against": c.against,
            "members": len(c.members),
            "others": len(c.others),
            "median_members": float(np.median(c.members)),
            "median_others": float(np.median(c.others)),
            "effect": c.effect,
            "effect_low": c.low,
            "effect_high": c.high,
            "p_value": c.p,
            "q_value": float(adjusted),
            "differs": bool(adjusted <= alpha),
        }
        for c, adjusted in zip(compared, q, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=PROPERTIES_SCHEMA)
