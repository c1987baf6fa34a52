"""FITS images of one or three bands as 8-bit color."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

from skerry.errors import ImageError
from skerry.survey.headers import in_range
from skerry.types import ByteArray

SOFTENING = 8.0
"""Lupton's Q: how strongly bright pixels are compressed."""
WHITE_PERCENTILE = 99.75
"""The brightness shown as white, as a percentile of the image's pixels."""
MASKED = 0.05
"""The share of a plane's pixels that may be NaN or infinite, to be filled from their neighbors."""
BESIDE = frozenset(
    {
        *("BKG", "CON", "CONTEXT", "CTX", "DQ", "ERR", "ERROR", "EXP", "EXPTIME", "FLAG", "FLAGS"),
        *("INVVAR", "IVAR", "MASK", "PSF", "QUALITY", "RMS", "SIGMA", "STDDEV", "VAR"),
        *("VARIANCE", "WEIGHT", "WHT"),
    }
)
"""What an extension is named (EXTNAME) that goes with an image and is none: weights, errors,
masks; as the drizzle (STScI), LSST and Legacy Surveys pipelines write them."""

Planes = npt.NDArray[np.float64]


def read_fits(data: bytes) -> ByteArray:
    """The image of a FITS file, stretched; uint8 (h, w, 3), RGB, first row at the bottom of the
    sky image as it is stored (no flip).

    Raises
    ------
    ImageError
        Truncated, no image, neither one plane nor three, more than ``MASKED`` of the pixels of a
        plane NaN or infinite, all pixels of one value, or out of range in size.
    """
    try:
        planes = _planes(data)
    except ImageError:
        raise
    except Exception as error:  # astropy raises many kinds for a damaged header
        text = " ".join(str(error).split())[:200]
        raise ImageError(f"damaged FITS: {text or type(error).__name__}") from error
    planes = _filled(planes)
    if np.ptp(planes) == 0:
        raise ImageError("all pixels have one value")
    return stretch(planes)


def image_of(hdus: Any) -> Any:
    """The image among the HDUs of an open FITS file: the first with two axes or more whose
    ``EXTNAME`` is none of ``BESIDE``.

    Raises
    ------
    ImageError
        There is none.
    """
    passed = []
    for hdu in hdus:
        if not hdu.is_image or len(getattr(hdu, "shape", ()) or ()) < 2:
            continue
        if hdu.name.upper() not in BESIDE:
            return hdu
        passed.append(hdu.name)
    if passed:
        raise ImageError(
            f"FITS with extensions that go with an image alone ({', '.join(passed)}); expected the "
            "image itself, in an extension before or after them"
        )
    raise ImageError("FITS without an image")


def _planes(data: bytes) -> Planes:
    """Pixels of the image, float64 (1 or 3, h, w)."""
    from astropy.io import fits  # slow to import, and few surveys need it

    with fits.open(BytesIO(data), memmap=False, lazy_load_hdus=True) as hdus:
        hdu = image_of(hdus)
        shape = tuple(hdu.shape)
        _check_shape(shape)
        if _end_of(hdu, isinstance(hdu, fits.CompImageHDU)) > len(data):
            raise ImageError("truncated FITS: the file ends within its pixels")
        pixels: Planes = np.asarray(hdu.data, np.float64)
        return pixels.reshape(-1, *shape[-2:])


def _filled(planes: Planes) -> Planes:
    """The planes, a few masked pixels filled from the nearest that is not.

    Not with the sky: the mask of a saturated core would be a hole in the galaxy.
    """
    bad = ~np.isfinite(planes)
    if not bad.any():
        return planes
    if bad.all():
        raise ImageError("FITS image of NaN or infinite pixels alone")
    if bad.mean(axis=(1, 2)).max() > MASKED:
        raise ImageError(
            f"FITS image with {int(bad.sum())} of {bad.size} pixels NaN or infinite; up to "
            f"{MASKED:.0%} of a plane are filled from their neighbors: mend it, or leave it out"
        )
    from scipy.ndimage import distance_transform_edt

    filled = planes.copy()
    for plane, gone in zip(filled, bad, strict=True):
        if gone.any():
            _, (rows, columns) = distance_transform_edt(gone, return_indices=True)
            plane[gone] = plane[rows[gone], columns[gone]]
    return filled


def _end_of(hdu: Any, compressed: bool) -> int:
    """Where the pixels end in the file: padding may lack, but a compressed image's size is that
    of its pixels, so there the padded span has to do."""
    info = hdu.fileinfo() or {}
    return int(info.get("datLoc", 0)) + int(info.get("datSpan", 0) if compressed else hdu.size)


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) > 3 or (len(shape) == 3 and shape[0] not in (1, 3)):
        raise ImageError(
            f"FITS image of {' x '.join(map(str, shape[::-1]))} px; expected one plane or three"
        )
    in_range(shape[-1], shape[-2])


def stretch(planes: Planes) -> ByteArray:
    """The asinh stretch of Lupton et al. 2004 (PASP 116, 133), scaled to the image itself.

    Black is the sky (the median) less one standard deviation of its noise, white the
    ``WHITE_PERCENTILE`` of the mean over bands; color is kept where a band would saturate.
    Where over half of a band is one value, as in cutouts that were clipped, that is the sky,
    without noise: black is its value, and of images without any noise white is that percentile
    of what is brighter, however few pixels it has. Nothing is random, so equal pixels give equal
    images.

    Parameters
    ----------
    planes
        float64 (1 or 3, h, w), finite, in any unit that is linear in flux; three bands are
        blue first, as the Legacy Surveys' g, r, z.

    Returns
    -------
    uint8 (h, w, 3), RGB.

    Raises
    ------
    ImageError
        The range of values is beyond what can be stretched.
    """
    scale = np.abs(planes).max()  # a power away from overflow, whatever the unit
    bands = planes / scale
    sky = np.median(bands, axis=(1, 2), keepdims=True)
    noise = 1.4826 * np.median(np.abs(bands - sky), axis=(1, 2), keepdims=True)
    if not (noise.any() or (bands > sky).any()):  # the one value is not the sky but the brightest
        noise = bands.std(axis=(1, 2), keepdims=True)
    above = np.maximum(bands - sky + noise, 0.0)
    intensity = above.mean(axis=0)
    lit = intensity if noise.any() else intensity[intensity > 0]
    white = np.percentile(lit, WHITE_PERCENTILE) if len(lit) else 0.0
    white = white or intensity.max()
    if not white > 0:
        raise ImageError("FITS image whose range of values cannot be stretched")
    safe = np.where(intensity > 0, intensity, 1.0)
    gain = np.arcsinh(SOFTENING * safe / white) / np.arcsinh(SOFTENING) / safe
    rgb = (above * gain)[::-1] if len(above) == 3 else np.repeat(above * gain, 3, axis=0)
    rgb /= np.maximum(rgb.max(axis=0), 1.0)
    return np.ascontiguousarray(np.rint(255 * rgb.transpose(1, 2, 0)).astype(np.uint8))
