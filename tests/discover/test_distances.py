from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.backends import lookup, parallel
from skerry.discover.distances import nearest_distances, others_distances


def by_hand(points: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
    gap = points[None].astype(np.float64) - queries[:, None].astype(np.float64)
    return np.sort(np.sqrt((gap**2).sum(axis=2)), axis=1)[:, :k]


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 33), st.integers(1, 20))
def test_agrees_with_all_pairs(seed: int, d: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(60, d)).astype(np.float32)
    queries = rng.normal(size=(25, d)).astype(np.float32)
    found = nearest_distances(points, queries, k)
    np.testing.assert_allclose(found, by_hand(points, queries, k), rtol=1e-12)
    assert found.dtype == np.float64


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 130))
def test_the_bits_of_a_query_depend_on_it_alone(seed: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(90, d)).astype(np.float32)
    queries = rng.normal(size=(40, d)).astype(np.float32)
    some = rng.permutation(40)[: rng.integers(1, 40)]
    whole = nearest_distances(points, queries, 5)
    np.testing.assert_array_equal(nearest_distances(points, queries[some], 5), whole[some])
    np.testing.assert_array_equal(nearest_distances(points[rng.permutation(90)], queries, 5), whole)


def test_where_float32_cannot_tell() -> None:
    # two tight groups far apart: centering helps neither, and squares round to more than gaps
    rng = np.random.default_rng(0)
    groups = np.repeat([[1000.0] * 8, [-1000.0] * 8], 50, axis=0)
    points = (groups + 1e-3 * rng.normal(size=(100, 8))).astype(np.float32)
    np.testing.assert_allclose(nearest_distances(points, points, 5), by_hand(points, points, 5))


def test_a_shortlist_that_is_wrong_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    def poor(vectors: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        # the first rows, said to be nearest: their last square leaves nearer ones possible
        return np.tile(np.arange(k), (len(queries), 1)), np.zeros((len(queries), k), np.float32)

    monkeypatch.setattr(lookup, "nearest", poor)
    points = np.random.default_rng(1).normal(size=(80, 4)).astype(np.float32)
    np.testing.assert_allclose(
        nearest_distances(points, points[:3], 5), by_hand(points, points[:3], 5)
    )


def test_a_far_outlier_leaves_no_doubt_about_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from skerry.discover import distances

    points = np.random.default_rng(3).normal(size=(3000, 4)).astype(np.float32)
    points[7] = 1000
    asked: list[int] = []
    to_all = distances._to_all
    monkeypatch.setattr(
        distances,
        "_to_all",
        lambda *given: asked.append(1) or to_all(*given),  # type: ignore[func-returns-value]
    )
    found = nearest_distances(points, points[:50], 5)
    np.testing.assert_allclose(found, by_hand(points, points[:50], 5))
    assert len(asked) <= 1


def test_others_leave_each_point_out() -> None:
    points = np.random.default_rng(2).normal(size=(30, 6)).astype(np.float32)
    np.testing.assert_allclose(others_distances(points, 4), by_hand(points, points, 5)[:, 1:])
    assert others_distances(points, 4).min() > 0


@pytest.mark.parametrize("threads", [1, 2])
def test_blocks_come_back_in_order_on_any_number_of_threads(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(4)
    points, queries = rng.normal(size=(40, 5)), rng.normal(size=(301, 5))
    points, queries = points.astype(np.float32), queries.astype(np.float32)
    expected = nearest_distances(points, queries, 3)
    monkeypatch.setattr("skerry.discover.distances._BYTES", 8 * 11 * 5 * 7)
    with parallel.on_threads(threads):
        found = nearest_distances(points, queries, 3)
    assert found.tobytes() == expected.tobytes()
