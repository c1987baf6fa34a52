"""Sources and a catalog's entries matched by position, and how often a match is by chance."""

from __future__ import annotations

import numpy as np

from skerry.types import DoubleArray, IntArray

SHIFTS = 8
"""Directions in which positions are shifted to count chance matches."""
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
        share[known[np.unique(_pairs(places, others, radius)[0])]] += 1 / SHIFTS
    return share


def _pairs(
    positions: DoubleArray, others: DoubleArray, radius: float
) -> tuple[IntArray, IntArray, DoubleArray]:
    """All pairs within ``radius``: rows of both, and how many arcsec apart."""
    from astropy import units
    from astropy.coordinates import SkyCoord, search_around_sky

    known = np.flatnonzero(np.isfinite(positions).all(axis=1))
    there = np.flatnonzero(np.isfinite(others).all(axis=1))
    if not len(known) or not len(there):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    own, other = (SkyCoord(*p.T, unit="deg") for p in (positions[known], others[there]))
    # a hair wider, as it searches by chords of rounded unit vectors
    i, j, apart, _ = search_around_sky(own, other, (radius + 1e-6) * units.arcsec)
    near = apart.to_value(units.arcsec)
    within = near <= radius
    return known[i[within]], there[j[within]], near[within]
