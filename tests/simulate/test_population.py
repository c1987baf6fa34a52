from __future__ import annotations

import numpy as np
import pytest

from skerry.simulate.galaxy import Galaxy
from skerry.simulate.population import (
    BRIGHTEST,
    FAINTEST,
    LARGEST,
    SMALLEST,
    draw_galaxy,
    scaled,
)


@pytest.fixture(scope="module")
def sea() -> list[Galaxy]:
    rng = np.random.default_rng(0)
    return [draw_galaxy(rng) for _ in range(600)]


def column(sea: list[Galaxy], name: str) -> np.ndarray:
    return np.array([getattr(g, name) for g in sea])


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    ranks = [np.argsort(np.argsort(x)) for x in (a, b)]
    return float(np.corrcoef(ranks)[0, 1])


def test_the_sample_keeps_its_limits(sea: list[Galaxy]) -> None:
    magnitude = 22.5 - 2.5 * np.log10(column(sea, "flux"))
    assert BRIGHTEST <= magnitude.min() < magnitude.max() <= FAINTEST
    r90 = np.array([g.radius(0.9) for g in sea])
    assert SMALLEST <= r90.min() < r90.max() <= LARGEST


def test_counts_rise_with_magnitude(sea: list[Galaxy]) -> None:
    """Less steeply than in even space: faint galaxies are often too small for the sample."""
    magnitude = 22.5 - 2.5 * np.log10(column(sea, "flux"))
    brighter = [np.mean(magnitude < FAINTEST - step) for step in (1, 2)]
    assert 10**-0.6 < brighter[0] < 0.5
    assert 10**-1.2 < brighter[1] < 0.6 * brighter[0]


@pytest.mark.parametrize(
    ("one", "other", "sign"),
    [
        ("late", "bulge_fraction", -1),
        ("late", "blueness", 1),
        ("late", "arm_strength", 1),
        ("late", "sersic", -1),
        ("late", "clumps", 1),
        ("late", "pitch", 1),
        ("mass", "blueness", -1),
        ("mass", "redshift", 1),
        ("late", "sfr", 1),
    ],
)
def test_properties_follow_each_other_as_in_real_galaxies(
    sea: list[Galaxy], one: str, other: str, sign: int
) -> None:
    assert sign * rank_correlation(column(sea, one), column(sea, other)) > 0.3


@pytest.mark.parametrize("name", ["late", "axis_ratio", "mass", "sersic", "bulge_fraction"])
def test_the_sea_has_no_gap_that_a_clusterer_could_use(sea: list[Galaxy], name: str) -> None:
    """No step between neighbors is a tenth of the range of the middle nine tenths."""
    low, high = np.percentile(column(sea, name), [5, 95])
    middle = np.sort(column(sea, name))
    middle = middle[(middle >= low) & (middle <= high)]
    assert np.diff(middle).max() < 0.1 * (high - low)


def test_disks_are_seen_from_all_sides(sea: list[Galaxy]) -> None:
    disks = [g for g in sea if g.bulge_fraction < 0.5]
    cosines = np.sqrt([max(0.0, (g.axis_ratio**2 - 0.036) / 0.964) for g in disks])
    assert np.histogram(cosines, 4, (0, 1))[0].min() > 0.15 * len(disks)


def test_ranges_are_kept() -> None:
    rng = np.random.default_rng(1)
    for _ in range(30):
        galaxy = draw_galaxy(rng, late=(0.6, 0.8), face_on=0.7)
        assert 0.6 <= galaxy.late <= 0.8
        assert galaxy.axis_ratio > 0.69


def test_a_galaxy_twice_as_large_has_twice_the_radii() -> None:
    galaxy = draw_galaxy(np.random.default_rng(2))
    assert scaled(galaxy, 2.0).radius(0.9) == pytest.approx(2 * galaxy.radius(0.9), rel=1e-4)
    assert scaled(galaxy, 2.0).flux == galaxy.flux
