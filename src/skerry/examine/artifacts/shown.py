"""What is found of classes and their images, in words and as a figure."""

from __future__ import annotations

from collections.abc import Sequence

from skerry.answer import Plot, Series, array
from skerry.examine.artifacts.causes import CAUSES, NONE
from skerry.examine.artifacts.measured_classes import ANY, Measured
from skerry.examine.subject import Subject

INSTRUMENTAL, SUSPECT, CLEAN, UNKNOWN = "instrumental", "gathered", "no sign", "not measured"
"""Verdicts of a class: most of it is spoiled; it gathers, which its images do not explain; neither;
none of its images can be measured."""
SHOWN = 25
"""Rows of the figure."""

Row = dict[str, object]


def sentence(rows: Sequence[Row], sea: Measured | None) -> str:
    """The answer in one: of ``rows`` of the main table, and the sea if it was measured."""
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
        f"their images showing why. Of {len(sea.causes):,} sources in no class, {sea.count(ANY):,} "
        f"({sea.count(ANY) / len(sea.causes):.1%}) show a cause."
    )


def of_class(
    row: Row,
    causes: Sequence[Row],
    gathered: Sequence[Row],
    alpha: float,
) -> str:
    """What is said of the class of a ``row``, with its rows of both other tables."""

    def found(one: Row) -> bool:
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
    own = [one for one in causes if one["class_id"] == row["class_id"] and one["members"]]
    kinds = [one for one in own if one["cause"] != ANY]
    kinds.sort(key=lambda one: -int(str(one["members"])))
    listed = ", ".join(f"{one['cause']} {one['members']}" for one in kinds[:3])
    if row["verdict"] == INSTRUMENTAL:
        cause = str(row["cause"])
        return f"Instrumental, by {cause} ({CAUSES[cause]}): {seen}: {listed}.{also}"
    enriched = any(found(one) for one in own)
    more = f", more than the sea: {listed}" if enriched else ""
    return f"No sign that most of it is instrumental: {seen}{more}.{also}"


def _where(one: Row) -> str:
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


def plot(subject: Subject, sea: Measured, members: Sequence[Measured | None]) -> Plot:
    """Classes by causes, in per cent."""
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
        (
            Series(
                "cells",
                array([len(held), len(columns)]),
                array(shares),
                text=tuple(f"{share:.0f}" if share else "" for share in shares),
            ),
        ),
        x_ticks=tuple(columns),
        y_ticks=tuple(name for name, _ in held),
    )
