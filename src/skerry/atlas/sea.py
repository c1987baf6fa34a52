"""All sources of a map in quadtree order, so that a tile is a slice."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from skerry.errors import InputError
from skerry.types import DoubleArray, IntArray

BITS = 26
"""Of each coordinate in a place's Morton code."""

SIDE = 512
"""Pixels a side of a tile."""

DEEPEST = 14
"""The last zoom level; a tile of level z is 2^-z of the chart wide."""

_Codes = npt.NDArray[np.uint64]


class Sea:
    """The places of sources, sorted by Morton code (Morton 1966): every tile of the quadtree is one
    slice, so that it costs what it holds.

    The chart is the unit square, y up, with the map in its middle: ``unit`` (n, 2), NaN where a
    source has no place. ``rows`` are the sources in the order of the codes.

    Raises
    ------
    InputError
        No source has a place on the map.
    """

    def __init__(self, points: DoubleArray) -> None:
        placed = np.flatnonzero(np.isfinite(points).all(axis=1))
        if not len(placed):
            raise InputError("no source has a place on the map: the run made none")
        low, high = points[placed].min(axis=0), points[placed].max(axis=0)
        side = float((high - low).max()) * 1.04 or 1.0
        self.unit = (points - (low + high) / 2) / side + 0.5
        self.home = _home(self.unit[placed])
        whole = np.minimum((self.unit[placed] * 2**BITS).astype(np.uint64), np.uint64(2**BITS - 1))
        codes = _spread(whole[:, 0]) | (_spread(whole[:, 1]) << np.uint64(1))
        order = np.argsort(codes, kind="stable")
        self.rows: IntArray = placed[order].astype(np.int64)
        self._codes: _Codes = codes[order]
        self._x, self._y = (np.ascontiguousarray(v) for v in whole[order].astype(np.int32).T)
        self.crowding = cache(self._crowding)

    def __len__(self) -> int:
        return len(self.rows)

    def _crowding(self, z: int) -> float:
        """How many sources a crowded pixel of level ``z`` has: the 99.5th percentile of those that
        have any, so that all tiles of a level have one scale."""
        pixels = self._codes >> np.uint64(2 * max(0, BITS - z - 9))
        starts = np.flatnonzero(np.append(True, pixels[1:] != pixels[:-1]))
        return float(np.percentile(np.diff(np.append(starts, len(pixels))), 99.5))

    def tile(self, z: int, x: int, y: int, margin: int) -> Tile:
        """What lies on a tile, and up to ``margin`` pixels outside it; y counts from below.

        Raises
        ------
        InputError
            There is no such tile.
        """
        if not (0 <= z <= DEEPEST and 0 <= x < 2**z and 0 <= y < 2**z):
            raise InputError(f"no tile {z}/{x}/{y}; z goes to {DEEPEST}, x and y to 2^z - 1")
        if not margin:  # the usual case where it is crowded: views, no copies
            held = self._slice(z, x, y)
            return Tile(self.rows[held], self._pixels(held, z, x, y, 0), 0)
        near = [
            self._slice(z, x + i, y + j)
            for j in (-1, 0, 1)
            for i in (-1, 0, 1)
            if 0 <= x + i < 2**z and 0 <= y + j < 2**z
        ]
        at = np.concatenate([np.arange(s.start, s.stop) for s in near])
        pixels = self._pixels(at, z, x, y, margin)
        return Tile(self.rows[at[pixels >= 0]], pixels[pixels >= 0], margin)

    def _pixels(self, at: IntArray | slice, z: int, x: int, y: int, margin: int) -> IntArray:
        """The pixel of each source of ``at`` on a tile with margins, -1 where it is outside."""
        shift = BITS - z - 9  # 2^9 pixels a side
        side = SIDE + 2 * margin
        column = (self._x[at] >> shift) - (x * SIDE - margin)
        line = (SIDE - 1 + y * SIDE + margin) - (self._y[at] >> shift)
        found = line.astype(np.int64) * side + column
        if margin:
            found[(column < 0) | (column >= side) | (line < 0) | (line >= side)] = -1
        return found

    def _slice(self, z: int, x: int, y: int) -> slice:
        code = _spread(np.array([x, y], np.uint64))
        first = int(code[0] | (code[1] << np.uint64(1)))
        ends = np.array([first, first + 1], np.uint64) << np.uint64(2 * (BITS - z))
        start, stop = np.searchsorted(self._codes, ends)
        return slice(int(start), int(stop))


@dataclass(frozen=True)
class Tile:
    """Sources on a tile: their ``rows``, and the pixel of each, counted line by line from the upper
    left in an image of ``side`` pixels, the margin included."""

    rows: IntArray
    pixels: IntArray
    margin: int

    @property
    def side(self) -> int:
        """Pixels a side, with the margins."""
        return SIDE + 2 * self.margin


def _home(unit: DoubleArray) -> tuple[float, float, float, float]:
    """The part of the chart to begin with: x0, y0, x1, y1, without a few stragglers far out."""
    low, high = np.percentile(unit, [0.1, 99.9], axis=0)
    pad = 0.05 * float((high - low).max()) or 0.5
    low, high = np.maximum(low - pad, -0.02), np.minimum(high + pad, 1.02)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _spread(values: _Codes) -> _Codes:
    """The bits of integers below 2^32 with a zero between each and the next."""
    found = values.astype(np.uint64)
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF),
        (8, 0x00FF00FF00FF00FF),
        (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    ):
        found = (found | (found << np.uint64(shift))) & np.uint64(mask)
    return found
