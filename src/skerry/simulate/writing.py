"""A drawn source as the bytes of an image file: JPEG as published, or FITS as observed."""

from __future__ import annotations

import cv2
import numpy as np

from skerry.simulate.draw import Drawn, show
from skerry.simulate.plan import Planned
from skerry.simulate.sky import Sky

SUFFIXES = {"jpeg": ".jpg", "fits": ".fits"}
"""Of an image's file, by ``Sky.format``."""

Card = tuple[str, str | bool | int | float, str]
"""A line of a FITS header: its keyword, value and comment."""

_QUALITY = 92

cv2.setNumThreads(0)  # sources are spread over processes, never the work within one


def image_bytes(source: Planned, drawn: Drawn, sky: Sky) -> bytes:
    """The image file of a source, in the sky's format; the same bytes every time."""
    return jpeg_bytes(drawn, sky) if sky.format == "jpeg" else fits_bytes(source, drawn, sky)


def jpeg_bytes(drawn: Drawn, sky: Sky) -> bytes:
    """A source as it is shown: north is up, east is left."""
    pixels = cv2.cvtColor(show(drawn.image, sky), cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return encoded.tobytes()


def fits_bytes(source: Planned, drawn: Drawn, sky: Sky) -> bytes:
    """A source as it was observed, laid out as the cutouts of the DESI Legacy Imaging Surveys.

    One image, float32 (n_bands, size, size), nanomaggies a pixel (AB zero point 22.5), bands from
    blue to red, rows from south to north and columns from east to west; its WCS is gnomonic about
    the source's position (Calabretta & Greisen 2002, A&A 395, 1077), its bands are BAND0, BAND1...
    """
    order = sorted(range(len(sky.bands)), key=lambda at: sky.bands[at].wavelength)
    names = [sky.bands[at].name for at in order]
    pixels = drawn.image[order] * np.float32(drawn.pixel_scale**2)
    cards = [*_layout(pixels.shape), *_about(source, drawn, names)]
    header = "".join(_card(*card) for card in cards) + f"{'END':80}"
    blocks = header.encode("ascii"), pixels.astype(">f4").tobytes()
    return _filled(blocks[0], b" ") + _filled(blocks[1], b"\0")


def _layout(shape: tuple[int, ...]) -> list[Card]:
    """What a reader has to know to find the pixels (FITS 4.0, section 4.4.1)."""
    sides = [(f"NAXIS{at}", side, "") for at, side in enumerate(reversed(shape), 1)]
    return [("SIMPLE", True, ""), ("BITPIX", -32, "float32"), ("NAXIS", len(shape), ""), *sides]


def _about(source: Planned, drawn: Drawn, bands: list[str]) -> list[Card]:
    scale = drawn.pixel_scale / 3600
    middle = (drawn.image.shape[-1] + 1) / 2
    separator = "" if all(len(name) == 1 for name in bands) else ","
    filters: list[Card] = [("FILTER", bands[0], "")] if len(bands) == 1 else []
    return [
        ("OBJECT", source.id_str, "a simulated source"),
        ("BUNIT", "nanomaggy", "a pixel; AB magnitude 22.5 is 1"),
        ("CTYPE1", "RA---TAN", ""),
        ("CTYPE2", "DEC--TAN", ""),
        ("CUNIT1", "deg", ""),
        ("CUNIT2", "deg", ""),
        ("CRVAL1", source.ra, "of the source"),
        ("CRVAL2", source.dec, "of the source"),
        ("CRPIX1", middle, ""),
        ("CRPIX2", middle, ""),
        ("CDELT1", -scale, "columns run west"),
        ("CDELT2", scale, "rows run north"),
        ("RADESYS", "ICRS", ""),
        ("BANDS", separator.join(bands), "of the planes"),
        *((f"BAND{at}", name, "") for at, name in enumerate(bands)),
        *filters,
    ]


def _card(key: str, value: str | bool | int | float, comment: str) -> str:
    """A header's line. Written here, since astropy takes longer than drawing does."""
    if isinstance(value, str):
        text = "'{:8}'".format(value.replace("'", "''"))
    elif isinstance(value, bool):
        text = f"{'T' if value else 'F':>20}"
    else:
        text = f"{value:>20}" if isinstance(value, int) else f"{value:>#20.12G}"
    line = f"{key:8}= {text:20}{f' / {comment}' if comment else ''}"
    return f"{line:80}"


def _filled(block: bytes, filling: bytes) -> bytes:
    """Bytes up to the next multiple of 2880."""
    return block + filling * (-len(block) % 2880)
