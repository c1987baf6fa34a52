"""How the groups of one search split and merge in another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from skerry.answer import Plot, Series, array
from skerry.discover.matching import MATCH
from skerry.types import IntArray

SHARED = 0.5
"""The share of the smaller of two groups in the other from which on they are linked."""
LANES = 12
"""Classes in a figure, at most."""

KEPT, SPLIT, MERGED, SHRUNK, LOST, SIZE = (
    "kept",
    "split",
    "merged",
    "shrunk",
    "lost",
    "not allowed",
)


@dataclass(frozen=True)
class Link:
    """Two groups, one of each search by its number, and how many members they share."""

    one: int
    other: int
    shared: int


def links(one: Sequence[IntArray], other: Sequence[IntArray], n: int) -> list[Link]:
    """The pairs that share ``SHARED`` or more of the smaller's members.

    Groups of one search, int64 rows below ``n``, do not overlap.
    """
    of_one, of_other = _owner(one, n), _owner(other, n)
    both = (of_one >= 0) & (of_other >= 0)
    pairs, counts = np.unique(np.stack([of_one[both], of_other[both]]), axis=1, return_counts=True)
    found = []
    for (i, j), shared in zip(pairs.T.tolist(), counts.tolist(), strict=True):
        if shared >= SHARED * min(len(one[i]), len(other[j])):
            found.append(Link(i, j, shared))
    return found


def _owner(groups: Sequence[IntArray], n: int) -> IntArray:
    owner = np.full(n, -1, dtype=np.int64)
    for i, rows in enumerate(groups):
        owner[rows] = i
    return owner


def fate(rows: IntArray, found: Sequence[IntArray], overlap: float, allowed: bool, n: int) -> str:
    """What became of a group of sources in another search.

    ``kept``: a candidate overlaps it by ``MATCH`` (Jaccard) or more. Else ``not allowed``: no
    candidate may have its size. Else ``split``: two candidates or more lie in it by half of their
    members or more, and hold half of it together; ``merged``: half of it or more lies in a larger
    candidate; ``shrunk``: a candidate lies in it; ``lost``: none of these.
    """
    if overlap >= MATCH:
        return KEPT
    if not allowed:
        return SIZE
    touching = links([rows], found, n)
    parts = [k for k in touching if k.shared >= SHARED * len(found[k.other])]
    if len(parts) > 1 and sum(part.shared for part in parts) >= SHARED * len(rows):
        return SPLIT
    if any(k.shared >= SHARED * len(rows) and len(found[k.other]) > len(rows) for k in touching):
        return MERGED
    return SHRUNK if parts else LOST


@dataclass(frozen=True)
class Node:
    """A candidate of the ``column``-th search, by its number there; ``lane`` is the class that it
    shares most members with, -1 for none."""

    column: int
    number: int
    size: int
    lane: int


@dataclass(frozen=True)
class Lineage:
    """Searches along one setting: the candidates of each, and the links of each to the next."""

    name: str
    values: tuple[float, ...]
    own: float
    nodes: tuple[Node, ...]
    links: tuple[tuple[Link, ...], ...]


def lineage(
    name: str,
    values: Sequence[float],
    own: float,
    found: Sequence[Sequence[IntArray]],
    classes: Sequence[IntArray],
    n: int,
) -> Lineage:
    """The lineage of the candidates ``found`` with each of ``values``, ascending."""
    nodes = []
    for column, there in enumerate(found):
        lane, most = [-1] * len(there), [0] * len(there)
        for link in links(classes, there, n):
            if link.shared > most[link.other]:
                lane[link.other], most[link.other] = link.one, link.shared
        nodes += [Node(column, i, len(rows), lane[i]) for i, rows in enumerate(there)]
    linked = [tuple(links(a, b, n)) for a, b in pairwise(found)]
    return Lineage(name, tuple(values), own, tuple(nodes), tuple(linked))


def lineage_plot(lineage: Lineage, class_ids: Sequence[str]) -> Plot:
    """The candidates that share members with the first classes, a lane each, and their links."""
    shown = min(LANES, len(class_ids))
    place: dict[tuple[int, int], float] = {}
    for column in range(len(lineage.values)):
        for lane in range(shown):
            here = [n for n in lineage.nodes if n.column == column and n.lane == lane]
            here.sort(key=lambda node: (-node.size, node.number))
            for i, node in enumerate(here):
                # the largest on top, the lane shared evenly
                place[column, node.number] = (
                    shown - 1 - lane + (0.6 * (0.5 - (i + 0.5) / len(here)) if here[1:] else 0.0)
                )
    series = [_segments(lineage, place)]
    for lane in range(shown):
        own = [n for n in lineage.nodes if n.lane == lane]
        series.append(
            Series(
                "points",
                array([node.column for node in own]),
                array([place[node.column, node.number] for node in own]),
                text=tuple(str(node.size) for node in own),
            )
        )
    counts = [sum(n.column == c for n in lineage.nodes) for c in range(len(lineage.values))]
    word = lineage.name
    return Plot(
        f"What becomes of each class as {word} varies, all else as in the run (dashed: its own "
        f"value). A point is a candidate with the number of its members, in the lane of the class "
        f"it shares most with; a line joins candidates of neighboring settings that share half or "
        f"more of the smaller. A class splits where several points follow one, merges where lines "
        f"of two lanes meet, and is lost where its lane ends. In brackets: candidates in all, most "
        f"of which may be of no class.",
        word,
        "",
        tuple(series),
        x_ticks=tuple(f"{v:g} ({k})" for v, k in zip(lineage.values, counts, strict=True)),
        y_ticks=tuple(class_ids[:shown][::-1]),
        at_x=(float(lineage.values.index(lineage.own)),),
    )


def _segments(lineage: Lineage, place: dict[tuple[int, int], float]) -> Series:
    ends = [
        (column, place[column, link.one], column + 1, place[column + 1, link.other])
        for column, linked in enumerate(lineage.links)
        for link in linked
        if (column, link.one) in place and (column + 1, link.other) in place
    ]
    x, y, low, high = (array([end[i] for end in ends]) for i in range(4))
    return Series("segments", x, y, low=low, high=high)
