"""Where each cutout of a folder of FITS images lies, by the WCS of its header."""

from __future__ import annotations

import os
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from skerry.errors import ImageError, InputError
from skerry.progress import OnEvent, silent
from skerry.store.addresses import is_address
from skerry.survey.fits_image import image_of
from skerry.survey.headers import format_of
from skerry.survey.streams.place import joined
from skerry.survey.survey import Survey
from skerry.types import DoubleArray, Failure

READING = "reading headers"
_AT_ONCE = 256

Position = tuple[float, float]


def positions_of(survey: Survey, *, on_event: OnEvent = silent) -> DoubleArray:
    """Position of the middle of each image, as the header of its FITS file has it.

    Returns
    -------
    float64 (n, 2)
        Right ascension and declination in degrees (ICRS), in the order of ``survey.sources``; NaN
        where the image is no FITS, cannot be read, or has no celestial WCS.

    Raises
    ------
    InputError
        No image has one.
    """
    n = len(survey)
    found = np.full((n, 2), np.nan)
    names = survey.sources["location"].to_pylist()
    batches = [range(i, min(i + _AT_ONCE, n)) for i in range(0, n, _AT_ONCE)]
    for rows, images in zip(batches, survey.ahead(batches), strict=True):
        for row, data in zip(rows, images, strict=True):
            position = None if isinstance(data, Failure) else position_of(data, names[row])
            if position is not None:
                found[row] = position
        on_event(READING, rows.stop, n)
    if np.isnan(found).all():
        raise InputError(
            f"none of the {n} images of {survey.path} is a FITS file whose header says where it "
            "lies (a celestial WCS); give a catalog with ra and dec instead"
        )
    return found


def position_of(data: bytes, name: str) -> Position | None:
    """Right ascension and declination in degrees (ICRS) of the middle of a FITS image, None where
    its header does not say; what cannot be read says nothing."""
    from astropy.io import fits

    try:
        if format_of(data, name) != "FITS":
            return None
        with warnings.catch_warnings():
            # of a damaged or odd header: the image is a failure, or encoded, all the same
            warnings.simplefilter("ignore")
            with fits.open(BytesIO(data), memmap=False, lazy_load_hdus=True) as hdus:
                return _middle(image_of(hdus))
    except ImageError:
        return None
    except Exception:  # astropy's errors share no base, and no WCS is less than an error
        return None


def _middle(hdu: Any) -> Position | None:
    from astropy.wcs import WCS

    wcs = WCS(hdu.header, naxis=2)
    if not wcs.has_celestial:
        return None
    height, width = hdu.shape[-2:]
    at = wcs.pixel_to_world((width - 1) / 2, (height - 1) / 2).icrs
    ra, dec = float(at.ra.deg) % 360.0, float(at.dec.deg)
    return (ra, dec) if np.isfinite([ra, dec]).all() else None


def catalog_of(survey: Survey, folder: Path, *, on_event: OnEvent = silent) -> pa.Table:
    """A catalog of a folder of images, to be put into ``folder``.

    Returns
    -------
    pyarrow.Table
        ``id_str``, ``file_loc`` (relative to ``folder``, or an address), ``ra`` and ``dec`` in
        degrees (ICRS), null where a header does not say.

    Raises
    ------
    InputError
        ``survey`` is no folder of images, has a catalog already, or no header says where its
        image lies.
    """
    if survey.kind != "files" or survey.catalogs:
        what = "has a catalog" if survey.catalogs else f"holds {survey.kind}"
        raise InputError(
            f"{survey.path} {what}; expected a folder of FITS images without one: put ra and dec, "
            "in degrees, among its columns"
        )
    found = positions_of(survey, on_event=on_event)
    names = survey.sources["location"].to_pylist()
    places = [_from(folder, joined(str(survey.path), name)) for name in names]
    ra, dec = (pa.array(column, from_pandas=True) for column in found.T)
    columns = [survey.sources["id_str"], pa.array(places, pa.string()), ra, dec]
    return pa.table(columns, names=["id_str", "file_loc", "ra", "dec"])


def _from(folder: Path, place: str) -> str:
    if is_address(place):
        return place
    return Path(os.path.relpath(Path(place).absolute(), folder.absolute())).as_posix()
