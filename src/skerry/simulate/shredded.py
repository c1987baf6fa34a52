"""Shredded galaxies: one large spiral that a source finder recorded as several sources."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skerry.simulate import population
from skerry.simulate.galaxy import Galaxy
from skerry.simulate.population import draw_galaxy, scaled
from skerry.types import DoubleArray

FEWEST, MOST = 4, 8
"""Sources that one galaxy is recorded as."""

SMALLEST, LARGEST = 0.35, 0.7
"""R90 of such a source over that of the galaxy it is a part of; one ratio for each galaxy."""


def draw_parent(rng: np.random.Generator, visibility: float) -> Galaxy:
    """Draw the galaxy that is shredded: large, near face-on, with strong arms.

    Visibility scales the arms and their knots.
    """
    galaxy = draw_galaxy(rng, late=(0.6, 0.85), absolute=(-21.8, -20.3), face_on=0.6)
    grown = scaled(galaxy, population.LARGEST * rng.uniform(0.6, 1.1) / galaxy.radius(0.9))
    brighter = 10 ** (0.4 * rng.uniform(2.2, 3.0))  # a large galaxy is a near one
    return replace(
        grown,
        flux=grown.flux * brighter,
        arms=2,
        arm_strength=visibility * rng.uniform(0.7, 1.25),
        clumps=visibility * rng.uniform(0.5, 1.0),
        wobble=rng.uniform(0.1, 0.25),
        pitch=float(np.radians(rng.uniform(12, 26))),
        bar_length=grown.disk_scale,
        x=0.0,
        y=0.0,
    )


def draw_places(galaxy: Galaxy, rng: np.random.Generator) -> tuple[DoubleArray, float]:
    """Draw where the sources are recorded: along the arms, from one to three disk scales out.

    Returns float64 (m, 2), (x, y) arcsec from the galaxy's center, and the R90 of each over that
    of the galaxy.
    """
    size = float(rng.uniform(SMALLEST, LARGEST))
    m = int(rng.integers(FEWEST, MOST + 1))
    radius = np.linspace(1.3, 2.9, m) + rng.uniform(-0.12, 0.12, m)
    start = galaxy.bar_length / galaxy.disk_scale
    arm = 2 * np.pi * np.arange(m) / galaxy.arms
    # where galaxy._arms has its crests
    turn = np.log(radius / start) / np.tan(galaxy.pitch)
    angle = galaxy.winding * (turn + arm) + galaxy.phase
    u = radius * galaxy.disk_scale * np.cos(angle)
    v = radius * galaxy.disk_scale * np.sin(angle) * galaxy.axis_ratio
    cos, sin = np.cos(galaxy.angle), np.sin(galaxy.angle)
    return np.stack([u * cos - v * sin, u * sin + v * cos], axis=1), size
