from __future__ import annotations

import time

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from scipy import stats
from scipy.spatial import cKDTree

from skerry.errors import ConfigError
from skerry.simulate.footprint import Footprint, placed
from skerry.simulate.positions import positions
from skerry.simulate.sky import ARTIFACTS, GALAXIES, KINDS, SEA

BOX = Footprint()
PLACES = [BOX, Footprint((0, 12), (-3, 2)), Footprint((340, 360), (70, 80))]
PLACES += [Footprint((10, 11.1), (-20, -19))]


def of(kind: str, n: int, footprint: Footprint = BOX, seed: int = 0) -> np.ndarray:
    """Right ascensions and declinations, (2, n)."""
    return np.array(positions([kind] * n, footprint, np.random.default_rng(seed)))


def vectors(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    return SkyCoord(ra, dec, unit="deg").cartesian.xyz.value.T


def pairs(ra: np.ndarray, dec: np.ndarray, arcsec: float) -> int:
    """How many pairs are nearer than that."""
    tree = cKDTree(vectors(ra, dec))
    return len(tree.query_pairs(np.radians(arcsec / 3600)))


@pytest.mark.parametrize("footprint", PLACES, ids=str)
@pytest.mark.parametrize("n", [1, 7, 400])
def test_every_source_is_inside(footprint: Footprint, n: int) -> None:
    kinds = [kind for kind in (SEA, *KINDS) for _ in range(n)]
    for seed in range(3):
        ra, dec = positions(kinds, footprint, np.random.default_rng(seed))
        assert ra.shape == dec.shape == (len(kinds),)
        assert (footprint.ra[0] <= ra).all() and (ra <= footprint.ra[1]).all()
        assert (footprint.dec[0] <= dec).all() and (dec <= footprint.dec[1]).all()


@pytest.mark.parametrize("footprint", PLACES, ids=str)
@pytest.mark.parametrize("kind", ["cosmic-ray", "sea"])
def test_uniform_in_area(footprint: Footprint, kind: str) -> None:
    ra, dec = of(kind, 4000, footprint)
    if kind == "sea":
        # thinned, for the test takes every source for a draw of its own
        ra, dec = ra[::4], dec[::4]
    low, high = np.sin(np.radians(footprint.dec))
    for values, (start, end) in ((ra, footprint.ra), (np.sin(np.radians(dec)), (low, high))):
        assert stats.kstest(values, "uniform", (start, end - start)).pvalue > 0.003


def test_galaxies_cluster_and_cosmic_rays_do_not() -> None:
    n = 6000
    alone, galaxies = of("cosmic-ray", n), of(SEA, n)
    expected = n**2 / 2 * np.pi * (300 / 3600) ** 2 / 80
    assert pairs(*alone, 300) == pytest.approx(expected, rel=0.1)
    assert pairs(*galaxies, 300) > 1.3 * expected
    # on scales beyond a group's nothing is left of it
    shells = [pairs(*found, 3600) - pairs(*found, 1800) for found in (alone, galaxies)]
    assert shells[1] == pytest.approx(shells[0], rel=0.1)


@pytest.mark.parametrize("kind", GALAXIES)
def test_rare_galaxies_lie_as_the_sea_does(kind: str) -> None:
    np.testing.assert_array_equal(of(kind, 200), of(SEA, 200))


def test_trails_are_great_circles_within_a_field() -> None:
    ra, dec = of("satellite-trail", 80)
    points = vectors(ra, dec)
    for trail in range(10):
        own = np.arange(80) % 10 == trail
        assert len(set(placed(ra[own], dec[own], BOX).field)) == 1
        # the normal of the plane that a great circle spans is where its points are not
        _, _, axes = np.linalg.svd(points[own])
        off = np.degrees(np.arcsin(points[own] @ axes[2])) * 3600
        assert np.abs(off).max() < 6
        ends = points[own][:, None] @ points[own].T
        assert np.degrees(np.arccos(ends.min())) > 0.3


def test_spikes_are_diagonals_through_few_stars() -> None:
    n, stars = 120, 20
    ra, dec = of("diffraction-spike", n)
    for star in range(stars):
        own = np.arange(n) % stars == star
        x = (ra[own] - ra[own][0]) * np.cos(np.radians(dec[own].mean())) * 3600
        y = (dec[own] - dec[own][0]) * 3600
        assert np.hypot(x, y).max() < 125
        # some point, where the star is, has every source on one of the diagonals through it
        a, b = (x + y) / np.sqrt(2), (x - y) / np.sqrt(2)
        stars_off = [
            np.minimum(np.abs(a - star_a), np.abs(b - star_b)).max() for star_a in a for star_b in b
        ]
        assert min(stars_off) < 6


def test_bleeding_follows_columns_of_three_detectors() -> None:
    n, stars = 120, 20
    ra, dec = of("bleed", n)
    found = placed(ra, dec, BOX)
    assert 1 < len(set(found.detector)) <= 3
    for star in range(stars):
        own = np.arange(n) % stars == star
        across = np.ptp(ra[own]) * np.cos(np.radians(dec[own].mean())) * 3600
        assert across < 5
        assert 8 < np.ptp(dec[own]) * 3600 < 81
        assert len(set(zip(found.field[own], found.detector[own], strict=True))) == 1


def test_chip_edges_are_near_edges_of_all_sides() -> None:
    ra, dec = of("chip-edge", 400)
    found = placed(ra, dec, BOX)
    side = np.array([900, 540])  # arcsec, of a detector of this footprint, to a tenth
    gaps = np.stack([found.x, 1 - found.x, found.y, 1 - found.y]) * side.repeat(2)[:, None]
    assert gaps.min(0).max() < 5
    assert (np.bincount(gaps.argmin(0), minlength=4) > 60).all()
    elsewhere = placed(*of("cosmic-ray", 400), BOX)
    ordinary = np.stack([elsewhere.x, 1 - elsewhere.x, elsewhere.y, 1 - elsewhere.y])
    assert ((ordinary * side.repeat(2)[:, None]).min(0) < 5).mean() < 0.1


@pytest.mark.parametrize(("n", "fields"), [(20, 1), (100, 2)])
@pytest.mark.parametrize("seed", range(5))
def test_a_missing_band_is_that_of_few_fields_at_the_rim(n: int, fields: int, seed: int) -> None:
    found = placed(*of("missing-band", n, seed=seed), BOX)
    chosen = set(found.field)
    assert len(chosen) == fields
    # 5 rows of 7 fields: the inner ones are in neither the first nor the last row or column
    assert not any(7 <= f < 28 and 0 < f % 7 < 6 for f in chosen)
    assert len(set(found.detector)) > 15 * fields / 2


@pytest.mark.parametrize(("n", "faults"), [(20, 1), (100, 2)])
@pytest.mark.parametrize("seed", range(5))
def test_bad_sky_is_an_amplifiers_half_of_few_detectors(n: int, faults: int, seed: int) -> None:
    found = placed(*of("bad-sky", n, seed=seed), BOX)
    assert len(set(found.field)) == faults
    assert len(set(found.detector)) == faults
    assert found.x.max() <= 0.5 or found.x.min() >= 0.5
    assert np.ptp(found.x) > 0.25 and np.ptp(found.y) > 0.5


def test_the_same_input_gives_the_same_positions() -> None:
    kinds = [kind for kind in (SEA, *KINDS) for _ in range(20)]
    one, again, other = (
        np.array(positions(kinds, BOX, np.random.default_rng(seed))) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert (one != other).any(0).all()


def test_a_permutation_of_the_sources_permutes_the_positions_of_each_kind() -> None:
    kinds = np.array([kind for kind in (SEA, *ARTIFACTS) for _ in range(30)])
    order = np.random.default_rng(0).permutation(len(kinds))
    one = np.array(positions(kinds.tolist(), BOX, np.random.default_rng(1)))
    other = np.array(positions(kinds[order].tolist(), BOX, np.random.default_rng(1)))
    for kind in (SEA, *ARTIFACTS):
        mine, theirs = one[:, kinds == kind], other[:, kinds[order] == kind]
        np.testing.assert_array_equal(mine, theirs)


def test_more_of_one_cause_do_not_move_the_others() -> None:
    few = np.array(positions(["chip-edge"] * 9 + ["bleed"] * 5, BOX, np.random.default_rng(1)))
    many = np.array(positions(["chip-edge"] * 9 + ["bleed"] * 50, BOX, np.random.default_rng(1)))
    np.testing.assert_array_equal(few[:, :9], many[:, :9])


def test_a_large_survey_is_quick() -> None:
    kinds = [SEA] * 18_000 + [kind for kind in ARTIFACTS for _ in range(280)]
    start = time.process_time()
    placed(*positions(kinds, BOX, np.random.default_rng(0)), BOX)
    assert time.process_time() - start < 1


def test_no_sources_have_no_positions() -> None:
    ra, dec = positions([], BOX, np.random.default_rng(0))
    assert len(ra) == len(dec) == 0


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"no kind 'bleeds' .* did you mean 'bleed'"):
        positions(["sea", "bleeds"], BOX, np.random.default_rng(0))
