"""Sources and a catalog's entries matched by position, and how often a match is by chance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from skerry.errors import CannotAnswerError
from skerry.types import DoubleArray, IntArray

SHIFTS = 8
"""Directions in which positions are shifted to count chance matches."""
MOST_PAIRS = 10**7
"""Pairs of a source and an entry that are looked at: some hundred bytes each."""
SHIFTED = 30.0
"""Arcsec by which they are shifted at the least; never less than 10 times the radius."""


def shift_of(radius: float) -> float:
    """How far, in arcsec, positions are shifted to count chance matches within ``radius``."""
    return max(SHIFTED, 10 * radius)


def match(
    positions: DoubleArray, others: DoubleArray, radius: float
) -> tuple[IntArray, DoubleArray]:
    """One row of ``others`` (m, 2) for each of ``positions`` (n, 2), within ``radius`` arcsec.

    Of all pairs the closest is matched first, then the closest of what is left (of equals the
    first): one row goes to one source alone. Positions are ra and dec in degrees (ICRS); what is
    not finite has no match.

    Returns
    -------
    row : int64 (n,), -1 for none
    separation : float64 (n,), arcsec, NaN for none

    Raises
    ------
    CannotAnswerError
        More than ``MOST_PAIRS`` pairs lie within the radius.
    """
    row = np.full(len(positions), -1, dtype=np.int64)
    separation = np.full(len(positions), np.nan)
    own, other, apart = _pairs(positions, others, radius)
    taken = set()
    for i in np.lexsort((other, own, apart)).tolist():
        if row[own[i]] < 0 and int(other[i]) not in taken:
            taken.add(int(other[i]))
            row[own[i]], separation[own[i]] = other[i], apart[i]
    return row, separation


def chance_matches(positions: DoubleArray, others: DoubleArray, radius: float) -> DoubleArray:
    """In what share of ``SHIFTS`` places around it a row lies within ``radius``, (n,).

    The places lie :func:`shift_of` away in evenly spread directions: as dense a part of the
    catalog as the source's own, but for its own entry. NaN where there is no position.
    """
    from astropy import units
    from astropy.coordinates import SkyCoord

    share = np.full(len(positions), np.nan)
    known = np.flatnonzero(np.isfinite(positions).all(axis=1))
    if not len(known):
        return share
    share[known] = 0.0
    own = SkyCoord(*positions[known].T, unit="deg")
    for i in range(SHIFTS):
        angle = 360 / SHIFTS * i * units.deg
        moved = own.directional_offset_by(angle, shift_of(radius) * units.arcsec)
        places = np.stack([moved.ra.deg, moved.dec.deg], axis=1)
        share[known] += _any_near(places, others, radius) / SHIFTS
    return share


def _any_near(positions: DoubleArray, others: DoubleArray, radius: float) -> npt.NDArray[np.bool_]:
    """Whether a row lies within ``radius`` of each of ``positions``, which are finite."""
    from astropy import units
    from astropy.coordinates import SkyCoord

    there = np.isfinite(others).all(axis=1)
    if not there.any():
        return np.zeros(len(positions), dtype=bool)
    own, other = (SkyCoord(*p.T, unit="deg") for p in (positions, others[there]))
    return np.asarray(own.match_to_catalog_sky(other)[1].to_value(units.arcsec) <= radius)


def _pairs(
    positions: DoubleArray, others: DoubleArray, radius: float
) -> tuple[IntArray, IntArray, DoubleArray]:
    """All pairs within ``radius``: rows of both, and how many arcsec apart.

    Raises
    ------
    CannotAnswerError
        They are more than ``MOST_PAIRS``.
    """
    from astropy import units
    from astropy.coordinates import SkyCoord, search_around_sky

    known = np.flatnonzero(np.isfinite(positions).all(axis=1))
    there = np.flatnonzero(np.isfinite(others).all(axis=1))
    if not len(known) or not len(there):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    own, other = (SkyCoord(*p.T, unit="deg") for p in (positions[known], others[there]))
    trees = [cKDTree(c.cartesian.xyz.value.T) for c in (own, other)]
    count = int(trees[0].count_neighbors(trees[1], 2 * np.sin(np.radians(radius / 3600) / 2)))
    if count > MOST_PAIRS:
        raise CannotAnswerError(
            f"{count:,} pairs of a source and an entry lie within {radius:g} arcsec; expected "
            f"{MOST_PAIRS:,} at most: take a smaller radius"
        )
    # a hair wider, as it searches by chords of rounded unit vectors
    i, j, apart, _ = search_around_sky(own, other, (radius + 1e-6) * units.arcsec)
    near = apart.to_value(units.arcsec)
    within = near <= radius
    return known[i[within]], there[j[within]], near[within]
