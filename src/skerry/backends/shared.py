"""The graph of shared neighbors."""

from __future__ import annotations

from typing import Any

import numpy as np

from skerry.backends.compiled import compiled
from skerry.executors.local import map_ordered
from skerry.types import FloatArray, RowArray

# The sources around a dense group have it as their neighbors, and it has none of them. Edges that
# count in full make them members; without these edges, chance groups stand out as rare ones do.
_UNRETURNED = 0.25

_BLOCK = 2**17


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
        float32 (n, n). The same bytes whatever the number of threads.

    Raises
    ------
    ValueError
        A neighbor is no row.
    """
    from scipy.sparse import csr_matrix

    n = len(indices)
    near = np.ascontiguousarray(indices)
    if near.min(initial=0) < 0 or near.max(initial=0) >= n:
        reach = f"{near.min()} to {near.max()}"
        raise ValueError(f"neighbors {reach} of {n} rows; expected 0 to {n - 1}")
    weights = np.empty((n, edges), dtype=np.float32)

    def weigh(start: int) -> None:
        compiled(_weigh)(near, start, np.zeros(n, np.int32), weights[start : start + _BLOCK])

    for _ in map_ordered(weigh, range(0, n, _BLOCK), threads):
        pass
    starts = np.arange(0, n * edges + 1, edges)
    to = indices[:, :edges].ravel()
    graph = csr_matrix((weights.ravel(), to, starts), shape=(n, n))
    found = (graph + graph.T).tocsr()
    found.eliminate_zeros()
    found.sort_indices()
    return found


def _weigh(near: RowArray, start: int, whose: RowArray, weights: FloatArray) -> None:
    """Of the rows from ``start`` on the ``weights`` of the edges to their first neighbors.

    ``whose`` int32 (n,), 0 at first, says of each row whose neighbor it was last.
    """
    k = near.shape[1]
    for i in range(len(weights)):
        row = start + i
        for other in near[row]:
            whose[other] = i + 1
        for edge in range(weights.shape[1]):
            shared, returned = 0, False
            for other in near[near[row, edge]]:
                shared += whose[other] == i + 1
                returned |= other == row
            factor = 1.0 if returned else _UNRETURNED
            weights[i, edge] = factor * shared / (2 * k - shared)
