"""Artifacts as made in surveys of one, three and five bands."""

from __future__ import annotations

import numpy as np

from skerry.simulate.artifacts import damage, lay_over
from skerry.simulate.observe import add_noise, night_of
from skerry.simulate.sky import Band, Sky, sky_of
from skerry.types import FloatArray

SDSS = sky_of("sdss")
ONE = sky_of("sdss", bands=(Band("r", 623.0, 1.3, 22.7),), color=("r",), balance=(1.0,))
FIVE = sky_of(
    "sdss",
    bands=(
        Band("u", 355.0, 1.5, 22.1),
        Band("g", 477.0, 1.4, 23.1),
        Band("r", 623.0, 1.3, 22.7),
        Band("i", 763.0, 1.25, 22.2),
        Band("z", 913.0, 1.2, 20.7),
    ),
)
LIGHT = ("satellite-trail", "diffraction-spike", "bleed")
DAMAGE = ("chip-edge", "missing-band", "bad-sky", "cosmic-ray")
SEEDS = range(12)


def sky_image(sky: Sky, side: int, seed: int = 0) -> FloatArray:
    dark = np.zeros((len(sky.bands), side, side), np.float32)
    return add_noise(dark, sky, night_of(sky), np.random.default_rng(seed))


def made(
    kind: str, sky: Sky = SDSS, side: int = 96, seed: int = 0, visibility: float = 1.0
) -> tuple[FloatArray, FloatArray]:
    """What is added to a dark image, and what becomes of a noisy one with all of it."""
    rng, night = np.random.default_rng(seed), night_of(sky)
    dark = np.zeros((len(sky.bands), side, side), np.float32)
    added = lay_over(kind, dark, sky, night, rng, visibility)
    before = sky_image(sky, side) + added
    return added, damage(kind, before, sky, night, rng, visibility) - before


def axis(side: int, sky: Sky = SDSS) -> np.ndarray:
    return (np.arange(side) - (side - 1) / 2) * sky.pixel_scale
