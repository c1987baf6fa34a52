from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from skerry.discover.rarity import footprint, prevalence_interval, surface_density
from skerry.errors import InputError

SKY = 4 * np.pi * np.degrees(1) ** 2


def cap(n: int, radius: float, south: bool = False) -> tuple[np.ndarray, np.ndarray, float]:
    rng = np.random.default_rng(n)
    height = rng.uniform(np.cos(np.radians(radius)), 1, n)
    dec = np.degrees(np.arcsin(height)) * (-1 if south else 1)
    return rng.uniform(0, 360, n), dec, SKY * (1 - np.cos(np.radians(radius))) / 2


def box(
    n: int, ra: tuple[float, float], dec: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, float]:
    rng = np.random.default_rng(n)
    low, high = np.sin(np.radians(dec))
    area = SKY / 2 * (high - low) * (ra[1] - ra[0]) / 360
    height = rng.uniform(low, high, n)
    return rng.uniform(*ra, n) % 360, np.degrees(np.arcsin(height)), float(area)


@pytest.mark.parametrize(
    ("ra", "dec", "area"),
    [
        cap(2000, 180),
        cap(2000, 5),
        cap(2000, 60),
        cap(2000, 5, south=True),
        cap(20_000, 0.2),
        box(2000, (-10, 10), (-5, 5)),
        box(2000, (340, 400), (55, 80)),
        box(20_000, (-50, 50), (-1.25, 1.25)),
        box(1000, (120, 240), (0, 60)),
    ],
    ids=["sky", "pole", "wide", "south", "deep", "seam", "north seam", "stripe", "sparse"],
)
def test_known_areas(ra: np.ndarray, dec: np.ndarray, area: float) -> None:
    assert footprint(ra, dec) == pytest.approx(area, rel=0.1)


def test_cells_left_empty_by_chance_are_added() -> None:
    # less than 3% off, where one cell in twenty is empty
    ra, dec, area = box(50_000, (100, 140), (-20, 20))
    assert footprint(ra, dec) == pytest.approx(area, rel=0.03)


def test_no_seam_where_right_ascension_begins() -> None:
    ra, dec, _ = box(300, (175, 185), (-60, 60))
    assert footprint((ra + 180) % 360, dec) == pytest.approx(footprint(ra, dec), rel=0.05)


def test_two_fields_are_their_sum() -> None:
    one, two = box(3000, (10, 20), (0, 8)), box(3001, (200, 210), (-40, -30))
    found = footprint(np.append(one[0], two[0]), np.append(one[1], two[1]))
    assert found == pytest.approx(one[2] + two[2], rel=0.1)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 1000))
def test_the_order_of_sources_does_not_matter_nor_full_turns(seed: int) -> None:
    ra, dec, _ = box(300, (-20, 20), (30, 50))
    order = np.random.default_rng(seed).permutation(300)
    assert footprint(ra[order], dec[order]) == footprint(ra, dec)
    assert footprint(ra - 360, dec) == pytest.approx(footprint(ra, dec), rel=1e-6)


def test_unknown_positions_are_left_out() -> None:
    ra, dec, area = box(3000, (0, 20), (0, 20))
    ra[::7], dec[::11] = np.nan, np.nan
    assert footprint(ra, dec) == pytest.approx(area, rel=0.1)
    assert footprint(np.full(500, np.nan), np.full(500, np.nan)) is None
    assert footprint(ra[:100], dec[:100]) is None


def test_too_few_places_are_no_footprint() -> None:
    ra, dec, _ = cap(100, 10)
    assert footprint(ra[:99], dec[:99]) is None
    assert footprint(np.repeat(ra[:99], 50), np.repeat(dec[:99], 50)) is None
    assert footprint(ra, dec) is not None
    assert footprint([], []) is None


def test_places_almost_one() -> None:
    found = footprint(10 + 1e-9 * np.arange(500), np.zeros(500))
    assert found is not None and 0 < found < 1e-6


def test_the_very_poles() -> None:
    ra, dec, area = cap(5000, 180)
    found = footprint(np.append(ra, [0, 90, 360]), np.append(dec, [90, -90, 90]))
    assert found == pytest.approx(area, rel=0.1)


def test_prevalence_is_clopper_and_pearson() -> None:
    low, high = prevalence_interval([0, 3, 50, 100], 100)
    for k, a, b in zip([0, 3, 50, 100], low, high, strict=True):
        exact = stats.binomtest(k, 100).proportion_ci(method="exact")
        assert (a, b) == pytest.approx((exact.low, exact.high))


def test_density_is_garwoods() -> None:
    density, low, high = surface_density([0, 1, 10], 2.0)
    np.testing.assert_allclose(density, [0, 0.5, 5])
    # the standard table of 95% limits of a Poisson mean
    np.testing.assert_allclose(2 * low, [0, 0.0253, 4.795], rtol=2e-3)
    np.testing.assert_allclose(2 * high, [3.689, 5.572, 18.39], rtol=2e-3)


@pytest.mark.parametrize("area", [0.0, -1.0, float("nan"), float("inf")])
def test_areas_that_cannot_be(area: float) -> None:
    with pytest.raises(InputError, match="area"):
        surface_density(5, area)
