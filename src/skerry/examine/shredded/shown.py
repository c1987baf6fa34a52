"""What is found of pairs and pieces, in words and as a figure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skerry.answer import Plot, Series, array
from skerry.examine.shredded.close_pairs import Clustering
from skerry.examine.shredded.overlap import TURNS
from skerry.examine.shredded.seen_pairs import (
    APART,
    DARK,
    MATCHED,
    ONE,
    ONE_BODY,
    OTHER_SKY,
    UNKNOWN,
    WHITE,
    Pair,
    Placed,
)
from skerry.examine.statistics import exact_interval
from skerry.examine.subject import Subject

Row = dict[str, object]


def sentence(n: int, rows: Sequence[Row], pairs: Sequence[Pair], survey: Clustering) -> str:
    """The answer in one: of ``n`` sources, the ``rows`` of pieces, and pairs."""
    galaxies = len({row["parent_id"] for row in rows})
    low, high = exact_interval(len(rows), n)
    apart = sum(pair.found == APART for pair in pairs)
    other = sum(pair.found == OTHER_SKY for pair in pairs)
    whole = _number(galaxies, "galaxy", "galaxies")
    return (
        f"{len(rows):,} of {n:,} sources ({len(rows) / n:.2%}, 95% interval {low:.2%} to "
        f"{high:.2%}) are pieces of {whole}: {galaxies:,} named as parents, "
        f"{len(rows) - galaxies:,} flagged as fragments. Of {_number(len(pairs), 'pair')} whose "
        f"cutouts overlap, {apart:,} show the same sky with separate light, {other:,} another sky. "
        f"{_number(survey.pairs, 'pair')} closer than half a cutout, {survey.expected:.1f} by "
        f"chance (p = {survey.p:.2g})."
    )


def of_class(rows: Sequence[Row], size: int, found: Clustering, crowded: bool) -> str:
    """What is said of a class of ``size`` with these pieces; ``crowded``: beyond chance."""
    close = (
        f"Its members make {_number(found.pairs, 'pair')} closer than half a cutout, "
        f"{found.expected:.1f} expected of as many sources drawn at random (p = {found.p:.2g})."
    )
    if not rows:
        return f"None of {size} members is a piece of a shredded galaxy. {close}"
    low, high = exact_interval(len(rows), size)
    galaxies = len({row["parent_id"] for row in rows})
    said = (
        f"{len(rows)} of {size} members ({low:.0%} to {high:.0%}) are pieces of "
        f"{_number(galaxies, 'shredded galaxy', 'shredded galaxies')}. {close}"
    )
    if 2 * len(rows) > size and crowded:
        return f"It is a class of fragments, which the catalog made. {said}"
    return said


def notes_of(
    subject: Subject,
    sources: Placed,
    pairs: Sequence[Pair],
    turn: tuple[int, int],
    left_out: int,
    copies: int,
) -> list[str]:
    """What was left out, and how cutouts were taken to lie."""
    missing = len(subject) - len(sources.ids)
    unknown = sum(pair.found == UNKNOWN for pair in pairs)
    white = sum(pair.found == WHITE for pair in pairs)
    left, up = "west" if turn[0] < 0 else "east", "south" if turn[1] < 0 else "north"
    said = {
        f"{_number(missing, 'source')} without a position or a pixel scale left out.": missing,
        f"{_number(left_out, 'pair')} more not compared: only the closest were.": left_out,
        f"{_number(unknown, 'pair')} with too little in common, or a cutout that cannot be "
        "read.": unknown,
        f"{_number(white, 'pair')} displayed so bright that no dip would be seen between them: not "
        "called one galaxy.": white,
        f"Cutouts were taken to have {left} at the left and {up} at the top, since more pairs "
        "agree so.": turn != TURNS[0],
        f"{_number(copies, 'source')} more with the very image of another: one galaxy recorded "
        "twice, or an image written twice. The table has them in the role 'copy'.": copies,
    }
    return [words for words, holds in said.items() if holds]


def plot(pairs: Sequence[Pair]) -> Plot:
    """Match against light left, of every pair."""
    drawn = []
    for name in (ONE, APART, OTHER_SKY, DARK, WHITE):
        held = [p for p in pairs if p.found == name and np.isfinite(p.match)]
        if held:
            shown = [p.between if np.isfinite(p.between) else 0.0 for p in held]
            drawn.append(Series("points", array([p.match for p in held]), array(shown), name))
    null = [p.null for p in pairs if np.isfinite(p.null)]
    if null:
        at = np.full(len(null), -0.05)
        drawn.append(Series("points", array(null), at, "another cutout in its place (null)"))
    return Plot(
        "Each pair whose cutouts overlap: how well the common part of both agrees "
        "after the shift that positions give, and how much of the fainter one's light is left "
        "between them (0 where the sky differs). Pieces of one galaxy lie beyond both lines. The "
        "row below 0 is the same with another source's cutout in the place of one.",
        "correlation of the common part",
        "share of light left between",
        tuple(drawn),
        at_x=(MATCHED,),
        at_y=(ONE_BODY,),
    )


def _number(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"
