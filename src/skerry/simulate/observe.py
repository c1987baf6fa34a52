"""From light on the sky to pixels: point spread function, pixel response, noise.

Images are float32 surface brightness in nanomaggies an arcsec2, one plane a band, so that
resampling keeps what they show.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import cv2
import galsim
import numpy as np

from skerry.simulate.scene import Grid, Scene
from skerry.simulate.sky import Sky
from skerry.simulate.stars import REFERENCE, relative_flux
from skerry.types import DoubleArray, FloatArray

_BETA = 4.765
"""Moffat's index that follows turbulence (Trujillo et al. 2001, MNRAS 328, 977)."""

_SAMPLED = 1.9
"""Pixels across the PSF's FWHM below which the light is drawn on a finer grid."""

_SKY_BRIGHTNESS = 21.0
"""Of a dark night's sky in r, AB mag an arcsec2: what fixes photon noise against sky noise."""

_EXTINCTION_INDEX = -1.3
"""Of dust's optical depth with wavelength (Cardelli, Clayton & Mathis 1989, near 600 nm)."""


@dataclass(frozen=True)
class Night:
    """What a source was observed with: ``psf_fwhm`` in arcsec and ``depth`` in AB mag (point
    source, 5 sigma), each a band."""

    psf_fwhm: tuple[float, ...]
    depth: tuple[float, ...]


def night_of(sky: Sky) -> Night:
    """The median night of a survey."""
    return Night(tuple(b.psf_fwhm for b in sky.bands), tuple(b.depth for b in sky.bands))


def camera_grid(sky: Sky, width: float) -> tuple[Grid, int]:
    """The grid that light is drawn on for a frame ``width`` arcsec wide, and how many of its
    pixels along a side make one of the camera's."""
    side = max(8, round(width / sky.pixel_scale))
    sharpest = min(band.psf_fwhm for band in sky.bands)
    finer = max(1, math.ceil(_SAMPLED * sky.pixel_scale / sharpest))
    return Grid(side * finer, sky.pixel_scale / finer), finer


def expose(scene: Scene, sky: Sky, night: Night, finer: int, redshift: float) -> FloatArray:
    """Light through the atmosphere onto the camera's pixels, without noise.

    Returns float32 (n_bands, side, side), nanomaggies an arcsec2.
    """
    grid = scene.grid
    n = 32 * math.ceil(1.4 * grid.side / 32)  # room for light to spread over the rim, not around
    waves = [np.fft.rfft2(light, (n, n)) for light in scene.maps]
    middle = (grid.side - 1) / 2 * grid.scale
    for profile, old, young in scene.profiles:
        wave = _wave(profile.shift(middle, middle), n, grid.scale)
        waves[0] = waves[0] + old * wave
        waves[1] = waves[1] + young * wave
    flux = relative_flux(sky.bands, redshift)
    area = np.float32(grid.scale**2)
    planes = []
    for b, band in enumerate(sky.bands):
        wave = flux[0, b] * waves[0] + flux[1, b] * waves[1]
        wave = wave * _response(night.psf_fwhm[b], n, grid.scale)
        light = np.fft.irfft2(wave, (n, n))[: grid.side, : grid.side] / area
        if scene.dust is not None:
            opacity = (band.wavelength / REFERENCE) ** _EXTINCTION_INDEX
            light = light * np.exp(-np.float32(opacity) * scene.dust)
        planes.append(binned(light.astype(np.float32), finer))
    return np.stack(planes)


def add_noise(image: FloatArray, sky: Sky, night: Night, rng: np.random.Generator) -> FloatArray:
    """Add the noise of sky and photons, white in the camera's pixels.

    The sky's follows from the depth and the PSF's noise-equivalent area, 4 pi sigma^2 of a
    Gaussian; the photons' from the brightness of the sky.
    """
    level = noise_levels(sky, night)[:, None, None].astype(np.float32)
    dark = np.float32(10 ** (-0.4 * (_SKY_BRIGHTNESS - 22.5)))
    photons = np.sqrt(1 + np.maximum(image, 0) / dark)
    noise: FloatArray = image + level * photons * rng.standard_normal(image.shape, np.float32)
    return noise


def noise_levels(sky: Sky, night: Night) -> DoubleArray:
    """Standard deviation of the empty sky in a pixel of the camera, nanomaggies an arcsec2.

    Float64 (n_bands,).
    """
    faintest = 10 ** (-0.4 * (np.array(night.depth) - 22.5)) / 5
    sigma = np.array(night.psf_fwhm) / 2.3548
    area = 4 * np.pi * sigma**2
    levels: DoubleArray = faintest / np.sqrt(area) / sky.pixel_scale
    return levels


def binned(image: FloatArray, finer: int) -> FloatArray:
    """The mean of ``finer`` by ``finer`` pixels."""
    if finer == 1:
        return image
    side = image.shape[0] // finer
    return cast(FloatArray, image.reshape(side, finer, side, finer).mean(axis=(1, 3)))


def resample(image: FloatArray, size: int) -> FloatArray:
    """An image (n_bands, side, side) on ``size`` pixels a side, its surface brightness kept."""
    side = image.shape[-1]
    if side == size:
        return image
    how = cv2.INTER_AREA if size < side else cv2.INTER_LINEAR
    planes = [cv2.resize(plane, (size, size), interpolation=how) for plane in image]
    return np.stack(planes).astype(np.float32)


def _wave(profile: galsim.GSObject, n: int, scale: float) -> FloatArray:
    """A profile's Fourier transform as ``rfft2`` of an n by n image gives it; complex64."""
    image = galsim.ImageCF(galsim.BoundsI(0, n // 2, -n // 2, n // 2 - 1))
    profile.drawKImage(image=image, scale=2 * np.pi / (n * scale), recenter=False)
    return cast(FloatArray, np.fft.ifftshift(image.array, axes=0))


@lru_cache(maxsize=96)
def _response(fwhm: float, n: int, scale: float) -> FloatArray:
    """Fourier transform of the PSF and the pixel; float32 (n, n // 2 + 1), real and even."""
    moffat = galsim.Moffat(beta=_BETA, fwhm=fwhm)
    seen = galsim.Convolve(moffat, galsim.Pixel(scale))
    return np.ascontiguousarray(_wave(seen, n, scale).real.astype(np.float32))
