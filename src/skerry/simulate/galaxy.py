"""One galaxy's light: a Sersic bulge and an exponential disk with arms, bar, ring, clumps, dust."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from scipy.special import gamma, gammainc

from skerry.simulate.scene import Grid, Plane, Scene, plane, texture
from skerry.simulate.stars import young_share
from skerry.types import DoubleArray, FloatArray

_PETROSIAN = 0.2
_RADII = np.geomspace(1e-3, 60, 400)
"""Where growth curves are sampled, in units of the bulge's radius and the disk's scale together."""


@dataclass(frozen=True)
class Galaxy:
    """What a galaxy is drawn from and what its catalog row is made of.

    Lengths in arcsec, angles in radians, ``flux`` in nanomaggies at 620 nm. ``late`` runs along
    the Hubble sequence from 0 (elliptical) to 1 (late spiral), ``blueness`` from 0 (red) to 1.
    Strengths are 0 where a feature is absent. ``mass`` is log10 of the stellar mass over that of
    the Sun, ``sfr`` log10 of the star formation rate in solar masses a year.
    """

    flux: float
    redshift: float
    mass: float
    sfr: float
    late: float
    blueness: float
    bulge_fraction: float
    bulge_radius: float
    bulge_axis_ratio: float
    sersic: float
    disk_scale: float
    axis_ratio: float
    angle: float
    x: float = 0.0
    y: float = 0.0
    lopsided: float = 0.0
    arms: int = 2
    arm_strength: float = 0.0
    pitch: float = 0.3
    winding: int = 1
    phase: float = 0.0
    wobble: float = 0.3
    clumps: float = 0.0
    bar: float = 0.0
    bar_length: float = 1.0
    dust: float = 0.0
    ring: float = 0.0
    ring_radius: float = 2.0
    boxy: float = 0.0

    def radius(self, share: float) -> float:
        """Petrosian radius in arcsec that holds a share of the Petrosian flux, seen face-on.

        That flux is the one within twice the radius at which the surface brightness falls to a
        fifth of the mean within (Petrosian 1976, ApJ 210, L53; Blanton et al. 2001, AJ 121, 2358,
        here without the width of their annulus), as the SDSS measures it: an elliptical's far
        wings do not count. Arms, bars and rings are taken to follow the disk.
        """
        radius = _RADII * (self.bulge_radius + self.disk_scale)
        within, brightness = self._growth(radius)
        faint = brightness * np.pi * radius**2 < _PETROSIAN * within
        petrosian = radius[np.argmax(faint)]
        flux = np.interp(2 * petrosian, radius, within)
        return float(np.interp(share * flux, within, radius))

    def _growth(self, radius: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
        """Flux within a radius and surface brightness at it, for a total flux of 1 (Graham &
        Driver 2005, PASA 22, 118, equations 1 to 4)."""
        index, f = self.sersic, self.bulge_fraction
        b = 2 * index - 1 / 3 + 0.009876 / index
        x = b * (radius / self.bulge_radius) ** (1 / index)
        total = 2 * np.pi * index * self.bulge_radius**2 * b ** (-2 * index) * gamma(2 * index)
        h = radius / self.disk_scale
        within = f * gammainc(2 * index, x) + (1 - f) * (1 - (1 + h) * np.exp(-h))
        brightness = f * np.exp(-x) / total
        brightness += (1 - f) * np.exp(-h) / (2 * np.pi * self.disk_scale**2)
        return within, brightness


def draw(galaxy: Galaxy, scene: Scene, rng: np.random.Generator) -> None:
    """Add a galaxy to a scene."""
    _bulge(galaxy, scene)
    if galaxy.bulge_fraction < 0.98:
        where = plane(scene.grid, galaxy.x, galaxy.y, galaxy.angle, galaxy.axis_ratio)
        _disk(galaxy, scene, where, rng)
        _dust_lane(galaxy, scene, where, rng)


def _bulge(galaxy: Galaxy, scene: Scene) -> None:
    flux = galaxy.flux * galaxy.bulge_fraction
    at = (galaxy.x, galaxy.y)
    young = young_share(galaxy.blueness - 0.2)
    if galaxy.boxy > 0:
        scene.paint(_boxy_bulge(galaxy, scene.grid), flux * galaxy.boxy, young)
        flux *= 1 - galaxy.boxy
    scene.sersic(
        galaxy.sersic, galaxy.bulge_radius, flux, young,
        axis_ratio=galaxy.bulge_axis_ratio, angle=galaxy.angle, at=at,
    )  # fmt: skip


def _boxy_bulge(galaxy: Galaxy, grid: Grid) -> FloatArray:
    """A thickened bar seen from its side: boxy isophotes pinched toward an X (peanut)."""
    where = plane(grid, galaxy.x, galaxy.y, galaxy.angle, 1.0)
    u, v = np.abs(where.u) / galaxy.bulge_radius, np.abs(where.v) / (0.72 * galaxy.bulge_radius)
    box = (u**4 + v**4) ** 0.25
    cross = np.exp(-(((u - v) / 0.35) ** 2)) * np.exp(-1.1 * box)
    light: FloatArray = np.exp(-1.7 * box) + np.float32(0.35) * cross
    return light


def _disk(galaxy: Galaxy, scene: Scene, where: Plane, rng: np.random.Generator) -> None:
    flux = galaxy.flux * (1 - galaxy.bulge_fraction)
    shares = _shares(galaxy)
    azimuth = cast(FloatArray, np.arctan2(where.v, where.u) - np.float32(galaxy.phase))
    stretch = 1 + np.float32(galaxy.lopsided) * np.cos(azimuth)
    radius = cast(FloatArray, where.radius * stretch / np.float32(galaxy.disk_scale))
    if shares["arms"] > 0:
        arm = _arms(galaxy, scene.grid, radius, azimuth, rng)
        knots = _clumps(scene.grid, galaxy, galaxy.clumps, rng)
        young, old = arm * np.exp(-radius / 1.9) * knots, arm * np.exp(-radius)
        scene.paint(young, 0.55 * flux * shares["arms"], young_share(galaxy.blueness + 0.35))
        scene.paint(old, 0.45 * flux * shares["arms"], young_share(galaxy.blueness))
    if shares["clumps"] > 0:
        light = np.exp(-radius / 1.15) * _clumps(scene.grid, galaxy, 2.2 * galaxy.clumps, rng)
        scene.paint(light, flux * shares["clumps"], young_share(galaxy.blueness + 0.2))
    if shares["bar"] > 0:
        light = _bar(galaxy, where)
        scene.paint(light, flux * shares["bar"], young_share(galaxy.blueness - 0.2))
    if shares["ring"] > 0:
        light = _ring(galaxy, scene.grid, where, azimuth, rng)
        scene.paint(light, flux * shares["ring"], young_share(galaxy.blueness + 0.25))
    rest = flux * (1 - sum(shares.values()))
    young = young_share(galaxy.blueness + 0.05)
    if galaxy.lopsided > 0.08:
        scene.paint(np.exp(-radius), rest, young)
        return
    scene.sersic(
        1.0, 1.678 * galaxy.disk_scale * np.sqrt(galaxy.axis_ratio), rest, young,
        axis_ratio=galaxy.axis_ratio, angle=galaxy.angle, at=(galaxy.x, galaxy.y),
    )  # fmt: skip


def _shares(galaxy: Galaxy) -> dict[str, float]:
    """Of the disk's light, what each feature takes."""
    arms = 0.5 * galaxy.arm_strength if galaxy.arm_strength > 0.03 else 0.0
    wanted = {
        "arms": arms,
        "clumps": 0.6 * galaxy.clumps if galaxy.clumps > 0.1 and not arms else 0.0,
        "bar": 0.24 * galaxy.bar if galaxy.bar > 0.05 else 0.0,
        "ring": 0.62 * galaxy.ring,
    }
    return {name: share / max(1.0, sum(wanted.values()) / 0.95) for name, share in wanted.items()}


def _arms(
    galaxy: Galaxy, grid: Grid, radius: FloatArray, azimuth: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Logarithmic arms that leave the bar's ends, fading where the disk ends."""
    start = np.float32(galaxy.bar_length / galaxy.disk_scale)
    turn = np.log(np.maximum(radius, 0.2) / start) / np.float32(np.tan(galaxy.pitch))
    angle = galaxy.arms * (galaxy.winding * azimuth - turn)
    angle = angle + np.float32(galaxy.wobble) * texture(grid, rng, 1.4 * galaxy.disk_scale)
    arm = np.exp(2.6 * (np.cos(angle) - 1))
    rise = np.clip((radius - 0.6 * start) / (0.7 * start), 0, 1)
    found: FloatArray = arm * rise * np.exp(-((radius / 4) ** 4))
    return found


def _clumps(grid: Grid, galaxy: Galaxy, strength: float, rng: np.random.Generator) -> FloatArray:
    """Draw a factor of mean near 1 that breaks light into knots."""
    knots = 0.6 * texture(grid, rng, 0.35 * galaxy.disk_scale)
    knots += 0.6 * texture(grid, rng, 0.8 * galaxy.disk_scale)
    factor: FloatArray = np.exp(np.float32(strength) * (knots - np.float32(0.3 * strength)))
    return factor


def _bar(galaxy: Galaxy, where: Plane) -> FloatArray:
    cos, sin = np.float32(np.cos(galaxy.phase)), np.float32(np.sin(galaxy.phase))
    along = (where.u * cos + where.v * sin) / np.float32(galaxy.bar_length)
    across = (where.v * cos - where.u * sin) / np.float32(0.26 * galaxy.bar_length)
    light: FloatArray = np.exp(-(np.abs(along) ** 3) - np.float32(1.4) * np.abs(across))
    return light


def _ring(
    galaxy: Galaxy, grid: Grid, where: Plane, azimuth: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """A knotty ring, brighter on one side (Lynds & Toomre 1976, ApJ 209, 382)."""
    distance = where.radius / np.float32(galaxy.ring_radius)
    distance = distance * (1 + np.float32(0.04) * texture(grid, rng, 0.8 * galaxy.ring_radius))
    band = np.exp(-(((distance - 1) / np.float32(rng.uniform(0.1, 0.2))) ** 2))
    uneven = 1 + np.float32(rng.uniform(0.1, 0.6)) * np.cos(azimuth)
    knots = np.exp(np.float32(0.4) * texture(grid, rng, 0.2 * galaxy.ring_radius))
    light: FloatArray = band * uneven * knots
    return light


def _dust_lane(galaxy: Galaxy, scene: Scene, where: Plane, rng: np.random.Generator) -> None:
    """A lane along the middle of a disk, which shows only near edge-on."""
    depth = 1.4 * galaxy.dust * float(np.clip((0.36 - galaxy.axis_ratio) / 0.16, 0, 1))
    if depth < 0.05:
        return
    height = where.v * np.float32(galaxy.axis_ratio / galaxy.disk_scale)
    offset = np.float32(0.5 * (galaxy.axis_ratio - 0.12) * galaxy.winding)
    lane = np.exp(-(((height - offset) / 0.11) ** 2) - (where.u / (2.2 * galaxy.disk_scale)) ** 2)
    patchy = np.exp(np.float32(0.3) * texture(scene.grid, rng, 0.4 * galaxy.disk_scale))
    tau = cast(FloatArray, np.float32(depth) * lane * patchy)
    scene.dust = tau if scene.dust is None else scene.dust + tau
