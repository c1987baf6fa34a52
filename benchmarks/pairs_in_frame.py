"""Two galaxies drawn in one frame, each with a cutout of its own: what shredded must not flag.

Merging pairs recorded at both nuclei, and galaxies of the sea that lie one beside or before the
other by chance. Unlike sources of a simulated survey, their cutouts show the same sky.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from skerry.simulate.draw import show
from skerry.simulate.field import draw_field
from skerry.simulate.galaxy import Galaxy, draw
from skerry.simulate.kinds import draw_subject
from skerry.simulate.observe import add_noise, camera_grid, expose, night_of, resample
from skerry.simulate.population import draw_galaxy
from skerry.simulate.scene import Scene
from skerry.simulate.sky import Sky
from skerry.simulate.streams import Stream, draw_stream
from skerry.types import ByteArray, DoubleArray, FloatArray

KINDS = ("merging pair", "chance pair")


@dataclass(frozen=True)
class Drawn:
    """A source's cutout as shown, its pixel scale (arcsec), and its place, arcsec east and north
    of the frame's center."""

    image: ByteArray
    scale: float
    east: float
    north: float


def pair_in_frame(kind: str, seed: int, sky: Sky) -> tuple[Drawn, Drawn]:
    """Both galaxies of a pair of ``KINDS``, each cutout scaled to its galaxy."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    galaxies, streams = _pair(kind, rng)
    scale = sky.pixel_scale
    places = np.array([(g.x, g.y) for g in galaxies])
    middle = places.mean(axis=0)
    galaxies = [replace(g, x=g.x - middle[0], y=g.y - middle[1]) for g in galaxies]
    places = np.rint((places - middle) / scale) * scale
    widths = [sky.width * g.radius(0.9) for g in galaxies]
    grid, finer = camera_grid(sky, max(widths) + 2 * float(np.abs(places).max()))
    scene = Scene.empty(grid)
    for galaxy in galaxies:
        draw(galaxy, scene, rng)
    for stream in streams:
        draw_stream(stream.shifted(-middle[0], -middle[1]), scene)
    draw_field(scene, rng)
    night = night_of(sky)
    frame = expose(scene, sky, night, finer, galaxies[0].redshift)
    frame = add_noise(frame, sky, night, rng)
    one, other = (_cut(frame, p, w, sky) for p, w in zip(places, widths, strict=True))
    return one, other


def _pair(kind: str, rng: np.random.Generator) -> tuple[list[Galaxy], tuple[Stream, ...]]:
    if kind == "merging pair":
        subject = draw_subject("merging-pair", rng, 1.0)
        return [subject.galaxy, *subject.others], subject.streams
    one, other = draw_galaxy(rng), draw_galaxy(rng)
    apart = rng.uniform(0.4, 1.1) * (one.radius(0.9) + other.radius(0.9))
    toward = rng.uniform(0, 2 * np.pi)
    other = replace(other, x=apart * np.cos(toward), y=apart * np.sin(toward))
    return [replace(one, x=0.0, y=0.0), other], ()


def _cut(frame: FloatArray, place: DoubleArray, width: float, sky: Sky) -> Drawn:
    side = max(8, round(width / sky.pixel_scale))
    side = min(side, frame.shape[-1])
    begin = [round(at / sky.pixel_scale) + (frame.shape[-1] - side) // 2 for at in place]
    column, row = (int(np.clip(at, 0, frame.shape[-1] - side)) for at in begin)
    window = frame[:, row : row + side, column : column + side]
    shown = show(resample(window, sky.size), sky)
    return Drawn(shown, side * sky.pixel_scale / sky.size, -float(place[0]), float(place[1]))
