from __future__ import annotations

import numpy as np
import pytest

from skerry.backends import lookup
from skerry.config import NeighborsConfig
from skerry.discover import inverted, neighbor_search
from tests.discover.neighbors_by_hand import by_hand, graph


def test_inverted_index_finds_nearly_all_and_says_how_many() -> None:
    x = np.random.default_rng(4).normal(size=(3000, 8)).astype(np.float32)
    exact, found = graph(x), graph(x, exact_below=0)
    again = graph(x, exact_below=0)
    np.testing.assert_array_equal(found.indices, again.indices)
    same = np.mean(
        [np.isin(a, b).mean() for a, b in zip(found.indices, exact.indices, strict=True)]
    )
    assert 0.97 <= found.recall < 1
    assert abs(found.recall - same) < 0.005
    assert (found.indices != np.arange(3000)[:, None]).all()
    assert (np.diff(found.distances, axis=1) >= 0).all()


def test_inverted_index_of_few_sources_is_exact() -> None:
    x = np.random.default_rng(5).normal(size=(40, 4)).astype(np.float32)
    np.testing.assert_array_equal(graph(x, exact_below=0).indices, by_hand(x, 10)[0])


def test_cells_with_too_few_sources_are_made_good(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(7).normal(size=(1000, 4)).astype(np.float32)
    query = lookup.query

    def few(index: object, queries: np.ndarray, k: int, n_probe: int) -> np.ndarray:
        indices = query(index, queries, k, n_probe)
        if len(queries) == 1000:
            indices[::7, 4:] = -1
        return indices

    monkeypatch.setattr(lookup, "query", few)
    found = graph(x, exact_below=0)
    assert (found.indices >= 0).all()
    np.testing.assert_array_equal(found.indices[::7], by_hand(x, 10)[0][::7])


def test_an_index_looks_no_further_than_an_eighth_where_that_finds_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inverted, "_TARGET_RECALL", 1.1)
    rng = np.random.default_rng(12)
    apart = (8 * rng.normal(size=(40, 24))).repeat(150, axis=0) + rng.normal(size=(6000, 24))
    found = neighbor_search(apart.astype(np.float32), NeighborsConfig(k=10, exact_below=0)).find
    assert isinstance(found, inverted.Inverted)
    assert 10 * found.n_probe > 6000 // 64 >= 8 * found.n_probe
    monkeypatch.setattr(inverted, "_LEAST_RECALL", 1.1)
    assert inverted.inverted(apart.astype(np.float32), 10)[0] is None


def test_where_an_index_does_not_help_all_are_compared() -> None:
    rng = np.random.default_rng(12)
    even = rng.normal(size=(4500, 24)).astype(np.float32)
    apart = (8 * rng.normal(size=(40, 24))).repeat(150, axis=0) + rng.normal(size=(6000, 24))
    assert graph(even, exact_below=0).recall == 1
    np.testing.assert_array_equal(graph(even, exact_below=0).indices, graph(even).indices)
    search = neighbor_search(apart.astype(np.float32), NeighborsConfig(k=10, exact_below=0))
    assert isinstance(search.find, inverted.Inverted)
    assert search.recall >= 0.97


def test_the_recall_is_held_against_the_true_distances(monkeypatch: pytest.MonkeyPatch) -> None:
    import faiss

    # as if the queries were many: see test_close_pairs_far_from_the_origin
    monkeypatch.setattr(faiss.cvar, "distance_compute_blas_threshold", 20)
    rng = np.random.default_rng(13)
    x = (100 + 1e-3 * rng.normal(size=(400, 32))).astype(np.float32)
    rows = np.arange(0, 400, 3)
    found = inverted.kth_distance(x, rows, 10)
    np.testing.assert_array_equal(found, by_hand(x, 10)[1][rows, -1])
