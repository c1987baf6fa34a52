"""Is a class made by the instrument or by its processing, and by what?

Two kinds of evidence. What the pixels show of each member, named by rules, against the same rules
on sources in no class; and whether members gather in a detector, a brick, an exposure or a part of
the sky, or differ in seeing or depth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from skerry.answer import Answer, Plot, Series, array
from skerry.errors import CannotAnswerError
from skerry.examine.causes import CAUSES, NONE, Usual, cause_of, usual
from skerry.examine.gatherings import gatherings
from skerry.examine.pixels import Evidence, evidence_of
from skerry.examine.settings import ExamineConfig
from skerry.examine.statistics import exact_interval, q_values
from skerry.examine.subject import Subject
from skerry.types import IntArray

QUESTION = "artifacts"
SEA = 400
"""Sources in no class that are measured, at random."""
MOST_MEMBERS = 400
"""Members of a class that are measured, at random where there are more."""
FEWEST = 20
"""Sources in no class, with fewer of which nothing is told of what is usual."""
HALF = 0.5
"""Share of members spoiled beyond the sea's, from which a class is instrumental."""
SHOWN = 25

INSTRUMENTAL, SUSPECT, CLEAN, UNKNOWN = "instrumental", "gathered", "no sign", "not measured"

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
"""One row a class and cause: members with it against the sea, Fisher's exact test, one-sided;
``q_value`` over all rows."""

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


@dataclass(frozen=True)
class _Measured:
    """Rows of sources that were measured, what was found, and its cause."""

    rows: tuple[int, ...]
    found: tuple[Evidence, ...]
    causes: tuple[str, ...]

    @property
    def spoiled(self) -> int:
        return sum(cause != NONE for cause in self.causes)


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
    measured = _all_measured(subject, settings, notes)
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
        _sentence(rows, sea),
        CAVEAT,
        tables,
        plots=(_plot(subject, sea, members),) if sea is not None else (),
        of_class={
            row["class_id"]: _of_class(
                row, causes.to_pylist(), gathered.to_pylist(), settings.alpha
            )
            for row in rows
        },
        notes=tuple(notes),
    )


def _all_measured(
    subject: Subject, settings: ExamineConfig, notes: list[str]
) -> tuple[_Measured, list[_Measured | None]] | None:
    """The sea and each class; None, with a note, where the images say nothing."""
    if subject.images is None:
        notes.append("The run began with representations: it has no images to look at.")
        return None
    rng = np.random.default_rng(settings.seed)
    sea = _evidence(subject, _some(subject, np.flatnonzero(subject.label < 0), SEA, rng))
    if len(sea) < FEWEST:
        notes.append(
            f"Only {len(sea)} sources in no class have an image that can be measured; {FEWEST} or "
            "more are needed to know what is usual."
        )
        return None
    norm = usual(list(sea.values()))
    members: list[_Measured | None] = []
    for rows in subject.members:
        found = _evidence(subject, _some(subject, rows, MOST_MEMBERS, rng))
        members.append(_measured(found, norm) if found else None)
    if next(iter(sea.values())).gray:
        notes.append(
            "Images show one band: lines are told by a star's halo alone, and neither cosmic rays "
            "nor missing bands can be."
        )
    return _measured(sea, norm), members


def _some(subject: Subject, rows: IntArray, most: int, rng: np.random.Generator) -> list[int]:
    """So many of the rows at random, whatever their order; in that of their ids."""
    named = sorted(rows.tolist(), key=lambda row: subject.ids[row])
    if len(named) > most:
        picked = np.sort(rng.choice(len(named), most, replace=False)).tolist()
        named = [named[i] for i in picked]
    return named


def _evidence(subject: Subject, rows: Sequence[int]) -> dict[int, Evidence]:
    """By row, of images that can be read and are large enough."""
    assert subject.images is not None
    found = {}
    images = subject.images([subject.ids[row] for row in rows])
    for row, (_, pixels) in zip(rows, images, strict=True):
        one = None if pixels is None else evidence_of(pixels)
        if one is not None:
            found[row] = one
    return found


def _measured(found: dict[int, Evidence], norm: Usual) -> _Measured:
    causes = tuple(cause_of(one, norm) for one in found.values())
    return _Measured(tuple(found), tuple(found.values()), causes)


def _causes_table(
    subject: Subject, sea: _Measured | None, members: Sequence[_Measured | None]
) -> pa.Table:
    from scipy.stats import fisher_exact

    rows = []
    for rare, own in zip(subject.classes, members, strict=True):
        if sea is None or own is None:
            continue
        for cause in CAUSES:
            n, here = len(own.causes), own.causes.count(cause)
            m, there = len(sea.causes), sea.causes.count(cause)
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
    sea: _Measured | None,
    members: Sequence[_Measured | None],
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
            n, usually = len(own.causes), sea.spoiled / len(sea.causes)
            share = own.spoiled / n
            low, high = exact_interval(own.spoiled, n)
            excess = (share - usually) / (1 - usually) if usually < 1 else 0.0
            row |= {"measured": n, "spoiled": own.spoiled, "share": share, "sea_share": usually}
            row |= {"share_low": low, "share_high": high, "excess": excess}
            enriched = [
                one
                for one in causes.to_pylist()
                if one["class_id"] == rare.class_id and one["q_value"] <= alpha
            ]
            if enriched and excess >= HALF:
                first = max(enriched, key=lambda one: one["members"])
                row |= {"verdict": INSTRUMENTAL, "cause": first["cause"]}
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=CLASSES_SCHEMA)


def _sources_table(
    subject: Subject, sea: _Measured, members: Sequence[_Measured | None]
) -> pa.Table:
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


def _sentence(rows: Sequence[dict[str, object]], sea: _Measured | None) -> str:
    made = [row for row in rows if row["verdict"] == INSTRUMENTAL]
    close = sum(row["verdict"] == SUSPECT for row in rows)
    if sea is None:
        return (
            f"{close} of {len(rows)} classes gather in a detector, an exposure or a part of the "
            "sky; their images could not be looked at."
        )
    named = ", ".join(f"{row['class_id']} ({row['cause']})" for row in made)
    return (
        f"{len(made)} of {len(rows)} classes are instrumental{': ' if made else ''}{named}. "
        f"{close} more gather in a detector, an exposure or a part of the sky without most of "
        f"their images showing why. Of {len(sea.causes):,} sources in no class, {sea.spoiled:,} "
        f"({sea.spoiled / len(sea.causes):.1%}) show a cause."
    )


def _of_class(
    row: dict[str, object],
    causes: Sequence[dict[str, object]],
    gathered: Sequence[dict[str, object]],
    alpha: float,
) -> str:
    def found(one: dict[str, object]) -> bool:
        return one["class_id"] == row["class_id"] and float(str(one["q_value"])) <= alpha

    where = [_where(one) for one in gathered if found(one)]
    also = f" Its members {'; '.join(where)}." if where else ""
    if row["verdict"] == UNKNOWN:
        return f"None of its images could be measured.{also}"
    if not row["measured"]:
        return also.strip() or "Its members gather nowhere that was looked at."
    seen = (
        f"{row['spoiled']} of {row['measured']} members show a cause ({row['share']:.0%}, 95% "
        f"interval {row['share_low']:.0%} to {row['share_high']:.0%}; of the sea "
        f"{row['sea_share']:.1%})"
    )
    kinds = [one for one in causes if found(one)]
    kinds.sort(key=lambda one: -int(str(one["members"])))
    listed = ", ".join(f"{one['cause']} {one['members']}" for one in kinds[:3])
    if row["verdict"] == INSTRUMENTAL:
        cause = str(row["cause"])
        return f"Instrumental, by {cause} ({CAUSES[cause]}): {seen}: {listed}.{also}"
    more = f", more than the sea of {listed}" if listed else ""
    return f"No sign that it is instrumental in its images: {seen}{more}.{also}"


def _where(one: dict[str, object]) -> str:
    statistic, expected = float(str(one["statistic"])), float(str(one["expected"]))
    if one["kind"] == "numbers":
        side = "higher" if statistic > 0 else "lower"
        return f"have {side} {one['column']} (Cliff's delta {statistic:+.2f})"
    if one["kind"] == "sky":
        return f"lie {statistic:.3g} arcmin from the next one, {expected:.3g} by chance"
    return (
        f"gather in {one['column']} ({one['most']}; {statistic:.0f} pairs share one, "
        f"{expected:.1f} by chance)"
    )


def _plot(subject: Subject, sea: _Measured, members: Sequence[_Measured | None]) -> Plot:
    held = [("sea", sea)] + [
        (rare.class_id, own)
        for rare, own in zip(subject.classes, members, strict=True)
        if own is not None
    ]
    held = held[:SHOWN]
    columns = [*CAUSES, NONE]
    shares = [
        100 * own.causes.count(cause) / len(own.causes) for _, own in held for cause in columns
    ]
    return Plot(
        "Share of the members of each class, in per cent, whose images show each cause; the first "
        f"row is {len(sea.causes)} sources in no class. At most {SHOWN - 1} classes are drawn.",
        "",
        "",
        (Series("cells", array([len(held), len(columns)]), array(shares)),),
        x_ticks=tuple(columns),
        y_ticks=tuple(name for name, _ in held),
    )
