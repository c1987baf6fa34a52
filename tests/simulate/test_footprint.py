from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st

from skerry.errors import ConfigError
from skerry.simulate.footprint import (
    Footprint,
    around,
    bricks,
    conditions,
    fields_of,
    placed,
)
from skerry.simulate.sky import Band

PLACES = [
    Footprint(),
    Footprint(ra=(0, 12), dec=(-3, 2)),
    Footprint(ra=(200, 220), dec=(60, 75)),
    Footprint(ra=(340, 360), dec=(-70, -66)),
    Footprint(ra=(10, 11.2), dec=(20, 21)),
]
BANDS = tuple(
    Band(name, wavelength, fwhm, depth)
    for name, wavelength, fwhm, depth in [("g", 472, 1.29, 24.0), ("r", 641, 1.18, 23.4)]
)


def inside(footprint: Footprint, n: int = 3000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    return rng.uniform(*footprint.ra, n), rng.uniform(*footprint.dec, n)


@pytest.mark.parametrize("footprint", PLACES, ids=str)
def test_fields_tile_the_footprint(footprint: Footprint) -> None:
    fields = fields_of(footprint)
    sines = np.sin(np.radians(np.stack([fields.low[:, 1], fields.high[:, 1]])))
    area = (fields.high - fields.low)[:, 0] * np.degrees(sines[1] - sines[0])
    south, north = np.sin(np.radians(footprint.dec))
    whole = (footprint.ra[1] - footprint.ra[0]) * np.degrees(north - south)
    assert area.sum() == pytest.approx(whole)
    assert np.sqrt(area.min()) > 0.8 and np.sqrt(area.max()) < 2

    ra, dec = inside(footprint)
    within = (fields.low[:, 0] <= ra[:, None]) & (ra[:, None] < fields.high[:, 0])
    within &= (fields.low[:, 1] <= dec[:, None]) & (dec[:, None] < fields.high[:, 1])
    assert (within.sum(1) == 1).all()
    np.testing.assert_array_equal(placed(ra, dec, footprint).field, within.argmax(1))


@pytest.mark.parametrize("footprint", PLACES, ids=str)
def test_field_detector_and_place_on_it_give_the_position_back(footprint: Footprint) -> None:
    ra, dec = inside(footprint)
    found = placed(ra, dec, footprint)
    assert found.field.dtype == np.int64
    number = np.array([int(name[1:]) for name in found.detector])
    assert set(number) == set(range(1, 61))
    line, column = np.divmod(number - 1, 6)
    again = fields_of(footprint).at(found.field, (column + found.x) / 6, (line + found.y) / 10)
    np.testing.assert_allclose(again, (ra, dec), rtol=0, atol=1e-9)


def test_the_rim_is_the_fields_at_the_border() -> None:
    fields = fields_of(Footprint((150, 157.5), (0, 6)))
    assert len(fields) == 20
    assert set(range(20)) - set(fields.rim) == {6, 7, 8, 11, 12, 13}


def test_the_order_of_sources_does_not_matter() -> None:
    ra, dec = inside(PLACES[0], 500)
    order = np.random.default_rng(0).permutation(500)
    one, other = placed(ra, dec, PLACES[0]), placed(ra[order], dec[order], PLACES[0])
    for name in ("field", "detector", "brick", "x", "y"):
        np.testing.assert_array_equal(getattr(one, name)[order], getattr(other, name))


def test_no_source_is_no_error() -> None:
    found = placed(np.zeros(0), np.zeros(0), Footprint())
    assert found.field.shape == found.brick.shape == found.x.shape == (0,)


def test_the_border_and_an_arcminute_beyond_belong_to_the_nearest_field() -> None:
    box = Footprint((0, 12), (-3, 2))
    corners = placed(np.array([0.0, 12.0]), np.array([-3.0, 2.0]), box)
    assert corners.field.tolist() == [0, len(fields_of(box)) - 1]
    assert corners.detector.tolist() == ["S01", "S60"]
    beyond = placed(np.array([359.99, 12.01]), np.array([-3.01, 2.01]), box)
    np.testing.assert_array_equal(beyond.field, corners.field)
    assert beyond.x.tolist() == [0, 1] and beyond.y.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("ra", "dec"), [(149.9, 1.0), (160.1, 1.0), (155.0, -0.1), (155.0, 8.1), (np.nan, 1.0)]
)
def test_sources_elsewhere_are_refused(ra: float, dec: float) -> None:
    with pytest.raises(ConfigError, match="1 sources lie outside the footprint"):
        placed(np.array([155.0, ra]), np.array([4.0, dec]), Footprint())


@pytest.mark.parametrize(
    ("ra", "dec", "name"),
    [
        # names and positions as the Legacy Surveys give them
        (112.6, 22.0, "1126p220"),
        (352.87, 1.05, "3528p010"),
        (351.37, -1.05, "3513m010"),
        (0.1, 0.0, "0001p000"),
        (0.1, -0.13, "0001m002"),
        (359.9, 0.12, "3598p000"),
    ],
)
def test_bricks_are_named_as_in_the_legacy_surveys(ra: float, dec: float, name: str) -> None:
    for turn in (0, 360, -360):
        assert bricks(np.array([ra + turn]), np.array([dec])).tolist() == [name]


@pytest.mark.parametrize("footprint", PLACES, ids=str)
def test_a_brick_is_a_quarter_of_a_degree(footprint: Footprint) -> None:
    ra, dec = inside(footprint, 6000)
    name = placed(ra, dec, footprint).brick
    for brick in np.unique(name)[:40]:
        own = name == brick
        assert np.ptp(dec[own]) <= 0.25
        assert np.ptp(ra[own]) * np.cos(np.radians(dec[own].mean())) < 0.26
        row = (1 if brick[4] == "p" else -1) * int(brick[5:]) / 10
        center = np.floor(dec[own] / 0.25 + 0.5) * 0.25
        assert (np.abs(center - row) < 0.1).all()
        assert (np.abs(ra[own] - int(brick[:4]) / 10) * np.cos(np.radians(row)) < 0.23).all()


@pytest.mark.parametrize(("dec", "count"), [(0.0, 1440), (22.0, 1338), (75.0, 376), (-75.0, 376)])
def test_a_row_has_an_even_number_of_bricks(dec: float, count: int) -> None:
    ra = np.arange(0, 360, 0.02)
    assert len(set(bricks(ra, np.full(len(ra), dec)))) == count


def test_conditions_scatter_around_the_bands_medians() -> None:
    wide = Footprint((100, 160), (0, 60))
    found = conditions(wide, BANDS, seed=1)
    n = len(fields_of(wide))
    assert found.psf_fwhm.shape == found.depth.shape == (n, 2)
    for b, band in enumerate(BANDS):
        assert np.median(found.psf_fwhm[:, b]) == pytest.approx(band.psf_fwhm, abs=0.04)
        assert np.median(found.depth[:, b]) == pytest.approx(band.depth, abs=0.03)
        assert np.log(found.psf_fwhm[:, b]).std() == pytest.approx(0.1, rel=0.15)
        assert found.depth[:, b].std() == pytest.approx(0.12, rel=0.15)


def test_conditions_come_in_few_values_and_the_same_for_a_seed() -> None:
    found = conditions(Footprint(), BANDS, seed=1)
    again, other = (conditions(Footprint(), BANDS, seed=s) for s in (1, 2))
    np.testing.assert_array_equal(found.psf_fwhm, again.psf_fwhm)
    np.testing.assert_array_equal(found.depth, again.depth)
    assert (found.psf_fwhm != other.psf_fwhm).any() and (found.depth != other.depth).any()
    steps = {round(0.05 * i, 2) for i in range(1, 80)}
    assert set(found.psf_fwhm.ravel().tolist()) <= steps
    assert len(np.unique(found.psf_fwhm)) < 25
    np.testing.assert_array_equal(found.depth, np.round(found.depth, 2))
    sharp = conditions(Footprint(), [replace(BANDS[0], psf_fwhm=0.02)], seed=1)
    assert (sharp.psf_fwhm == 0.05).all()


@given(
    st.floats(0, 359.999),
    st.floats(-85, 85),
    st.floats(-600, 600),
    st.floats(-600, 600),
)
def test_offsets_are_those_of_the_tangent_plane(
    ra: float, dec: float, dx: float, dy: float
) -> None:
    found = around(np.array([ra]), np.array([dec]), np.array([dx]), np.array([dy]))
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ["RA---TAN", "DEC--TAN"], [ra, dec]
    east, north = wcs.all_world2pix(found[0], found[1], 1)
    np.testing.assert_allclose([east[0] * 3600, north[0] * 3600], [dx, dy], atol=1e-5)
    assert 0 <= found[0][0] < 360
    here = SkyCoord(ra * u.deg, dec * u.deg)
    there = SkyCoord(found[0][0] * u.deg, found[1][0] * u.deg)
    assert here.separation(there).arcsec == pytest.approx(np.hypot(dx, dy), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(
    ("ra", "dec", "message"),
    [
        ((10, 10), (0, 5), r"ra of the footprint is \(10, 10\)"),
        ((350, 10), (0, 5), "over right ascension 0"),
        ((-5, 10), (0, 5), "from 0 to 360"),
        ((10, 361), (0, 5), "from 0 to 360"),
        ((0, float("nan")), (0, 5), "nan"),
        ((10, 20), (5, 0), r"dec of the footprint is \(5, 0\)"),
        ((10, 20), (70, 85), "-80 to 80"),
        ((10, 20), (0, 0.5), "10 by 0.5 deg; expected 1 deg or more"),
        ((10, 12), (60, 65), "0.845 by 5 deg"),
    ],
)
def test_impossible_footprints_are_refused(ra: tuple, dec: tuple, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Footprint(ra, dec)
