"""What a survey's images say of themselves: what an encoder's contract is held against."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import numpy as np

from skerry.config import SourcesConfig
from skerry.errors import ConfigError, ImageError, InputError
from skerry.survey.fits_image import MASKED, image_of
from skerry.survey.header_positions import position_of
from skerry.survey.images import inspect, read
from skerry.survey.survey import Survey
from skerry.types import Failure

STRETCHES = ("linear", "sqrt", "log", "asinh", "lupton")
"""Words for how flux became the displayed value; ``lupton`` is the color-preserving asinh of
Lupton et al. 2004 (PASP 116, 133), as in SDSS and Legacy Surveys JPEGs and skerry's own FITS."""

SAMPLED = 8
"""How many images are looked at, spread evenly from a survey's first to its last."""

AGREE = 0.01
"""Largest relative difference of pixel scales that are taken for one."""


@dataclass(frozen=True)
class Facts:
    """What is known of a survey's images.

    ``side`` is the shorter side in pixels of the first image that can be read, 0 without one;
    ``gray`` whether all images of the sample show one band alone.
    ``pixel_scale`` is in arcsec a pixel, ``bands`` are in the order they are displayed, red
    first; None, empty and "" where nothing says. ``source`` says where each comes from,
    ``placed`` whether FITS headers say where an image lies on the sky, and ``notes`` what a user
    must know of the sample.
    """

    side: int
    gray: bool
    pixel_scale: float | None
    bands: tuple[str, ...]
    stretch: str
    source: str
    placed: bool = False
    notes: tuple[str, ...] = ()


def facts(survey: Survey, config: SourcesConfig) -> Facts:
    """What the settings declare of the images, and what FITS headers say where they do not.

    Raises
    ------
    ConfigError
        The settings name an unknown stretch, a band twice, or neither one band nor three.
    InputError
        FITS headers disagree about the pixel scale, with each other or with the settings.
    """
    bands = tuple(b.strip() for b in config.bands.split(",") if b.strip())
    if len(bands) not in (0, 1, 3):
        raise ConfigError(f"sources.bands is {config.bands!r}; expected one band or three")
    if len(set(bands)) < len(bands):
        raise ConfigError(f"sources.bands is {config.bands!r}, which repeats one; name each once")
    if config.stretch and config.stretch not in STRETCHES:
        raise ConfigError(
            f"sources.stretch is {config.stretch!r}; expected one of {', '.join(STRETCHES)}"
        )
    seen = _look(survey)
    if seen.fits:
        bands = bands[::-1] or seen.bands  # planes are stored blue first, shown red first
    scale = config.pixel_scale or None
    found = sorted({round(s, 4) for s in seen.scales})
    if found and found[-1] > (1 + AGREE) * found[0]:
        raise InputError(
            f"FITS headers give pixel scales from {found[0]} to {found[-1]} arcsec; a survey has "
            "one: search its parts apart, or bring the images to one scale"
        )
    if found and scale and abs(found[0] / scale - 1) >= AGREE:
        raise InputError(
            f"sources.pixel_scale is {scale} arcsec, the FITS headers say {found[0]}: mend one"
        )
    said = [n for n in ("pixel_scale", "bands", "stretch") if getattr(config, n)]
    source = "; ".join(
        [f"settings ({', '.join(said)})"] * bool(said) + ["FITS headers"] * seen.fits
    )
    return Facts(
        seen.side,
        seen.gray,
        scale or (found[0] if found else None),
        bands,
        config.stretch or ("lupton" if seen.fits else ""),
        source or "nothing",
        seen.placed,
        seen.notes,
    )


@dataclass
class _Seen:
    """What the sampled images show: sides, FITS pixel scales and filters."""

    side: int = 0
    grays: list[bool] = field(default_factory=list)
    masked: int = 0
    fits: bool = False
    placed: bool = False
    scales: list[float] = field(default_factory=list)
    filters: set[str] = field(default_factory=set)

    @property
    def bands(self) -> tuple[str, ...]:
        return tuple(self.filters) if len(self.filters) == 1 else ()

    @property
    def gray(self) -> bool:
        return bool(self.grays) and all(self.grays)

    @property
    def notes(self) -> tuple[str, ...]:
        looked, gray = len(self.grays), sum(self.grays)
        found = []
        if 0 < gray < looked:
            found.append(
                f"Of {looked} images that were looked at {gray} are gray and the others are not: "
                "where a survey holds both, a class may be no more than the gray ones."
            )
        if self.masked:
            found.append(
                f"Of {looked} images that were looked at {self.masked} have NaN or infinite "
                f"pixels: up to {MASKED:.0%} of a plane they are filled from their neighbors; "
                "an image with more of them is listed as a failure."
            )
        return tuple(found)


def _look(survey: Survey) -> _Seen:
    seen = _Seen()
    rows = np.linspace(0, len(survey) - 1, min(SAMPLED, len(survey))).astype(int).tolist()
    names = survey.sources["location"].take(rows).to_pylist()
    for name, data in zip(names, survey.images(rows), strict=True):
        if isinstance(data, Failure):
            continue
        try:
            header = inspect(data, name)
            pixels = read(data, header)
        except ImageError:
            continue  # becomes a failure when it is encoded
        seen.side = seen.side or min(header.width, header.height)
        seen.grays.append(bool((pixels == pixels[..., :1]).all()))
        if header.format == "FITS":
            seen.fits = True
            scale, band, masked = _from_fits(data)
            seen.masked += masked
            seen.placed |= position_of(data, name) is not None
            seen.scales += [scale] if scale else []
            seen.filters |= {band} if band else set()
    return seen


def _from_fits(data: bytes) -> tuple[float | None, str, bool]:
    """Pixel scale in arcsec and filter of the image of a FITS file, as far as it says, and
    whether some of its pixels are NaN or infinite."""
    from astropy.io import fits

    with fits.open(BytesIO(data), memmap=False) as hdus:
        image = image_of(hdus)
        header = image.header
        band = str(header.get("FILTER", header.get("BAND", ""))).strip()
        masked = not np.isfinite(image.data).all()
        return _scale_of(header) if "CTYPE1" in header else None, band, masked


def _scale_of(header: Any) -> float | None:
    """Pixel scale in arcsec of a FITS header; None where its WCS does not give one."""
    from astropy.wcs import WCS
    from astropy.wcs.utils import proj_plane_pixel_scales

    try:
        degrees = proj_plane_pixel_scales(WCS(header, naxis=2).celestial)
    except Exception:  # astropy's errors share no base, and no WCS is less than an error
        return None
    if len(degrees) != 2 or not (np.isfinite(degrees).all() and (degrees > 0).all()):
        return None
    if max(degrees) > (1 + AGREE) * min(degrees):
        return None  # pixels that are not square have no one scale
    return float(np.mean(degrees)) * 3600
