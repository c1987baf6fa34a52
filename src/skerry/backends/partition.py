"""The graph of shared neighbors and its partitions, by scikit-network's Louvain.

The same bytes for the same input, whatever the number of threads.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from skerry.backends.edges import move_rows
from skerry.executors.local import map_ordered
from skerry.types import FloatArray, IntArray, RowArray

_SHARED_BLOCK = 2048

# The sources around a dense group have it as their neighbors, and it has none of them. Edges that
# count in full make them members; without these edges, chance groups stand out as rare ones do.
_UNRETURNED = 0.25


def shared_neighbors(indices: RowArray, edges: int, threads: int = 1) -> Any:
    """The symmetric sparse graph of each row's first ``edges`` neighbors, weighed by likeness.

    The weight is Jaccard's index of both rows' k neighbors: how many they share over how many
    they have together, itself left out; twice that where each is among the other's first, a
    quarter of it where only one of them is among the other's k. Rows that share none have no edge.

    Parameters
    ----------
    indices : int32 (n, k), the neighbors of each row, nearest first
    threads : that compare rows at a time

    Returns
    -------
    scipy.sparse.csr_matrix
        float32 (n, n).
    """
    from scipy.sparse import csr_matrix

    n = len(indices)
    near = np.sort(indices, axis=1)
    weights = np.empty((n, edges), dtype=np.float32)

    def weigh(start: int) -> None:
        part = slice(start, start + _SHARED_BLOCK)
        weights[part] = _likeness(near, indices[part, :edges], start)

    for _ in map_ordered(weigh, range(0, n, _SHARED_BLOCK), threads):
        pass
    starts = np.arange(0, n * edges + 1, edges)
    to = indices[:, :edges].ravel()
    graph = csr_matrix((weights.ravel(), to, starts), shape=(n, n))
    found = (graph + graph.T).tocsr()
    found.eliminate_zeros()
    found.sort_indices()
    return found


def _likeness(near: RowArray, to: RowArray, start: int) -> FloatArray:
    """Of the rows from ``start`` on and those that each leads to (m, edges): their weights.

    ``near`` are all rows' neighbors (n, k), each row's ascending.
    """
    k, m = near.shape[1], len(to)
    # the rows along the last axis, so that each comparison is of all of them
    own = np.ascontiguousarray(near[start : start + m].T)
    rows = np.arange(start, start + m, dtype=near.dtype)
    same = np.empty((k, m), dtype=bool)
    weights = np.empty(to.shape, dtype=np.float32)
    for edge, others in enumerate(to.T):
        theirs = np.ascontiguousarray(near[others].T)
        found = np.zeros((k, m), dtype=bool)
        for neighbor in own:
            found |= np.equal(theirs, neighbor, out=same)
        shared = found.sum(axis=0)
        factor = np.where((theirs == rows).any(axis=0), 1.0, _UNRETURNED)
        weights[:, edge] = factor * shared / (2 * k - shared)
    return weights


def among(graph: Any, rows: IntArray) -> Any:
    """The edges of a sparse graph (n, n) among some rows (m,), ascending: float32 (m, m).

    By itself scipy passes over all n columns for them.
    """
    from scipy.sparse import csr_matrix

    edges = graph[rows]
    to = np.searchsorted(rows, edges.indices)
    kept = np.flatnonzero(rows[np.minimum(to, len(rows) - 1)] == edges.indices)
    starts = np.searchsorted(kept, edges.indptr)
    return csr_matrix((edges.data[kept], to[kept], starts), shape=(len(rows), len(rows)))


def louvain(graph: Any, resolution: float) -> IntArray:
    """A partition of a symmetric sparse graph (n, n): for each row its community, int64 (n,).

    By scikit-network's Louvain, which visits rows in their order and draws nothing at random; its
    Leiden draws from the C library, whose state no seed given to it sets.
    """
    if not graph.nnz:
        return np.arange(graph.shape[0], dtype=np.int64)
    made = _louvain()
    found = made(resolution, return_probs=False, return_aggregate=False, sort_clusters=False)
    return np.unique(found.fit_predict(graph), return_inverse=True)[1].astype(np.int64)


@functools.cache
def _louvain() -> Any:
    """scikit-network's Louvain for graphs that are symmetric already, in half of its memory.

    By itself it adds the transpose first, and cuts weights that are not float64 to whole numbers.
    """
    from scipy.sparse import csr_matrix, identity
    from sknetwork.clustering import Louvain
    from sknetwork.utils.check import get_probs

    class Symmetric(Louvain):  # type: ignore[misc]
        def _pre_processing(self, graph: Any, force_bipartite: bool) -> tuple[Any, ...]:
            self._init_vars()
            n, total = graph.shape[0], graph.data.sum(dtype=np.float64)
            weights = get_probs("degree", graph)
            # in float32, to which every pass of it rounds them
            data = graph.data / np.float32(total)
            shares = csr_matrix((data, graph.indices, graph.indptr), (n, n), copy=False)
            return shares, weights, weights.copy(), identity(n, format="csr"), np.arange(n)

        def _optimize(self, labels: Any, graph: Any, weights: Any, _: Any) -> tuple[Any, float]:
            # rows weigh what columns do; an aggregated graph is of float64
            graph, weights = graph.astype(np.float32, copy=False), weights.astype(np.float32)
            labels = labels.astype(graph.indices.dtype)
            gained = move_rows(labels, graph, weights, self.resolution, self.tol_optimization)
            return labels, gained

    return Symmetric
