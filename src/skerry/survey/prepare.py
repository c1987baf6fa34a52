"""From an image's bytes to what an encoder is given: decoded, cropped, resized."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import cv2
import numpy as np

from skerry.errors import ImageError
from skerry.survey.headers import Header
from skerry.survey.images import SCALES, inspect, read, uniform
from skerry.types import ByteArray, Contract

cv2.setNumThreads(0)  # images are spread over threads, never the work within one


@dataclass(frozen=True)
class Prepared:
    """One image made ready: ``pixels`` uint8 (size, size, 3), RGB.

    ``side`` is the image's own shorter side in pixels, by which the contract knows its field of
    view.
    """

    pixels: ByteArray
    side: int


def prepare(data: bytes, name: str, contract: Contract, crop: float = 0.0) -> Prepared:
    """Decode an image, keep its central square and bring it to the encoder's size.

    Parameters
    ----------
    data, name
        The file's bytes and name.
    contract
        What the encoder expects: its size in pixels, and the share of the width that shows
        its field of view for images whose shorter side is known. Others are taken whole.
    crop
        Share of the shorter side to keep, in (0, 1]; 0 goes by the contract.

    Returns
    -------
    Prepared
        Shrunk by area averaging, enlarged by bicubic interpolation. A JPEG is decoded at a
        half, a quarter or an eighth where that still has the pixels asked for.

    Raises
    ------
    ImageError
        The image cannot be used; the reason.
    """
    header = inspect(data, name)
    side = min(header.width, header.height)
    kept = crop or contract.crop_of(side) or 1.0
    scale = _scale(header, kept, contract.size) if header.format == "JPEG" else 1
    pixels = read(data, header, scale)
    out = _resized(_center(pixels, header, kept, scale), contract.size)
    if uniform(out):
        raise ImageError("all pixels of the central part have one value")
    return Prepared(out, side)


def view(data: bytes, name: str, size: int, contract: Contract, crop: float = 0.0) -> ByteArray:
    """The part of an image that the encoder sees, at any size to look at.

    uint8 (size, size, 3), RGB; otherwise as ``prepare``, errors included.
    """
    return prepare(data, name, dataclasses.replace(contract, size=size), crop).pixels


def _scale(header: Header, share: float, size: int) -> int:
    """The greatest reduction at which the part kept still has ``size`` pixels a side."""
    return next(s for s in SCALES if s == 1 or _window(header, share, s)[2] >= size)


def _window(header: Header, share: float, scale: int) -> tuple[int, int, int]:
    """Top, left and side of the central square kept, in pixels of the reduced image.

    They come from the full size: a reduced image's last pixels may reach beyond the image, and
    its own center would be off.
    """
    side = max(1, round(share * min(header.width, header.height)))
    top, left = (header.height - side) / 2, (header.width - side) / 2
    return round(top / scale), round(left / scale), max(1, round(side / scale))


def _center(pixels: ByteArray, header: Header, share: float, scale: int) -> ByteArray:
    top, left, side = _window(header, share, scale)
    side = min(side, pixels.shape[0] - top, pixels.shape[1] - left)
    return pixels[top : top + side, left : left + side]


def _resized(pixels: ByteArray, size: int) -> ByteArray:
    side = pixels.shape[0]
    if side == size:
        return np.ascontiguousarray(pixels)
    how = cv2.INTER_AREA if size < side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, (size, size), interpolation=how), np.uint8)
