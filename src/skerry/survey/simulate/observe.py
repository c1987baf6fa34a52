"""From light on the sky to what a survey publishes: seeing, noise, stretch.

Light is float32 of shape (SIZE, SIZE, 3), bands i, r, g (shown as red, green, blue), in units of
the r-band sky noise of one survey pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from skerry.types import ByteArray, FloatArray

SIZE = 128
"""Side of a cutout, pixels."""

R90 = 25.0
"""Petrosian radius holding 90% of the light, pixels: a frame is about five of them wide."""

SURVEY_PIXEL = 0.396
"""Pixel of the imitated camera (SDSS, York et al. 2000), arcsec."""

_BAND_NOISE = np.array([1.0, 0.75, 0.8], np.float32)
_SKY = 0.35
_SOFTENING = 7.0
_GAIN = 0.198


@dataclass(frozen=True)
class Seeing:
    """How sharply a galaxy is seen.

    ``r90`` is its radius on the sky and ``fwhm`` the point spread function's, both arcsec. Each
    cutout is scaled to its galaxy, so a small galaxy is a blurred one with coarse noise.
    """

    r90: float
    fwhm: float = 1.3

    @property
    def scale(self) -> float:
        """Arcsec per pixel of the cutout."""
        return self.r90 / R90

    @property
    def sigma(self) -> float:
        """The point spread function's standard deviation, pixels of the cutout."""
        return self.fwhm / 2.355 / self.scale

    @property
    def grain(self) -> float:
        """A survey pixel, in pixels of the cutout."""
        return SURVEY_PIXEL / self.scale


def blur(light: FloatArray, sigma: float) -> FloatArray:
    """Blur by a Gaussian of ``sigma`` pixels; shape and dtype are kept."""
    return cast(FloatArray, cv2.GaussianBlur(light, (0, 0), sigma, borderType=cv2.BORDER_REFLECT))


def texture(rng: np.random.Generator, grain: float, channels: int = 1) -> FloatArray:
    """Draw noise of unit variance and mean zero, correlated over ``grain`` pixels.

    Returns float32 (SIZE, SIZE), or (SIZE, SIZE, channels) where ``channels`` is above 1.
    """
    side = max(4, int(np.ceil(SIZE / max(grain, 1.0))))
    shape = (side, side) if channels == 1 else (side, side, channels)
    coarse = rng.standard_normal(shape, np.float32)
    if side == SIZE:
        return coarse
    smooth = cv2.resize(coarse, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    return cast(FloatArray, smooth * 1.25)  # the interpolation takes some variance


def through_atmosphere(light: FloatArray, seeing: Seeing) -> FloatArray:
    """Blur by the point spread function: a core, and wings that hold a tenth of the light."""
    core, wings = blur(light, seeing.sigma), blur(light, 2.6 * seeing.sigma)
    return 0.9 * core + 0.1 * wings


def add_noise(light: FloatArray, seeing: Seeing, rng: np.random.Generator) -> FloatArray:
    """Add sky noise and, growing as the root of the signal, photon noise."""
    # A cutout pixel that averages several survey pixels is quieter than each of them.
    level = _BAND_NOISE * (min(1.0, seeing.grain) * rng.uniform(0.7, 1.5))
    photons = np.sqrt(1 + np.maximum(light, 0) / 25).astype(np.float32)
    sky = _SKY * rng.uniform(0.5, 1.5)
    fine = texture(rng, max(seeing.grain, 1.4), 3)
    # Faint sources nobody sees, and the publisher's own compression, leave colored blotches.
    blotches = texture(rng, 3 * max(seeing.grain, 1.0), 3) * 0.5
    return light + sky + level * (photons * fine + blotches)


def lupton(light: FloatArray) -> ByteArray:
    """Stretch three bands to a color image that keeps the color of bright pixels.

    Parameters
    ----------
    light : float32 (SIZE, SIZE, 3)
        Bands to be shown as red, green, blue.

    Returns
    -------
    uint8 (SIZE, SIZE, 3), RGB.

    References
    ----------
    Lupton et al. 2004, PASP 116, 133: all bands are scaled by one asinh of their mean.
    """
    mean = np.maximum(np.abs(light.mean(axis=2, keepdims=True)), 1e-3)
    color = light * (_GAIN * np.arcsinh(mean / _SOFTENING) / mean)
    brightest = np.maximum(color.max(axis=2, keepdims=True), 1)
    image: ByteArray = (np.clip(color / brightest, 0, 1) * 255 + 0.5).astype(np.uint8)
    return image
