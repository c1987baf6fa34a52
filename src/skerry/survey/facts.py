"""What a survey's images say of themselves: what an encoder's contract is held against."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO

import numpy as np

from skerry.config import SourcesConfig
from skerry.errors import ConfigError, ImageError, InputError
from skerry.survey.images import inspect, read
from skerry.survey.survey import Survey
from skerry.types import Failure

STRETCHES = ("linear", "sqrt", "log", "asinh", "lupton")
"""Words for how flux became the displayed value; ``lupton`` is the color-preserving asinh of
Lupton et al. 2004 (PASP 116, 133), as in SDSS and Legacy Surveys JPEGs and skerry's own FITS."""

SAMPLED = 8
"""How many of the first images are looked at."""


@dataclass(frozen=True)
class Facts:
    """What is known of a survey's images.

    ``side`` is the shorter side in pixels of the first image that can be read, 0 without one;
    ``gray`` whether all the first images show one band alone.
    ``pixel_scale`` is in arcsec a pixel, ``bands`` are in the order they are displayed, red
    first; None, empty and "" where nothing says. ``source`` says where each comes from.
    """

    side: int
    gray: bool
    pixel_scale: float | None
    bands: tuple[str, ...]
    stretch: str
    source: str


def facts(survey: Survey, config: SourcesConfig) -> Facts:
    """What the settings declare of the images, and what FITS headers say where they do not.

    Raises
    ------
    ConfigError
        The settings name an unknown stretch, or neither one band nor three.
    InputError
        FITS headers disagree about the pixel scale, with each other or with the settings.
    """
    bands = tuple(b.strip() for b in config.bands.split(",") if b.strip())
    if len(bands) not in (0, 1, 3):
        raise ConfigError(f"sources.bands is {config.bands!r}; expected one band or three")
    if config.stretch and config.stretch not in STRETCHES:
        raise ConfigError(
            f"sources.stretch is {config.stretch!r}; expected one of {', '.join(STRETCHES)}"
        )
    seen = _look(survey)
    if seen.fits:
        bands = bands[::-1] or seen.bands  # planes are stored blue first, shown red first
    scale = config.pixel_scale or None
    found = sorted({round(s, 4) for s in seen.scales})
    if found and found[-1] > 1.01 * found[0]:
        raise InputError(
            f"FITS headers give pixel scales from {found[0]} to {found[-1]} arcsec; a survey has "
            "one: search its parts apart, or bring the images to one scale"
        )
    if found and scale and not 0.99 < found[0] / scale < 1.01:
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
    )


@dataclass
class _Seen:
    """What the first images show: sides, FITS pixel scales and filters."""

    side: int = 0
    gray: bool = False
    fits: bool = False
    scales: list[float] = field(default_factory=list)
    filters: set[str] = field(default_factory=set)

    @property
    def bands(self) -> tuple[str, ...]:
        return tuple(self.filters) if len(self.filters) == 1 else ()


def _look(survey: Survey) -> _Seen:
    seen, gray = _Seen(), []
    rows = range(min(SAMPLED, len(survey)))
    names = survey.sources["location"].slice(0, len(rows)).to_pylist()
    for name, data in zip(names, survey.images(rows), strict=True):
        if isinstance(data, Failure):
            continue
        try:
            header = inspect(data, name)
            pixels = read(data, header)
        except ImageError:
            continue  # becomes a failure when it is encoded
        seen.side = seen.side or min(header.width, header.height)
        gray.append(bool((pixels == pixels[..., :1]).all()))
        if header.format == "FITS":
            seen.fits = True
            scale, band = _from_fits(data)
            seen.scales += [scale] if scale else []
            seen.filters |= {band} if band else set()
    seen.gray = bool(gray) and all(gray)
    return seen


def _from_fits(data: bytes) -> tuple[float | None, str]:
    """Pixel scale in arcsec and filter of the first image of a FITS file, as far as it says."""
    from astropy.io import fits
    from astropy.wcs import WCS
    from astropy.wcs.utils import proj_plane_pixel_scales

    with fits.open(BytesIO(data), memmap=False) as hdus:
        image = next(h for h in hdus if h.is_image and len(getattr(h, "shape", ())) >= 2)
        header = image.header
        band = str(header.get("FILTER", header.get("BAND", ""))).strip()
        if "CTYPE1" not in header:
            return None, band
        degrees = proj_plane_pixel_scales(WCS(header, naxis=2).celestial)
    return float(np.mean(degrees)) * 3600, band
