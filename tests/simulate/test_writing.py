from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from skerry.config import SourcesConfig
from skerry.simulate import Drawn, Sky, sky_of
from skerry.simulate.plan import Planned, plan
from skerry.simulate.writing import fits_bytes, jpeg_bytes
from skerry.survey import decode, facts, open_survey

VIS = {
    "bands": {"VIS": {"wavelength": 700.0, "psf_fwhm": 0.3, "depth": 25.0}},
    "color": ["VIS"],
    "balance": [1.0],
    "pixel_scale": 0.1,
}


def drawn_of(name: str, **changes: object) -> tuple[Planned, Drawn, Sky]:
    sky = sky_of(name, **{"n": 9, "size": 48, **changes})
    source = plan(sky)[0]
    return source, source.drawn(sky), sky


def opened(data: bytes) -> fits.PrimaryHDU:
    with fits.open(io.BytesIO(data)) as hdus:
        hdus.verify("exception")
        assert len(hdus) == 1
        return hdus[0].copy()


def with_spot(drawn: Drawn, row: int, column: int) -> Drawn:
    """The image of one bright spot."""
    image = np.zeros_like(drawn.image)
    image[:, row - 2 : row + 3, column - 2 : column + 3] = 50
    return replace(drawn, image=image)


def test_fits_holds_flux_a_pixel_and_where_it_is() -> None:
    source, drawn, sky = drawn_of("decals")
    hdu = opened(fits_bytes(source, drawn, sky))
    assert hdu.data.dtype == np.dtype(">f4")
    np.testing.assert_array_equal(hdu.data, drawn.image * np.float32(0.262**2))
    assert hdu.header["OBJECT"] == source.id_str
    assert hdu.header["BUNIT"] == "nanomaggy"
    assert [hdu.header[f"BAND{i}"] for i in range(3)] == ["g", "r", "z"]
    assert hdu.header["BANDS"] == "grz"
    assert "DATE" not in hdu.header
    wcs = WCS(hdu.header).celestial
    center = wcs.pixel_to_world(23.5, 23.5)
    assert (center.ra.deg, center.dec.deg) == pytest.approx((source.ra, source.dec), abs=1e-9)
    west, north = wcs.pixel_to_world(33.5, 23.5), wcs.pixel_to_world(23.5, 33.5)
    east, up = center.spherical_offsets_to(west)[0], center.spherical_offsets_to(north)[1]
    assert (east.arcsec, up.arcsec) == pytest.approx((-2.62, 2.62), rel=1e-6)


def test_planes_go_from_blue_to_red_however_the_bands_are_listed() -> None:
    bands = {
        name: {"wavelength": wavelength, "psf_fwhm": 1.0, "depth": 23.0}
        for name, wavelength in (("Ks", 2150.0), ("J", 1250.0), ("H", 1650.0))
    }
    source, drawn, sky = drawn_of("decals", bands=bands, color=["Ks", "H", "J"])
    hdu = opened(fits_bytes(source, drawn, sky))
    assert hdu.header["BANDS"] == "J,H,Ks"
    np.testing.assert_array_equal(hdu.data, drawn.image[[1, 2, 0]] * np.float32(0.262**2))


@pytest.mark.parametrize(
    ("changes", "scale", "bands"), [({}, 0.262, ()), (VIS, 0.1, ("VIS",))], ids=["grz", "VIS"]
)
def test_the_survey_reader_understands_fits(
    tmp_path: Path, changes: dict[str, object], scale: float, bands: tuple[str, ...]
) -> None:
    source, drawn, sky = drawn_of("decals", **changes)
    data = fits_bytes(source, drawn, sky)
    assert decode(data, "a.fits").shape == (48, 48, 3)
    (tmp_path / "a.fits").write_bytes(data)
    survey = open_survey(tmp_path)
    found = facts(survey, SourcesConfig())
    assert found.pixel_scale == pytest.approx(scale, abs=1e-4)
    assert (found.side, found.bands, found.stretch) == (48, bands, "lupton")
    assert found.gray == (bands == ("VIS",))


def test_the_same_source_gives_the_same_bytes() -> None:
    for make in (fits_bytes, lambda source, drawn, sky: jpeg_bytes(drawn, sky)):
        first, second = (make(*drawn_of("decals")) for _ in range(2))
        assert first == second


def test_jpeg_shows_north_up_and_east_left() -> None:
    _, drawn, sky = drawn_of("sdss", size=64)
    pixels = decode(jpeg_bytes(with_spot(drawn, row=50, column=40), sky), "a.jpg")
    row, column = np.unravel_index(pixels.sum(axis=2, dtype=int).argmax(), (64, 64))
    assert abs(row - 13) <= 3 and abs(column - 40) <= 3
