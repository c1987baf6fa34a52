"""The sea: one continuous, magnitude-limited population, from ellipticals to blue spirals."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from skerry.simulate.galaxy import Galaxy
from skerry.simulate.stars import rest_color, young_share
from skerry.types import DoubleArray

BRIGHTEST, FAINTEST = 13.5, 17.2
"""Limits of the sample, AB mag at 620 nm; Galaxy Zoo 2 reaches 17 (Willett et al. 2013)."""

SMALLEST, LARGEST = 4.0, 40.0
"""Limits of R90, arcsec: what is smaller is not resolved, what is larger is not in the sample."""

_M_SUN = 4.65
_FARTHEST = 0.25


def draw_galaxy(
    rng: np.random.Generator,
    *,
    late: tuple[float, float] = (0.0, 1.0),
    absolute: tuple[float, float] = (-24.0, -15.5),
    face_on: float = 0.0,
) -> Galaxy:
    """Draw a galaxy at the frame's center.

    All parameters follow from luminosity and Hubble stage with scatter, so that there is no gap
    between kinds.

    Parameters
    ----------
    rng : numpy.random.Generator
        What all chance is drawn from.
    late : (float, float)
        Range along the Hubble sequence, 0 elliptical to 1 late spiral.
    absolute : (float, float)
        Range of the absolute magnitude in r, brightest first.
    face_on : float
        Least cosine of the inclination, 0 (any) to 1.
    """
    for _ in range(200):
        galaxy = _draw(rng, late, absolute, face_on)
        if galaxy is not None and SMALLEST <= galaxy.radius(0.9) <= LARGEST:
            return galaxy
    raise AssertionError(f"no galaxy of stage {late} and magnitude {absolute} is in the sample")


def _draw(
    rng: np.random.Generator,
    late_range: tuple[float, float],
    absolute_range: tuple[float, float],
    face_on: float,
) -> Galaxy | None:
    magnitude = _apparent(rng)
    absolute = _absolute(rng, absolute_range)
    redshift = _redshift(magnitude - absolute)
    if not 0.002 < redshift < _FARTHEST:
        return None
    low, high = late_range
    # Fainter galaxies are later, bluer and rounder in no step (Baldry et al. 2004).
    stage = _logistic(rng.normal(0.35 + 0.55 * (absolute + 20.6), 1.25))
    late = low + (high - low) * stage
    disky = _logistic((late - 0.33) / 0.09 + 0.5 * rng.normal())
    bulge_fraction = float(np.clip(1 - disky * (0.55 + 0.4 * late), 0.03, 0.99))
    blueness = float(np.clip(1.05 * late - 0.1 + 0.12 * rng.normal(), -0.1, 1.15))
    color = rest_color(young_share(blueness))
    # Bell et al. 2003, ApJS 149, 289, table 7, minus 0.15 dex for a Chabrier mass function.
    mass = -0.306 + 1.097 * color - 0.15 - 0.4 * (absolute - _M_SUN)
    specific = -12.0 + 2.2 * _logistic((blueness - 0.4) / 0.14) + 0.25 * rng.normal()
    half_light = _half_light(mass, late, redshift) * np.exp(0.28 * rng.normal())
    cosine = rng.uniform(face_on, 1)
    thickness = rng.uniform(0.14, 0.24)
    axis_ratio = float(np.sqrt(thickness**2 + (1 - thickness**2) * cosine**2))
    disk_scale = float(half_light / 1.678 * rng.uniform(0.95, 1.2))
    own = disk_scale * rng.uniform(0.14, 0.45)
    bulge_radius = float(disky * own + (1 - disky) * half_light)
    spheroid = rng.uniform(0.55, 1) if bulge_fraction > 0.5 else max(axis_ratio, 0.7)
    spiral = _logistic((late - 0.48) / 0.09) * rng.beta(2.2, 1.5)
    giant = _logistic((mass - 9.5) / 0.25)  # dwarfs have neither grand arms nor dust lanes
    return Galaxy(
        flux=float(10 ** (-0.4 * (magnitude - 22.5))),
        redshift=redshift,
        mass=float(mass),
        sfr=float(mass + specific),
        late=late,
        blueness=blueness,
        bulge_fraction=bulge_fraction,
        bulge_radius=bulge_radius,
        bulge_axis_ratio=float(spheroid),
        sersic=float(np.clip(4.6 - 3.6 * late + 0.6 * rng.normal(), 1, 5)),
        disk_scale=disk_scale,
        axis_ratio=axis_ratio,
        angle=float(rng.uniform(0, np.pi)),
        x=float(0.1 * rng.normal()),
        y=float(0.1 * rng.normal()),
        lopsided=float(np.abs(rng.normal(0, 0.03 + 0.1 * late**2))),
        arms=int(rng.choice([2, 3, 4], p=[0.74, 0.15, 0.11])),
        arm_strength=float(1.2 * spiral * (0.25 + 0.75 * giant)),
        pitch=float(np.radians(np.clip(8 + 20 * late + 5 * rng.normal(), 8, 38))),
        winding=int(rng.choice([-1, 1])),
        phase=float(rng.uniform(0, 2 * np.pi)),
        wobble=float(0.15 + 1.1 * rng.beta(1.3, 2.5) + 0.8 * (1 - giant)),
        clumps=float(np.clip(1.1 * late - 0.35 + 0.2 * rng.normal(), 0, 1.1)),
        bar=float(disky * rng.beta(0.7, 1.6)),
        bar_length=float(disk_scale * rng.uniform(0.7, 1.5)),
        dust=float(disky * giant * rng.beta(1.4, 1.2)),
    )


def scaled(galaxy: Galaxy, factor: float) -> Galaxy:
    """The same galaxy with every length times ``factor``."""
    return replace(
        galaxy,
        bulge_radius=galaxy.bulge_radius * factor,
        disk_scale=galaxy.disk_scale * factor,
        bar_length=galaxy.bar_length * factor,
        ring_radius=galaxy.ring_radius * factor,
    )


def _apparent(rng: np.random.Generator) -> float:
    """Apparent magnitude: counts grow as 10^(0.6 m) where space is flat and evenly filled."""
    low, high = 10 ** (0.6 * BRIGHTEST), 10 ** (0.6 * FAINTEST)
    return float(np.log10(rng.uniform(low, high)) / 0.6)


@cache
def _luminosities() -> tuple[DoubleArray, DoubleArray]:
    """Absolute magnitudes and their weight in a magnitude-limited sample.

    Schechter's function with M* - 5 log h = -20.44 and alpha = -1.05 (Blanton et al. 2003, ApJ
    592, 819, table 2), h = 0.7, times the volume in which each is seen.
    """
    grid = np.linspace(-24.0, -15.5, 341)
    light = 10 ** (-0.4 * (grid + 21.21))
    density = light ** (1 - 1.05) * np.exp(-light)
    return grid, density * 10 ** (-0.6 * grid)


def _absolute(rng: np.random.Generator, within: tuple[float, float]) -> float:
    grid, weight = _luminosities()
    inside = weight * ((grid >= within[0]) & (grid <= within[1]))
    cumulative = np.cumsum(inside)
    return float(np.interp(rng.uniform(0, cumulative[-1]), cumulative, grid))


@cache
def _distances() -> tuple[DoubleArray, DoubleArray, DoubleArray]:
    """Redshift, distance modulus and arcsec per kpc (Planck 2018 cosmology)."""
    from astropy.cosmology import Planck18  # a second to import

    z = np.linspace(0.0005, 0.3, 600)
    modulus = np.asarray(Planck18.distmod(z).value)
    per_kpc = np.asarray(Planck18.arcsec_per_kpc_proper(z).value)
    return z, modulus, per_kpc


def _redshift(modulus: float) -> float:
    z, moduli, _ = _distances()
    return float(np.interp(modulus, moduli, z))


def _half_light(mass: float, late: float, redshift: float) -> float:
    """Half-light radius in arcsec: Shen et al. 2003, MNRAS 343, 978, table 1, late and early,
    mixed by the Hubble stage."""
    z, _, per_kpc = _distances()
    m = 10**mass
    spiral = np.log(0.1 * m**0.14 * (1 + m / 3.98e10) ** 0.25)
    elliptical = np.log(max(2.88e-6 * m**0.56, 0.4))
    kpc = np.exp(late * spiral + (1 - late) * elliptical)
    return float(kpc * np.interp(redshift, z, per_kpc))


def _logistic(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))
