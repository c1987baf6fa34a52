"""How well a compression keeps the neighbors of each source."""

from __future__ import annotations

import numpy as np

from skerry.types import DoubleArray, FloatArray, IntArray, RowArray

_VALUES = 2**23
"""Distances held at a time."""


def trustworthiness(
    before: FloatArray, near_before: RowArray, near_after: RowArray, rows: IntArray
) -> DoubleArray:
    """Venna & Kaski's (2001, ICANN, 485) trustworthiness of each of some sources, at most 1.

    Of source i, with U its k nearest in the embedding that are not among its k nearest before,
    and r(i, j) the rank of j among the neighbors of i before,

        t(i) = 1 - 2 / (k (2 n - 3 k - 1)) sum over j in U of (r(i, j) - k);

    the mean over all n sources is their M1. Continuity is the same with before and after
    exchanged. t(i) below 1: the embedding brought sources together that were farther apart.

    Parameters
    ----------
    before : float32 (n, d)
    near_before, near_after : int32 (n, k), the k nearest of each source, itself left out
    rows : int64 (m,), the sources asked about

    Returns
    -------
    float64 (m,)

    Raises
    ------
    ValueError
        k is not below n / 2.
    """
    import threadpoolctl

    n, k = near_before.shape
    if not 0 < k < n / 2:
        raise ValueError(f"{k} neighbors of {n} sources; expected fewer than half")
    points = before.astype(np.float64)
    points -= points.mean(axis=0)
    norms = np.einsum("ij,ij->i", points, points)
    found = np.empty(len(rows))
    step = max(1, _VALUES // n)
    # sums split over threads round differently
    with threadpoolctl.threadpool_limits(1):
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            squares = norms - 2 * (points[part] @ points.T)
            found[start : start + step] = _beyond(squares, part, near_before, near_after)
    found *= -2 / (k * (2 * n - 3 * k - 1))
    return found + 1


def _beyond(
    squares: DoubleArray, rows: IntArray, near_before: RowArray, near_after: RowArray
) -> DoubleArray:
    """By how many ranks the new neighbors of each row lie beyond its k nearest, summed.

    ``squares`` (m, n) are squared distances, less the same for all of a row.
    """
    k = near_before.shape[1]
    # the source itself is nearer than any other, and so counts as the one that a rank begins with
    squares[np.arange(len(rows)), rows] = -np.inf
    total = np.zeros(len(rows))
    for column in near_after[rows].T:
        new = np.flatnonzero(~(near_before[rows] == column[:, None]).any(axis=1))
        distance = squares[new, column[new]]
        rank = (squares[new] < distance[:, None]).sum(axis=1)
        total[new] += np.maximum(rank - k, 0)
    return total
