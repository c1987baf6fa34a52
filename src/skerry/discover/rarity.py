"""How rare a class is: its share of the sources, its density on the sky, the sky searched."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from skerry.errors import InputError

DoubleArray = npt.NDArray[np.float64]

_FEWEST = 100
_IN_CELL = 3.0
_OFFSETS = (1 / 6, 1 / 2, 5 / 6)
_SMALLEST = math.radians(1 / 3600)
_SKY = 4 * math.pi


def prevalence_interval(size: npt.ArrayLike, n: int) -> tuple[DoubleArray, DoubleArray]:
    """95% interval of the share ``size / n`` (Clopper & Pearson 1934, Biometrika 26, 404).

    Exact binomial, so at least 95% wide for any size; it holds if the n sources are a random
    draw of the sky's, and says nothing of members that the search missed.
    """
    from scipy.special import betaincinv

    k = np.asarray(size, dtype=np.float64)
    low, high = np.zeros_like(k), np.ones_like(k)
    some, not_all = k > 0, k < n
    low[some] = betaincinv(k[some], n - k[some] + 1, 0.025)
    high[not_all] = betaincinv(k[not_all] + 1, n - k[not_all], 0.975)
    return low, high


def surface_density(
    size: npt.ArrayLike, area: float
) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
    """Members per square degree of ``area`` (deg^2), with the 95% interval.

    The interval is the exact one of a Poisson count (Garwood 1936, Biometrika 28, 437). It
    holds for objects strewn at random and leaves out the error of the area, the clustering of
    galaxies, and members that the search missed.

    Returns
    -------
    density, low, high : float64, shaped as ``size``, per deg^2

    Raises
    ------
    InputError
        The area is not positive and finite.
    """
    from scipy.special import gammaincinv

    if not 0 < area < math.inf:
        raise InputError(f"the area is {area} deg^2; expected a positive, finite number")
    k = np.asarray(size, dtype=np.float64)
    low = np.zeros_like(k)
    some = k > 0
    low[some] = gammaincinv(k[some], 0.025)
    return k / area, low / area, gammaincinv(k + 1, 0.975) / area


def footprint(ra: npt.ArrayLike, dec: npt.ArrayLike) -> float | None:
    """The area in deg^2 that the sources cover, estimated from where they are.

    The sky is cut into cells of one area, nearly square, sized so that one that is covered
    holds 3 sources on average, and those with any source are counted. Of K covered cells, n
    sources at random leave K exp(-n / K) empty, so K solves K (1 - exp(-n / K)) = counted. Few
    sources a cell keep low what the half-covered cells along an edge add; nine grids, shifted
    by thirds of a cell, are averaged.

    It is an estimate for sources spread evenly over their footprint: within a few per cent for
    10,000 of them; too large by a fifth for a hundred in a compact field, and by more for so few
    in a long narrow one; too small where sources keep to clumps. Gaps smaller than a cell count
    as covered. Where the survey's area is known, that is better.

    Parameters
    ----------
    ra, dec : deg, ICRS; NaN where not known, and then left out

    Returns
    -------
    float or None
        None where fewer than 100 different positions are known.
    """
    known = np.column_stack([np.asarray(ra, np.float64) % 360, np.asarray(dec, np.float64)])
    known = np.unique(known[np.isfinite(known).all(axis=1)], axis=0)
    if len(known) < _FEWEST:
        return None
    lon, lat = np.radians(known).T
    side = math.sqrt(_IN_CELL * _SKY / len(lon))
    for _ in range(30):
        area = _covered(lon, lat, side)
        before, side = side, max(math.sqrt(_IN_CELL * area / len(lon)), _SMALLEST)
        if abs(side / before - 1) < 0.02:
            break
    return float(np.degrees(np.degrees(area)))


def _covered(lon: DoubleArray, lat: DoubleArray, side: float) -> float:
    """The covered area in steradians, from cells of a given side in radians."""
    shifts = [(a, b) for a in _OFFSETS for b in _OFFSETS]
    areas = [_occupied(lon, lat, side, *shift) for shift in shifts]
    counted = math.fsum(areas) / len(areas) / side**2
    cells = counted
    for _ in range(50):
        cells = counted / -math.expm1(-len(lon) / cells)
    return min(cells * side**2, _SKY)


def _occupied(lon: DoubleArray, lat: DoubleArray, side: float, across: float, up: float) -> float:
    """The area in steradians of the cells with a source, on one grid shifted by part of a cell.

    Bands of one height in declination, each cut in right ascension into as many cells as make
    them equal in area: nearly square everywhere, up to the poles, and with no seam at 0.
    """
    bands = math.ceil(math.pi / side) + 1
    edges = np.clip((np.arange(bands + 1) - up) * side - math.pi / 2, -math.pi / 2, math.pi / 2)
    height = np.diff(np.sin(edges))
    cells = np.maximum(1, np.round(2 * math.pi * height / side**2)).astype(np.int64)
    band = np.clip(((lat + math.pi / 2) / side + up).astype(np.int64), 0, bands - 1)
    cell = (lon / (2 * math.pi) * cells[band] + across).astype(np.int64) % cells[band]
    widest = int(cells.max())
    taken = np.unique(band * widest + cell) // widest
    return float(np.sum(2 * math.pi * height[taken] / cells[taken]))
