from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.config import NeighborsConfig
from skerry.discover import Space, measure, pooled, space_of
from skerry.discover.measure import nearest_of, nth_distance, spread_over
from skerry.types import Candidate, Measures


def of(x: np.ndarray, k: int = 5) -> Space:
    return space_of(x.astype(np.float32), NeighborsConfig(k=k))


def candidate(rows: np.ndarray | list[int]) -> Candidate:
    return Candidate(np.array(rows), np.ones(len(rows), dtype=np.float32), 0.5)


def by_hand(x: np.ndarray, members: np.ndarray) -> tuple[float, ...]:
    """As the docstrings say, one member after the other; for classes of up to 64."""
    gap = np.linalg.norm(x[:, None].astype(np.float64) - x[None], axis=2)
    outside = np.setdiff1d(np.arange(len(x)), members)
    isolation, within, share = [], [], []
    for m in members:
        inner = np.sort(gap[m, np.setdiff1d(members, [m])])
        outer = np.sort(gap[m, outside])
        isolation.append(np.log(outer[4] / inner[min(5, len(inner)) - 1]))
        within.append(((inner <= outer[4]).sum() + 5) / 5)
        nearest = np.argsort(np.where(np.arange(len(x)) == m, np.inf, gap[m]))
        share.append(np.isin(nearest[: min(10, len(members) - 1)], members).mean())
    order = np.argsort(gap[np.ix_(members, outside)].min(axis=0))
    shell = outside[order[: max(30, len(members))]]
    center = x[members].mean(axis=0, dtype=np.float64)
    inner_median, outer_median = (
        np.median(np.linalg.norm(x[rows] - center, axis=1)) for rows in (members, shell)
    )
    said = np.median(isolation), np.median(within), np.mean(share), inner_median / outer_median
    return len(members), *(float(value) for value in said), contained(x, members)


def contained(x: np.ndarray, members: np.ndarray) -> float:
    """How far below the usual of its size the share of its edges that leads out is."""
    found = of(x).communities
    dense = found.weights.toarray().astype(np.float64)[members]
    out = 1 - dense[:, members].sum() / dense.sum() if dense.sum() else 1.0
    return float(found.usual.containment(np.array([len(members)]), np.array([out]))[0])


def test_on_a_line() -> None:
    """Members at 0 to 5, the others at 11 to 50."""
    x = np.concatenate([np.arange(6), np.arange(11, 51)])[:, None]
    found = measure([candidate([2, 3, 1, 4, 0, 5])], of(x))
    assert found.size.tolist() == [6]
    # the 5th outside is at 15; the ratios are 15/5, 14/4, 13/3, 12/3, 11/4, 10/5
    assert found.isolation[0] == pytest.approx((np.log(3) + np.log(3.5)) / 2)
    assert found.overdensity.tolist() == [2]
    assert found.coherence.tolist() == [1]
    # the shell, at 11 to 40, has its median 23 from the center at 2.5
    assert found.spread[0] == pytest.approx(1.5 / 23)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(2, 25))
def test_agrees_with_all_pairs(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    # of so few all others are among the neighbors that are looked up
    x = rng.normal(size=(64, 3)).astype(np.float32)
    near = np.argsort(np.linalg.norm(x - x[0], axis=1))
    members = rng.permutation(near[: size + 8 * (seed % 2)])[:size]
    found = measure([candidate(members)], of(x))
    np.testing.assert_allclose(
        [float(v[0]) for v in astuple(found)], by_hand(x, members), 1e-4, 1e-6
    )


def test_a_planted_clump_stands_out_and_a_ball_of_the_sea_does_not() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(800, 10))
    x[:30] = 0.5 + 0.2 * rng.normal(size=(30, 10))
    ball = np.argsort(np.linalg.norm(x - x[500], axis=1))[:30]
    found = measure([candidate(range(30)), candidate(ball)], of(x, k=20))
    assert found.isolation[0] > 0.7 > 0.2 > found.isolation[1]
    assert found.overdensity[0] > 3 > found.overdensity[1]
    assert found.coherence[0] > 0.9 > found.coherence[1]
    assert found.spread[0] < 0.5 < found.spread[1]
    assert found.containment[0] > 4 > 2 > found.containment[1]


def test_what_is_measured_with_it_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    space = of(rng.normal(size=(600, 4)))
    given = [candidate(rng.permutation(600)[:size]) for size in (5, 200, 20, 70, 90, 6, 31)]
    together = measure(given, space)
    alone = pooled([measure([one], space) for one in given])
    for one, other in zip(astuple(together), astuple(alone), strict=True):
        np.testing.assert_array_equal(one, other)
    assert together.size.tolist() == [5, 200, 20, 70, 90, 6, 31]


def test_of_many_members_some_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    space = of(np.random.default_rng(3).normal(size=(900, 4)))
    asked: list[np.ndarray] = []
    near = Space.near
    monkeypatch.setattr(
        Space, "near", lambda self, rows, k: (asked.append(rows), near(self, rows, k))[1]
    )
    measure([candidate(np.arange(100, 500))], space)
    assert [len(rows) for rows in asked] == [64]
    assert asked[0][0] == 100 and asked[0][-1] == 499


def test_none_and_none_pooled() -> None:
    space = of(np.random.default_rng(4).normal(size=(50, 2)))
    for nothing in (measure([], space), pooled([]), pooled([measure([], space)])):
        assert isinstance(nothing, Measures) and len(nothing) == 0
        assert all(v.dtype == np.float64 and v.shape == (0,) for v in astuple(nothing))


def test_a_class_of_all_has_finite_measures() -> None:
    x = np.random.default_rng(5).normal(size=(60, 2))
    found = measure([candidate(range(60))], of(x))
    assert all(np.isfinite(v).all() for v in astuple(found))
    assert found.spread[0] == 1


def test_the_unit_of_the_vectors_does_not_matter() -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=(300, 6))
    x[:20] = 1 + 0.1 * rng.normal(size=(20, 6))
    as_is, tiny = (measure([candidate(range(20))], of(x * 2.0**p)) for p in (0, -60))
    assert astuple(tiny) == astuple(as_is)


def test_a_class_of_nearly_all_has_finite_measures() -> None:
    x = np.random.default_rng(5).normal(size=(60, 2))
    found = measure([candidate(range(58)), candidate([3, 4])], of(x))
    assert all(np.isfinite(v).all() for v in astuple(found))


def test_the_nth_of_some_neighbors() -> None:
    distances = np.array([[1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4]], dtype=np.float32)
    those = np.array([[1, 0, 1, 1], [0, 1, 0, 0], [0, 0, 0, 0]], dtype=bool)
    assert nth_distance(distances, those, 2).tolist() == [3, 4, 4]


def test_the_nearest_of_some_neighbors() -> None:
    near = np.array([[7, 3, 5], [5, 9, 3]])
    distances = np.array([[1, 2, 3], [1, 2, 4]], dtype=np.float32)
    those = np.array([[1, 1, 1], [1, 1, 1]], dtype=bool)
    assert nearest_of(near, distances, those, 3).tolist() == [5, 7, 3]
    assert nearest_of(near, distances, those & (near > 3), 9).tolist() == [5, 7, 9]


def test_rows_spread_over_their_order() -> None:
    rows = np.arange(50, 150)
    assert spread_over(rows, 3).tolist() == [50, 99, 149]
    np.testing.assert_array_equal(spread_over(rows, 100), rows)
    np.testing.assert_array_equal(spread_over(rows[:4], 64), rows[:4])


def test_members_scattered_over_the_sea_are_not_apart() -> None:
    """Farther from each other than any neighbor looked up: at least as far as the last of these."""
    x = np.random.default_rng(3).normal(size=(600, 3)).astype(np.float32)
    found = measure([candidate(np.arange(0, 600, 60))], of(x))
    assert found.isolation[0] < -0.5
    assert found.coherence[0] < 0.1
