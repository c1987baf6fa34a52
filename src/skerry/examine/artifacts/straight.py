"""Straight lines and steps across an image, as trails, spikes and edges of detectors leave them.

At each angle the image is turned and averaged along the columns; then, column by column, how large
a part of the column stands out. Of a line or a step that crosses the frame all does, at both ends,
whatever its brightness; of a galaxy only what is near the center, which is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from skerry.types import DoubleArray, FloatArray

ANGLES = np.arange(0, 180, 4)
"""Degrees by which images are turned."""
CENTER = 0.22
"""Radius of what is left out, in sides of the image."""
OUTER = 0.36
"""Radius from which a line is near the rim, in sides of the image."""
_ALONG = 9
"""Pixels of a column that are averaged; every third of the averages is looked at."""
_APART = (4, 8)
"""Distances in pixels to both sides above which a line rises: half its width at most."""
_SPAN = 5
"""Pixels across of the means that a step is the difference of."""

_UNIT = 32
"""Parts of a level that are counted."""

Bools = npt.NDArray[np.bool_]
ShortArray = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Straight:
    """What crosses an image: shares of the length, from 0 to 1, on the worse of both ends.

    ``line`` in the plane where it is largest, ``others`` in the best other plane at that place.
    ``step`` is that of the clearest change of level along a straight border. ``even``: how high the
    line is near the frame's rim over nearer to the center, at the better end; near 1 for a trail,
    near 0 for a galaxy seen edge-on.
    """

    line: float
    others: float
    step: float
    even: float


def straight(image: FloatArray, noise: DoubleArray) -> Straight:
    """Look for a line and a step in an image.

    Parameters
    ----------
    image : float32 (side, side, planes), levels 0 to 255
    noise : float64 (planes,), standard deviation of a pixel
    """
    side, planes = len(image), image.shape[2]
    least = np.maximum(noise, 0.7)[:, None, None]
    turns = _turns(side)
    # planes before rows and whole numbers: five times as fast as float32 with planes last
    along = np.empty((len(ANGLES), planes, *turns.parts[0].shape[2:]), np.int16)
    mean = np.empty_like(along)
    for at, matrix in enumerate(turns.matrices):
        turned = cv2.warpAffine(image, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE)
        rows = cv2.blur(turned, (1, _ALONG)).reshape(side, side, planes)[1::3]
        means = cv2.blur(rows, (_SPAN, 1)).reshape(rows.shape)
        along[at] = np.rint(_UNIT * rows).transpose(2, 0, 1)
        mean[at] = np.rint(_UNIT * means).transpose(2, 0, 1)
    lines = np.maximum(*(turns.shares(_ridge(along, apart, least)) for apart in _APART))
    steps = turns.shares(_step(mean, least)), turns.shares(_step(-mean, least))
    angle, plane, column = np.unravel_index(int(lines.argmax()), lines.shape)
    near = [(angle + k) % len(ANGLES) for k in (-1, 0, 1)]
    there = lines[near][:, :, max(0, int(column) - 4) : int(column) + 5]
    rest = np.delete(there, int(plane), axis=1)
    step = max(float(one.max()) for one in steps)
    even = _even(along[angle, plane], int(column), turns.parts, int(angle))
    return Straight(float(lines.max()), float(rest.max(initial=0)), step, even)


@dataclass(frozen=True)
class _Turns:
    """A rotation for each angle; for each end of the columns which pixels count, (angles, 1, rows,
    side), and how many of each column, (angles, 1, side); which columns are half as long as the
    image, (angles, 1, side)."""

    matrices: tuple[DoubleArray, ...]
    parts: tuple[Bools, Bools]
    numbers: tuple[FloatArray, FloatArray]
    long: Bools

    def shares(self, there: Bools) -> FloatArray:
        """Of each column the share that is there, (angles, planes, side), at the worse end; 0 of
        short ones."""
        counted = [
            np.add.reduce((there & part).view(np.uint8), axis=2, dtype=np.uint8) / number
            for part, number in zip(self.parts, self.numbers, strict=True)
        ]
        return cast(FloatArray, np.where(self.long, np.minimum(*counted), 0))


@lru_cache(maxsize=4)
def _turns(side: int) -> _Turns:
    middle = (side - 1) / 2
    row, column = np.mgrid[:side, :side] - middle
    far = np.hypot(row, column) > CENTER * side
    whole = np.ones((side, side), np.float32)
    matrices, ends, long = [], [], []
    for angle in ANGLES.tolist():
        matrix = cv2.getRotationMatrix2D((middle, middle), float(angle), 1.0)
        inside = cv2.warpAffine(whole, matrix, (side, side), flags=cv2.INTER_NEAREST) > 0.5
        matrices.append(matrix)
        ends.append([(inside & far & half)[1::3] for half in (row < 0, row > 0)])
        long.append(inside.sum(axis=0) >= side / 2)
    upper, lower = (np.stack(parts)[:, None] for parts in zip(*ends, strict=True))
    numbers = [np.maximum(part.sum(axis=2), 3).astype(np.float32) for part in (upper, lower)]
    longest = np.stack(long)[:, None]
    return _Turns(tuple(matrices), (upper, lower), (numbers[0], numbers[1]), longest)


def _even(along: ShortArray, column: int, parts: tuple[Bools, Bools], angle: int) -> float:
    """Of a line at a column of (rows, side): the higher of both ends' ratios of outer to inner."""
    side, apart = along.shape[1], _APART[-1]
    beside = [np.clip(column + shift, 0, side - 1) for shift in (-apart, apart)]
    height = along[:, column].astype(np.float64) - np.maximum(*(along[:, at] for at in beside))
    row = 3 * np.arange(len(along)) + 1 - (side - 1) / 2
    outer = np.hypot(row, column - (side - 1) / 2) > OUTER * side
    ratios = [0.0]
    for part in parts:
        there = part[angle, 0, :, column]
        ends = height[there & outer], height[there & ~outer]
        if all(len(end) for end in ends):
            ratios.append(float(np.median(ends[0]) / max(float(np.median(ends[1])), _UNIT)))
    return max(ratios)


def _ridge(along: ShortArray, apart: int, noise: DoubleArray) -> Bools:
    """Where the light is above that on both sides, (angles, planes, rows, side)."""
    found = np.zeros(along.shape, dtype=bool)
    beside = np.maximum(along[..., 2 * apart :], along[..., : -2 * apart])
    # a standard deviation of the difference is about half of the pixel's
    least = (_UNIT * np.maximum(noise, 3.0)).astype(np.int16)
    found[..., apart:-apart] = along[..., apart:-apart] - beside > least
    return found


def _step(mean: ShortArray, noise: DoubleArray) -> Bools:
    """Where the level rises at once and is even on both sides, (angles, planes, rows, side)."""
    near, far = _SPAN // 2 + 2, 3 * _SPAN // 2 + 2
    side = mean.shape[-1]
    before, left, right, after = (
        mean[..., far + shift : side - far + shift] for shift in (-far, -near, near, far)
    )
    rise = right - left - np.abs(after - right) - np.abs(left - before)
    least = (_UNIT * np.maximum(0.3 * noise, 1.0)).astype(np.int16)
    found = np.zeros(mean.shape, dtype=bool)
    found[..., far : side - far] = rise > least
    return found
