"""Exact distances to the nearest of some points, each query by itself."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skerry.backends import lookup, parallel
from skerry.types import FloatArray, IntArray

DoubleArray = npt.NDArray[np.float64]

_SLACK = 8
_BYTES = 2**25


def nearest_distances(points: FloatArray, queries: FloatArray, k: int) -> DoubleArray:
    """Euclidean distances from each query to the k nearest of ``points``, ascending.

    faiss shortlists in float32; the distances are computed again from differences in float64,
    and where its rounding leaves doubt about the shortlist, to all points. So a query's bits
    depend on no other query, on no order of the points and on no number of threads.

    Parameters
    ----------
    points : float32 (n, d), n >= k
    queries : float32 (m, d), finite

    Returns
    -------
    float64 (m, k)
    """
    center = points.mean(axis=0, dtype=np.float64)
    centered = (points - center).astype(np.float32)
    found = min(k + _SLACK, len(points))
    # a query's bits depend on no other: few are spread over the threads, too
    each = -(-len(queries) // parallel.threads())
    step = max(1, min(each, _BYTES // (8 * found * points.shape[1])))

    def of_some(start: int) -> DoubleArray:
        part = np.ascontiguousarray(queries[start : start + step])
        moved = (part - center).astype(np.float32)
        candidates, squares = lookup.nearest(centered, moved, found)
        exact = np.sort(_to_each(points[candidates], part), axis=1)[:, :k]
        if found < len(points):
            for i in _doubtful(moved, squares[:, -1], exact[:, -1]):
                exact[i] = _to_all(points, part[i], k)
        return exact

    out = np.empty((len(queries), k))
    starts = range(0, len(queries), step)
    for start, exact in zip(starts, parallel.by_thread(of_some, starts), strict=True):
        out[start : start + step] = exact
    return out


def others_distances(points: FloatArray, k: int) -> DoubleArray:
    """As :func:`nearest_distances` from each of n distinct points to the others; n > k."""
    # the nearest of all is the point itself, at distance 0
    return nearest_distances(points, points, k + 1)[:, 1:]


def _doubtful(moved: FloatArray, last_square: FloatArray, kth: DoubleArray) -> IntArray:
    """Queries of which a point left out of the shortlist may be nearer than the k-th kept.

    Points left out have rounded squares of ``last_square`` or more; in float32 the rounding of
    ``|x|^2 + |y|^2 - 2 x.y``, with that of the centered vectors, is below
    (d + 8) eps (|x| + |y|)^2, where a point nearer than the k-th has |y| < |x| + kth.
    """
    reach = 2 * np.linalg.norm(moved, axis=1).astype(np.float64) + kth
    doubt = (moved.shape[1] + 8) * np.finfo(np.float32).eps * reach**2
    return np.flatnonzero(~(last_square - doubt > kth**2))


def _to_all(points: FloatArray, query: FloatArray, k: int) -> DoubleArray:
    """The k smallest distances (k,) from one query (d,) to all points, ascending."""
    kept = np.empty(0)
    step = max(1, _BYTES // (8 * points.shape[1]))
    for start in range(0, len(points), step):
        here = _to_each(points[None, start : start + step], query[None])[0]
        kept = np.sort(np.append(kept, here))[:k]
    return kept


def _to_each(points: FloatArray, queries: FloatArray) -> DoubleArray:
    """Distances (m, c) from queries (m, d) to each one's own points (m, c, d)."""
    difference = points - queries[:, None].astype(np.float64)
    return np.asarray(np.sqrt(np.einsum("ijk,ijk->ij", difference, difference)))
