"""Adding vectors to an exact neighbor graph: the graph that a search of all would have made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skerry.config import NeighborsConfig
from skerry.discover.compared import pair_distances
from skerry.discover.neighbors import NeighborSearch
from skerry.progress import OnEvent, silent
from skerry.types import DoubleArray, FloatArray, IntArray, NeighborGraph

_BYTES = 2**26
_WHAT = "nearest neighbors"


@dataclass(frozen=True)
class KnownGraph:
    """The exact graph of some of the vectors: ``rows`` (n,) int64, ascending, says which.

    ``indices`` int64 are rows of all vectors, ``distances`` float32, both (n, k).
    """

    rows: IntArray
    indices: IntArray
    distances: FloatArray


def joined_graph(
    search: NeighborSearch,
    known: KnownGraph,
    config: NeighborsConfig,
    *,
    on_event: OnEvent = silent,
) -> NeighborGraph:
    """The graph of all vectors of an exact search, where that of some of them is known.

    The vectors known are compared only with the m others, these with all: of n vectors some
    2 n m pairs and not n^2. Byte for byte what :func:`neighbor_graph` gives: of each vector the
    nearest by distance, then by row, whichever way they were found. ``known`` has
    ``config.k`` neighbors of each.
    """
    n, k = len(search.vectors), config.k
    indices = np.empty((n, k), dtype=np.int32)
    distances = np.empty((n, k), dtype=np.float32)
    others = np.setdiff1d(np.arange(n), known.rows, assume_unique=True)
    done = 0

    def advanced(rows: int) -> None:
        nonlocal done
        done += rows
        on_event(_WHAT, done, n)

    for start in range(0, len(others), search.block):
        rows = others[start : start + search.block]
        indices[rows], distances[rows] = search.find(rows, k)
        advanced(len(rows))
    compare = _Nearer(search.vectors, others)
    step = max(1, min(search.block, _BYTES // (4 * max(1, len(others)))))
    for start in range(0, len(known.rows), step):
        part = slice(start, start + step)
        rows, old = known.rows[part], known.distances[part]
        pairs = compare(rows, old[:, -1])
        indices[rows], distances[rows] = _merged(known.indices[part], old, *pairs)
        advanced(len(rows))
    return NeighborGraph(indices, distances, search.recall)


class _Nearer:
    """Finds which of some vectors are as near to others as a bound."""

    def __init__(self, vectors: FloatArray, among: IntArray) -> None:
        self.vectors, self.among = vectors, among
        # squares are rounded in proportion to the squared norms: those of centered vectors are
        # small; any center will do, as what is kept is compared again
        self.center = vectors[among].mean(axis=0, dtype=np.float64) if len(among) else 0.0
        self.points, self.squares = self._centered(among)

    def _centered(self, rows: IntArray) -> tuple[FloatArray, DoubleArray]:
        moved = (self.vectors[rows] - self.center).astype(np.float32)
        return moved, np.einsum("ij,ij->i", moved, moved, dtype=np.float64)

    def __call__(self, rows: IntArray, bound: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
        """The pairs no farther apart than each row's bound (m,), by row, then distance, then row.

        Returns
        -------
        at : int64 (p,), positions in ``rows``
        others : int64 (p,), rows of the vectors
        distances : float32 (p,)
        """
        moved, squares = self._centered(rows)
        limit = bound.astype(np.float64)
        # x.y and the sums are rounded by less than (d + 16) eps (|x| + |y|)^2, where what is
        # within the bound has |y| < |x| + bound; with it the rounding of the centered vectors
        eps = float(np.finfo(np.float32).eps)
        doubt = (moved.shape[1] + 16) * eps * (2 * np.sqrt(squares) + limit) ** 2
        most = (limit**2 * (1 + 4 * eps) + doubt - squares).astype(np.float32)
        sums = moved @ self.points.T
        sums *= -2
        sums += self.squares.astype(np.float32)
        at, found = np.nonzero(sums <= most[:, None])
        others = self.among[found]
        exact = pair_distances(self.vectors, rows[at], others)
        kept = exact <= bound[at]
        at, others, exact = at[kept], others[kept], exact[kept]
        order = np.lexsort((others, exact, at))
        return at[order], others[order], exact[order]


def _merged(
    indices: IntArray, distances: FloatArray, at: IntArray, others: IntArray, found: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Rows of neighbors and of distances, both (m, k), with further pairs among them."""
    m, k = indices.shape
    counts = np.bincount(at, minlength=m)
    place = np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)
    fits = place < k
    at, others, found, place = at[fits], others[fits], found[fits], place[fits]
    width = min(int(counts.max(initial=0)), k)
    more = np.full((m, width), np.iinfo(np.int64).max)
    far = np.full((m, width), np.inf, dtype=np.float32)
    more[at, place], far[at, place] = others, found
    candidates = np.concatenate([indices, more], axis=1)
    lengths = np.concatenate([distances, far], axis=1)
    order = np.lexsort((candidates, lengths), axis=1)[:, :k]
    nearest = np.take_along_axis(lengths, order, axis=1)
    return np.take_along_axis(candidates, order, axis=1), nearest
