"""One small reader per image format; bytes in, 8-bit RGB out, or a reason why not."""

from __future__ import annotations

import cv2
import numpy as np

from skerry.errors import ImageError
from skerry.survey.fits_image import read_fits
from skerry.survey.headers import Header, format_of, jpeg_header, png_header
from skerry.types import ByteArray

_REDUCED = {
    1: 0,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}
"""Flags of a reduced decoding; with IMREAD_COLOR_RGB beside them it is of the colors."""
SCALES = tuple(sorted(_REDUCED, reverse=True))
"""How many times smaller a JPEG can be decoded, the greatest first."""


def inspect(data: bytes, name: str) -> Header:
    """Format and size of an image from its header; a FITS image is read with it.

    Parameters
    ----------
    data
        The file's bytes.
    name
        Its name, whose suffix is compared with the format where it is one of an image.

    Raises
    ------
    ImageError
        The image cannot be used; the reason.
    """
    kind = format_of(data, name)
    if kind == "JPEG":
        return jpeg_header(data)
    if kind == "PNG":
        return png_header(data)
    pixels = read_fits(data)
    return Header(kind, pixels.shape[1], pixels.shape[0], pixels)


def read(data: bytes, header: Header, scale: int = 1) -> ByteArray:
    """Pixels of an image that was inspected; uint8 (h, w, 3), RGB.

    ``scale`` 2, 4 or 8 decodes a JPEG that many times smaller, sides rounded up, which is much
    faster; other formats are read in full. Gray is repeated in each band. A camera's
    orientation tag is ignored: the sky has its own.

    Raises
    ------
    ImageError
        The image is damaged, or all its pixels have one value.
    """
    pixels = header.pixels
    if pixels is None:
        pixels = _decoded(data, header, scale if header.format == "JPEG" else 1)
    if uniform(pixels):
        raise ImageError("all pixels have one value")
    return pixels


def _decoded(data: bytes, header: Header, scale: int) -> ByteArray:
    flags = _REDUCED[scale] | cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        found = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageError(f"damaged {header.format}: {error.err}") from error
    if found is None:
        raise ImageError(f"damaged {header.format}: it cannot be decoded")
    pixels = np.asarray(found, np.uint8)
    expected = (-(-header.height // scale), -(-header.width // scale), 3)
    if pixels.shape != expected:
        raise ImageError(f"damaged {header.format}: decoded to {pixels.shape}, not {expected}")
    return pixels


def decode(data: bytes, name: str, scale: int = 1) -> ByteArray:
    """An image file's pixels; uint8 (h, w, 3), RGB. See ``inspect`` and ``read``.

    Raises
    ------
    ImageError
        The image cannot be used: empty, truncated, damaged, not an image, wrongly named, of a
        format, depth or size that is not read, transparent, animated, or all of one value.
    """
    return read(data, inspect(data, name), scale)


def uniform(pixels: ByteArray) -> bool:
    """Whether all pixels have one value. A row is looked at first: most images end there."""
    middle = pixels[len(pixels) // 2]
    return bool((middle == middle[0]).all() and (pixels == middle[0]).all())
