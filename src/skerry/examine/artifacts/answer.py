"""Is a class made by the instrument or by its processing, and by what?

Two kinds of evidence. What the pixels show of each member, named by rules, against the same rules
on sources in no class; and whether members gather in a detector, a brick, an exposure or a part of
the sky, or differ in seeing or depth.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from skerry.answer import Answer, array
from skerry.errors import CannotAnswerError
from skerry.examine.artifacts.causes import CAUSES, NONE
from skerry.examine.artifacts.gatherings import gatherings
from skerry.examine.artifacts.measured_classes import ANY, Measured, all_measured
from skerry.examine.artifacts.shown import (
    CLEAN,
    INSTRUMENTAL,
    SUSPECT,
    UNKNOWN,
    of_class,
    plot,
    sentence,
)
from skerry.examine.settings import ExamineConfig
from skerry.examine.statistics import exact_interval, q_values
from skerry.examine.subject import Subject

QUESTION = "artifacts"
HALF = 0.5
"""Share of members spoiled beyond the sea's, from which a class is instrumental."""

CLASSES_SCHEMA = pa.schema(
    [
        ("class_id", pa.string()),
        ("verdict", pa.string()),
        ("cause", pa.string()),
        ("measured", pa.int64()),
        ("spoiled", pa.int64()),
        ("share", pa.float64()),
        ("share_low", pa.float64()),
        ("share_high", pa.float64()),
        ("sea_share", pa.float64()),
        ("excess", pa.float64()),
    ]
)
"""One row a class. ``spoiled`` members show any cause, ``sea_share`` of the sea's does; ``excess``
is the share of members beyond that, (share - sea_share) / (1 - sea_share)."""

CAUSES_SCHEMA = pa.schema(
    [
        ("class_id", pa.string()),
        ("cause", pa.string()),
        ("members", pa.int64()),
        ("measured", pa.int64()),
        ("sea", pa.int64()),
        ("sea_measured", pa.int64()),
        ("p_value", pa.float64()),
        ("q_value", pa.float64()),
    ]
)
"""One row a class and cause, ``any`` for all together: members with it against the sea, Fisher's
exact test, one-sided; ``q_value`` over all rows."""

SOURCES_SCHEMA = pa.schema(
    [
        ("id_str", pa.string()),
        ("class_id", pa.string()),
        ("cause", pa.string()),
        ("sky", pa.float64()),
        ("range", pa.float64()),
        ("gradient", pa.float64()),
        ("saturated", pa.float64()),
        ("halo", pa.float64()),
        ("band", pa.float64()),
        ("flat", pa.float64()),
        ("column", pa.float64()),
        ("sharp", pa.float64()),
        ("repeated", pa.float64()),
        ("line", pa.float64()),
        ("line_others", pa.float64()),
        ("step", pa.float64()),
    ]
)
"""One row a source measured, as :class:`skerry.examine.pixels.Evidence`; ``sky`` of the brightest
plane."""

CAVEAT = (
    "Rules name what they were written for, on color images of a ground-based survey: a cause they "
    "do not know leaves 'no sign'. A cause seen in a galaxy's image need not be why it is in the "
    "class: a spike beside a true ring is no reason to drop it, so most members must show one. "
    "Gathering is no proof either: galaxies cluster on the sky, and pieces of one galaxy "
    "(`shredded`) share a detector. Images that are each stretched by their own sky hide a bad one."
)


def artifacts(subject: Subject, settings: ExamineConfig) -> Answer:
    """Look for artifacts in the images of each class, and for where its members gather.

    ``settings.columns`` name further columns in which they may gather (of words), or differ (of
    numbers), beside the usual ones of detector, brick, exposure, PSF and depth.

    Raises
    ------
    CannotAnswerError
        No class; or neither images, nor positions, nor such a column.
    """
    subject.require_classes()
    notes: list[str] = []
    gathered, missing = gatherings(subject, settings)
    notes += missing
    measured = all_measured(subject, settings.seed, notes)
    if measured is None and not gathered.num_rows:
        raise CannotAnswerError(
            "the run has no images to look at, and its catalog neither positions nor columns of "
            "detector, brick, exposure, PSF or depth; give a table with such columns as table=FILE"
        )
    sea, members = measured if measured else (None, [None] * len(subject.classes))
    causes = _causes_table(subject, sea, members)
    classes = _classes_table(subject, sea, members, causes, gathered, settings.alpha)
    tables = {"artifacts": classes, "causes": causes, "gathered": gathered}
    if sea is not None:
        tables["sources"] = _sources_table(subject, sea, members)
    rows = classes.to_pylist()
    return Answer(
        QUESTION,
        sentence(rows, sea),
        CAVEAT,
        tables,
        plots=(plot(subject, sea, members),) if sea is not None else (),
        of_class={
            row["class_id"]: of_class(row, causes.to_pylist(), gathered.to_pylist(), settings.alpha)
            for row in rows
        },
        notes=tuple(notes),
    )


def _causes_table(
    subject: Subject, sea: Measured | None, members: Sequence[Measured | None]
) -> pa.Table:
    from scipy.stats import fisher_exact

    rows = []
    for rare, own in zip(subject.classes, members, strict=True):
        if sea is None or own is None:
            continue
        for cause in (ANY, *CAUSES):
            n, here = len(own.causes), own.count(cause)
            m, there = len(sea.causes), sea.count(cause)
            if here + there == 0:
                continue
            p = fisher_exact([[here, n - here], [there, m - there]], alternative="greater").pvalue
            rows.append(
                {
                    "class_id": rare.class_id,
                    "cause": cause,
                    "members": here,
                    "measured": n,
                    "sea": there,
                    "sea_measured": m,
                    "p_value": float(p),
                }
            )
    for row, q in zip(rows, q_values(array([row["p_value"] for row in rows])), strict=True):
        row["q_value"] = float(q)
    return pa.Table.from_pylist(rows, schema=CAUSES_SCHEMA)


def _classes_table(
    subject: Subject,
    sea: Measured | None,
    members: Sequence[Measured | None],
    causes: pa.Table,
    gathered: pa.Table,
    alpha: float,
) -> pa.Table:
    close = {
        row["class_id"]
        for row in gathered.to_pylist()
        if row["q_value"] <= alpha and row["kind"] != "numbers"
    }
    rows = []
    for rare, own in zip(subject.classes, members, strict=True):
        row: dict[str, object] = {"class_id": rare.class_id, "cause": NONE, "measured": 0}
        row["verdict"] = SUSPECT if rare.class_id in close else UNKNOWN if own is None else CLEAN
        if own is not None and sea is not None:
            n, usually = len(own.causes), sea.count(ANY) / len(sea.causes)
            share = own.count(ANY) / n
            low, high = exact_interval(own.count(ANY), n)
            excess = (share - usually) / (1 - usually) if usually < 1 else 0.0
            row |= {"measured": n, "spoiled": own.count(ANY), "share": share, "sea_share": usually}
            row |= {"share_low": low, "share_high": high, "excess": excess}
            enriched = {
                one["cause"]: one["members"]
                for one in causes.to_pylist()
                if one["class_id"] == rare.class_id and one["q_value"] <= alpha
            }
            named = {cause: members for cause, members in enriched.items() if cause != ANY}
            if ANY in enriched and named and excess >= HALF:
                first = max(named, key=lambda cause: named[cause])
                row |= {"verdict": INSTRUMENTAL, "cause": first}
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=CLASSES_SCHEMA)


def _sources_table(subject: Subject, sea: Measured, members: Sequence[Measured | None]) -> pa.Table:
    names = ["", *(rare.class_id for rare in subject.classes)]
    rows = [
        {
            "id_str": subject.ids[row],
            "class_id": name,
            "cause": cause,
            "sky": float(one.sky.max()),
            "range": one.range,
            "gradient": one.gradient,
            "saturated": one.saturated,
            "halo": one.halo,
            "band": one.band,
            "flat": one.flat,
            "column": one.column,
            "sharp": one.sharp,
            "repeated": one.repeated,
            "line": one.lines.line,
            "line_others": one.lines.others,
            "step": one.lines.step,
        }
        for name, own in zip(names, [sea, *members], strict=True)
        if own is not None
        for row, one, cause in zip(own.rows, own.found, own.causes, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=SOURCES_SCHEMA)
