"""Tiles as images: gray by density, or colored by a column."""

from __future__ import annotations

import io
import math
import zlib

import cv2
import numpy as np
from PIL import Image

from skerry.atlas.coloring import SEA, Coloring
from skerry.atlas.sea import SIDE, Sea, Tile
from skerry.types import ByteArray, FloatArray

_FAINT, _FULL = 0.30, 0.85
"""How opaque the gray is where there is one source a pixel, and where it is crowded; of colors."""
_COLOR_FAINT, _COLOR_FULL = 0.65, 1.0

_STEPS, _MOST = 8, 512
"""Coverage is told apart in steps of 1 / _STEPS of a source, up to _MOST sources a pixel."""

# A PNG with a palette of 256, each entry with its own opacity, is written six times as fast as one
# of RGBA, and is a third of its size.
_PALETTE = 256


def paint(sea: Sea, z: int, x: int, y: int, color: Coloring | None = None) -> bytes:
    """A tile as PNG bytes, (SIDE, SIDE) with transparency.

    Without a coloring gray, the more opaque the more crowded, on a logarithmic scale; with one, the
    mean of the numbers, or the most frequent word, in each pixel.

    Raises
    ------
    InputError
        There is no such tile.
    """
    radius = _radius(sea, z)
    tile = sea.tile(z, x, y, math.ceil(radius))
    crowded = max(2.0, sea.crowding(z) * max(1.0, radius))
    return _png(_indices(tile, radius, crowded, color), _palette(color))


def paint_whole(sea: Sea, color: Coloring | None = None) -> bytes:
    """The whole chart as PNG bytes, (4 SIDE, 4 SIDE)."""
    z = 2
    radius = _radius(sea, z)
    crowded = max(2.0, sea.crowding(z) * max(1.0, radius))
    rows = [
        [_indices(sea.tile(z, x, y, math.ceil(radius)), radius, crowded, color) for x in range(4)]
        for y in reversed(range(4))
    ]
    return _png(np.block(rows), _palette(color))


def _radius(sea: Sea, z: int) -> float:
    """Of a source in pixels: larger where the level is sparse, 0 for one pixel."""
    share = len(sea) / (SIDE * 2**z) ** 2
    if share > 0.1:
        return 0.0
    return min(6.0, 1.2 + 0.75 * math.log10(0.1 / share))


def _indices(tile: Tile, radius: float, crowded: float, color: Coloring | None) -> ByteArray:
    """The tile as entries of its palette, 0 for nothing: colors times degrees of opacity."""
    if not len(tile.rows):
        return np.zeros((SIDE, SIDE), np.uint8)
    degrees = _degrees(color)
    covered = _summed(tile, radius, None)
    steps = np.minimum(covered * _STEPS + 0.5, _STEPS * _MOST).astype(np.int32)
    opacity = np.take(_opacity(crowded, color, degrees), steps)
    if color is None:
        return np.asarray(opacity, np.uint8)
    chosen = (_numbers if color.numeric else _words)(tile, radius, color)
    return np.asarray(np.where(opacity > 0, opacity + degrees * chosen, 0), np.uint8)


def _degrees(color: Coloring | None) -> int:
    return (_PALETTE - 1) // (1 if color is None else _n_colors(color))


def _n_colors(color: Coloring) -> int:
    """Colors in a palette, the gray of no value among them; a scale has 41 of its 256."""
    return 42 if color.numeric else len(color.palette) + 1


def _opacity(crowded: float, color: Coloring | None, degrees: int) -> ByteArray:
    """The degree of opacity, 0 to ``degrees``, for each step of coverage.

    A disk's rim is opaque by its share of the pixel, not by density.
    """
    covered = np.arange(_STEPS * _MOST + 1) / _STEPS
    faint, full = (_FAINT, _FULL) if color is None else (_COLOR_FAINT, _COLOR_FULL)
    scale = np.minimum(1, np.log1p(covered) / math.log1p(crowded))
    alpha = np.minimum(1, covered) * (faint + (full - faint) * scale) / full
    return np.round(alpha * degrees).astype(np.uint8)


def _palette(color: Coloring | None) -> ByteArray:
    """RGBA of each entry, uint8 (256, 4)."""
    found = np.zeros((_PALETTE, 4), np.uint8)
    degrees = _degrees(color)
    colors = np.array([SEA], np.uint8)
    if color is not None:
        known = color.palette[np.linspace(0, 255, 41).round().astype(int)] if (
            color.numeric
        ) else color.palette  # fmt: skip
        colors = np.vstack([colors, known])
    full = _FULL if color is None else _COLOR_FULL
    for i, rgb in enumerate(colors):
        part = found[1 + i * degrees : 1 + (i + 1) * degrees]
        part[:, :3] = rgb
        part[:, 3] = np.round(255 * full * np.arange(1, degrees + 1) / degrees)
    return found


def _numbers(tile: Tile, radius: float, color: Coloring) -> ByteArray:
    level = color.level[tile.rows]
    known = np.isfinite(level)
    weight = _summed(tile, radius, known.astype(np.float32))
    total = _summed(tile, radius, np.where(known, level, 0).astype(np.float32))
    last = _n_colors(color) - 2
    mean = np.clip(total / np.maximum(weight, 1e-6), 0, 1)
    return np.asarray(np.where(weight > 1e-3, 1 + np.round(mean * last), 0), np.uint8)


def _words(tile: Tile, radius: float, color: Coloring) -> ByteArray:
    kinds = len(color.palette) + 1
    level = color.level[tile.rows].astype(np.int64)
    flat = np.bincount(tile.pixels * kinds + level + 1, minlength=tile.side**2 * kinds)
    planes = flat.reshape(tile.side, tile.side, kinds).astype(np.float32)
    planes[..., 0] = 1e-3  # nothing known: gray
    chosen: ByteArray = np.argmax(_spread(planes, tile.margin, radius), axis=2).astype(np.uint8)
    return chosen


def _summed(tile: Tile, radius: float, weights: FloatArray | None) -> FloatArray:
    """Weights of the sources (None: 1) summed in each pixel they cover, float32 (SIDE, SIDE)."""
    flat = np.bincount(tile.pixels, weights=weights, minlength=tile.side**2)
    plane = flat.reshape(tile.side, tile.side).astype(np.float32)
    return _spread(plane, tile.margin, radius)


def _spread(plane: FloatArray, margin: int, radius: float) -> FloatArray:
    """Each pixel's value spread over a disk, and the margins cut off."""
    if not margin:
        return plane
    plane = cv2.filter2D(plane, -1, _disk(radius), borderType=cv2.BORDER_CONSTANT)
    return np.maximum(plane[margin:-margin, margin:-margin], 0)


def _disk(radius: float) -> FloatArray:
    """A disk of ``radius`` pixels, its rim smoothed."""
    reach = np.arange(-math.ceil(radius), math.ceil(radius) + 1)
    away = np.hypot(*np.meshgrid(reach, reach))
    return np.clip(radius + 0.5 - away, 0, 1).astype(np.float32)


def _png(indices: ByteArray, palette: ByteArray) -> bytes:
    image = Image.fromarray(indices)
    image.putpalette(palette[:, :3].tobytes())
    buffer = io.BytesIO()
    image.save(
        buffer, "PNG", compress_level=1, compress_type=zlib.Z_RLE,
        transparency=palette[:, 3].tobytes(),
    )  # fmt: skip
    return buffer.getvalue()
