"""Artifacts to plant: what the sky or the camera lays over a galaxy."""

from __future__ import annotations

import numpy as np

from skerry.survey.simulate.galaxy import color, plane
from skerry.survey.simulate.observe import SIZE, Seeing, texture
from skerry.types import FloatArray


def satellite_trail(rng: np.random.Generator, seeing: Seeing) -> FloatArray:
    """Draw a satellite's trail; float32 (SIZE, SIZE, 3), after the atmosphere.

    In one band, seldom two: the imitated camera takes its bands minutes apart.
    """
    where = plane(rng.normal(0, 16), rng.normal(0, 16), rng.uniform(0, np.pi), 1)
    width = float(np.hypot(seeing.sigma, rng.uniform(0.5, 1.2)))
    profile = np.exp(-0.5 * (where.v / width) ** 2)
    wing = 0.08 * np.exp(-np.abs(where.v) / (2.5 * width))
    # Tumbling: the brightness drifts along the trail.
    drift = 1 + rng.uniform(0, 0.3) * np.sin(where.u * rng.uniform(0.02, 0.08) + rng.uniform(0, 6))
    bands = np.full(3, rng.uniform(0.03, 0.3), np.float32)
    bands[rng.choice(3, p=[0.5, 0.3, 0.2])] = 1
    brightness = float(28 * np.exp(rng.normal(0, 0.6)))
    light: FloatArray = ((profile + wing) * drift * brightness)[..., None] * bands
    return light


def saturated_star(rng: np.random.Generator, seeing: Seeing) -> FloatArray:
    """Draw a saturated star with diffraction spikes; float32 (SIZE, SIZE, 3), after the atmosphere.

    Four spikes from the secondary mirror's supports, a saturated disk, and a halo.
    """
    distance, toward = rng.uniform(14, 48), rng.uniform(0, 2 * np.pi)
    x, y = float(distance * np.cos(toward)), float(distance * np.sin(toward))
    tilt = rng.normal(0.6, 0.25)
    peak = float(2500 * np.exp(rng.normal(0, 0.4)))
    tint = color(rng.uniform(-0.1, 1.0))
    size = min(max(seeing.sigma, 1.4), 2.4)  # no wider, or the disk would hide the spikes
    where = plane(x, y, 0, 1)
    core = np.exp(-0.5 * (where.radius / (1.5 * size)) ** 2)
    halo = (1 + (where.radius / (2 * size)) ** 2) ** -1.5
    light = (peak * core + 0.03 * peak * halo)[..., None] * tint
    length = rng.uniform(18, 36)
    for band in range(3):
        # The supports turn a little on the sky between bands, which tints a spike's edges.
        light[..., band] += tint[band] * _spikes(
            x, y, tilt + 0.025 * (band - 1), length, 0.05 * peak
        )
    glow = np.exp(-where.radius / rng.uniform(18, 35)) * rng.uniform(2, 9)
    light += glow[..., None] * np.array([1.3, 0.6, 0.7], np.float32)
    uneven: FloatArray = light * np.exp(0.05 * texture(rng, 3))[..., None]
    return uneven


def _spikes(x: float, y: float, tilt: float, length: float, brightness: float) -> FloatArray:
    where = plane(x, y, tilt, 1)
    light = np.zeros((SIZE, SIZE), np.float32)
    for along, across in ((where.u, where.v), (where.v, where.u)):
        reach = np.exp(-np.abs(along) / length)
        width = 1.0 + np.abs(along) * 0.012
        light += reach * np.exp(-((across / width) ** 2)) / (1 + np.abs(along) / 4)
    return brightness * light
