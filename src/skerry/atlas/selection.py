"""Which points lie inside a polygon."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skerry.errors import InputError
from skerry.types import DoubleArray

MOST = 20_000
"""Corners of a polygon."""

FURTHEST = 1e100
"""What a place on the map is below: beyond it squares are no numbers any more."""


def inside(points: DoubleArray, polygon: DoubleArray) -> npt.NDArray[np.bool_]:
    """Whether each of ``points`` (n, 2) is inside ``polygon`` (m, 2) by the even-odd rule: a ray
    from it crosses the closed outline an odd number of times (Shimrat 1962, Algorithm 112).

    A point on a left or lower edge counts as inside, on a right or upper one as outside, so that
    polygons which share an edge share no point. NaN is outside. Points are sorted by y and each
    edge looks only at those at its height: the cost is that of the crossings.

    Raises
    ------
    InputError
        The polygon has fewer than 3 or more than ``MOST`` corners, or one is not below
        ``FURTHEST``.
    """
    if polygon.ndim != 2 or polygon.shape[1] != 2 or not 3 <= len(polygon) <= MOST:
        raise InputError(f"the polygon has shape {polygon.shape}; expected 3 to {MOST} corners")
    if not (np.abs(polygon) < FURTHEST).all():
        raise InputError(f"a corner of the polygon is no number below {FURTHEST:g}")
    low, high = polygon.min(axis=0), polygon.max(axis=0)
    with np.errstate(invalid="ignore"):
        near = np.flatnonzero(((points >= low) & (points <= high)).all(axis=1))
    near = near[np.argsort(points[near, 1], kind="stable")]
    x, y = points[near].T
    odd = np.zeros(len(near), dtype=bool)
    for (x1, y1), (x2, y2) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y1 == y2:
            continue
        start, stop = np.searchsorted(y, sorted((y1, y2)))
        at = x1 + (y[start:stop] - y1) * ((x2 - x1) / (y2 - y1))
        odd[start:stop] ^= x[start:stop] < at
    found = np.zeros(len(points), dtype=bool)
    found[near] = odd
    return found
