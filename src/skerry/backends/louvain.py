"""Partitions of a sparse graph, by scikit-network's Louvain with the moves of rows compiled."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from skerry.backends.compiled import compiled
from skerry.types import DoubleArray, FloatArray, IntArray


@dataclass(frozen=True)
class Shares:
    """A symmetric sparse graph (n, n) as its partitions need it, which share it.

    ``edges`` float32 is what each edge weighs of all edges, and ``rows`` float64 (n,) each row.
    """

    edges: Any
    rows: DoubleArray


def shares_of(graph: Any) -> Shares:
    """The shares of a symmetric graph, scipy.sparse.csr_matrix (n, n) float32, without loops."""
    from scipy.sparse import csr_matrix
    from sknetwork.utils.check import get_probs

    # in float32, to which every pass of scikit-network rounds them
    data = graph.data / np.float32(graph.data.sum(dtype=np.float64) or 1)
    edges = csr_matrix((data, graph.indices, graph.indptr), graph.shape, copy=False)
    return Shares(edges, get_probs("degree", graph) if graph.nnz else np.zeros(graph.shape[0]))


def louvain(shares: Shares, resolution: float) -> IntArray:
    """A partition of a graph: the community of each row, int64 (n,).

    By scikit-network's Louvain, which visits rows in their order and draws nothing at random; its
    Leiden draws from the C library, whose state no seed given to it sets.
    """
    if not shares.edges.nnz:
        return np.arange(len(shares.rows), dtype=np.int64)
    made = _louvain()(shares, resolution)
    return np.unique(made.fit_predict(shares.edges), return_inverse=True)[1].astype(np.int64)


@functools.cache
def _louvain() -> Any:
    """scikit-network's Louvain for graphs that are symmetric already, in a quarter of its memory.

    By itself it adds the transpose first, and cuts weights that are not float64 to whole numbers.
    """
    from scipy.sparse import identity
    from sknetwork.clustering import Louvain

    class Symmetric(Louvain):  # type: ignore[misc]
        def __init__(self, shares: Shares, resolution: float) -> None:
            less = {"return_probs": False, "return_aggregate": False, "sort_clusters": False}
            super().__init__(resolution, **less)
            self.rows = shares.rows

        def _pre_processing(self, edges: Any, force_bipartite: bool) -> tuple[Any, ...]:
            self._init_vars()
            each_its_own = identity(len(self.rows), dtype=bool, format="csr")
            return edges, self.rows, self.rows, each_its_own, np.arange(0)

        def _optimize(self, labels: Any, edges: Any, rows: Any, _: Any) -> tuple[Any, float]:
            labels, rows = labels.astype(edges.indices.dtype), rows.astype(np.float32)
            gained = move_rows(labels, edges, rows, self.resolution, self.tol_optimization)
            return labels, gained

    return Symmetric


def move_rows(
    labels: Any, graph: Any, row_weights: FloatArray, resolution: float, tolerance: float
) -> float:
    """Move rows between communities for as long as a pass over all gains more than ``tolerance``.

    Each row in its turn goes where modularity gains most (Blondel et al. 2008, J. Stat. Mech.,
    P10008, eq. 2), of equal gains to the community of the smallest label. What scikit-network's
    ``optimize_core`` computes, float32 by float32, without a tree of the labels about each row,
    which takes it three quarters of its time.

    Parameters
    ----------
    labels : int32 or int64 (n,), each its own row; changed in place
    graph : scipy.sparse.csr_matrix (n, n), float32, symmetric, all weights above 0
    row_weights : float32 (n,), the share of each row in all edges

    Returns
    -------
    What modularity gained, a float32.
    """
    if not graph.nnz:
        return 0.0
    edges = graph.indices, graph.indptr, graph.data
    weights = row_weights, row_weights.copy(), graph.diagonal()
    near = np.empty(np.diff(graph.indptr).max(), dtype=labels.dtype)
    bounds = np.float32(resolution), np.float32(tolerance)
    return float(compiled(_move)(labels, *edges, *weights, near, *bounds))


def _move(
    labels: Any,
    indices: Any,
    indptr: Any,
    data: Any,
    row_weights: Any,
    weights: Any,
    loops: Any,
    near: Any,
    resolution: Any,
    tolerance: Any,
) -> Any:
    """``weights`` are those of the communities, ``near`` has room for the labels about a row."""
    # numba keeps to float32 where nothing in a sum is of another type
    zero, two = np.float32(0), np.float32(2)
    # of the row that is looked at, its edges to each community: 0 between two rows
    to = np.zeros(len(labels), np.float32)
    gained = zero
    while True:
        in_pass = zero
        for row in range(len(labels)):
            own, others = labels[row], 0
            for edge in range(indptr[row], indptr[row + 1]):
                label = labels[indices[edge]]
                if to[label] == zero and label != own:
                    near[others] = label
                    others += 1
                to[label] += data[edge]
            weight = row_weights[row]
            # taken off twice, as rows and columns weigh alike
            lost = resolution * weight * (weights[own] - weight)
            stay = two * (to[own] - loops[row]) - lost - lost
            most, best = zero, own
            for label in near[:others]:
                cost = resolution * weight * weights[label]
                gain = two * to[label] - cost - cost - stay
                if gain > most or (gain == most > zero and label < best):
                    most, best = gain, label
                to[label] = zero
            to[own] = zero
            if best != own:
                in_pass += most
                labels[row] = best
                weights[own] -= weight
                weights[best] += weight
        gained += in_pass
        if in_pass <= tolerance:
            return gained
