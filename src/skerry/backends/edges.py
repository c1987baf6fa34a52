"""Loops over the edges of a sparse graph, compiled when first used; they leave Python's lock."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from skerry.types import DoubleArray, FloatArray, IntArray


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
    return float(_compiled(_move)(labels, *edges, *weights, near, *bounds))


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
    _compiled(_within)(graph.indices, graph.indptr, graph.data, rows, starts, group, found)
    return found


@functools.cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    import numba

    compiled = numba.njit(nogil=True)(function)
    # where no folder can be written it compiles in every process: a second more, the same result
    with contextlib.suppress(RuntimeError):
        compiled.enable_caching()
    found: Callable[..., Any] = compiled
    return found


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
