"""Matching by position, and how many matches are by chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.errors import CannotAnswerError
from skerry.examine.crossmatch import matching
from skerry.examine.crossmatch.matching import SHIFTED, chance_matches, match, shift_of
from tests.examine.crossmatch.placed import ARCSEC, field


def separations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """All separations in arcsec, by unit vectors: (len(a), len(b))."""

    def vectors(p: np.ndarray) -> np.ndarray:
        ra, dec = np.radians(p).T
        return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], 1)

    chord = np.linalg.norm(vectors(a)[:, None] - vectors(b)[None], axis=2)
    return np.degrees(2 * np.arcsin(chord / 2)) * 3600


@given(
    seed=st.integers(0, 10_000), place=st.sampled_from([(359.99, 0.0), (80.0, 89.98), (10, -45)])
)
def test_the_closest_pairs_within_the_radius_are_matched_anywhere_on_the_sky(
    seed: int, place: tuple[float, float]
) -> None:
    rng = np.random.default_rng(seed)
    own = np.array(place) + 0.01 * rng.random((30, 2))
    others = own[rng.integers(30, size=20)] + 3 * ARCSEC * rng.normal(size=(20, 2))
    own[:, 0] %= 360
    others[:, 0] %= 360
    row, apart = match(own, others, 2.0)
    far = separations(own, others)
    left = {(i, j) for i in range(30) for j in range(20) if far[i, j] <= 2.0}
    expected = np.full(30, -1)
    while left:  # the closest pair, then the closest of what is left
        i, j = min(left, key=lambda pair: float(far[pair]))
        expected[i] = j
        left = {(a, b) for a, b in left if a != i and b != j}
    np.testing.assert_array_equal(row, expected)
    found = row >= 0
    assert apart[found] == pytest.approx(far[found, row[found]], abs=1e-4)
    assert np.isnan(apart[~found]).all()


def test_a_source_whose_nearest_entry_is_another_s_gets_its_next() -> None:
    own = np.array([[10.0, 0.0], [10.0 + 0.8 * ARCSEC, 0.0]])
    others = np.array([[10.0 + 0.3 * ARCSEC, 0.0], [10.0 + 1.7 * ARCSEC, 0.0]])
    row, apart = match(own, others, 1.0)
    assert list(row) == [0, 1] and apart == pytest.approx([0.3, 0.9], abs=1e-6)


def test_one_entry_belongs_to_one_source_the_nearest() -> None:
    own = np.array([[10.0, 0.0], [10.0, 0.4 * ARCSEC], [10.0, 9 * ARCSEC], [np.nan, 0.0]])
    row, apart = match(own, np.array([[10.0, 0.3 * ARCSEC]]), 1.0)
    assert list(row) == [-1, 0, -1, -1]
    assert apart[1] == pytest.approx(0.1, abs=1e-6)


def test_too_many_pairs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "MOST_PAIRS", 8)
    place = np.tile([10.0, 0.0], (3, 1))
    with pytest.raises(CannotAnswerError, match=r"9 pairs .* within 1 arcsec; expected 8 at most"):
        match(place, place, 1.0)
    assert (match(place[:2], place, 1.0)[0] >= 0).all()


def test_permuting_either_side_changes_no_match() -> None:
    own, others = field(60, 0, 0.01), field(80, 1, 0.01)
    row, _ = match(own, others, 3.0)
    rng = np.random.default_rng(2)
    a, b = rng.permutation(60), rng.permutation(80)
    again, _ = match(own[a], others[b], 3.0)
    np.testing.assert_array_equal(np.where(again >= 0, b[again], -1), row[a])


def test_chance_matches_are_as_many_as_an_unrelated_catalog_gives() -> None:
    own = field(2000, 3)
    # wider, as places beside the outermost sources have to be covered too
    others = field(6000, 4, 0.24, 149.98, 1.98)
    found = (match(own, others, 3.0)[0] >= 0).sum()
    expected = chance_matches(own, others, 3.0).sum()
    # by hand: a Poisson field of so many in 0.24 x 0.24 cos(2.1) degrees
    density = 6000 / (0.24**2 * np.cos(np.radians(2.1)))
    poisson = 2000 * -np.expm1(-density * np.pi * (3 * ARCSEC) ** 2)
    assert expected == pytest.approx(poisson, rel=0.05)
    assert abs(found - expected) < 4 * np.sqrt(expected)


def test_a_source_s_own_entry_is_no_chance_match() -> None:
    own = field(500, 5)
    assert (match(own, own, 1.0)[0] == np.arange(500)).all()
    assert chance_matches(own, own, 1.0).sum() < 2
    assert shift_of(1.0) == SHIFTED and shift_of(10.0) == 100.0
