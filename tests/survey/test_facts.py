from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from skerry.config import SourcesConfig
from skerry.errors import ConfigError, InputError
from skerry.survey import Facts, facts, open_survey


def write_fits(path: Path, arcsec: float, band: str = "r", planes: int = 1) -> None:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cdelt = [-arcsec / 3600, arcsec / 3600]
    wcs.wcs.crval, wcs.wcs.crpix = [150.0, 2.0], [20.0, 20.0]
    header = wcs.to_header()
    header["FILTER"] = band
    rng = np.random.default_rng(len(path.name))
    shape = (40, 40) if planes == 1 else (planes, 40, 40)
    fits.writeto(path, rng.normal(size=shape).astype(np.float32), header)


def write_jpegs(folder: Path, gray: bool, n: int = 3) -> None:
    for i in range(n):
        pixels = np.random.default_rng(i).integers(0, 256, (48, 40, 1 if gray else 3), np.uint8)
        cv2.imwrite(str(folder / f"{i}.png"), pixels)


def of(folder: Path, **settings: object) -> Facts:
    config = SourcesConfig(**settings)  # type: ignore[arg-type]
    return facts(open_survey(folder, config), config)


def test_fits_headers_tell_scale_band_and_stretch(tmp_path: Path) -> None:
    for i in range(3):
        write_fits(tmp_path / f"{i}.fits", 0.2, "VIS")
    found = of(tmp_path)
    assert found.pixel_scale == pytest.approx(0.2, rel=1e-3)
    assert (found.side, found.gray, found.bands, found.stretch) == (40, True, ("VIS",), "lupton")
    assert found.source == "FITS headers"


def test_pictures_tell_only_size_and_whether_they_are_gray(tmp_path: Path) -> None:
    write_jpegs(tmp_path, gray=False)
    assert of(tmp_path) == Facts(40, False, None, (), "", "nothing")
    for path in tmp_path.iterdir():
        path.unlink()
    write_jpegs(tmp_path, gray=True)
    assert of(tmp_path).gray


def test_settings_tell_what_files_do_not(tmp_path: Path) -> None:
    write_jpegs(tmp_path, gray=False)
    found = of(tmp_path, pixel_scale=0.262, bands="z, r, g", stretch="lupton")
    assert (found.pixel_scale, found.bands, found.stretch) == (0.262, ("z", "r", "g"), "lupton")
    assert "pixel_scale, bands, stretch" in found.source


def test_planes_of_fits_are_declared_as_stored_and_shown_red_first(tmp_path: Path) -> None:
    write_fits(tmp_path / "a.fits", 0.262, planes=3)
    assert of(tmp_path, bands="g,r,z").bands == ("z", "r", "g")


def test_headers_that_disagree_are_an_error(tmp_path: Path) -> None:
    write_fits(tmp_path / "a.fits", 0.2)
    with pytest.raises(InputError, match=r"0\.3 arcsec, the FITS headers say 0\.2"):
        of(tmp_path, pixel_scale=0.3)
    write_fits(tmp_path / "b.fits", 0.25)
    with pytest.raises(InputError, match=r"from 0\.2 to 0\.25"):
        of(tmp_path)


def scale_said(folder: Path, **cards: object) -> float | None:
    """The pixel scale of one FITS file whose header is changed; a card of None is removed."""
    write_fits(folder / "a.fits", 0.2)
    with fits.open(folder / "a.fits", mode="update") as hdus:
        for name, value in cards.items():
            if value is None:
                hdus[0].header.remove(name, ignore_missing=True)
            else:
                hdus[0].header[name] = value
    return of(folder).pixel_scale


@pytest.mark.parametrize(
    "cards",
    [
        {"CTYPE2": "DEC--SIN"},  # projections that do not agree
        {"CTYPE2": None},
        {"CTYPE1": "GLON-TAN"},
        {"CTYPE1": "LINEAR", "CTYPE2": "LINEAR"},  # not celestial
        {"CTYPE1": "PIXEL", "CTYPE2": ""},
        {"PC1_1": 0.0, "PC1_2": 0.0, "PC2_1": 0.0, "PC2_2": 0.0},  # singular
        {"CD1_1": 0.0, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 0.0},
        {"CDELT1": "many"},
        {"CDELT2": 0.21 / 3600},  # not square
    ],
)  # fmt: skip
def test_a_wcs_that_gives_no_one_scale_says_nothing(tmp_path: Path, cards: dict) -> None:
    assert scale_said(tmp_path, **cards) is None


def test_pixels_that_are_almost_square_have_a_scale(tmp_path: Path) -> None:
    assert scale_said(tmp_path, CDELT2=0.2015 / 3600) == pytest.approx(0.2007, rel=1e-3)


def test_headers_are_sampled_from_the_first_image_to_the_last(tmp_path: Path) -> None:
    for i in range(20):
        write_fits(tmp_path / f"{i:02d}.fits", 0.2 if i < 19 else 0.4)
    with pytest.raises(InputError, match=r"from 0\.2 to 0\.4"):
        of(tmp_path)


@pytest.mark.parametrize("settings", [{"stretch": "asin"}, {"bands": "g,r"}])
def test_words_that_mean_nothing_are_an_error(tmp_path: Path, settings: dict[str, str]) -> None:
    write_jpegs(tmp_path, gray=False)
    with pytest.raises(ConfigError, match="expected one"):
        of(tmp_path, **settings)


def test_a_band_is_declared_once(tmp_path: Path) -> None:
    write_jpegs(tmp_path, gray=False)
    with pytest.raises(ConfigError, match="repeats one"):
        of(tmp_path, bands="r,r,r")


def test_gray_images_among_others_are_told(tmp_path: Path) -> None:
    write_jpegs(tmp_path, gray=False, n=4)
    assert of(tmp_path).notes == ()
    gray = np.random.default_rng(9).integers(0, 256, (48, 40), np.uint8)
    cv2.imwrite(str(tmp_path / "2.png"), gray)
    found = of(tmp_path)
    assert not found.gray
    assert len(found.notes) == 1 and "Of 4 images that were looked at 1 are gray" in found.notes[0]


def test_masked_pixels_are_told(tmp_path: Path) -> None:
    for name in ("a.fits", "b.fits"):
        write_fits(tmp_path / name, 0.2)
    with fits.open(tmp_path / "b.fits", mode="update") as hdus:
        hdus[0].data[3, 4] = np.nan
    (note,) = of(tmp_path).notes
    assert "Of 2 images that were looked at 1 have NaN" in note and "5% of a plane" in note
