"""Twins: the same galaxy as another exposure would show it, made from the original pixels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from skerry.survey import decode, prepare
from skerry.types import ByteArray, Contract

TURNED, MIRRORED, SHIFTED = "rotated and shifted", "mirrored", "shifted"
CHANGES = (TURNED, MIRRORED, SHIFTED)

FROM_AXES = 10.0
"""Least angle in degrees between a turn and a multiple of 90."""

SHIFT = (1.0, 3.0)
"""How far a twin is moved, in pixels of the original image."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Twins:
    """One galaxy's twins as an encoder is given them.

    ``pixels`` uint8 (3, size, size, 3) in the order of ``CHANGES``. ``filled``: the rotated
    field reached beyond the image, and the edge was mirrored there.
    """

    pixels: ByteArray
    filled: bool


def make_twins(data: bytes, name: str, contract: Contract, seed: int) -> Twins:
    """Turn, mirror and shift a whole image, then prepare it as the original was.

    The angle, 10 to 80 degrees from an axis, and the shift, 1 to 3 pixels in any direction, are
    drawn by the file's content. Resampled with bicubic interpolation at the original scale.

    Raises
    ------
    ImageError
        The image cannot be used; the reason.
    """
    pixels = decode(data, name)
    content = int.from_bytes(hashlib.sha256(data).digest()[:8], "little")
    rng = np.random.default_rng((seed, content))
    angle = 90.0 * rng.integers(4) + rng.uniform(FROM_AXES, 90.0 - FROM_AXES)
    length, direction = rng.uniform(*SHIFT), rng.uniform(0, 2 * np.pi)
    shift = length * np.array([np.cos(direction), np.sin(direction)])
    turned, shifted = _motion(pixels, angle, shift), _motion(pixels, 0.0, shift)
    changed = [_moved(pixels, turned), pixels[:, ::-1], _moved(pixels, shifted)]
    side = min(pixels.shape[:2])
    kept = (contract.crop_of(side) or 1.0) * side
    return Twins(
        np.stack([_prepared(c, contract) for c in changed]),
        _beyond(turned, pixels.shape[:2], kept),
    )


def _motion(pixels: ByteArray, angle: float, shift: Floats) -> Floats:
    """Affine matrix (2, 3) of a turn about the center, in degrees, and a shift in pixels."""
    height, width = pixels.shape[:2]
    matrix = np.array(cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0))
    matrix[:, 2] += shift
    return matrix


def _moved(pixels: ByteArray, matrix: Floats) -> ByteArray:
    size = (pixels.shape[1], pixels.shape[0])
    moved = cv2.warpAffine(
        pixels, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(moved, np.uint8)


def _prepared(pixels: ByteArray, contract: Contract) -> ByteArray:
    # through a lossless file, so that a twin goes the very way of its original
    bgr = np.ascontiguousarray(pixels[..., ::-1])
    data = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 0])[1].tobytes()
    return prepare(data, "twin.png", contract).pixels


def _beyond(matrix: Floats, shape: tuple[int, int], kept: float) -> bool:
    """Whether a corner of the part kept comes from outside the image."""
    height, width = shape
    inverse = cv2.invertAffineTransform(matrix)
    x, y = (width - kept) / 2, (height - kept) / 2
    corners = np.array([[x, y], [x + kept, y], [x, y + kept], [x + kept, y + kept]]) - 0.5
    source = corners @ inverse[:, :2].T + inverse[:, 2]
    edge = np.array([width, height]) - 0.5
    return bool(((source < -0.5) | (source > edge)).any())
