"""Every way an image can be unusable is named; everything else decodes to 8-bit RGB."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import cv2
import numpy as np
import pytest
from astropy.io import fits
from hypothesis import example, given, settings
from hypothesis import strategies as st

from skerry.errors import ImageError
from skerry.survey import decode
from skerry.survey.fits_image import stretch
from skerry.survey.headers import jpeg_header

Pixels = np.ndarray[Any, Any]


def galaxy(side: int = 64, seed: int = 0) -> Pixels:
    """A smooth blob in color with some noise; uint8 (side, side, 3), RGB."""
    y, x = np.mgrid[:side, :side] / side - 0.5
    blob = np.exp(-(x**2 + 2 * y**2) * 20)[..., None] * np.array([220, 160, 90])
    noise = np.random.default_rng(seed).uniform(0, 20, (side, side, 3))
    return (blob + noise).astype(np.uint8)


def encoded(pixels: Pixels, suffix: str = ".jpg", *options: int) -> bytes:
    bgr = pixels if pixels.ndim == 2 or pixels.shape[2] != 3 else pixels[..., ::-1]
    ok, data = cv2.imencode(suffix, bgr, list(options))
    assert ok
    return bytes(data)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(bits: int, color: int, rows: bytes, *extra: bytes, side: int = 32) -> bytes:
    """A PNG written by hand: kinds that OpenCV does not write."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, bits, color, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(extra) + body + chunk(b"IEND", b"")


def palette_png(*extra: bytes) -> bytes:
    entries = bytes(range(0, 256, 4)) * 3
    rows = b"".join(b"\0" + bytes((r + c) % 64 for c in range(32)) for r in range(32))
    return png(8, 3, rows, chunk(b"PLTE", entries), *extra)


def fits_bytes(array: Pixels | None, *more: Pixels) -> bytes:
    file = BytesIO()
    hdus: list[Any] = [fits.PrimaryHDU(array)]
    fits.HDUList(hdus + [fits.ImageHDU(a) for a in more]).writeto(file)
    return file.getvalue()


def flux(side: int = 40, bands: int = 0) -> Pixels:
    shape = (bands, side, side) if bands else (side, side)
    sky = np.random.default_rng(1).normal(0, 0.01, shape)
    return (sky + galaxy(side)[..., 0] / 100.0).astype(np.float32)


JPEG, PNG, FITS = encoded(galaxy()), encoded(galaxy(), ".png"), fits_bytes(flux())


def with_frame(data: bytes, change: Callable[[bytearray, int], None]) -> bytes:
    """A JPEG with its frame header changed; ``change`` gets the position after the marker."""
    out = bytearray(data)
    change(out, data.index(b"\xff\xc0") + 2)
    return bytes(out)


def set_byte(offset: int, value: int) -> Callable[[bytearray, int], None]:
    def change(out: bytearray, at: int) -> None:
        out[at + offset] = value

    return change


def spoiled(array: Pixels, *values: float) -> Pixels:
    out = array.copy()
    out.flat[: len(values)] = values
    return out


BAD: dict[str, tuple[bytes, str, str]] = {
    "nothing": (b"", "a.jpg", "0 bytes"),
    "text": (b"id,ra,dec\n1,2,3", "a.jpg", "not an image"),
    "web page": (b"\n<!DOCTYPE html><p>404", "a.jpg", "web page"),
    "PNG named jpg": (PNG, "a.JPG", "wrongly named: the file is PNG"),
    "JPEG named fits": (JPEG, "a.fits", "wrongly named: the file is JPEG"),
    "half a JPEG": (JPEG[: len(JPEG) // 2], "a.jpg", "truncated JPEG"),
    "JPEG, last byte lost": (JPEG[:-1], "a.jpg", "truncated JPEG"),
    "JPEG, padded with zeros": (JPEG[:-300] + bytes(300), "a.jpg", "truncated JPEG"),
    "half a progressive JPEG": (
        encoded(galaxy(), ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)[:-200], "a.jpg", "truncated",
    ),
    "JPEG header alone": (JPEG[:20], "a.jpg", "truncated JPEG"),
    "half a PNG": (PNG[: len(PNG) // 2], "a.png", "truncated PNG"),
    "PNG without its end": (PNG[:-12], "a.png", "truncated PNG"),
    "PNG, a byte changed": (PNG[:100] + bytes([PNG[100] ^ 1]) + PNG[101:], "a.png", "checksum"),
    "half a FITS": (FITS[: 2880 + 3000], "a.fits", "truncated FITS"),
    "black JPEG": (encoded(np.zeros((64, 64, 3), np.uint8)), "a.jpg", "one value"),
    "gray PNG of one value": (encoded(np.full((64, 64), 7, np.uint8), ".png"), "a.png", "one val"),
    "16-bit PNG": (encoded(galaxy().astype(np.uint16) * 256, ".png"), "a.png", "16-bit"),
    "RGBA": (encoded(np.dstack([galaxy(), galaxy()[..., 0]]), ".png"), "a.png", "alpha"),
    "gray and alpha": (png(8, 4, (b"\0" + bytes(range(64))) * 32), "a.png", "alpha"),
    "transparent palette": (palette_png(chunk(b"tRNS", b"\xff\0")), "a.png", "transparency"),
    "transparent gray": (
        png(8, 0, (b"\0" + bytes(range(32))) * 32, chunk(b"tRNS", b"\xff\xff")), "a.png", "transp",
    ),
    "animated PNG": (palette_png(chunk(b"acTL", bytes(8))), "a.png", "animated"),
    "CMYK JPEG": (with_frame(JPEG, set_byte(7, 4)), "a.jpg", "CMYK"),
    "12-bit JPEG": (with_frame(JPEG, set_byte(2, 12)), "a.jpg", "12 bits"),
    "lossless JPEG": (with_frame(JPEG, set_byte(-1, 0xC3)), "a.jpg", "rare kind"),
    "huge JPEG": (with_frame(JPEG, set_byte(3, 255)), "a.jpg", "too large"),
    "huge PNG": (PNG[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 9000, 9000, 8, 2, 0, 0, 0)),
                 "a.png", "too large"),
    "tiny": (encoded(galaxy(15), ".png"), "a.png", "too small: 15 x 15"),
    "GIF": (b"GIF89a" + bytes(60), "a.gif", "GIF"),
    "animated WebP": (b"RIFF\0\0\0\0WEBPVP8X\n\0\0\0\x02" + bytes(9), "a.webp", "animated WebP"),
    "still WebP": (b"RIFF\0\0\0\0WEBPVP8 " + bytes(20), "a.webp", "WebP is not supported"),
    "TIFF": (b"II*\0" + bytes(60), "a.tif", "TIFF is not supported"),
    "gzip": (b"\x1f\x8b\x08" + bytes(60), "a.fits.gz", "gzip is not supported"),
    "FITS of NaN": (fits_bytes(np.full((20, 20), np.nan, np.float32)), "a.fits", "pixels alone"),
    "FITS with NaN": (fits_bytes(spoiled(flux(), *[np.nan] * 80, np.inf)), "a.fits",
                      "81 of 1600 pixels"),
    "FITS without image": (fits_bytes(None), "a.fits", "without an image"),
    "FITS of four bands": (fits_bytes(flux(20, 4)), "a.fits", "20 x 20 x 4 px"),
    "FITS of two bands": (fits_bytes(flux(20, 2)), "a.fits", "one plane or three"),
    "FITS of one value": (fits_bytes(np.ones((20, 20), np.float32)), "a.fits", "one value"),
    "tiny FITS": (fits_bytes(flux(8)), "a.fits", "too small"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_unusable_image_is_refused_with_its_reason(case: str) -> None:
    data, name, reason = BAD[case]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # astropy warns of the truncation it is shown
        with pytest.raises(ImageError, match=reason):
            decode(data, name)


def test_jpeg_and_png_decode_to_rgb_in_that_order() -> None:
    source = galaxy()
    assert np.array_equal(decode(PNG, "a.png"), source)
    jpeg = decode(JPEG, "a.jpg").astype(int)
    assert jpeg.shape == source.shape
    assert np.abs(jpeg - source).mean() < 6


def test_gray_is_repeated() -> None:
    gray = galaxy()[..., 0]
    for suffix in (".png", ".jpg"):
        pixels = decode(encoded(gray, suffix), "a" + suffix)
        assert pixels.shape == (64, 64, 3)
        assert (pixels == pixels[..., :1]).all()


def test_opaque_palette_is_read() -> None:
    assert decode(palette_png(), "a.png").shape == (32, 32, 3)
    assert decode(palette_png(chunk(b"tRNS", b"\xff\xff")), "a.png").shape == (32, 32, 3)


def test_progressive_jpeg_is_read() -> None:
    data = encoded(galaxy(), ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    assert data.find(b"\xff\xc2") > 0
    assert decode(data, "a.jpg").shape == (64, 64, 3)


@pytest.mark.parametrize("padding", [b"\0" * 100, b"\r\n", b"\xff" * 7, b"trailing remark"])
def test_padding_after_a_jpeg_is_allowed(padding: bytes) -> None:
    assert np.array_equal(decode(JPEG + padding, "a.jpg"), decode(JPEG, "a.jpg"))


def test_a_thumbnail_does_not_hide_truncation() -> None:
    thumbnail = encoded(galaxy(16))
    app1 = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    whole = JPEG[:2] + app1 + JPEG[2:]
    assert jpeg_header(whole).width == 64
    with pytest.raises(ImageError, match="truncated"):
        decode(whole[:-400], "a.jpg")


def test_orientation_tag_is_ignored() -> None:
    tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"  # rotate by 90
    exif = b"Exif\0\0" + tiff
    rotated = JPEG[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + JPEG[2:]
    turned = cv2.imdecode(np.frombuffer(rotated, np.uint8), cv2.IMREAD_COLOR)
    plain = cv2.imdecode(np.frombuffer(JPEG, np.uint8), cv2.IMREAD_COLOR)
    assert not np.array_equal(turned, plain), "the tag of this test must have an effect"
    assert np.array_equal(decode(rotated, "a.jpg"), decode(JPEG, "a.jpg"))


def test_name_without_a_suffix_of_images_is_no_reason() -> None:
    assert decode(PNG, "train-0.parquet#12").shape == (64, 64, 3)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_reduced_jpeg_looks_like_the_full_one(scale: int) -> None:
    full, small = decode(JPEG, "a.jpg"), decode(JPEG, "a.jpg", scale)
    assert small.shape == (64 // scale, 64 // scale, 3)
    shrunk = cv2.resize(full, small.shape[:2], interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk.astype(int) - small).mean() < 4
    assert np.array_equal(decode(PNG, "a.png", scale), decode(PNG, "a.png"))


def test_fits_plane_is_gray_and_keeps_the_order_of_brightness() -> None:
    image = flux()
    pixels = decode(FITS, "a.fits")
    assert pixels.shape == (40, 40, 3)
    assert (pixels == pixels[..., :1]).all()
    order = np.argsort(image.ravel(), kind="stable")
    assert (np.diff(pixels[..., 0].ravel()[order].astype(int)) >= 0).all()
    assert pixels.max() == 255


def test_fits_bands_are_blue_first() -> None:
    planes = flux(40, 3)
    planes[2] *= 4
    pixels = decode(fits_bytes(planes), "a.fits").astype(int)
    assert pixels[20, 20, 0] > pixels[20, 20, 2] + 50


def test_fits_image_is_found_behind_an_empty_first_part() -> None:
    one = decode(FITS, "a.fits")
    assert np.array_equal(decode(fits_bytes(None, flux()), "a.fits"), one)
    assert np.array_equal(decode(fits_bytes(flux()[None]), "a.fits"), one)


def named(*parts: tuple[str, Pixels]) -> bytes:
    """A FITS file of extensions of these names."""
    file = BytesIO()
    images = [fits.ImageHDU(pixels, name=name) for name, pixels in parts]
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(file)
    return file.getvalue()


def test_fits_extensions_that_go_with_an_image_are_passed_over() -> None:
    weights = flux()[::-1]
    one = decode(FITS, "a.fits")
    data = named(("WHT", weights), ("mask", weights), ("SCI", flux()), ("ERR", weights))
    assert np.array_equal(decode(data, "a.fits"), one)
    with pytest.raises(ImageError, match=r"alone \(WHT, ERR\); expected the image itself"):
        decode(named(("WHT", weights), ("ERR", weights)), "a.fits")


def test_compressed_fits_is_read() -> None:
    file = BytesIO()
    image = (flux() * 1000).astype(np.int32)
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(image)]).writeto(file)
    plain = decode(fits_bytes(image), "a.fits")
    data = file.getvalue()
    assert np.array_equal(decode(data, "a.fits"), plain)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ImageError, match="truncated FITS"):
            decode(data[:-2880], "a.fits")


def test_unpadded_fits_is_read() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pixels = decode(FITS[: 2880 + 4 * 1600], "a.fits")
    assert np.array_equal(pixels, decode(FITS, "a.fits"))


def test_stretch_does_not_depend_on_the_unit() -> None:
    planes = flux(40, 3).astype(np.float64)
    reference = stretch(planes)
    assert np.array_equal(stretch(planes), reference)
    for factor in (2.0**-300, 1024.0, 2.0**500):
        assert np.array_equal(stretch(planes * factor), reference)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_few_masked_pixels_are_filled_from_the_nearest(value: float) -> None:
    whole = flux(40, 3)
    filled = whole.copy()
    filled[0, :2] = whole[0, 2]  # two rows at the edge of one plane
    pixels = decode(fits_bytes(spoiled(whole, *[value] * 80)), "a.fits")
    assert np.array_equal(pixels, decode(fits_bytes(filled), "a.fits"))


def test_a_masked_core_is_no_hole() -> None:
    plane = np.random.default_rng(1).normal(size=(64, 64))
    y, x = np.mgrid[:64, :64] - 31.5
    plane += 200 * np.exp(-(x**2 + y**2) / 50)
    plane[31:33, 31:33] = np.nan
    pixels = decode(fits_bytes(plane.astype(np.float32)), "a.fits")
    assert pixels[31:33, 31:33].min() > 200


def test_a_galaxy_clipped_over_most_of_its_cutout_is_seen() -> None:
    y, x = np.mgrid[:60, :60] - 29.5
    planes = np.minimum(200 * np.exp(-(x**2 + y**2) / 200), 1.0)[None]
    assert (planes == 1).mean() > 0.5
    assert np.ptp(stretch(planes)) > 100


@pytest.mark.parametrize("side", [2, 3, 5, 9])
def test_a_compact_source_on_a_clipped_sky_is_seen(side: int) -> None:
    """Fewer pixels than are shown as white: the sky is black and the source is not flat."""
    planes = np.zeros((1, 100, 100))
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    planes[0, 40 : 40 + side, 40 : 40 + side] = np.exp(-(x**2 + y**2) / side)
    pixels = stretch(planes)[..., 0]
    assert pixels[0, 0] == 0 and (pixels == 0).sum() == 100 * 100 - side * side
    source = pixels[40 : 40 + side, 40 : 40 + side]
    assert source.max() == 255 and (side == 2 or source.min() < 200)


def test_stretch_shows_a_source_on_an_empty_sky() -> None:
    planes = np.zeros((1, 40, 40))
    planes[0, 18:22, 18:22] = 5.0
    pixels = stretch(planes)
    assert pixels[20, 20, 0] > pixels[0, 0, 0] + 100


def refused_or_rgb(data: bytes, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            pixels = decode(data, name)
        except ImageError as error:
            assert str(error)
            return
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.sampled_from([b"", JPEG[:4], PNG[:8], FITS[:80], FITS[:240]]), st.binary(max_size=400))
@example(JPEG[:2], b"\xff" * 50)
@example(PNG[:8], chunk(b"IHDR", b"short"))
def test_random_bytes_raise_nothing_else(start: bytes, rest: bytes) -> None:
    refused_or_rgb(start + rest, "image")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.sampled_from([JPEG, PNG, FITS]),
    st.floats(0, 1),
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=4),
)
def test_cut_and_changed_files_raise_nothing_else(
    data: bytes, kept: float, changes: list[tuple[float, int]]
) -> None:
    out = bytearray(data)
    for place, value in changes:
        out[int(place * len(out))] = value
    refused_or_rgb(bytes(out[: round(kept * len(out))]), "image")


@given(st.floats(1e-6, 1e6), st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3))
def test_fits_that_was_normalized_before_comes_out_the_same(gain: float, sky: list[float]) -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1:1:32j, -1:1:32j]
    planes = np.exp(-9 * (x**2 + y**2)) * np.array([3.0, 5.0, 8.0])[:, None, None]
    planes = planes + rng.normal(0, 0.1, (3, 32, 32))
    again = gain * (planes + np.array(sky)[:, None, None])
    assert np.abs(stretch(again).astype(int) - stretch(planes)).max() <= 1
