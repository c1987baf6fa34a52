from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skerry.simulate import GALAXIES, SEA, Sky, draw_source, sky_of
from skerry.simulate.kinds import Subject, draw_subject
from skerry.simulate.observe import night_of
from skerry.types import FloatArray

SKY = sky_of("sdss", size=64)
DRAWN = [kind for kind in GALAXIES if kind != "shredded"]


def subjects(kind: str, n: int = 40, visibility: float = 1.0) -> list[Subject]:
    return [draw_subject(kind, np.random.default_rng(i), visibility) for i in range(n)]


def image(kind: str, seed: int, visibility: float, sky: Sky = SKY) -> FloatArray:
    night = night_of(sky)
    return draw_source(kind, np.random.default_rng(seed), sky, night, visibility).image


# a cutout is as large as its galaxy: of one without structure only the surface changes, see below
@pytest.mark.parametrize("kind", [kind for kind in DRAWN if kind != "low-mass-unbarred"])
def test_the_less_visible_the_nearer_to_a_galaxy_without_it(kind: str) -> None:
    differ = []
    for seed in range(6):
        none, half, full = (image(kind, seed, v) for v in (0.0, 0.5, 1.0))
        differ.append((np.abs(half - none).mean(), np.abs(full - none).mean()))
    half, full = np.mean(differ, axis=0)
    assert 0 < half < full


@pytest.mark.parametrize("kind", DRAWN)
def test_visibility_changes_neither_the_galaxy_nor_its_sky(kind: str) -> None:
    for seed in range(5):
        some, other = (draw_subject(kind, np.random.default_rng(seed), v) for v in (0.3, 1.0))
        kept = ("redshift", "mass", "axis_ratio", "angle", "bulge_fraction", "pitch", "sfr")
        assert [getattr(some.galaxy, k) for k in kept] == [getattr(other.galaxy, k) for k in kept]
        assert len(some.streams) == len(other.streams)


@pytest.mark.parametrize("kind", ["low-mass-barred", "low-mass-unbarred"])
def test_low_mass_galaxies_are_of_low_mass_and_faint_surface(kind: str) -> None:
    made = [s.galaxy for s in subjects(kind)]
    assert max(g.mass for g in made) < 9.3
    sea = [s.galaxy for s in subjects(SEA, 200)]
    surface = np.median([g.flux / g.radius(0.5) ** 2 for g in made])
    assert surface < np.percentile([g.flux / g.radius(0.5) ** 2 for g in sea], 20)
    assert all((g.bar > 1) == (kind == "low-mass-barred") for g in made)


def test_low_mass_galaxies_are_fainter_and_smoother_the_more_visible() -> None:
    for seed in range(10):
        some, other = (
            draw_subject("low-mass-unbarred", np.random.default_rng(seed), v).galaxy
            for v in (0.2, 1.0)
        )
        assert other.radius(0.5) > 1.05 * some.radius(0.5)
        assert other.flux == some.flux
        assert other.clumps < some.clumps


def test_a_one_armed_spiral_has_one_arm() -> None:
    assert {s.galaxy.arms for s in subjects("one-armed")} == {1}
    assert min(s.galaxy.arm_strength for s in subjects("one-armed")) > 1


def test_a_merging_pair_has_two_galaxies_as_far_apart_as_a_galaxy_is_large() -> None:
    for s in subjects("merging-pair"):
        (other,) = s.others
        apart = np.hypot(other.x - s.galaxy.x, other.y - s.galaxy.y)
        alone = s.galaxy.radius(0.9) / 0.65
        assert 0.65 * alone < apart < 1.55 * alone
        assert other.redshift == s.galaxy.redshift
        assert s.merger == "merger"


def test_an_arc_lies_on_a_circle_about_a_red_galaxy() -> None:
    for s in subjects("arc"):
        main, counter = s.streams
        radius = np.hypot(*main.points.T)
        assert radius == pytest.approx(np.full(len(radius), radius[0]))
        assert main.flux > counter.flux
        assert np.dot(main.points.mean(axis=0), counter.points.mean(axis=0)) < 0
        assert s.galaxy.blueness <= 0.15 < main.young


def test_an_edge_on_galaxy_with_a_boxy_bulge_is_thin() -> None:
    assert max(s.galaxy.axis_ratio for s in subjects("boxy-edge-on")) < 0.23
    assert min(s.galaxy.boxy for s in subjects("boxy-edge-on")) == pytest.approx(0.9)


def test_a_ring_shows_as_light_away_from_the_middle() -> None:
    """Its profile along the radius rises again, a plain disk's does not."""
    sky = sky_of("sdss", size=96)
    rises = []
    for visibility in (1.0, 0.0):
        profile = np.zeros(40)
        for seed in range(20):
            seen = image("ring", seed, visibility, sky)[1]
            where = np.hypot(*(np.indices(seen.shape) - 47.5)).astype(int)
            profile += [np.median(seen[where == r]) for r in range(40)]
        rises.append(max(profile[r] - profile[3:r].min() for r in range(5, 40)) / profile[0])
    assert rises[0] > 0.02 > rises[1]


def test_a_tail_reaches_far_beyond_the_galaxy() -> None:
    for s in subjects("tidal-tail", 10):
        reach = np.hypot(*s.streams[0].points.T).max()
        assert reach > 1.7 * s.galaxy.radius(0.9)


def test_an_irregular_galaxy_has_knots_and_no_center() -> None:
    for s in subjects("irregular-clumpy", 10):
        assert len(s.streams) == 9
        assert s.galaxy.bulge_fraction < 0.05
        assert s.galaxy.mass < 10


def test_a_kind_varies_from_one_to_the_next() -> None:
    for kind in DRAWN:
        a, b = subjects(kind, 2)
        assert a.galaxy != replace(b.galaxy, x=a.galaxy.x, y=a.galaxy.y)
