"""What else is in the frame: faint galaxies behind, stars in front."""

from __future__ import annotations

import numpy as np

from skerry.simulate.scene import Scene

_GALAXIES = 6.0
"""Per arcmin2, of r between 18 and 22.5 or so."""
_STARS = 3.0
_HALF = 12
"""Half of the side of the stamp that a faint galaxy is drawn on, pixels."""


def draw_field(scene: Scene, rng: np.random.Generator) -> None:
    """Add a frame's chance neighbors: more of them where the frame covers more sky.

    Their counts rise with magnitude as those of faint galaxies (a slope near 0.45) and of
    halo stars (near 0.2) do.
    """
    grid = scene.grid
    area = (grid.side * grid.scale / 60) ** 2
    for _ in range(rng.poisson(_GALAXIES * area)):
        flux = 10 ** (-0.4 * (_magnitude(rng, 17.5, 22.5, 0.45) - 22.5))
        size = rng.uniform(0.35, 0.9) * flux**0.12
        _smudge(scene, rng, flux, size, float(rng.uniform(0, 0.8)))
    for _ in range(rng.poisson(_STARS * area)):
        flux = 10 ** (-0.4 * (_magnitude(rng, 15.5, 22.0, 0.2) - 22.5))
        row, column = rng.integers(0, grid.side, 2)
        young = rng.beta(1.0, 1.6)
        scene.maps[:, row, column] += np.array([1 - young, young], np.float32) * np.float32(flux)


def _magnitude(rng: np.random.Generator, bright: float, faint: float, slope: float) -> float:
    return float(np.log10(rng.uniform(10 ** (slope * bright), 10 ** (slope * faint))) / slope)


def _smudge(
    scene: Scene, rng: np.random.Generator, flux: float, scale: float, young: float
) -> None:
    grid = scene.grid
    row, column = (int(i) for i in rng.integers(0, grid.side, 2))
    top, left = max(0, row - _HALF), max(0, column - _HALF)
    bottom, right = min(grid.side, row + _HALF), min(grid.side, column + _HALF)
    dy = (np.arange(top, bottom) - row)[:, None] * grid.scale
    dx = (np.arange(left, right) - column)[None, :] * grid.scale
    angle, axis_ratio = rng.uniform(0, np.pi), rng.uniform(0.35, 1)
    u = dx * np.cos(angle) + dy * np.sin(angle)
    v = (dy * np.cos(angle) - dx * np.sin(angle)) / axis_ratio
    light = np.exp(-np.sqrt(u**2 + v**2) / scale)
    light *= flux * grid.scale**2 / (2 * np.pi * axis_ratio * scale**2)
    scene.maps[0, top:bottom, left:right] += ((1 - young) * light).astype(np.float32)
    scene.maps[1, top:bottom, left:right] += (young * light).astype(np.float32)
