"""The colors of starlight: two populations, old and young, mixed and redshifted."""

from __future__ import annotations

import numpy as np

from skerry.simulate.sky import Band
from skerry.types import DoubleArray

_WAVELENGTH = np.array([150, 250, 330, 390, 420, 480, 560, 620, 750, 900, 1250, 1650, 2200], float)
_OLD = np.array([0.01, 0.03, 0.13, 0.18, 0.36, 0.50, 0.80, 1.0, 1.34, 1.62, 2.2, 2.6, 2.2])
_YOUNG = np.array([0.55, 0.60, 0.66, 0.72, 0.86, 0.90, 0.96, 1.0, 1.06, 1.10, 1.12, 1.1, 0.9])
"""f_nu relative to 620 nm in the rest frame: passive galaxies with their 4000 A break and
star-forming disks, drawn by eye through the mean SDSS and 2MASS colors of the red sequence and the
blue cloud (Blanton et al. 2003, ApJ 594, 186; Jarrett et al. 2003, AJ 125, 525)."""

REFERENCE = 620.0
"""Wavelength in nm, in the observer's frame, at which fluxes of both populations are given."""


def relative_flux(bands: tuple[Band, ...], redshift: float) -> DoubleArray:
    """Flux of each population in each band for a unit of flux at `REFERENCE`.

    Returns float64 (2, n_bands): the old population, then the young. Beyond the tabulated
    150 to 2200 nm of the rest frame the nearest value holds.
    """
    wavelength = np.array([band.wavelength for band in bands] + [REFERENCE])
    rest = np.log(wavelength / (1 + redshift))
    found = []
    for spectrum in (_OLD, _YOUNG):
        flux = np.exp(np.interp(rest, np.log(_WAVELENGTH), np.log(spectrum)))
        found.append(flux[:-1] / flux[-1])
    return np.stack(found)


def young_share(blueness: float) -> float:
    """Share of the flux at `REFERENCE` from the young, for a color from 0 (red) to 1 (blue).

    Below 0 and above 1 it goes on to at most 0 and 1: beyond 1 there is no bluer population.
    """
    return float(np.clip(0.06 + 0.82 * blueness, 0.0, 1.0))


def rest_color(share: float) -> float:
    """g - r in the rest frame, AB mag, of light with a ``share`` of young stars."""
    green = np.interp(477.0, _WAVELENGTH, _OLD) * (1 - share)
    green += np.interp(477.0, _WAVELENGTH, _YOUNG) * share
    return float(-2.5 * np.log10(green))
