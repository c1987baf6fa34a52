"""How crowded the sky is around each source."""

from __future__ import annotations

import numpy as np

from skerry.errors import CannotAnswerError
from skerry.types import DoubleArray

NEIGHBOR = 5
"""Within the distance of this nearest neighbor on the sky, as is usual (Dressler 1980)."""


def unit_vectors(positions: DoubleArray) -> DoubleArray:
    """Directions (n, 3) of positions (n, 2), ra and dec in degrees."""
    ra, dec = np.radians(positions.astype(np.float64)).T
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)


def surface_density(positions: DoubleArray) -> DoubleArray:
    """log10 of the sources per deg2 within the distance of the 5th nearest other one.

    Projected: nothing is known of distances along the line of sight. Where five others lie at the
    very same place the density is taken within 0.1 arcsec.

    Parameters
    ----------
    positions : float64 (n, 2), ra and dec in degrees (ICRS), NaN where there is none

    Returns
    -------
    float64 (n,), NaN where there is no position

    Raises
    ------
    CannotAnswerError
        Fewer than 6 sources have a position.
    """
    from scipy.spatial import cKDTree

    known = np.isfinite(positions).all(axis=1)
    if known.sum() <= NEIGHBOR:
        raise CannotAnswerError(f"only {int(known.sum())} sources have a position")
    directions = unit_vectors(positions[known])
    chord = cKDTree(directions).query(directions, NEIGHBOR + 1)[0][:, -1]
    angle = np.degrees(2 * np.arcsin(np.clip(chord / 2, 0, 1)))
    density = np.full(len(positions), np.nan)
    density[known] = np.log10(NEIGHBOR / (np.pi * np.maximum(angle, 0.1 / 3600) ** 2))
    return density
