"""Pairs on the sky, groups of them, and how many there are by chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from skerry.examine.shredded.close_pairs import (
    drawn_at_random,
    groups_of,
    moved_apart,
    offset,
    pairs_within,
)

ARCSEC = 1 / 3600


def test_pairs_are_those_within_both_reaches_also_over_right_ascension_0() -> None:
    places = np.array([[0.0, 60], [360 - 4 * ARCSEC, 60], [0, 60 + 9 * ARCSEC], [10, 60]])
    reach = np.array([1.2, 1, 8, 1])  # 2 arcsec between the first two, 9 to the third
    assert pairs_within(places, reach).tolist() == [[0, 1], [0, 2]]
    assert offset(places, 0, 1) == pytest.approx((-2, 0), abs=1e-6)
    assert offset(places, 0, 2) == pytest.approx((0, 9), abs=1e-6)
    assert pairs_within(places[:1], reach[:1]).shape == (0, 2)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_pairs_agree_with_all_distances(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = np.stack([rng.uniform(10, 10.02, 40), rng.uniform(-5, -4.98, 40)], axis=1)
    reach = rng.uniform(1, 8, 40)
    expected = [
        [i, j]
        for i in range(40)
        for j in range(i + 1, 40)
        if np.hypot(*offset(places, i, j)) <= reach[i] + reach[j]
    ]
    assert pairs_within(places, reach).tolist() == expected


def test_groups_are_joined_through_others() -> None:
    pairs = np.array([[0, 3], [3, 5], [1, 2]])
    assert [g.tolist() for g in groups_of(pairs, 7)] == [[0, 3, 5], [1, 2]]
    assert groups_of(np.zeros((0, 2), np.int64), 7) == ()


def uniform(seed: int, n: int = 150) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.uniform(30, 30.2, n), rng.uniform(-0.1, 0.1, n)], axis=1)


def test_sources_that_lie_at_random_are_seldom_called_close() -> None:
    """At most as often as the test's level: 40 skies at 10%, one in 10,000 by chance."""
    reach = np.full(150, 5.0)
    rng = np.random.default_rng(0)
    p = [moved_apart(uniform(seed), reach, 19, rng).p for seed in range(40)]
    assert (np.array(p) <= 0.1).sum() <= binom.ppf(1 - 1e-4, 40, 0.1)


def test_fragments_are_closer_than_chance_and_groups_of_galaxies_do_not_hide_it() -> None:
    rng = np.random.default_rng(1)
    places = uniform(2)
    places[:40] = places[40:48].repeat(5, axis=0) + rng.normal(0, 3 * ARCSEC, (40, 2))
    found = moved_apart(places, np.full(150, 5.0), 39, rng)
    assert found.p == pytest.approx(1 / 40)
    assert found.low <= found.expected <= found.high < found.pairs / 3


def test_a_class_is_held_against_sources_drawn_at_random() -> None:
    places = uniform(3, 300)
    places[1:60:2] = places[:60:2] + 3 * ARCSEC  # thirty pairs
    pairs = pairs_within(places, np.full(300, 5.0))
    rng = np.random.default_rng(0)
    found = drawn_at_random(np.arange(30), pairs, 300, 199, rng)
    inside = int((pairs < 30).all(axis=1).sum())
    assert (found.sources, found.pairs) == (30, inside)
    assert found.expected == pytest.approx(len(pairs) * 30 * 29 / (300 * 299), abs=0.2)
    assert found.p == pytest.approx(1 / 200)
    p = [
        drawn_at_random(np.sort(rng.choice(300, 30, replace=False)), pairs, 300, 39, rng).p
        for _ in range(60)
    ]
    assert (np.array(p) <= 0.1).sum() <= binom.ppf(1 - 1e-4, 60, 0.1)
