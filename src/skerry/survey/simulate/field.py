"""What else is in the frame: faint galaxies behind, stars in front."""

from __future__ import annotations

import numpy as np

from skerry.survey.simulate.galaxy import color, plane
from skerry.survey.simulate.observe import SIZE, Seeing
from skerry.types import FloatArray


def draw_field(rng: np.random.Generator, seeing: Seeing) -> FloatArray:
    """Draw a frame's chance neighbors, more of them where the frame covers more sky.

    Returns float32 (SIZE, SIZE, 3), before the atmosphere.
    """
    light = np.zeros((SIZE, SIZE, 3), np.float32)
    area = min((seeing.r90 / 10) ** 2, 4)
    for _ in range(min(rng.poisson(1.2 * area), 7)):
        _add(light, _small_galaxy(rng, seeing), *_position(rng))
    for _ in range(min(rng.poisson(0.55 * area), 5)):
        flux = 350 * (1 - rng.random()) ** -0.9
        _add(light, _point(flux, rng.uniform(-1.0, 1.6), seeing), *_position(rng))
    return light


def _small_galaxy(rng: np.random.Generator, seeing: Seeing) -> FloatArray:
    scale = min(rng.uniform(0.3, 0.9) / seeing.scale, 3.5)  # a stamp holds no more
    where = plane(0, 0, rng.uniform(0, np.pi), rng.uniform(0.35, 1))
    flux = 260 * (1 - rng.random()) ** -0.7
    return _stamp(np.exp(-where.radius / scale), min(flux, 8000), rng.normal(0.1, 0.5))


def _point(flux: float, blueness: float, seeing: Seeing) -> FloatArray:
    where = plane(0, 0, 0, 1)
    light = np.exp(-((where.radius / max(0.5, 0.3 * seeing.sigma)) ** 2))
    return _stamp(light, min(flux, 4e4), blueness)


def _stamp(light: FloatArray, flux: float, blueness: float) -> FloatArray:
    middle = slice(SIZE // 2 - 16, SIZE // 2 + 16)
    cut = light[middle, middle]
    return cut[..., None] * (color(blueness) * np.float32(flux / cut.sum()))


def _position(rng: np.random.Generator) -> tuple[int, int]:
    column, row = rng.integers(-4, SIZE + 4, 2)
    return int(column), int(row)


def _add(light: FloatArray, stamp: FloatArray, column: int, row: int) -> None:
    """Add ``stamp`` about a pixel, leaving out what falls off the frame."""
    half = stamp.shape[0] // 2
    top, left = row - half, column - half
    rows = slice(max(0, top), min(SIZE, top + 2 * half))
    columns = slice(max(0, left), min(SIZE, left + 2 * half))
    light[rows, columns] += stamp[
        rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
    ]
