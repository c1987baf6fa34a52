"""Communities of the neighbor graph: groups of sources that few edges lead out of.

A rare class is a small group whose members are each other's neighbors. On the graph that is a
community: of all its edges few leave it. How few is normal depends on its size alone, so a class
is a community that far fewer leave than leave the others of its size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skerry.backends.edges import among, within
from skerry.backends.louvain import Shares, louvain, shares_of
from skerry.backends.shared import shared_neighbors
from skerry.config import ClassesConfig
from skerry.discover.candidates import largest_size
from skerry.discover.matching import membership_matrix
from skerry.executors.local import map_ordered
from skerry.progress import OnEvent, silent
from skerry.types import Candidate, DoubleArray, FloatArray, IntArray, NeighborGraph

SMALLEST = 10
"""The smallest community that is looked at, unless smaller ones are asked for."""

_FINEST = 1.6
_COARSEST = 1024
_LARGEST_SHARE = 0.05

FINDING = "finding communities"

APART = 2.0
"""The containment from which on a community may be a rare class; chance decides on it then."""

_PER_RESOLUTION = 12.0
_CLIP = 3.0
_ROUNDS = 20
_TO_SIGMA = 1.4826
_SLOPE, _SLOPE_ERROR = -0.48, 0.1
_SCATTER = 0.3
_WEIGHT = 20
_LEAST = 1e-6
_AT_ONCE = 2**20


@dataclass(frozen=True)
class Communities:
    """Every community of a graph of n sources, in partitions from fine to coarse.

    ``weights`` is the symmetric sparse graph (n, n), float32, and ``degree`` float64 (n,) the sums
    of its rows. ``groups`` are rows, int64 ascending, partition by partition, the finest first,
    none smaller than ``SMALLEST``; what is asked for beyond that comes last. ``containment``
    float64 is that of each, counted from the line that is ``usual``.
    """

    weights: Any
    degree: DoubleArray
    groups: list[IntArray]
    containment: DoubleArray
    usual: Usual

    def containment_of(self, groups: Sequence[IntArray]) -> DoubleArray:
        """The containment of any groups of rows, float64, in their order."""
        leaving = _conductances(self.weights, self.degree, groups)
        return self.usual.containment(_sizes(groups), leaving)

    def reaching(self, smallest: int, largest: int) -> Communities:
        """The same, and the partitions that hold smaller or larger ones than are there already.

        What is usual stays what it was, so that every containment is counted from one line.
        """
        n = len(self.degree)
        there = partition_sizes(n)
        wanted = [size for size in partition_sizes(n, smallest, largest) if size not in there]
        if not wanted:
            return self
        shares = shares_of(self.weights)
        more = [rows for size in wanted for rows in _groups(_partition(shares, size), smallest)]
        containment = np.concatenate([self.containment, self.containment_of(more)])
        return replace(self, groups=[*self.groups, *more], containment=containment)


@dataclass(frozen=True)
class Usual:
    """What is usual of communities: ln(conductance / (1 - conductance)) is ``start`` + ``slope``
    times ln(size), give or take ``scatter``."""

    start: float
    slope: float
    scatter: float

    def containment(self, size: DoubleArray, conductance: DoubleArray) -> DoubleArray:
        """How many times the usual scatter a conductance lies below what is usual of its size."""
        usual = self.start + self.slope * np.log(np.maximum(size, 1))
        return np.asarray((usual - _logit(conductance)) / self.scatter)


def communities(graph: NeighborGraph, at_once: int = 1, on_event: OnEvent = silent) -> Communities:
    """Partition a neighbor graph into communities of every size that a rare class may have.

    Edges lead to half of the graph's neighbors, the nearest, and weigh what share of all their
    neighbors two sources have in common, twice where they lead both ways (Jaccard's index; as
    PhenoGraph has it, Levine et al. 2015, Cell 162, 184; the likeness of Jarvis & Patrick 1973,
    IEEE Trans. Comput. C-22, 1025). A partition is the one that Louvain finds (Blondel et al.
    2008, J. Stat. Mech., P10008) at a resolution that gives communities of one size on average:
    the sizes are those of :func:`partition_sizes`.

    The conductance of a community is the share of its edges, by weight, that leaves it. On all
    partitions together its logit falls as a line with the logarithm of the size, with one
    scatter at all sizes; the line is fitted without those more than 3 robust standard deviations
    off. The containment is how many of these deviations a community lies below it.

    ``at_once`` partitions are made at a time, each on a thread, and as many threads weigh the
    edges and what leaves the communities: the same ones.
    """
    edges = max(1, graph.indices.shape[1] // 2)
    weights = shared_neighbors(graph.indices, edges, at_once)
    degree = np.asarray(weights.sum(axis=1, dtype=np.float64)).ravel()
    groups: list[IntArray] = []
    sizes = partition_sizes(len(degree))
    shares = shares_of(weights)
    made = map_ordered(lambda size: _partition(shares, size), sizes, min(at_once, len(sizes)))
    for done, labels in enumerate(made, start=1):
        groups += _groups(labels, SMALLEST)
        on_event(FINDING, done, len(sizes))
    leaving = _conductances(weights, degree, groups, at_once)
    usual = _usual(_sizes(groups), leaving)
    return Communities(weights, degree, groups, usual.containment(_sizes(groups), leaving), usual)


def partition_sizes(n: int, smallest: int = SMALLEST, largest: int = 0) -> list[float]:
    """The mean size of the communities of each partition of n sources that is made.

    16, and twice as many as often as they stay within 1,024 and within a twentieth of all
    sources, or within ``largest`` where that is more; before it half as many, as often as it
    takes to come down to 1.6 times ``smallest``.
    """
    sizes = [_FINEST * SMALLEST]
    while sizes[0] > _FINEST * smallest:
        sizes.insert(0, sizes[0] / 2)
    while 2 * sizes[-1] <= max(min(_COARSEST, _LARGEST_SHARE * n), largest):
        sizes.append(2 * sizes[-1])
    return sizes


def _partition(shares: Shares, size: float) -> IntArray:
    """A partition into communities of a mean size: that of each source, int64 (n,)."""
    return louvain(shares, len(shares.rows) / (_PER_RESOLUTION * size))


def _groups(labels: IntArray, smallest: int) -> list[IntArray]:
    """The communities of a partition that are not smaller than so many."""
    ends = np.cumsum(np.bincount(labels))[:-1]
    parts = np.split(np.argsort(labels, kind="stable"), ends)
    return [rows for rows in parts if len(rows) >= smallest]


def _sizes(groups: Sequence[IntArray]) -> DoubleArray:
    return np.array([len(rows) for rows in groups], dtype=np.float64)


def _conductances(
    weights: Any, degree: DoubleArray, groups: Sequence[IntArray], threads: int = 1
) -> DoubleArray:
    """The share of each group's edges, by weight, that leads out of it; they may overlap."""
    # the rows of every partition together would take more than the graph
    stretch = (np.cumsum(_sizes(groups)) // _AT_ONCE).astype(np.int64)
    ends = np.cumsum(np.bincount(stretch)).tolist() if len(groups) else []

    def leaving(part: tuple[int, int]) -> DoubleArray:
        belongs = membership_matrix(groups[slice(*part)], len(degree))
        rows, starts = belongs.indices.astype(np.int64), belongs.indptr.astype(np.int64)
        inside = within(weights, rows, starts)
        return np.asarray(1 - inside / np.maximum(belongs @ degree, _LEAST))

    found = map_ordered(leaving, zip([0, *ends], ends, strict=False), threads)
    return np.concatenate([np.empty(0), *found])


def _usual(sizes: DoubleArray, conductances: DoubleArray) -> Usual:
    """The line through most communities, drawn to what is typical where they are few.

    A survey of some hundred sources has too few communities of too few sizes to fix a line. So
    the slope is fitted as if it were known beforehand to be ``_SLOPE`` give or take
    ``_SLOPE_ERROR``, and the variance as if ``_WEIGHT`` more communities had been seen, of the
    scatter ``_SCATTER``. Of some hundred communities or more neither is felt.
    """
    if not len(sizes):
        return Usual(0.0, _SLOPE, _SCATTER)
    x, y = np.log(sizes), _logit(conductances)
    kept = np.ones(len(x), dtype=bool)
    known = (_SCATTER / _SLOPE_ERROR) ** 2
    for _ in range(_ROUNDS):
        away = x[kept] - x[kept].mean()
        slope = (float(away @ y[kept]) + known * _SLOPE) / (float(away @ away) + known)
        off = y - slope * x
        start = float(np.median(off[kept]))
        spread = _TO_SIGMA * float(np.median(np.abs(off[kept] - start)))
        n = int(kept.sum())
        scatter = math.sqrt((n * spread**2 + _WEIGHT * _SCATTER**2) / (n + _WEIGHT))
        before, kept = kept, np.abs(off - start) < _CLIP * scatter
        if np.array_equal(before, kept):
            break
    return Usual(start, slope, scatter)


def _logit(share: DoubleArray) -> DoubleArray:
    # of what no edge leaves, rounding would decide; edges weigh 1/59 or more
    inside = np.clip(share, _LEAST, 1 - _LEAST)
    return np.asarray(np.log(inside / (1 - inside)))


def contained(found: Communities, config: ClassesConfig) -> list[Candidate]:
    """The communities that may be a rare class: of their sizes, and ``APART`` from what is usual.

    Of communities that overlap, from one partition or several, the one of the largest
    containment is taken, then the next that overlaps with none taken.

    Returns
    -------
    list of Candidate
        The most contained first. ``members`` ascend; ``probability`` is the share of a member's
        edges, by weight, that stays within; ``persistence`` is 0, as no hierarchy is looked into.

    Raises
    ------
    InputError
        There are so few sources that no class may reach ``min_size``.
    """
    largest = largest_size(len(found.degree), config)
    found = found.reaching(config.min_size, largest)
    taken = np.zeros(len(found.degree), dtype=bool)
    candidates = []
    for i in np.argsort(-found.containment, kind="stable").tolist():
        rows = found.groups[i]
        if found.containment[i] < APART:
            break
        if config.min_size <= len(rows) <= largest and not taken[rows].any():
            taken[rows] = True
            candidates.append(Candidate(rows, _belonging(found, rows), 0.0))
    return candidates


def _belonging(found: Communities, rows: IntArray) -> FloatArray:
    edges = among(found.weights, rows)
    inside = np.asarray(edges.sum(axis=1, dtype=np.float64)).ravel()
    share = inside / np.maximum(found.degree[rows], _LEAST)
    return np.clip(share, np.finfo(np.float32).tiny, 1.0).astype(np.float32)
