"""Rare galaxies to plant: collisional rings, mergers, one-armed spirals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from skerry.survey.simulate.galaxy import draw, paint, plane, sersic
from skerry.survey.simulate.observe import R90, SIZE, blur, texture
from skerry.survey.simulate.population import draw_galaxy
from skerry.types import FloatArray

Point = npt.NDArray[np.float64]
"""An (x, y) in pixels from the frame's center, shape (2,)."""


def ring(rng: np.random.Generator) -> FloatArray:
    """Draw a ring galaxy; float32 (SIZE, SIZE, 3).

    A knotty blue ring, brighter on one side, about a small red nucleus that sits off center, as
    after a companion passed through the disk (Lynds & Toomre 1976).
    """
    angle, axis_ratio = rng.uniform(0, np.pi), rng.uniform(0.5, 1)
    radius, flux = R90 * rng.uniform(0.7, 1.1), 2.2e4 * np.exp(rng.normal(0, 0.25))
    nucleus_share, blueness = rng.uniform(0.15, 0.4), rng.uniform(0.55, 1.1)
    where = plane(0, 0, angle, axis_ratio)
    azimuth = np.arctan2(where.v, where.u) - rng.uniform(0, 2 * np.pi)
    distance = where.radius / radius * (1 + 0.04 * texture(rng, 20))
    width = rng.uniform(0.1, 0.2)
    band = np.exp(-(((distance - 1) / width) ** 2))
    uneven = 1 + rng.uniform(0.2, 0.65) * np.cos(azimuth)
    knots = np.exp(rng.uniform(0.15, 0.6) * texture(rng, 4.5))
    light = paint(band * uneven * knots, blueness, flux * 0.62)
    light += paint(np.exp(-((distance / 1.15) ** 3)), blueness - 0.3, flux * rng.uniform(0.1, 0.35))
    shift = rng.uniform(0, 0.28) * radius
    toward = rng.uniform(0, 2 * np.pi)
    x, y = shift * np.cos(toward), shift * np.sin(toward) * axis_ratio
    core = plane(float(x), float(y), angle, max(axis_ratio, 0.75))
    light += paint(sersic(core.radius, rng.uniform(2.2, 4), 1.6), 0.05, flux * nucleus_share)
    return light


def merger(rng: np.random.Generator) -> FloatArray:
    """Draw two galaxies joined by a tidal bridge, with tails; float32 (SIZE, SIZE, 3).

    Bridge and tails as in the encounters of Toomre & Toomre 1972.
    """
    separation = rng.uniform(15, 30)
    toward = rng.uniform(0, 2 * np.pi)
    offset = separation * np.array([np.cos(toward), np.sin(toward)])
    balance = rng.uniform(0.35, 0.55)
    places = (-balance * offset, (1 - balance) * offset)
    flux = 2.6e4 * np.exp(rng.normal(0, 0.3))
    mass = (1 - balance, balance)
    light = np.zeros((SIZE, SIZE, 3), np.float32)
    for place, share in zip(places, mass, strict=True):
        light += _member(rng, place, flux * share, shrink=0.62 * (2 * share) ** 0.4)
    bend = rng.choice([-1, 1]) * rng.uniform(0.25, 0.6)
    blueness = rng.uniform(0.2, 0.8)
    tidal = _path(places[0], places[1], bend, fade=False)
    for place, other in (places, places[::-1]):
        length = rng.uniform(0.7, 1.5)
        end = place + length * (place - other) + _across(place - other, bend * rng.uniform(0.8, 2))
        tidal += rng.uniform(0.4, 1.2) * _path(place, end, -bend, fade=True)
    tidal = (blur(tidal, 2.2) + blur(tidal, 4.5)) * np.exp(0.35 * texture(rng, 7))
    light += paint(tidal, blueness, flux * rng.uniform(0.22, 0.36))
    where = plane(0, 0, toward, 0.6)
    light += paint(np.exp(-where.radius / (0.55 * separation)), 0.3, 0.14 * flux)
    return light


def one_armed(rng: np.random.Generator) -> FloatArray:
    """Draw a lopsided spiral of a single strong arm, near face-on; float32 (SIZE, SIZE, 3)."""
    galaxy = draw_galaxy(rng, stage=rng.uniform(0.68, 0.9), face_on=0.62)
    galaxy = replace(
        galaxy,
        arms=1,
        arm_strength=rng.uniform(1.0, 1.35),
        pitch=float(np.radians(rng.uniform(12, 20))),
        lopsided=rng.uniform(0.1, 0.25),
        wobble=rng.uniform(0.1, 0.35),
        clumps=rng.uniform(0.3, 0.7),
        disk_scale=float(R90 / rng.uniform(2.7, 3.4)),
        bar=0.0,
        bulge_fraction=rng.uniform(0.06, 0.16),
    )
    return draw(replace(galaxy, bar_length=0.9 * galaxy.disk_scale), rng)


def _member(rng: np.random.Generator, place: Point, flux: float, *, shrink: float) -> FloatArray:
    galaxy = draw_galaxy(rng, stage=rng.uniform(0.15, 0.85), face_on=0.25)
    return draw(
        replace(
            galaxy,
            x=float(place[0]),
            y=float(place[1]),
            flux=flux,
            disk_scale=galaxy.disk_scale * shrink,
            bulge_radius=galaxy.bulge_radius * shrink,
            bar_length=galaxy.bar_length * shrink,
            bulge_fraction=max(galaxy.bulge_fraction, 0.25),
            lopsided=rng.uniform(0.1, 0.3),
        ),
        rng,
    )


def _across(direction: Point, bend: float) -> Point:
    return bend * np.array([-direction[1], direction[0]])


def _path(start: Point, end: Point, bend: float, *, fade: bool) -> FloatArray:
    """Draw a curved stream of points from ``start`` to ``end`` on an empty frame, sum 1."""
    along = np.linspace(0, 1, 120)[:, None]
    control = (start + end) / 2 + _across(end - start, bend)
    points = (1 - along) ** 2 * start + 2 * along * (1 - along) * control + along**2 * end
    weight = (1 - along[:, 0]) if fade else np.ones(len(along))
    bins = np.arange(SIZE + 1) - SIZE / 2
    counts, _, _ = np.histogram2d(points[:, 1], points[:, 0], bins=[bins, bins], weights=weight)
    stream: FloatArray = (counts / weight.sum()).astype(np.float32)
    return stream
