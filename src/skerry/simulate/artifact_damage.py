"""What cameras and their processing do to an image after its noise."""

from __future__ import annotations

from typing import cast

import numpy as np

from skerry.simulate.artifact_light import full_well, grain, log_uniform, shown
from skerry.simulate.observe import Night, noise_levels
from skerry.simulate.scene import Grid, plane
from skerry.simulate.sky import Sky
from skerry.types import DoubleArray, FloatArray

_STEP = 0.1
"""Length of the pieces that a cosmic ray's track is added up from, pixels."""

_DIFFUSION = 0.3
"""How far charge spreads in a detector on its way to a pixel, pixels."""

_HITS = 8.0
"""Cosmic rays that were left in an arcmin2, besides the one over the source."""


def saturated(
    image: FloatArray, sky: Sky, night: Night, rng: np.random.Generator, visibility: float
) -> FloatArray:
    """Cut off what is brighter than a pixel can hold, each band at a level of its own.

    A property of the camera: it is the light that ``visibility`` changes.
    """
    level = full_well(sky, night) * np.exp(0.15 * rng.standard_normal(len(image)))
    return np.minimum(image, level[:, None, None].astype(np.float32))


def chip_edge(
    image: FloatArray, sky: Sky, night: Night, rng: np.random.Generator, visibility: float
) -> FloatArray:
    """Take away what lies beyond a detector's edge, which runs 0.3 to 4 arcsec from the center.

    In most images every band ends there, in some only some do, and their edges may lie apart.
    Beyond is nothing, or a plain level without noise. The edge is along a row or a column, give
    or take a few degrees; in a small frame it is nearer.
    """
    bands = len(image)
    angle = np.pi / 2 * rng.integers(4) + np.radians(rng.normal(0, 5))
    apart = rng.normal(0, 1.2, bands) * (rng.random() < 0.5)
    distance = np.clip(rng.uniform(0.5, 4) + apart, 0.3, 4)
    ends = (rng.random(bands) < 0.5) | (rng.random() < 0.6)
    ends[rng.choice(shown(sky))] = True
    level = rng.normal(0, 2.5, bands) * grain(sky, night) * (rng.random() < 0.4)
    grid = Grid(image.shape[-1], sky.pixel_scale)
    outward = plane(grid, angle=angle).u
    nearest = np.minimum(distance, 0.35 * grid.side * grid.scale)
    found = image.copy()
    for b in np.flatnonzero(ends):
        lost = np.float32(visibility) * (outward > nearest[b])
        found[b] += lost * (np.float32(level[b]) - image[b])
    return found


def missing_band(
    image: FloatArray, sky: Sky, night: Night, rng: np.random.Generator, visibility: float
) -> FloatArray:
    """Take away one band: it was not observed, or its image was lost."""
    found = image.copy()
    found[rng.choice(shown(sky))] *= np.float32(1 - visibility)
    return found


def bad_sky(
    image: FloatArray, sky: Sky, night: Night, rng: np.random.Generator, visibility: float
) -> FloatArray:
    """Add what a wrong sky leaves, with the same gradient in one to three bands.

    At the center of the leading band too much of it, 5 to 35 times the `grain`, or in a quarter of
    the images too little, 5 to 14 times. In three of ten the frame lies across the boundary of two
    amplifiers, which read the sky differently.
    """
    bands = rng.permutation(shown(sky))
    count = rng.choice([1, 2, 3], p=[0.4, 0.3, 0.3])
    strength = np.where(np.arange(len(bands)) == 0, 1, rng.uniform(0.1, 0.9, len(bands)))
    high, low = log_uniform(rng, 5, 35), -log_uniform(rng, 5, 14)
    amplitude = high if rng.random() < 0.75 else low
    shape = _uneven(Grid(image.shape[-1], sky.pixel_scale), rng)
    found = image.copy()
    for band, share in zip(bands[:count], strength, strict=False):
        amount = visibility * amplitude * share * grain(sky, night)[band]
        found[band] += np.float32(amount) * shape
    return found


def _uneven(grid: Grid, rng: np.random.Generator) -> FloatArray:
    """A positive pattern near 1: a bent slope and, at times, a step at a column."""
    where = plane(grid, angle=rng.uniform(0, 2 * np.pi))
    half = np.float32(0.5 * grid.side * grid.scale)
    slope, bend = rng.uniform(0.1, 0.6), rng.uniform(-0.25, 0.25)
    shape = 1 + np.float32(slope) * where.u / half + np.float32(bend) * (where.v / half) ** 2
    step, border, right = rng.uniform(0.3, 0.9), rng.uniform(-0.5, 0.5), rng.random() < 0.5
    if rng.random() < 0.3:
        beyond = (grid.axis > border * half) == right
        shape = shape * (1 - np.float32(step) * beyond[None, :])
    return cast(FloatArray, np.maximum(shape, np.float32(0.05)).astype(np.float32))


def cosmic_rays(
    image: FloatArray, sky: Sky, night: Night, rng: np.random.Generator, visibility: float
) -> FloatArray:
    """Add tracks of charge to one band, unresolved: one over the source, long enough to be seen
    in its frame, and more as their number in the frame's area falls out.

    A pixel that a track crosses holds 50 to 500 times the sky's noise, more or less along it.
    """
    side = image.shape[-1]
    band = rng.choice(shown(sky))
    charge = np.zeros((side, side), np.float64)
    for middle, length in _hits(side, sky, rng):
        _add_track(charge, middle, length, log_uniform(rng, 50, 500), rng)
    found = image.copy()
    found[band] += (visibility**2 * noise_levels(sky, night)[band] * charge).astype(np.float32)
    return found


def _hits(side: int, sky: Sky, rng: np.random.Generator) -> list[tuple[DoubleArray, float]]:
    """Draw the middle (row, column) and the length of each track, pixels."""
    center = side / 2 + np.clip(rng.normal(0, 0.03 * side, 2), -0.1 * side, 0.1 * side)
    longest = float(np.clip(rng.uniform(0.07, 0.28) * side, 6, 70))
    found = [(center, longest)]
    for _ in range(rng.poisson(1 + _HITS * (side * sky.pixel_scale / 60) ** 2)):
        found.append((rng.uniform(0, side, 2), 1 + float(rng.exponential(5))))
    return found


def _add_track(
    charge: DoubleArray,
    middle: DoubleArray,
    length: float,
    strength: float,
    rng: np.random.Generator,
) -> None:
    """Add ``strength`` for each pixel's length of track; a quarter are electrons, which wander."""
    pieces = max(2, round(length / _STEP))
    wander = 0.08 if rng.random() < 0.25 else 0.002
    angle = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, wander, pieces))
    path = np.cumsum(_STEP * np.stack([np.sin(angle), np.cos(angle)]), axis=1)
    path += (middle - path[:, pieces // 2])[:, None] + rng.normal(0, _DIFFUSION, path.shape)
    lost = strength * _STEP * np.exp(0.4 * rng.standard_normal(pieces))
    row, column = np.floor(path).astype(np.int64)
    inside = (np.minimum(row, column) >= 0) & (np.maximum(row, column) < len(charge))
    np.add.at(charge, (row[inside], column[inside]), lost[inside])
