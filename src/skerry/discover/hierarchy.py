"""HDBSCAN's hierarchy straight from the neighbor graph, without an embedding."""

from __future__ import annotations

import numpy as np

from skerry.backends import cpu
from skerry.discover.space import Space
from skerry.errors import InputError
from skerry.types import CondensedTree, DoubleArray, FloatArray, IntArray

_TINY = np.float32(1e-12)
_EDGES = 15
_ASKED = 64
"""Members of a piece that look for the way out of it."""


def graph_tree(space: Space, *, min_samples: int, min_size: int, largest: int) -> CondensedTree:
    """The condensed tree of the sources' mutual reachability on their neighbor graph.

    Distances are taken in units of the local scale: each is divided by the root of the product
    of both sources' scales in the graph (the self-tuning scale of Zelnik-Manor & Perona 2004,
    NIPS 17), so that a group stands out of its own surroundings,
    be they dense or sparse. The mutual reachability of two neighbors is the largest of their
    scaled distance and of each one's ``min_samples``-th smallest (Campello, Moulavi & Sander
    2013, definition 3); the tree is that of the minimum spanning tree of the edges to the 15
    nearest, condensed with ``min_size`` (McInnes & Healy 2017). Pieces that no edge joins are
    joined where they come nearest to a source outside; pieces of more than ``largest`` sources,
    which cannot be a class, at no density.

    Raises
    ------
    InputError
        The graph has fewer than ``min_samples`` neighbors.
    """
    indices, distances = space.graph.indices, space.graph.distances
    n, k = indices.shape
    if k < min_samples:
        raise InputError(
            f"the graph has {k} neighbors a source; clusters.min_samples = {min_samples} needs "
            "as many: raise neighbors.k or lower clusters.min_samples"
        )
    scale: FloatArray = np.sqrt(np.maximum(space.graph.scale, _TINY))
    indices = indices[:, : max(_EDGES, min_samples)]
    reach: FloatArray = distances[:, : indices.shape[1]] / scale[:, None]
    reach /= scale[indices]
    core: FloatArray = np.partition(reach, min_samples - 1, axis=1)[:, min_samples - 1].copy()
    np.maximum(reach, core[:, None], out=reach)
    np.maximum(reach, core[indices], out=reach)
    edges, piece = cpu.spanning_forest(indices, reach)
    del reach
    if piece.max(initial=0):
        edges = np.concatenate([edges, _joining(space, scale, core, piece, largest)])
    order = np.lexsort((edges[:, 1], edges[:, 0], edges[:, 2]))
    return cpu.condensed_tree(edges[order], n, min_size)


def _joining(
    space: Space, scale: FloatArray, core: FloatArray, piece: IntArray, largest: int
) -> DoubleArray:
    """One edge for each piece but the largest: to the nearest source outside, where small.

    Pieces are taken from the smallest, each with all that has been joined to it so far, and
    joined to a source outside, so that the edges make one tree.
    """
    sizes = np.bincount(piece)
    members = np.split(np.argsort(piece, kind="stable"), np.cumsum(sizes)[:-1])
    joined = _Groups(members)
    edges = []
    for small in np.argsort(sizes, kind="stable")[:-1].tolist():
        small_enough = joined.size(small) <= largest
        found = _way_out(space, scale, core, piece, joined, small) if small_enough else None
        if found is None:
            other = next(p for p in range(len(sizes)) if joined.find(p) != joined.find(small))
            found = float(members[small][0]), float(members[other][0]), np.inf
        joined.unite(small, int(piece[int(found[1])]))
        edges.append(found)
    return np.array(edges, dtype=np.float64).reshape(-1, 3)


def _way_out(
    space: Space,
    scale: FloatArray,
    core: FloatArray,
    piece: IntArray,
    joined: _Groups,
    small: int,
) -> tuple[float, float, float] | None:
    """The least mutual reachability from some of a piece's group to a source outside it."""
    group = joined.find(small)
    rows = joined.rows(group)
    asked = rows[np.unique(np.linspace(0, len(rows) - 1, _ASKED).astype(np.int64))]
    near, distances = space.near(asked, min(len(space) - 1, len(rows) + 8))
    pieces = np.unique(piece[near])
    inside = pieces[[joined.find(int(p)) == group for p in pieces]]
    scaled = distances / (scale[asked, None] * scale[near])
    reach = np.maximum(np.maximum(scaled, core[asked, None]), core[near])
    reach[np.isin(piece[near], inside)] = np.inf
    best = np.unravel_index(np.argmin(reach), reach.shape)
    if not np.isfinite(reach[best]):
        return None
    return float(asked[best[0]]), float(near[best]), float(reach[best])


class _Groups:
    """Which pieces have been joined, and what sources they hold (union-find)."""

    def __init__(self, members: list[IntArray]) -> None:
        self.up = list(range(len(members)))
        self.sizes = [len(rows) for rows in members]
        self.parts = [[rows] for rows in members]

    def find(self, i: int) -> int:
        while self.up[i] != i:
            self.up[i] = self.up[self.up[i]]
            i = self.up[i]
        return i

    def size(self, i: int) -> int:
        return self.sizes[self.find(i)]

    def rows(self, i: int) -> IntArray:
        return np.concatenate(self.parts[self.find(i)])

    def unite(self, i: int, j: int) -> None:
        i, j = self.find(i), self.find(j)
        self.up[i] = j
        self.sizes[j] += self.sizes[i]
        self.parts[j] += self.parts[i]
