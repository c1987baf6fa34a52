"""What an image file is, from its own bytes: format, size, and whether it is whole.

JPEG: ITU-T T.81, annex B. PNG: W3C Portable Network Graphics, third edition (with APNG).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from skerry.errors import ImageError
from skerry.types import ByteArray

SMALLEST = 16
LARGEST = 8192
"""Least and greatest side of an image, in pixels."""

_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"), (b"\x89PNG\r\n\x1a\n", "PNG"), (b"SIMPLE  =", "FITS"),
    (b"GIF87a", "GIF"), (b"GIF89a", "GIF"), (b"II*\0", "TIFF"), (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"), (b"BM", "BMP"), (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"), (b"\xff\x0a", "JPEG XL"), (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "ZIP"), (b"\x89HDF\r\n", "HDF5"), (b"%PDF", "PDF"),
)  # fmt: skip

SUFFIXES: Mapping[str, str] = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".png": "PNG",
    ".fits": "FITS", ".fit": "FITS", ".fts": "FITS", ".gif": "GIF", ".webp": "WebP",
    ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP",
}  # fmt: skip
"""Format of an image by its file's suffix, those that are not read included."""


@dataclass(frozen=True)
class Header:
    """Format and size in pixels, both sides in range.

    ``pixels`` is uint8 (height, width, 3) where the size is only known once they are read
    (FITS), else None.
    """

    format: str
    width: int
    height: int
    pixels: ByteArray | None = None


def format_of(data: bytes, name: str) -> str:
    """Format of an image file by its first bytes: ``JPEG``, ``PNG`` or ``FITS``.

    Raises
    ------
    ImageError
        No bytes, no image, a format that is not read, or not what ``name``'s suffix says.
    """
    if not data:
        raise ImageError("the file is empty: 0 bytes")
    found = next((f for magic, f in _MAGIC if data.startswith(magic)), "")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        found = "WebP"
    if not found:
        raise ImageError(_no_image(data))
    expected = SUFFIXES.get(PurePath(name).suffix.lower(), found)
    if found != expected:
        raise ImageError(f"wrongly named: the file is {found}, its suffix says {expected}")
    if found not in ("JPEG", "PNG", "FITS"):
        kind = {"GIF": "GIF, still or animated,"}.get(found, found)
        if found == "WebP" and data[12:16] == b"VP8X" and data[20:21] and data[20] & 0x02:
            kind = "animated WebP"
        raise ImageError(f"{kind} is not supported; expected JPEG, PNG or FITS")
    return found


def _no_image(data: bytes) -> str:
    if data[:64].lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml", b"{")):
        return "not an image but a text or web page, perhaps an error message of a server"
    return f"not an image: the file starts with {data[:8]!r}"


def in_range(width: int, height: int) -> None:
    """Check an image's size in pixels.

    Raises
    ------
    ImageError
        A side is shorter than ``SMALLEST`` or longer than ``LARGEST``.
    """
    if min(width, height) < SMALLEST:
        raise ImageError(f"too small: {width} x {height} px; expected {SMALLEST} px or more")
    if max(width, height) > LARGEST:
        raise ImageError(f"too large: {width} x {height} px; expected {LARGEST} px or less")


def jpeg_header(data: bytes) -> Header:
    """Size of a JPEG of 8-bit gray or color, complete to its end marker.

    Raises
    ------
    ImageError
        Truncated, CMYK, not 8-bit, of a rare kind (lossless, arithmetic), or out of range.
    """
    try:
        header, scan = _jpeg_frame(data)
    except (IndexError, struct.error) as error:
        raise ImageError("truncated JPEG: the file ends within its header") from error
    # A thumbnail before the scan has an end marker of its own; padding may follow the last.
    if data.rfind(b"\xff\xd9", scan) < 0:
        raise ImageError("truncated JPEG: the end marker is missing")
    return header


def _jpeg_frame(data: bytes) -> tuple[Header, int]:
    """The frame header, and where the first scan starts."""
    at, header = 2, None
    while True:
        if data[at] != 0xFF:
            raise ImageError(f"damaged JPEG: no marker at byte {at}")
        while data[at] == 0xFF:  # any number of fill bytes
            at += 1
        marker = data[at]
        at += 1
        if marker == 0x01 or 0xD0 <= marker <= 0xD7:
            continue
        if marker == 0xD9:
            raise ImageError("damaged JPEG: it ends before any image")
        (length,) = struct.unpack_from(">H", data, at)
        if marker == 0xDA:
            if header is None:
                raise ImageError("damaged JPEG: a scan without a frame")
            return header, at + length
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            header = _jpeg_size(marker, *struct.unpack_from(">BHHB", data, at + 2))
        at += length


def _jpeg_size(marker: int, bits: int, height: int, width: int, bands: int) -> Header:
    if marker not in (0xC0, 0xC1, 0xC2):
        raise ImageError("JPEG of a rare kind (lossless, hierarchical or arithmetic)")
    if bits != 8:
        raise ImageError(f"JPEG of {bits} bits; expected 8")
    if bands not in (1, 3):
        kind = "CMYK" if bands == 4 else f"{bands}-band"
        raise ImageError(f"{kind} JPEG; expected gray or RGB")
    in_range(width, height)
    return Header("JPEG", width, height)


def png_header(data: bytes) -> Header:
    """Size of an opaque, still PNG of at most 8 bits, complete and free of damage.

    Raises
    ------
    ImageError
        Truncated, a checksum fails, animated, 16-bit, with transparency, or out of range.
    """
    at, header, ended = 8, None, False
    while not ended:
        if at + 12 > len(data):
            raise ImageError("truncated PNG: the end chunk is missing")
        length, kind = struct.unpack_from(">I4s", data, at)
        body = memoryview(data)[at + 8 : at + 8 + length]
        if at + 12 + length > len(data):
            raise ImageError("truncated PNG: the file ends within a chunk")
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(body, zlib.crc32(kind)) != checksum:
            raise ImageError(f"damaged PNG: the checksum of its {kind!r} chunk fails")
        if header is None:
            header, color = _png_size(kind, body)
        if kind == b"acTL":
            raise ImageError("animated PNG; expected a still image")
        if kind == b"tRNS" and (color != 3 or any(alpha != 255 for alpha in body)):
            raise ImageError("PNG with transparency; expected gray or RGB")
        ended = kind == b"IEND"
        at += 12 + length
    assert header is not None
    return header


def _png_size(kind: bytes, body: memoryview) -> tuple[Header, int]:
    if kind != b"IHDR" or len(body) != 13:
        raise ImageError("damaged PNG: it does not start with a header")
    width, height, bits, color = struct.unpack_from(">IIBB", body)
    if bits == 16:
        raise ImageError("16-bit PNG; expected 8 bits (or FITS)")
    if color in (4, 6):
        raise ImageError("PNG with an alpha channel; expected gray or RGB")
    in_range(width, height)
    return Header("PNG", width, height), color
