"""Light on the sky before it is observed: a grid, smooth profiles, and what is drawn over them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import cv2
import galsim
import numpy as np

from skerry.types import FloatArray

_LARGE_FFT = galsim.GSParams(maximum_fft_size=16_384)


@dataclass(frozen=True)
class Grid:
    """Square of ``side`` pixels of ``scale`` arcsec; its origin is the middle of the frame."""

    side: int
    scale: float

    @property
    def axis(self) -> FloatArray:
        """Pixel centers along a side, arcsec; float32 (side,)."""
        return ((np.arange(self.side) - (self.side - 1) / 2) * self.scale).astype(np.float32)


@dataclass(frozen=True)
class Plane:
    """Pixels in a galaxy's own plane, arcsec: ``u`` along its major axis, ``v`` deprojected."""

    u: FloatArray
    v: FloatArray
    radius: FloatArray


@dataclass
class Scene:
    """Light of old and young stars, flux at the reference wavelength in nanomaggies.

    ``maps`` float32 (2, side, side) are drawn by hand, ``profiles`` are GalSim's, each with its
    flux in old and in young stars. ``dust`` float32 (side, side) is the optical depth at the
    reference wavelength of a screen before everything, None for none.
    """

    grid: Grid
    maps: FloatArray
    profiles: list[tuple[galsim.GSObject, float, float]] = field(default_factory=list)
    dust: FloatArray | None = None

    @classmethod
    def empty(cls, grid: Grid) -> Scene:
        """A dark sky."""
        return cls(grid, np.zeros((2, grid.side, grid.side), np.float32))

    def paint(self, light: FloatArray, flux: float, young: float) -> None:
        """Add ``light`` (side, side), brought to a total ``flux`` of which a share is young."""
        total = float(light.sum())
        if flux <= 0 or total <= 0:
            return
        self.maps[0] += light * np.float32(flux * (1 - young) / total)
        self.maps[1] += light * np.float32(flux * young / total)

    def sersic(
        self,
        index: float,
        half_light: float,
        flux: float,
        young: float,
        *,
        axis_ratio: float = 1.0,
        angle: float = 0.0,
        at: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Add a Sersic profile (GalSim's): ``half_light`` arcsec along the geometric mean of its
        axes, ``angle`` radians from x toward y, center ``at`` (x, y) arcsec.

        The index is rounded to a quarter, since GalSim tabulates each that it meets.
        """
        if flux <= 0:
            return
        rounded = float(np.clip(round(4 * index) / 4, 0.5, 6.0))
        if rounded == 1.0:
            profile = galsim.Exponential(half_light_radius=half_light, gsparams=_LARGE_FFT)
        else:
            profile = galsim.Sersic(rounded, half_light_radius=half_light, gsparams=_LARGE_FFT)
        sheared = profile.shear(q=max(axis_ratio, 0.05), beta=angle * galsim.radians)
        self.profiles.append((sheared.shift(*at), flux * (1 - young), flux * young))


def plane(
    grid: Grid, x: float = 0.0, y: float = 0.0, angle: float = 0.0, axis_ratio: float = 1.0
) -> Plane:
    """Coordinates about (``x``, ``y``), arcsec from the frame's center; float32 (side, side)."""
    dx, dy = (grid.axis - np.float32(x))[None, :], (grid.axis - np.float32(y))[:, None]
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    u = cast(FloatArray, dx * cos + dy * sin)
    v = cast(FloatArray, (dy * cos - dx * sin) / np.float32(axis_ratio))
    # Softened by half a pixel, so that a cusp does not depend on where the grid falls.
    soft = np.float32((0.5 * grid.scale) ** 2)
    return Plane(u, v, np.sqrt(u * u + v * v + soft))


def texture(grid: Grid, rng: np.random.Generator, grain: float) -> FloatArray:
    """Draw noise of mean zero and unit variance, correlated over ``grain`` arcsec.

    Returns float32 (side, side).
    """
    cells = int(np.clip(np.ceil(grid.side * grid.scale / grain), 3, grid.side))
    coarse = rng.standard_normal((cells + 2, cells + 2), np.float32)
    if cells == grid.side:
        return coarse[1:-1, 1:-1]
    fine = cv2.resize(coarse, (grid.side, grid.side), interpolation=cv2.INTER_CUBIC)
    return cast(FloatArray, fine * np.float32(1.25))  # the interpolation takes some variance


def blur(light: FloatArray, sigma: float, grid: Grid) -> FloatArray:
    """Blur by a Gaussian of ``sigma`` arcsec; shape and dtype are kept."""
    pixels = max(sigma / grid.scale, 0.3)
    return cast(FloatArray, cv2.GaussianBlur(light, (0, 0), pixels, borderType=cv2.BORDER_REFLECT))
