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

from skerry.answer import Answer, Plot, Series, array
from skerry.errors import CannotAnswerError
from skerry.examine.columns import numeric_columns, usable
from skerry.examine.environment import NEIGHBOR, surface_density
from skerry.examine.properties.matched import (
    CONTROLS,
    Controls,
    matched_controls,
    stratified_difference,
)
from skerry.examine.settings import ExamineConfig, names_of
from skerry.examine.statistics import q_values, rank_difference
from skerry.examine.subject import Subject
from skerry.types import DoubleArray, IntArray

QUESTION = "properties"
SHOWN = 15
"""Columns in a class's figure, the largest differences first."""
FEWEST = 5
"""Members and others with a value, with fewer of which a column is not compared."""

SEA, MATCHED = "sea", "matched controls"

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
    are alike in; none: no controls. Columns that are constant or missing are named in the notes.

    Raises
    ------
    ConfigError
        A column that is named is missing.
    CannotAnswerError
        No class, no column of numbers, or none with values.
    """
    subject.require_classes()
    columns, notes = _columns(subject, settings)
    matched = numeric_columns(subject, settings.matched) if settings.matched else {}
    sea = np.flatnonzero(subject.label < 0)
    compared: list[_Compared] = []
    for rare, rows in zip(subject.classes, subject.members, strict=True):
        compared += _against_sea(rare.class_id, rows, sea, columns)
        if matched:
            controls = matched_controls(rows, sea, list(matched.values()), settings.seed)
            if controls.unmatched:
                notes.append(
                    f"{rare.class_id}: {controls.unmatched} of {len(rows)} members have no "
                    f"{CONTROLS} controls alike in {', '.join(matched)}, and were left out there."
                )
            others = {k: v for k, v in columns.items() if k not in matched}
            compared += _against_controls(rare.class_id, controls, others)
    if not compared:
        raise CannotAnswerError(
            f"no column has a value for {FEWEST} or more members of a class and others"
        )
    table = _table(compared, subject, settings.alpha)
    rows_of = table.to_pylist()
    return Answer(
        QUESTION,
        _sentence(rows_of, len(subject.classes), settings),
        CAVEAT,
        {"properties": table},
        of_class={c.class_id: _of_class(rows_of, c.class_id) for c in subject.classes},
        class_plots={
            c.class_id: _plot(rows_of, c.class_id)
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
    for name, values in list(found.items()):
        why = usable(values)
        if why:
            notes.append(f"Column {name!r} was left out: {why}.")
            del found[name]
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


def _sentence(rows: Sequence[dict[str, object]], n_classes: int, settings: ExamineConfig) -> str:
    against = MATCHED if settings.matched else SEA
    held = [row for row in rows if row["against"] == against]
    differing = [row for row in held if row["differs"]]
    classes = {row["class_id"] for row in differing}
    controls = f"controls matched on {', '.join(names_of(settings.matched))}"
    return (
        f"{len(classes)} of {n_classes} classes differ from "
        f"{controls if settings.matched else 'the sea'} in at least one column: "
        f"{len(differing)} of {len(held)} comparisons at a false discovery rate of "
        f"{settings.alpha:.0%}."
    )


def _of_class(rows: Sequence[dict[str, object]], class_id: str) -> str:
    own = [row for row in rows if row["class_id"] == class_id]
    differing = [row for row in own if row["differs"]]
    if not own:
        return "Too few members have a value in any column."
    if not differing:
        return f"No difference in any of {len({r['column'] for r in own})} columns."
    parts = []
    for against in (MATCHED, SEA):
        first = [row for row in differing if row["against"] == against]
        first.sort(key=lambda row: -abs(_number(row["effect"])))
        named = ", ".join(
            f"{row['column']} {'higher' if _number(row['effect']) > 0 else 'lower'} "
            f"(median {_number(row['median_members']):.3g}, not "
            f"{_number(row['median_others']):.3g})"
            for row in first[:3]
        )
        if named:
            parts.append(f"Against {'the ' if against == SEA else ''}{against}: {named}.")
    return " ".join(parts)


def _number(value: object) -> float:
    assert isinstance(value, float)
    return value


def _plot(rows: Sequence[dict[str, object]], class_id: str) -> Plot:
    own = [row for row in rows if row["class_id"] == class_id]
    largest: dict[str, float] = {}
    for row in own:
        name = str(row["column"])
        largest[name] = max(largest.get(name, 0.0), abs(_number(row["effect"])))
    shown = sorted(largest, key=lambda name: (-largest[name], name))[:SHOWN][::-1]
    drawn = []
    for against, shift in ((SEA, 0.12), (MATCHED, -0.12)):
        held = {str(r["column"]): r for r in own if r["against"] == against}
        places = [i for i, name in enumerate(shown) if name in held]
        if places:
            picked = [held[shown[i]] for i in places]
            drawn.append(
                Series(
                    "intervals",
                    array([row["effect"] for row in picked]),
                    array(places) + shift,
                    f"against {against}",
                    array([row["effect_low"] for row in picked]),
                    array([row["effect_high"] for row in picked]),
                    across=True,
                )
            )
    return Plot(
        f"How far the members of {class_id} lie above (right) or below (left) others in each "
        "column: Cliff's delta with its 95% interval, 0 for no difference, the largest at the top.",
        "effect (Cliff's delta)",
        "",
        tuple(drawn),
        y_ticks=tuple(shown),
        at_x=(0.0,),
    )
