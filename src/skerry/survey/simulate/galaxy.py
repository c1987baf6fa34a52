"""One galaxy's light: a Sersic bulge and an exponential disk with arms, bar, clumps and dust."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from skerry.survey.simulate.observe import SIZE, texture
from skerry.types import FloatArray

_RED = np.log(np.array([1.22, 1.0, 0.70], np.float32))
_BLUE = np.log(np.array([0.91, 0.95, 1.10], np.float32))
_EXTINCTION = np.array([0.7, 1.0, 1.35], np.float32)  # bands i, r, g

_AXIS = np.arange(SIZE, dtype=np.float32) - np.float32((SIZE - 1) / 2)


@dataclass(frozen=True)
class Galaxy:
    """What a galaxy is drawn from. Lengths in pixels, angles in radians, ``flux`` in sky noises.

    ``blueness`` runs from 0 (red and dead) to 1; ``winding`` is +1 or -1; strengths are 0 where
    the feature is absent.
    """

    flux: float
    angle: float
    x: float
    y: float
    blueness: float
    bulge_fraction: float
    bulge_radius: float
    bulge_axis_ratio: float
    sersic: float
    disk_scale: float
    axis_ratio: float
    lopsided: float
    arms: int
    arm_strength: float
    pitch: float
    winding: int
    phase: float
    wobble: float
    clumps: float
    bar: float
    bar_length: float
    dust: float


@dataclass(frozen=True)
class Plane:
    """Pixels in a galaxy's own plane: ``u`` along its major axis, ``v`` deprojected."""

    u: FloatArray
    v: FloatArray
    radius: FloatArray


def plane(x: float, y: float, angle: float, axis_ratio: float) -> Plane:
    """Coordinates about (``x``, ``y``), pixels from the frame's center; float32 (SIZE, SIZE)."""
    dx, dy = (_AXIS - x)[None, :], (_AXIS - y)[:, None]
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    u = dx * cos + dy * sin
    v = cast(FloatArray, (dy * cos - dx * sin) / axis_ratio)
    # Softened by less than a pixel, so that a cusp does not depend on where the grid falls.
    return Plane(u, v, np.sqrt(u * u + v * v + 0.2))


def sersic(radius: FloatArray, half_light: float, index: float) -> FloatArray:
    """Return the unnormalized profile of Sersic 1963, with the b_n of Ciotti & Bertin 1999."""
    b = 2 * index - 1 / 3 + 0.009876 / index
    steep = (radius / half_light) ** (1 / index)
    light: FloatArray = np.exp(-b * steep)
    return light


def color(blueness: float) -> FloatArray:
    """Relative light in bands i, r, g of stars from red (0) to blue (1); float32 (3,)."""
    return np.exp(_RED + blueness * (_BLUE - _RED))


def paint(light: FloatArray, blueness: float, flux: float) -> FloatArray:
    """Give ``light`` (SIZE, SIZE) a color and a total ``flux`` within the frame."""
    return light[..., None] * (color(blueness) * np.float32(flux / max(float(light.sum()), 1e-6)))


def draw(galaxy: Galaxy, rng: np.random.Generator) -> FloatArray:
    """Draw a galaxy without seeing or noise; float32 (SIZE, SIZE, 3)."""
    total = _bulge(galaxy) * (galaxy.flux * galaxy.bulge_fraction)
    if galaxy.bulge_fraction < 0.98:
        disk = plane(galaxy.x, galaxy.y, galaxy.angle, galaxy.axis_ratio)
        total = (total + _disk(galaxy, disk, rng)) * _transmission(galaxy, disk)
    return total


def _bulge(galaxy: Galaxy) -> FloatArray:
    where = plane(galaxy.x, galaxy.y, galaxy.angle, galaxy.bulge_axis_ratio)
    light = sersic(where.radius, galaxy.bulge_radius, galaxy.sersic)
    core = light * np.exp(-where.radius / galaxy.bulge_radius)
    return paint(light, galaxy.blueness - 0.1, 0.75) + paint(core, galaxy.blueness - 0.45, 0.25)


def _disk(galaxy: Galaxy, where: Plane, rng: np.random.Generator) -> FloatArray:
    azimuth = cast(FloatArray, np.arctan2(where.v, where.u) - galaxy.phase)
    stretched = where.radius * (1 + galaxy.lopsided * np.cos(azimuth))
    radius = cast(FloatArray, stretched / galaxy.disk_scale)
    edge = np.reciprocal(1 + (radius / 4.5) ** 8)
    old = np.exp(-radius) * edge
    inner = old * np.exp(-radius)
    light = np.zeros((SIZE, SIZE, 3), np.float32)
    young_share = 0.0
    if galaxy.arm_strength > 0.03:
        arm, reach = _arms(galaxy, radius, azimuth, rng)
        contrast = min(0.6, 0.7 * galaxy.arm_strength)
        old = old * (1 - contrast * reach * (1 - arm))
        young = arm * reach * np.exp(-radius / 1.9) * edge
        young = young * _clumps(galaxy.clumps, rng)
        young_share = 0.36 * galaxy.arm_strength
        light += paint(young, galaxy.blueness + 0.3, young_share)
    elif galaxy.clumps > 0.2:
        old = old * _clumps(0.5 * galaxy.clumps, rng)
    bar_share = 0.22 * galaxy.bar
    if galaxy.bar > 0.05:
        light += paint(_bar(galaxy, where), galaxy.blueness - 0.2, bar_share)
    rest = 1 - young_share - bar_share
    light += paint(old, galaxy.blueness + 0.1, 0.75 * rest)
    light += paint(inner, galaxy.blueness - 0.25, 0.25 * rest)
    return light * (galaxy.flux * (1 - galaxy.bulge_fraction))


def _arms(
    galaxy: Galaxy, radius: FloatArray, azimuth: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Logarithmic arms that leave the bar's ends: their profile, and where in the disk they are."""
    start = galaxy.bar_length / galaxy.disk_scale
    turn = np.log(np.maximum(radius, 0.2) / start) / np.tan(galaxy.pitch)
    angle = galaxy.arms * (galaxy.winding * azimuth - turn.astype(np.float32))
    angle = angle + galaxy.wobble * texture(rng, 14)
    arm = np.exp(2.6 * (np.cos(angle) - 1))
    rise = np.clip((radius - 0.6 * start) / (0.7 * start), 0, 1)
    return arm, rise * np.exp(-((radius / 4) ** 4))


def _clumps(strength: float, rng: np.random.Generator) -> FloatArray:
    """Draw a factor of mean near 1 that breaks light into knots of a few pixels."""
    knots = 0.6 * texture(rng, 3.5) + 0.6 * texture(rng, 8)
    factor: FloatArray = np.exp(strength * (knots - 0.3 * strength))
    return factor


def _bar(galaxy: Galaxy, where: Plane) -> FloatArray:
    cos, sin = np.float32(np.cos(galaxy.phase)), np.float32(np.sin(galaxy.phase))
    along = (where.u * cos + where.v * sin) / galaxy.bar_length
    across = (where.v * cos - where.u * sin) / (0.26 * galaxy.bar_length)
    light: FloatArray = np.exp(-(np.abs(along) ** 3) - 1.4 * np.abs(across))
    return light


def _transmission(galaxy: Galaxy, where: Plane) -> FloatArray:
    """Return the share of light a dust lane lets through: it shows only near edge-on."""
    tilt = np.clip((0.36 - galaxy.axis_ratio) / 0.16, 0, 1)
    depth = galaxy.dust * float(tilt)
    if depth < 0.03:
        return np.ones((1, 1, 3), np.float32)
    height = where.v * (galaxy.axis_ratio / galaxy.disk_scale)
    offset = 0.5 * (galaxy.axis_ratio - 0.12) * galaxy.winding
    lane = np.exp(
        -np.square((height - offset) / 0.11) - np.square(where.u / (2.2 * galaxy.disk_scale))
    )
    through: FloatArray = np.exp(-1.6 * depth * lane[..., None] * _EXTINCTION)
    return through
