"""Light along curves: tidal tails and bridges, lensed arcs, and knots, curves of one point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skerry.simulate.scene import Scene, blur
from skerry.types import DoubleArray, FloatArray

_POINTS = 160


@dataclass(frozen=True)
class Stream:
    """A curve of light: ``points`` float64 (m, 2), (x, y) arcsec from the frame's center, of
    ``weight`` (m,), blurred by a Gaussian of ``width`` arcsec; ``flux`` in nanomaggies, of which
    ``young`` is the share of young stars."""

    points: DoubleArray
    weight: DoubleArray
    width: float
    flux: float
    young: float

    def shifted(self, x: float, y: float) -> Stream:
        """The same stream elsewhere."""
        moved = self.points + np.array([x, y])
        return Stream(moved, self.weight, self.width, self.flux, self.young)


def draw_stream(stream: Stream, scene: Scene) -> None:
    """Add a stream to a scene; what falls off the grid is lost, with its flux."""
    grid = scene.grid
    if stream.flux <= 0:
        return
    edges = (np.arange(grid.side + 1) - grid.side / 2) * grid.scale
    counts, _, _ = np.histogram2d(
        stream.points[:, 1], stream.points[:, 0], bins=(edges, edges), weights=stream.weight
    )
    inside = counts.sum() / stream.weight.sum()
    light: FloatArray = blur(counts.astype(np.float32), stream.width, grid)
    scene.paint(light, stream.flux * float(inside), stream.young)


def bent(
    start: DoubleArray, end: DoubleArray, bend: float, *, fading: bool
) -> tuple[DoubleArray, DoubleArray]:
    """Points and weights of a curve between two places (2,), arcsec.

    A quadratic Bezier curve whose middle is drawn aside by ``bend`` times its length. A fading one
    loses its light toward the end.
    """
    along = np.linspace(0, 1, _POINTS)[:, None]
    aside = bend * np.array([start[1] - end[1], end[0] - start[0]])
    control = (start + end) / 2 + aside
    points = (1 - along) ** 2 * start + 2 * along * (1 - along) * control + along**2 * end
    weight = 1 - 0.85 * along[:, 0] if fading else np.ones(_POINTS)
    return points, weight


def wound(inner: float, outer: float, start: float, turn: float) -> tuple[DoubleArray, DoubleArray]:
    """Points and weights of a tail that leaves at angle ``start`` and winds outward by ``turn``
    radians from radius ``inner`` to ``outer``, arcsec, fading."""
    along = np.linspace(0, 1, _POINTS)
    radius, angle = inner + (outer - inner) * along, start + turn * np.sqrt(along)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return points, (1 - 0.8 * along) * np.gradient(radius)


def around_center(radius: float, middle: float, extent: float) -> tuple[DoubleArray, DoubleArray]:
    """Points and weights of an arc of a circle, ``extent`` radians long, thinning to its ends."""
    along = np.linspace(-1, 1, _POINTS)
    angle = middle + extent / 2 * along
    points = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return points, np.sqrt(np.maximum(0.0, 1 - along**2)) + 0.05


def at_point(x: float, y: float) -> tuple[DoubleArray, npt.NDArray[np.float64]]:
    """Points and weights of a knot."""
    return np.array([[x, y]]), np.ones(1)
