"""What the pixels of one image show that no galaxy does, in numbers.

The measures are classical ones, of which each stands for one way in which an image is made or
spoiled: they were chosen on real images of the Sloan Digital Sky Survey that volunteers of Galaxy
Zoo 2 had called artifacts.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from skerry.examine.artifacts.straight import Straight, straight
from skerry.types import ByteArray, DoubleArray, FloatArray

SIDE = 128
"""Sides in pixels to which larger images are brought."""
SMALLEST = 32
"""Sides of the smallest image that is looked at."""
FULL = 250
"""Level from which a pixel counts as full."""
SHARP = 60
"""Levels by which a pixel of one plane must stand above its surroundings in that plane alone, or
``DEVIATIONS`` of its noise where that is more."""
DEVIATIONS = 8.0
_FLAT = 2
"""Levels by which the 9 pixels around one differ at most where there is no noise."""
_EDGE_ANGLES = (-8, -4, 0, 4, 8)
"""Degrees by which the border of a detector may be turned from rows and columns."""
_RUN = 21
"""Rows along which the sides of a column that is filled with charge are averaged."""
_WIDEST = 10
"""Columns that it may be wide."""


@dataclass(frozen=True)
class Evidence:
    """Measures of one image; levels are 0 to 255.

    ``sky`` float64 (planes,): level of the empty parts of the outer frame; ``floor`` (planes,): of
    the darkest of its four sides. ``range``: of levels in the liveliest of the sides, in the plane
    where it is least. ``gradient``: range of the sky over the four corners, in the plane where it
    is largest. ``saturated``: share of the frame of the largest full patch, ``away`` from the
    center in sides of the image, with a ``halo`` so many levels above the sky. ``band``: light of
    the source in the weakest plane over that in the strongest. ``flat``: share without noise beyond
    a straight border less that before it. ``column``: levels by which a column rises at both its
    sides. ``sharp``: pixels sharp in one plane alone. ``repeated``: share of rows, or of columns,
    that repeat the one before. ``gray``: all planes are the same, so that ``band`` and ``sharp``
    say nothing.
    """

    sky: DoubleArray
    floor: DoubleArray
    range: float
    gradient: float
    saturated: float
    away: float
    halo: float
    band: float
    flat: float
    column: float
    sharp: float
    repeated: float
    lines: Straight
    gray: bool


def evidence_of(pixels: ByteArray) -> Evidence | None:
    """Measure an image, uint8 (rows, columns, 3); None where it is too small.

    Its central square is brought to ``SIDE`` pixels if it is half as large again.
    """
    image = _prepared(pixels)
    if len(image) < SMALLEST:
        return None
    gray = bool((image == image[..., :1]).all())
    planes = image[..., :1] if gray else image
    noise = np.array([_noise(planes[..., b]) for b in range(planes.shape[2])])
    sky, gradient = _sky(planes)
    floor, liveliest = _sides(planes)
    saturated, away, halo = _saturated(planes, sky)
    return Evidence(
        sky=sky,
        floor=floor,
        range=liveliest,
        gradient=gradient,
        saturated=saturated,
        away=away,
        halo=halo,
        band=1.0 if gray else _band(planes, sky),
        flat=_flat(planes),
        column=_column(planes),
        sharp=0.0 if gray else _sharp(planes, noise),
        repeated=_repeated(pixels),
        lines=straight(planes, noise),
        gray=gray,
    )


def _prepared(pixels: ByteArray) -> FloatArray:
    side = min(pixels.shape[:2])
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    square = np.ascontiguousarray(pixels[top : top + side, left : left + side])
    if side > 1.5 * SIDE:
        square = np.asarray(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
    return square.astype(np.float32)


def _noise(plane: FloatArray) -> float:
    """From the Laplacian, which smooth light does not reach (Immerkaer 1996, CVIU 64, 300)."""
    around = plane[:-2, 1:-1] + plane[2:, 1:-1] + plane[1:-1, :-2] + plane[1:-1, 2:]
    return float(1.4826 * np.median(np.abs(4 * plane[1:-1, 1:-1] - around)) / np.sqrt(20))


def _sky(image: FloatArray) -> tuple[DoubleArray, float]:
    side = len(image)
    away = np.abs(np.arange(side) - (side - 1) / 2) > 0.36 * side
    outer = away[:, None] | away[None, :]
    level = np.percentile(image[outer], 30, axis=0)
    smooth = cv2.blur(image, (3, 3)).reshape(image.shape)
    part = side // 4
    corners = [
        np.percentile(smooth[rows, columns].reshape(-1, image.shape[2]), 30, axis=0)
        for rows in (slice(0, part), slice(-part, None))
        for columns in (slice(0, part), slice(-part, None))
    ]
    return np.asarray(level, np.float64), float(np.ptp(corners, axis=0).max())


def _sides(image: FloatArray) -> tuple[DoubleArray, float]:
    wide = max(4, len(image) // 10)
    sides = image[:wide], image[-wide:], image[:, :wide], image[:, -wide:]
    found = np.array(
        [np.percentile(s.reshape(-1, s.shape[2]), [10, 50, 90], axis=0) for s in sides]
    )
    low, middle, high = found.transpose(1, 0, 2)
    return np.asarray(middle.min(axis=0), np.float64), float((high - low).max(axis=0).min())


def _saturated(image: FloatArray, sky: DoubleArray) -> tuple[float, float, float]:
    full = (image.max(axis=2) >= FULL).astype(np.uint8)
    _, _, found, places = cv2.connectedComponentsWithStats(full, connectivity=8)
    if len(found) == 1:
        return 0.0, 0.0, 0.0
    largest = 1 + int(np.argmax(found[1:, cv2.CC_STAT_AREA]))
    area = int(found[largest, cv2.CC_STAT_AREA])
    x, y = places[largest]
    row, column = np.ogrid[: len(image), : len(image)]
    # as far out as no star's image reaches that the seeing alone spreads
    far = np.hypot(row - y, column - x) - np.sqrt(area / np.pi)
    ring = image[(far > 0.05 * len(image)) & (far < 0.09 * len(image))] - sky
    halo = float(np.percentile(ring, 30, axis=0).max()) if len(ring) else 0.0
    away = np.hypot(x - (len(image) - 1) / 2, y - (len(image) - 1) / 2) / len(image)
    return area / full.size, float(away), halo


def _band(image: FloatArray, sky: DoubleArray) -> float:
    """Of the brighter pixels of the middle quarter's middle."""
    side = len(image)
    half, middle = max(2, int(0.12 * side)), side // 2
    core = image[middle - half : middle + half, middle - half : middle + half] - sky
    light = core.mean(axis=2)
    planes = core[light >= np.percentile(light, 70)].mean(axis=0)
    return float(planes.min() / max(planes.max(), 1.0))


def _flat(image: FloatArray) -> float:
    """The most that the two sides of any straight border near rows or columns differ in the share
    of pixels without noise: over the whole sides, and over ten columns next to it."""
    side, most = len(image), 0.0
    kernel = np.ones((3, 3), np.uint8)
    ranges = cv2.dilate(image, kernel) - cv2.erode(image, kernel)
    even = (ranges <= _FLAT).astype(np.float32).reshape(image.shape)
    at = np.arange(int(0.08 * side), int(0.92 * side))
    for angle in [base + turn for base in (0, 90) for turn in _EDGE_ANGLES]:
        matrix = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), float(angle), 1.0)
        turned = cv2.warpAffine(
            even, matrix, (side, side), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
        )
        sums = np.cumsum(turned.reshape(side, side, -1).mean(axis=0), axis=0)
        sums = np.concatenate([np.zeros((1, sums.shape[1])), sums])
        whole = sums[at] / at[:, None], (sums[-1] - sums[at]) / (side - at)[:, None]
        low, high = np.maximum(at - 10, 0), np.minimum(at + 10, side)
        near = (
            (sums[at] - sums[low]) / (at - low)[:, None],
            (sums[high] - sums[at]) / (high - at)[:, None],
        )
        for here, there in ((0, 1), (1, 0)):
            inside = np.minimum(whole[here], near[here])
            most = max(most, float((inside - np.maximum(whole[there], near[there])).max()))
    return most


def _column(image: FloatArray) -> float:
    """Along rows or columns: the largest rise at one side with as large a fall within ten pixels,
    both over two pixels and averaged along ``_RUN``."""
    most = 0.0
    for turned in (image, image.transpose(1, 0, 2)):
        for b in range(image.shape[2]):
            plane = turned[..., b]
            rises = cv2.blur(np.clip(plane[:, 2:] - plane[:, :-2], -80, 80), (1, _RUN))
            inner = rises[_RUN // 2 : -(_RUN // 2)]
            falls = cv2.dilate(-inner[:, 1:], np.ones((1, _WIDEST)), anchor=(0, 0))
            most = max(most, float(np.minimum(inner[:, :-1], falls).max()))
    return most


def _sharp(image: FloatArray, noise: DoubleArray) -> float:
    """As cosmic rays are told from stars (van Dokkum 2001, PASP 113, 1420), by a median of 5 by 5
    pixels in the place of a Laplacian, and by the other planes in that of other exposures."""
    levels = image.astype(np.uint8)
    counts = []
    for b in range(image.shape[2]):
        others = np.delete(levels, b, axis=2).max(axis=2)
        own = image[..., b] - cv2.medianBlur(np.ascontiguousarray(levels[..., b]), 5)
        beside = others.astype(np.float32) - cv2.medianBlur(np.ascontiguousarray(others), 5)
        least = max(SHARP, DEVIATIONS * float(noise[b]))
        counts.append(int((own - np.maximum(beside, 0) > least).sum()))
    return float(max(counts))


def _repeated(pixels: ByteArray) -> float:
    """Rows that are not of one value and repeat the one before, of the image as it is."""
    shares = []
    for turned in (pixels, pixels.transpose(1, 0, 2)):
        same = (turned[1:] == turned[:-1]).all(axis=(1, 2))
        shown = np.ptp(turned[1:].reshape(len(turned) - 1, -1), axis=1) > 2 * _FLAT
        shares.append(float((same & shown).mean()))
    return max(shares)
