"""Two cutouts laid over each other by the positions of their sources: do they show the same sky?"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from skerry.examine.displayed import Display
from skerry.types import ByteArray, FloatArray

SEARCHED = 2
"""How many pixels of the coarser cutout the shift may differ from the one that positions give:
errors of astrometry, and pixels that are rounded."""
SMALLEST = 12
"""Sides in pixels of the smallest common part that is compared."""

Turn = tuple[int, int]
TURNS: tuple[Turn, ...] = ((1, 1), (1, -1), (-1, 1), (-1, -1))
"""How cutouts may lie, the usual first: 1 for east at the left, 1 for north at the top."""
Place = tuple[float, float]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Cutout:
    """``light`` float32 (rows, columns), 0 to 255, the mean of the planes displayed; ``scale`` in
    arcsec a pixel. The source is in the middle."""

    light: FloatArray
    scale: float


@dataclass(frozen=True)
class Overlaid:
    """Two cutouts on one canvas of the coarser one's pixels.

    ``light`` float32 (rows, columns) as the coarser one is displayed, 0 where ``covered`` says that
    neither shows the sky; ``places`` are row and column of both sources.
    """

    light: FloatArray
    covered: Bools
    places: tuple[Place, Place]


@dataclass(frozen=True)
class _Moved:
    """``other`` on pixels of ``one``'s size, of which it covers a box that begins at ``top`` and
    ``left`` of ``one``."""

    one: FloatArray
    other: FloatArray
    top: int
    left: int
    place: Place

    def common(self) -> tuple[FloatArray, FloatArray]:
        """The part that both show; empty where there is none."""
        rows, columns = self.one.shape
        top, left = max(0, self.top), max(0, self.left)
        bottom = min(rows, self.top + self.other.shape[0])
        right = min(columns, self.left + self.other.shape[1])
        bottom, right = max(top, bottom), max(left, right)
        there = self.other[top - self.top : bottom - self.top, left - self.left : right - self.left]
        return self.one[top:bottom, left:right], there


def cutout_of(pixels: ByteArray, scale: float) -> Cutout:
    """The cutout of an image, uint8 (rows, columns, 3)."""
    return Cutout(pixels.astype(np.float32).mean(axis=2), scale)


def overlap_match(one: Cutout, other: Cutout, offset: Place, turn: Turn) -> float:
    """How well the common part of two cutouts agrees: their normalized cross-correlation.

    Brought to the coarser of their pixel scales and laid over each other as ``offset`` says, the
    position of ``other`` from ``one`` (arcsec to the east and to the north); the best within
    ``SEARCHED`` pixels of that. Smoothed by a pixel, for noise that is resampled is another's, and
    one given the other's distribution of levels, for each may be displayed by a stretch of its own.

    Returns
    -------
    From -1 to 1, 1 for the same sky; NaN where less than ``SMALLEST`` pixels a side is common,
    or the common part of one shows nothing but one value.
    """
    here, there = _moved(*_by_scale(one, other, offset), turn).common()
    there = there[SEARCHED:-SEARCHED, SEARCHED:-SEARCHED]
    if min(there.shape) < SMALLEST or np.ptp(here) < 1 or np.ptp(there) < 1:
        return float("nan")
    one_there, other_there = (
        cv2.GaussianBlur(np.ascontiguousarray(part), (0, 0), 1) for part in (here, there)
    )
    inner = one_there[SEARCHED:-SEARCHED, SEARCHED:-SEARCHED]
    found = cv2.matchTemplate(one_there, _as_bright(other_there, inner), cv2.TM_CCOEFF_NORMED)
    return float(np.clip(found.max(), -1, 1))


def overlaid(one: Cutout, other: Cutout, offset: Place, turn: Turn, display: Display) -> Overlaid:
    """Both cutouts as one image, of the coarser where both show the sky.

    The finer one is brought to the other's display by the fluxes of the common part, for each may
    be displayed with a black and a white of its own.
    """
    moved = _moved(*_by_scale(one, other, offset), turn)
    added = display.brought(moved.other, *moved.common())
    rows, columns = moved.one.shape
    up, left = max(0, -moved.top), max(0, -moved.left)
    down = max(0, moved.top + added.shape[0] - rows)
    right = max(0, moved.left + added.shape[1] - columns)
    light = np.zeros((up + rows + down, left + columns + right), np.float32)
    covered = np.zeros(light.shape, dtype=bool)
    top, begin = up + moved.top, left + moved.left
    for plane, y, x in ((added, top, begin), (moved.one, up, left)):
        light[y : y + plane.shape[0], x : x + plane.shape[1]] = plane
        covered[y : y + plane.shape[0], x : x + plane.shape[1]] = True
    middle = up + (rows - 1) / 2, left + (columns - 1) / 2
    return Overlaid(light, covered, (middle, (up + moved.place[0], left + moved.place[1])))


def _as_bright(light: FloatArray, other: FloatArray) -> FloatArray:
    """An image with the distribution of levels of another of its shape, their order kept."""
    found = np.empty(light.size, np.float32)
    found[np.argsort(light, axis=None, kind="stable")] = np.sort(other, axis=None)
    return found.reshape(light.shape)


def _by_scale(one: Cutout, other: Cutout, offset: Place) -> tuple[Cutout, Cutout, Place]:
    """The coarser first."""
    if other.scale > one.scale:
        return other, one, (-offset[0], -offset[1])
    return one, other, offset


def _moved(one: Cutout, other: Cutout, offset: Place, turn: Turn) -> _Moved:
    """The finer cutout on the pixels of the coarser."""
    fine, (across, along) = _coarser(other, one.scale)
    rows, columns = fine.shape
    row = (one.light.shape[0] - 1) / 2 - turn[1] * offset[1] / one.scale
    column = (one.light.shape[1] - 1) / 2 - turn[0] * offset[0] / one.scale
    # whole pixels of the coarser one that lie within the finer
    half = (rows - 1) / 2 * along, (columns - 1) / 2 * across
    top, left = int(np.ceil(row - half[0])), int(np.ceil(column - half[1]))
    size = int(np.floor(row + half[0])) + 1 - top, int(np.floor(column + half[1])) + 1 - left
    affine = np.array(
        [
            [1 / across, 0, (left - column) / across + (columns - 1) / 2],
            [0, 1 / along, (top - row) / along + (rows - 1) / 2],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    shape = (max(1, size[1]), max(1, size[0]))
    resampled = cv2.warpAffine(fine, affine, shape, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return _Moved(one.light, np.asarray(resampled, np.float32), top, left, (row, column))


def _coarser(cutout: Cutout, scale: float) -> tuple[FloatArray, tuple[float, float]]:
    """The light on pixels of about ``scale``, and their size in it along columns and rows."""
    rows, columns = cutout.light.shape
    shrink = cutout.scale / scale
    size = max(1, round(columns * shrink)), max(1, round(rows * shrink))
    if size == (columns, rows):
        return cutout.light, (shrink, shrink)
    light = np.asarray(cv2.resize(cutout.light, size, interpolation=cv2.INTER_AREA), np.float32)
    return light, (columns * shrink / size[0], rows * shrink / size[1])
