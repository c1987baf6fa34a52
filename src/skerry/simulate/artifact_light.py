"""Unwanted light in an exposed image: a satellite's trail, a bright star's halo and spikes, the
charge that a star spills along its columns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import numpy as np

from skerry.simulate.observe import Night, noise_levels
from skerry.simulate.scene import Grid, plane
from skerry.simulate.sky import Sky
from skerry.simulate.stars import REFERENCE
from skerry.types import DoubleArray, FloatArray, IntArray

_BETA = 4.765
"""Moffat's index of a star's core, the one that `observe` blurs with."""

_PIXEL = 0.68
"""FWHM of a Gaussian as broad as a pixel, pixels."""

_SATURATED = 8.5
"""A star that just fills its central pixel is brighter than the depth by this, mag (SDSS: 14.2
against 22.7 in r; Gunn et al. 1998, AJ 116, 3040)."""


def shown(sky: Sky) -> IntArray:
    """Indices of the bands that a survey shows in color, ascending; int64 (1 or 3,)."""
    names = [band.name for band in sky.bands]
    return np.array(sorted({names.index(name) for name in sky.color}))


def grain(sky: Sky, night: Night) -> DoubleArray:
    """Noise of the empty sky's mean over a square arcsecond, nanomaggies an arcsec2.

    Float64 (n_bands,).
    """
    return noise_levels(sky, night) * sky.pixel_scale


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def full_well(sky: Sky, night: Night) -> DoubleArray:
    """Surface brightness at which a pixel saturates, nanomaggies an arcsec2; (n_bands,)."""
    flux = 10 ** (-0.4 * (_saturating(sky, night) - 22.5))
    radius = np.array([_moffat_radius(_seen(fwhm, sky)) for fwhm in night.psf_fwhm])
    level: DoubleArray = flux * (_BETA - 1) / (np.pi * radius**2)
    return level


def _saturating(sky: Sky, night: Night) -> DoubleArray:
    """AB magnitude of a star that just saturates, (n_bands,).

    From band to band it goes half as far as the depth, which also falls with a brighter sky.
    """
    depth = np.array(night.depth)
    magnitude: DoubleArray = (depth + np.median(depth[shown(sky)])) / 2 - _SATURATED
    return magnitude


def satellite_trail(
    image: FloatArray, sky: Sky, night: Night, rng: np.random.Generator, visibility: float
) -> FloatArray:
    """Add a straight trail: bands are exposed in turn, so it is in one; one in eight has a
    companion, parallel, in another.

    Its mean flux is 15 to 250 times the `grain` in an arcsec of its length, in the profile of a
    line seen through the PSF, broadened since satellites are near and out of focus. Some flicker
    as they tumble.
    """
    bands = rng.permutation(shown(sky))
    angle, offset = rng.uniform(0, np.pi), rng.normal(0, 0.8)
    flux, width = log_uniform(rng, 15, 250), rng.uniform(0.4, 2.2)
    depth = 0.6 * rng.beta(0.5, 3.0)
    period, phase = rng.uniform(15, 80), rng.uniform(0, 2 * np.pi)
    lines = [(bands[0], offset, flux)]
    companion, gap, share = rng.random() < 0.12, rng.uniform(-9, 9), rng.uniform(0.3, 1)
    if companion and len(bands) > 1:
        lines.append((bands[1], offset + gap, flux * share))
    where = plane(Grid(image.shape[-1], sky.pixel_scale), angle=angle)
    flicker = 1 + np.float32(depth) * np.sin(where.u * np.float32(2 * np.pi / period) + phase)
    light = image.copy()
    for band, off, density in lines:
        radius = _moffat_radius(math.hypot(_seen(night.psf_fwhm[band], sky), width))
        profile = _line_profile(where.v - np.float32(off), radius) * _line_peak(radius)
        amount = np.float32(visibility * density * grain(sky, night)[band])
        light[band] += (amount * profile * flicker).astype(np.float32)
    return light


def spiked_star(
    image: FloatArray, sky: Sky, night: Night, rng: np.random.Generator, visibility: float
) -> FloatArray:
    """Add a bright star on a diagonal, bright enough for its spike to show over the source.

    The spike's surface brightness there is 10 to 60 times the `grain`, less far from the star.
    """
    angle = np.pi / 4 + np.pi / 2 * rng.integers(4)
    distance, off = rng.uniform(8, 60), float(np.clip(rng.normal(0, 0.6), -1.5, 1.5))
    x = distance * np.cos(angle) - off * np.sin(angle)
    y = distance * np.sin(angle) + off * np.cos(angle)
    optics = _draw_optics(rng)
    peak = log_uniform(rng, 10, 60) * (20 / distance) ** 0.6
    peak *= float(np.median(grain(sky, night)[shown(sky)]))
    star = Star(x, y, peak * distance**2 / optics.spikes, rng.normal(1.3, 0.9))
    return image + np.float32(visibility) * star_light(star, optics, image, sky, night)


def bleeding_star(
    image: FloatArray, sky: Sky, night: Night, rng: np.random.Generator, visibility: float
) -> FloatArray:
    """Add a saturated star on the source's column, and the charge that it spills along it.

    Its spikes are fainter than those of `spiked_star`, for it is the fainter star. In the leading
    band the charge runs over the source and on by up to 25 arcsec, in the others to anywhere
    between; it fills a few columns, fewer toward its ends, to 3 to 70% of the `full_well`.
    """
    x, y = rng.normal(0, 0.4), rng.uniform(8, 40) * rng.choice([-1, 1])
    optics = _draw_optics(rng)
    magnitude = np.median(_saturating(sky, night)[shown(sky)]) - rng.uniform(3, 5.8)
    star = Star(x, y, 10 ** (-0.4 * (magnitude - 22.5)), rng.normal(1.3, 0.9))
    light = np.float32(visibility) * star_light(star, optics, image, sky, night)
    width, beyond = log_uniform(rng, 0.7, 2.0), rng.uniform(3, 25)
    level = log_uniform(rng, 0.03, 0.7) * np.exp(0.3 * rng.standard_normal(len(light)))
    reach = rng.uniform(0.6, 1, len(light)) * (abs(y) + beyond)
    reach[rng.choice(shown(sky))] = abs(y) + beyond
    grid = Grid(image.shape[-1], sky.pixel_scale)
    for band, full in enumerate(full_well(sky, night)):
        spilled = _spill(grid, x, y, reach[band], width)
        light[band] += spilled * np.float32(visibility**3 * full * min(level[band], 1.0))
    return image + light


@dataclass(frozen=True)
class Star:
    """Where, arcsec from the frame's center; ``flux`` in nanomaggies at 620 nm; and the power of
    wavelength that its flux goes with."""

    x: float
    y: float
    flux: float
    redness: float


@dataclass(frozen=True)
class Optics:
    """What telescope and camera make of a star of unit flux.

    Surface brightness on a spike's axis is ``spikes`` / r^2, that of the halo ``halo`` / r^2
    (King 1971, PASP 83, 199), times a power ``scatter`` of wavelength: thinned detectors scatter
    red light. ``twist`` radians turn the spikes from band to band, for the telescope turns
    meanwhile.
    """

    spikes: float
    halo: float
    scatter: float
    twist: float


def _draw_optics(rng: np.random.Generator) -> Optics:
    spikes = log_uniform(rng, 0.003, 0.006)
    return Optics(
        spikes=spikes,
        halo=spikes * log_uniform(rng, 0.1, 0.45),
        scatter=rng.uniform(0.2, 2.4),
        twist=np.radians(rng.normal(0, 0.7)),
    )


def star_light(star: Star, optics: Optics, image: FloatArray, sky: Sky, night: Night) -> FloatArray:
    """A star's core, halo and four spikes; float32 of the image's shape."""
    grid = Grid(image.shape[-1], sky.pixel_scale)
    where = plane(grid, star.x, star.y)
    square = where.u**2 + where.v**2
    middle = (len(sky.bands) - 1) / 2
    light = np.empty_like(image)
    for b, band in enumerate(sky.bands):
        fwhm = _seen(night.psf_fwhm[b], sky)
        radius = _moffat_radius(fwhm)
        core = cast(FloatArray, (1 + square * np.float32(1 / radius**2)) ** np.float32(-_BETA))
        core *= np.float32((_BETA - 1) / (np.pi * radius**2))
        wave = band.wavelength / REFERENCE
        core += np.float32(optics.halo * wave**optics.scatter) / (square + np.float32(fwhm**2))
        turned = plane(grid, star.x, star.y, np.pi / 4 + (b - middle) * optics.twist)
        for along, across in ((turned.u, turned.v), (turned.v, turned.u)):
            core += np.float32(optics.spikes) * _spike(along, across, fwhm)
        light[b] = core * np.float32(star.flux * wave**star.redness)
    return light


def _spike(along: FloatArray, across: FloatArray, fwhm: float) -> FloatArray:
    """Two opposite spikes, r^-2 on their axis, as broad as the PSF and a little broader far out."""
    broad = np.float32(0.8 * fwhm) * (1 + np.abs(along) * np.float32(1 / 90))
    profile = _line_profile(cast(FloatArray, across / broad), _moffat_radius(1.0))
    return cast(FloatArray, profile / (along * along + np.float32(fwhm**2)))


def _spill(grid: Grid, x: float, y: float, reach: float, width: float) -> FloatArray:
    """Columns filled with charge, as a share of each pixel; float32 (side, side).

    It is ``width`` arcsec wide at the star and ends ``reach`` from it, fading in the last third.
    """
    axis = grid.axis.astype(np.float64)
    left = np.maximum(0, 1 - np.abs(axis - y) / reach)
    half = 0.5 * np.maximum(width * np.sqrt(left), grid.scale) / grid.scale
    inside = half[:, None] + 0.5 - np.abs(axis - x)[None, :] / grid.scale
    level = np.minimum(1, 3 * left)[:, None]
    return cast(FloatArray, (np.clip(inside, 0, 1) * level).astype(np.float32))


def _seen(fwhm: float, sky: Sky) -> float:
    """FWHM of the PSF and the pixel together, arcsec."""
    return math.hypot(fwhm, _PIXEL * sky.pixel_scale)


def _moffat_radius(fwhm: float) -> float:
    return float(fwhm / (2 * math.sqrt(2 ** (1 / _BETA) - 1)))


def _line_profile(across: FloatArray, radius: float) -> FloatArray:
    """Across a line seen through a Moffat PSF, 1 on the line: the integral along it."""
    steep = np.float32(0.5 - _BETA)
    return cast(FloatArray, (1 + (across * np.float32(1 / radius)) ** 2) ** steep)


def _line_peak(radius: float) -> np.float32:
    """What brings `_line_profile` to a unit integral, 1 / arcsec."""
    gammas = math.gamma(_BETA - 0.5) / math.gamma(_BETA - 1)
    return np.float32(gammas / (math.sqrt(math.pi) * radius))
