"""Edges of a sparse graph among some of its rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from skerry.backends.compiled import compiled
from skerry.types import DoubleArray, IntArray


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


def within(graph: Any, rows: IntArray, starts: IntArray) -> DoubleArray:
    """What the edges weigh that lead from a group of rows into it, float64 (m,), each way counted.

    Parameters
    ----------
    graph : scipy.sparse.csr_matrix (n, n), float32
    rows : int64, those of all groups, one after the other; groups may overlap
    starts : int64 (m + 1,), where each begins, and the end
    """
    group = np.zeros(graph.shape[0], dtype=np.int32)
    found = np.zeros(len(starts) - 1)
    compiled(_within)(graph.indices, graph.indptr, graph.data, rows, starts, group, found)
    return found


def _within(
    indices: Any, indptr: Any, data: Any, rows: Any, starts: Any, group: Any, found: Any
) -> None:
    """``group`` is all 0, ``found`` too."""
    for number in range(len(found)):
        own = rows[starts[number] : starts[number + 1]]
        for row in own:
            group[row] = number + 1
        for row in own:
            for edge in range(indptr[row], indptr[row + 1]):
                if group[indices[edge]] == number + 1:
                    found[number] += data[edge]
