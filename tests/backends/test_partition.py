from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.backends import partition
from skerry.types import RowArray


def near_of(seed: int, n: int, k: int) -> RowArray:
    """The k nearest of each of n points of the plane, int32 (n, k)."""
    x = np.random.default_rng(seed).normal(size=(n, 2))
    gap = np.linalg.norm(x[:, None] - x[None], axis=2)
    np.fill_diagonal(gap, np.inf)
    return np.argsort(gap, axis=1, kind="stable")[:, :k].astype(np.int32)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(2, 40), st.data())
def test_edges_weigh_what_is_shared_of_all_neighbors(seed: int, n: int, data: Any) -> None:
    """Held against sets, one pair after the other."""
    k = data.draw(st.integers(1, min(n - 1, 12)))
    edges = data.draw(st.integers(1, k))
    near = near_of(seed, n, k)
    found = partition.shared_neighbors(near, edges)
    assert found.shape == (n, n) and found.dtype == np.float32

    sets = [set(row.tolist()) for row in near]
    expected = np.zeros((n, n))
    for i in range(n):
        for j in near[i, :edges].tolist():
            shared = len(sets[i] & sets[j]) / len(sets[i] | sets[j])
            shared *= 1 if i in sets[j] else 0.25
            # an edge that leads both ways is met twice
            expected[i, j] += shared
            expected[j, i] += shared
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-6)
    # nothing that weighs nothing, so that who shares none has no edge
    assert found.nnz == (expected > 0).sum()
    assert (found.diagonal() == 0).all()
    assert (found != found.T).nnz == 0


def test_more_rows_than_are_compared_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    near = near_of(0, 300, 8)
    whole = partition.shared_neighbors(near, 4)
    monkeypatch.setattr(partition, "_SHARED_BLOCK", 7)
    for threads in (1, 3):
        parts = partition.shared_neighbors(near, 4, threads)
        for name in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(2, 60), st.data())
def test_edges_among_some_rows_are_those_of_the_whole(seed: int, n: int, data: Any) -> None:
    graph = partition.shared_neighbors(near_of(seed, n, min(n - 1, 8)), min(n - 1, 4))
    chosen = data.draw(st.sets(st.integers(0, n - 1), min_size=1))
    rows = np.array(sorted(chosen))
    found, expected = partition.among(graph, rows), graph[rows][:, rows]
    assert found.dtype == np.float32 and found.shape == expected.shape
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(2, 120), st.floats(0.1, 50))
def test_a_partition_holds_every_row_once_and_counts_from_0(
    seed: int, n: int, resolution: float
) -> None:
    graph = partition.shared_neighbors(near_of(seed, n, min(n - 1, 8)), min(n - 1, 4))
    before = graph.copy()
    label = partition.louvain(graph, resolution)
    assert label.dtype == np.int64 and label.shape == (n,)
    assert np.unique(label).tolist() == list(range(label.max() + 1))
    # the graph is as it was, and found again it is the same
    assert (graph != before).nnz == 0
    np.testing.assert_array_equal(partition.louvain(graph, resolution), label)


@pytest.mark.parametrize("resolution", [1.0, 8.0, 40.0])
def test_a_partition_is_that_of_the_weights_as_they_are(resolution: float) -> None:
    """Not of whole numbers, to which scikit-network cuts those of float32."""
    from sknetwork.clustering import Louvain

    graph = partition.shared_neighbors(near_of(3, 800, 12), 6)
    plain = Louvain(resolution, sort_clusters=False).fit_predict(graph.astype(np.float64))
    label = partition.louvain(graph, resolution)
    np.testing.assert_array_equal(label, np.unique(plain, return_inverse=True)[1])


def test_a_partition_is_the_same_beside_others_and_on_any_thread() -> None:
    graph = partition.shared_neighbors(near_of(1, 500, 12), 6)
    alone = partition.louvain(graph, 8.0)
    with ThreadPoolExecutor(4) as threads:
        for label in threads.map(lambda _: partition.louvain(graph, 8.0), range(12)):
            np.testing.assert_array_equal(label, alone)


def test_the_finer_the_resolution_the_more_communities() -> None:
    graph = partition.shared_neighbors(near_of(2, 600, 12), 6)
    counts = [partition.louvain(graph, resolution).max() + 1 for resolution in (0.5, 4.0, 32.0)]
    assert counts[0] < counts[1] < counts[2]


def test_islands_are_communities_and_rows_without_edges_each_their_own() -> None:
    from scipy.sparse import block_diag, csr_matrix

    clique = np.ones((5, 5)) - np.eye(5)
    graph = csr_matrix(block_diag([clique, clique, np.zeros((3, 3))]), dtype=np.float32)
    label = partition.louvain(graph, 1.0)
    assert len(np.unique(label)) == 5
    for island in (label[:5], label[5:10]):
        assert len(set(island.tolist())) == 1
    nothing = partition.louvain(csr_matrix((4, 4), dtype=np.float32), 1.0)
    assert nothing.dtype == np.int64 and nothing.tolist() == [0, 1, 2, 3]
