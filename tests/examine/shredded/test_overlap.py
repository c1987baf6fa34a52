"""Cutouts laid over each other, and the light between two places."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.examine.displayed import Display
from skerry.examine.shredded.bodies import light_between, white_between
from skerry.examine.shredded.overlap import (
    TURNS,
    Cutout,
    Overlaid,
    cutout_of,
    overlaid,
    overlap_match,
)
from tests.examine.imaged import Sky

LINEAR = Display(0.0)


def crowded(seed: int) -> Sky:
    """A sky with a body of light every few arcsec."""
    sky, rng = Sky(seed=seed), np.random.default_rng(seed)
    for east, north in rng.uniform(-90, 90, (60, 2)):
        sky.add(east, north, rng.uniform(20, 120), rng.uniform(2, 5))
    return sky


def cutout(sky: Sky, east: float, north: float, side: int = 64) -> Cutout:
    return cutout_of(sky.cutout(east, north, side), 1.0)


@settings(max_examples=25, deadline=None)
@given(st.integers(-25, 25), st.integers(-25, 25), st.integers(0, 5))
def test_the_same_sky_matches_after_the_shift_and_either_way_around(
    east: int, north: int, seed: int
) -> None:
    sky = crowded(seed)
    one, other = cutout(sky, 0, 0), cutout(sky, east, north)
    match = overlap_match(one, other, (east, north), TURNS[0])
    back = overlap_match(other, one, (-east, -north), TURNS[0])
    assert match > 0.995
    assert back == pytest.approx(match, abs=0.01)


def test_another_sky_does_not_match() -> None:
    found = [
        overlap_match(
            cutout(crowded(2 * i), 0, 0), cutout(crowded(2 * i + 1), 5, 3), (5, 3), (1, 1)
        )
        for i in range(20)
    ]
    assert max(found) < 0.9


def test_a_wrong_shift_does_not_match() -> None:
    sky = crowded(3)
    assert overlap_match(cutout(sky, 0, 0), cutout(sky, 12, 8), (0, 0), TURNS[0]) < 0.9


@pytest.mark.parametrize("turn", TURNS)
def test_mirrored_cutouts_match_in_their_own_way_alone(turn: tuple[int, int]) -> None:
    sky = crowded(1)
    one, other = (
        Cutout(np.ascontiguousarray(c.light[:: turn[1], :: turn[0]]), 1.0)
        for c in (cutout(sky, 0, 0), cutout(sky, 14, -9))
    )
    matches = {way: overlap_match(one, other, (14, -9), way) for way in TURNS}
    assert max(matches, key=matches.__getitem__) == turn
    assert matches[turn] > 0.995
    assert sorted(matches.values())[-2] < 0.9


def test_pixels_of_another_size_and_another_stretch_match() -> None:
    sky = crowded(4)
    one, other = cutout(sky, 0, 0), cutout(sky, 10, 6)
    finer = cv2.resize(other.light, (150, 150), interpolation=cv2.INTER_LINEAR)
    stretched = (255 * np.sqrt(finer / 255)).astype(np.float32)
    match = overlap_match(one, Cutout(stretched, 65 / 150), (10, 6), TURNS[0])
    assert match > 0.97


def test_little_in_common_or_nothing_to_see_is_not_compared() -> None:
    sky = crowded(5)
    one = cutout(sky, 0, 0)
    assert np.isnan(overlap_match(one, cutout(sky, 55, 0), (55, 0), TURNS[0]))
    assert np.isnan(overlap_match(one, cutout(sky, 5, 8), (500, 0), TURNS[0]))
    flat = Cutout(np.full((65, 65), 7, np.float32), 1.0)
    assert np.isnan(overlap_match(one, flat, (0, 0), TURNS[0]))


def test_a_canvas_holds_both_and_knows_where_they_are() -> None:
    sky = crowded(6)
    one, other = cutout(sky, 0, 0), cutout(sky, 30, 20)
    both = overlaid(one, other, (30, 20), TURNS[0], LINEAR)
    assert both.light.shape == (65 + 20, 65 + 30)
    assert both.covered.sum() == 2 * 65**2 - 35 * 45
    (row, column), (up, left) = both.places
    assert (row - up, column - left) == (20, 30)
    whole = np.clip(np.rint(sky.light), 0, 255)
    top, begin = round(sky.middle - 20) - 32, round(sky.middle - 30) - 32
    part = whole[top : top + 85, begin : begin + 95]
    assert np.abs(both.light - part)[both.covered].max() < 2


def test_a_cutout_with_a_white_of_its_own_is_brought_to_the_others() -> None:
    sky, display = crowded(6), Display(2.8)
    flux = [cutout(sky, *place).light / 255 for place in ((0, 0), (20, 10))]
    one = Cutout(display.levels(flux[0]), 1.0)
    other = Cutout(display.levels(flux[1] * np.float32(0.6)), 1.0)
    both = overlaid(one, other, (20, 10), TURNS[0], display)
    alone = both.covered.copy()
    alone[10:, 20:] = False  # where the first cutout is not
    expected = display.levels(flux[1])
    found = both.light[:65, :65]
    assert np.abs(found - expected)[alone[:65, :65]].max() < 4
    assert np.abs(other.light - expected)[alone[:65, :65]].max() > 20


def image(sky: Sky, *places: tuple[float, float]) -> Overlaid:
    """A whole sky with places given as east and north."""
    light = np.clip(sky.light, 0, 255).astype(np.float32)
    found = [(sky.middle - north, sky.middle - east) for east, north in places]
    return Overlaid(light, np.ones(light.shape, bool), (found[0], found[1]))


def test_two_bodies_have_a_gap_and_one_has_none() -> None:
    two = Sky().add(-15, 0, 150, 4).add(15, 0, 100, 4)
    assert light_between(image(two, (-15, 0), (15, 0)), LINEAR) < 0.1
    one = Sky().add(0, 0, 150, 12)
    assert light_between(image(one, (0, 0), (14, 5)), LINEAR) > 0.95
    assert light_between(image(one, (0, 0), (0, 0)), LINEAR) == 1


def test_the_saddle_of_two_blended_peaks_is_what_it_should_be() -> None:
    """Two equal Gaussians, 2.6 sigma apart: 2 exp(-1.3^2 / 2) between them."""
    blend = Sky(noise=0.0).add(-13, 0, 80, 10).add(13, 0, 80, 10)
    expected = 2 * np.exp(-0.845) / (1 + np.exp(-3.38))
    found = light_between(image(blend, (-13, 0), (13, 0)), LINEAR)
    assert found == pytest.approx(expected, abs=0.03)


def test_a_stretch_is_undone() -> None:
    blend = Sky(noise=0.0).add(-15, 0, 200, 10).add(15, 0, 200, 10)
    plain = image(blend, (-15, 0), (15, 0))
    for display in (Display(8.0), Display(2.8)):
        shown = Overlaid(display.levels(plain.light / 255), plain.covered, plain.places)
        undone = light_between(shown, display)
        assert undone == pytest.approx(light_between(plain, LINEAR), abs=0.05)
        assert light_between(shown, LINEAR) > undone + 0.03


def test_the_way_may_bend() -> None:
    """A ring is one body, though the straight way crosses its dark middle."""
    ring = Sky()
    for angle in np.linspace(0, 2 * np.pi, 60, endpoint=False):
        ring.add(25 * np.cos(angle), 25 * np.sin(angle), 30, 4)
    assert light_between(image(ring, (-25, 0), (25, 0)), LINEAR) > 0.9


def test_no_light_at_a_place_and_too_much_are_said() -> None:
    lone = Sky().add(0, 0, 150, 5)
    assert np.isnan(light_between(image(lone, (0, 0), (60, 60)), LINEAR))
    bright = Sky().add(-8, 0, 900, 5).add(8, 0, 900, 5)
    assert white_between(image(bright, (-8, 0), (8, 0)))
    assert not white_between(image(bright, (-8, 0), (-8, 0)))
    assert not white_between(image(Sky().add(0, 0, 100, 9), (0, 0), (9, 0)))


def test_light_may_not_pass_where_nothing_is_shown() -> None:
    """Between the two halves of a frame nothing is shown."""
    whole = image(Sky().add(0, 0, 100, 40), (-20, 0), (20, 0))
    assert light_between(whole, LINEAR) > 0.9
    covered = whole.covered.copy()
    covered[:, 95:105] = False
    cut = Overlaid(np.where(covered, whole.light, 0).astype(np.float32), covered, whole.places)
    assert light_between(cut, LINEAR) < 0.2
