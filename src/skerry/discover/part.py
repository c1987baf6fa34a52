"""The part of a large survey that UMAP is fitted on, and the places of all others.

A random part of a million sources loses a class of 50. This part keeps some of every community of
the neighbor graph, and enough of those that may be a rare class. Each other source is stood for by
one of the part that lies near it, so that the part's graph is the whole one, folded together: no
second neighbor graph is made, and a group is no denser beside its surroundings than it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from skerry.backends import cpu
from skerry.config import Config
from skerry.discover.communities import APART, SMALLEST, Communities
from skerry.discover.matching import membership_matrix
from skerry.discover.space import Space
from skerry.types import DoubleArray, FloatArray, IntArray, NeighborGraph, RowArray

_BLOCK = 2**14
_FARTHEST = 50.0


@dataclass(frozen=True)
class Part:
    """``rows``, int64 ascending, are fitted; ``stands`` int64 (n,) is for each source the position
    among them of the one that stands for it, its own where it is one of them."""

    rows: IntArray
    stands: IntArray

    @property
    def counts(self) -> IntArray:
        """How many sources each of ``rows`` stands for, itself included."""
        return np.bincount(self.stands, minlength=len(self.rows))


def part_of(space: Space, share: float) -> Part:
    """A part that has ``share`` of the sources, or somewhat more, and loses no group by chance.

    Every community that is ``APART`` from what is usual keeps that share of its sources, rounded
    up, and no fewer than ``SMALLEST``: one that small is kept whole. Of those that overlap the
    most contained counts, as in the search. Of all other sources each of the finest communities
    keeps the share, and one at least, and what is in none is kept. Within a community the first in
    the order of rows are kept: where rows are in canonical order, a fair sample of it.

    A source is stood for by the nearest of its neighbors that is kept, or else by the one that
    stands for the nearest that has one; by one of its own community wherever a chain of neighbors
    within it leads to one. What no chain leads out of is kept.

    Parameters
    ----------
    space : its rows in canonical order, so that the part depends on none that they came in
    share : from 0 to 1
    """
    label, n_apart = _strata(space.communities)
    kept = _kept(label, n_apart, share)
    leader = _leaders(space.graph.indices, kept, label)
    rows = np.flatnonzero(leader == np.arange(len(leader))).astype(np.int64)
    return Part(rows, np.searchsorted(rows, leader).astype(np.int64))


def at_same_share(config: Config, seen: int, n: int) -> Config:
    """The settings by which UMAP is fitted on the same share of ``seen`` sources as of n.

    A search of featureless data, or of a random part, is a fair stand-in only if what it looks at
    was compressed the same way.
    """
    bound = config.embedding.whole_below
    if n <= bound:
        return config
    return replace(config, embedding=replace(config.embedding, whole_below=bound * seen // n))


def _strata(found: Communities) -> tuple[IntArray, int]:
    """For each source the group that it is thinned within, -1 for none, and how many of these
    groups, the first, are apart from what is usual."""
    apart = np.full(len(found.degree), -1, dtype=np.int64)
    number = 0
    for i in np.argsort(-found.containment, kind="stable").tolist():
        if found.containment[i] < APART:
            break
        if (apart[found.groups[i]] < 0).all():
            apart[found.groups[i]] = number
            number += 1
    finest = np.full_like(apart, -1)
    for i, rows in enumerate(found.groups):
        # they come partition by partition, the finest first
        if (finest[rows] >= 0).any():
            break
        finest[rows] = number + i
    return np.where(apart >= 0, apart, finest), number


def _kept(label: IntArray, n_apart: int, share: float) -> npt.NDArray[np.bool_]:
    order = np.argsort(label, kind="stable")
    order = order[label[order] >= 0]
    group, start, size = np.unique(label[order], return_index=True, return_counts=True)
    least = np.minimum(size, np.where(group < n_apart, SMALLEST, 1))
    wanted = np.maximum(np.ceil(share * size), least)
    rank = np.arange(len(order)) - np.repeat(start, size)
    kept = label < 0
    kept[order[rank < np.repeat(wanted, size)]] = True
    return kept


def _leaders(indices: RowArray, kept: npt.NDArray[np.bool_], label: IntArray) -> IntArray:
    """For each row the kept row that stands for it."""
    leader = np.where(kept, np.arange(len(kept)), -1).astype(np.int64)
    for within in (True, False):
        waiting = np.flatnonzero(leader < 0)
        while len(waiting):
            near = indices[waiting]
            usable = leader[near] >= 0
            if within:
                usable &= label[near] == label[waiting, None]
            reached = usable.any(axis=1)
            if not reached.any():
                break
            first = usable.argmax(axis=1)[reached]
            leader[waiting[reached]] = leader[near[reached, first]]
            waiting = waiting[~reached]
    alone = leader < 0
    leader[alone] = np.flatnonzero(alone)
    return leader


def folded(fuzzy: Any, part: Part) -> Any:
    """UMAP's graph (n, n) of all sources as one of the part's: sparse (m, m), symmetric but for
    rounding.

    An edge weighs what edges lead between the sources that the two stand for, for each of those
    of the one that stands for more, and 1 at most, as UMAP's own do.
    """
    order = np.argsort(part.stands, kind="stable")
    members = membership_matrix(
        np.split(order, np.cumsum(part.counts)[:-1]), len(part.stands)
    ).astype(np.float32)
    between = (members @ fuzzy.tocsr() @ members.T).tocsr()
    between.setdiag(0)
    between.eliminate_zeros()
    between.sort_indices()
    edges, counts = between.tocoo(), part.counts
    larger = np.maximum(counts[edges.row], counts[edges.col])
    edges.data = np.minimum(edges.data / larger, 1).astype(np.float32)
    return edges


def placed(coordinates: FloatArray, part: Part, graph: NeighborGraph) -> FloatArray:
    """The coordinates of all n sources from those of the part: float32 (n, d).

    A source goes to the mean of its neighbors that have a place, weighed by UMAP's membership
    exp(-(d - rho) / sigma) (McInnes, Healy & Melville 2018, section 3.1), sigma and rho as among
    its neighbors in ``graph``, times how many sources each stands for. Those that have no
    such neighbor wait until one has been placed. umap-learn's ``transform`` begins alike, but looks
    for neighbors in the part alone, which lie farther away, and then moves the new sources for
    some epochs.

    Parameters
    ----------
    coordinates : float32 (m, d), in the order of ``part.rows``
    """
    n = len(part.stands)
    found = np.zeros((n, coordinates.shape[1]))
    found[part.rows] = coordinates
    counts = np.zeros(n)
    counts[part.rows] = part.counts
    known = counts > 0
    rho, sigma = cpu.local_scales(graph.distances)
    while not known.all():
        waiting = np.flatnonzero(~known)
        # what is placed in this round serves only the next: no block depends on another
        now = [_means(waiting[s : s + _BLOCK], found, known, counts, graph, rho, sigma)
               for s in range(0, len(waiting), _BLOCK)]  # fmt: skip
        reached = np.concatenate([rows for rows, _ in now])
        found[reached] = np.concatenate([means for _, means in now])
        known[reached], counts[reached] = True, 1
    return found.astype(np.float32)


def _means(
    rows: IntArray,
    found: DoubleArray,
    known: npt.NDArray[np.bool_],
    counts: DoubleArray,
    graph: NeighborGraph,
    rho: FloatArray,
    sigma: FloatArray,
) -> tuple[IntArray, DoubleArray]:
    """Those of some rows with a neighbor in its place, and the weighted means of these."""
    rows = rows[known[graph.indices[rows]].any(axis=1)]
    near = graph.indices[rows]
    away = (graph.distances[rows].astype(np.float64) - rho[rows, None]) / sigma[rows, None]
    weights = np.exp(-np.clip(away, 0, _FARTHEST)) * counts[near]
    weights /= weights.sum(axis=1, keepdims=True)
    return rows, np.einsum("nk,nkd->nd", weights, found[near])
