"""Whether the light at two places of an image is one body, or two with a gap between them."""

from __future__ import annotations

import cv2
import numpy as np

from skerry.examine.displayed import Display
from skerry.examine.shredded.overlap import Bools, Overlaid, Place
from skerry.types import FloatArray

SMOOTHED = 1 / 128
"""Standard deviation of the Gaussian that an image is smoothed by, as a share of its side, and a
pixel at least."""
SEEN = 5.0
"""Light at a source's place stands out of the sky by so many standard deviations."""
WHITE = 254.0
"""The level from which a pixel may be brighter than is displayed."""
_STEPS = 12


def light_between(image: Overlaid, display: Display) -> float:
    """How much of the fainter of two sources' light is still there on the way to the other.

    The way is the one whose darkest point is brightest: the saddle between two peaks, or, if one
    of them is no peak, the place itself. Light is above the sky, the image's 5th percentile, after
    smoothing. As a source finder that separates blends does (Bertin & Arnouts 1996, A&AS 117,
    393), but at the saddle's flux and not by the light above it. At the place of a source the
    brightest pixel within two of it is taken.

    Returns
    -------
    1 for one body with no dip at all, 0 for two with empty sky between; NaN where there is no
    light at the place of one.
    """
    smoothing = _smoothing(image)
    smooth = _smoothed(image.light, image.covered, smoothing)
    sky = float(np.percentile(smooth[image.covered], 5))
    first, second = (_brightest(smooth, place, 2 * smoothing) for place in image.places)
    fainter = float(min(smooth[first], smooth[second]))
    if fainter - sky < max(1.0, SEEN * _noise(image) / (2 * np.sqrt(np.pi) * smoothing)):
        return float("nan")
    levels = np.array([sky, _saddle(smooth, first, second), fainter], np.float32)
    dark, there, full = display.flux(levels).tolist()
    return float(np.clip((there - dark) / (full - dark), 0, 1))


def white_between(image: Overlaid) -> bool:
    """Whether two places apart are both as bright as is displayed: a dip would not be seen."""
    spot = 2 * _smoothing(image)
    (row, column), (other, along) = image.places
    tops = [image.light[_brightest(image.light, place, spot)] for place in image.places]
    return bool(np.hypot(row - other, column - along) > spot and min(tops) >= WHITE)


def _smoothing(image: Overlaid) -> float:
    return float(max(1.0, SMOOTHED * min(image.light.shape)))


def _smoothed(light: FloatArray, covered: Bools, sigma: float) -> FloatArray:
    """As if what is not covered were not there; 0 there."""
    if covered.all():
        return np.asarray(cv2.GaussianBlur(light, (0, 0), sigma), np.float32)
    weight = cv2.GaussianBlur(covered.astype(np.float32), (0, 0), sigma)
    smooth = cv2.GaussianBlur(light, (0, 0), sigma)
    return np.where(covered, smooth / np.maximum(weight, 1e-3), 0).astype(np.float32)


def _noise(image: Overlaid) -> float:
    """Standard deviation of a pixel, from differences of those beside each other."""
    steps = np.diff(image.light, axis=1)[image.covered[:, 1:] & image.covered[:, :-1]]
    return float(1.4826 * np.median(np.abs(steps)) / np.sqrt(2))


def _brightest(light: FloatArray, place: Place, within: float) -> tuple[int, int]:
    row, column = np.ogrid[: light.shape[0], : light.shape[1]]
    near = (row - place[0]) ** 2 + (column - place[1]) ** 2 <= within**2
    found = np.unravel_index(np.argmax(np.where(near, light, -1)), light.shape)
    return int(found[0]), int(found[1])


def _saddle(light: FloatArray, first: tuple[int, int], second: tuple[int, int]) -> float:
    """The highest level at which two pixels are connected, by bisection."""
    high = float(min(light[first], light[second]))
    low = float(light.min())
    if _connected(light, first, second, high):
        return high
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _connected(light, first, second, middle):
            low = middle
        else:
            high = middle
    return low


def _connected(
    light: FloatArray, first: tuple[int, int], second: tuple[int, int], level: float
) -> bool:
    _, labels = cv2.connectedComponents((light >= level).astype(np.uint8), connectivity=8)
    return bool(labels[first] == labels[second] != 0)
