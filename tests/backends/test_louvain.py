from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.backends.louvain import louvain, move_rows, shares_of
from skerry.backends.shared import shared_neighbors
from tests.backends.made import graph_of, near_of


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(2, 120), st.floats(0.1, 50))
def test_a_partition_holds_every_row_once_and_counts_from_0(
    seed: int, n: int, resolution: float
) -> None:
    graph = shared_neighbors(near_of(seed, n, min(n - 1, 8)), min(n - 1, 4))
    before = graph.copy()
    label = louvain(shares_of(graph), resolution)
    assert label.dtype == np.int64 and label.shape == (n,)
    assert np.unique(label).tolist() == list(range(label.max() + 1))
    # the graph is as it was, and found again it is the same
    assert (graph != before).nnz == 0
    np.testing.assert_array_equal(louvain(shares_of(graph), resolution), label)


@pytest.mark.parametrize("resolution", [1.0, 8.0, 40.0])
def test_a_partition_is_that_of_the_weights_as_they_are(resolution: float) -> None:
    """Not of whole numbers, to which scikit-network cuts those of float32."""
    from sknetwork.clustering import Louvain

    graph = shared_neighbors(near_of(3, 800, 12), 6)
    plain = Louvain(resolution, sort_clusters=False).fit_predict(graph.astype(np.float64))
    label = louvain(shares_of(graph), resolution)
    np.testing.assert_array_equal(label, np.unique(plain, return_inverse=True)[1])


def test_a_partition_is_the_same_beside_others_and_on_any_thread() -> None:
    graph = shared_neighbors(near_of(1, 500, 12), 6)
    alone = louvain(shares_of(graph), 8.0)
    with ThreadPoolExecutor(4) as threads:
        for label in threads.map(lambda _: louvain(shares_of(graph), 8.0), range(12)):
            np.testing.assert_array_equal(label, alone)


def test_the_finer_the_resolution_the_more_communities() -> None:
    graph = shared_neighbors(near_of(2, 600, 12), 6)
    counts = [louvain(shares_of(graph), resolution).max() + 1 for resolution in (0.5, 4.0, 32.0)]
    assert counts[0] < counts[1] < counts[2]


def test_islands_are_communities_and_rows_without_edges_each_their_own() -> None:
    from scipy.sparse import block_diag, csr_matrix

    clique = np.ones((5, 5)) - np.eye(5)
    graph = csr_matrix(block_diag([clique, clique, np.zeros((3, 3))]), dtype=np.float32)
    label = louvain(shares_of(graph), 1.0)
    assert len(np.unique(label)) == 5
    for island in (label[:5], label[5:10]):
        assert len(set(island.tolist())) == 1
    nothing = louvain(shares_of(csr_matrix((4, 4), dtype=np.float32)), 1.0)
    assert nothing.dtype == np.int64 and nothing.tolist() == [0, 1, 2, 3]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(2, 60), st.data())
def test_rows_move_as_scikit_network_moves_them(seed: int, n: int, data: Any) -> None:
    """To the byte, where gains are equal too: few values and few rows bring these about."""
    from sknetwork.clustering.louvain_core import optimize_core

    density = data.draw(st.floats(0.02, 0.6))
    graph = graph_of(seed, n, density, data.draw(st.sampled_from([1, 3, 1000])))
    resolution = data.draw(st.sampled_from([0.0, 0.5, 1.0, 7.3]))
    own = np.asarray(graph.sum(axis=1)).ravel().astype(np.float32)

    expected = np.arange(n, dtype=np.int64)
    edges = graph.indices.astype(np.int64), graph.indptr.astype(np.int64), graph.data
    clusters = own.copy(), own.copy(), np.zeros_like(own), graph.diagonal()
    _, gain = optimize_core(expected, *edges, own, own, *clusters, resolution, 1e-3)

    for kind in (np.int32, np.int64):
        labels = np.arange(n, dtype=kind)
        assert move_rows(labels, graph, own, resolution, 1e-3) == gain
        np.testing.assert_array_equal(labels, expected)


def test_rows_without_edges_stay() -> None:
    from scipy.sparse import csr_matrix

    labels = np.arange(3)
    nothing = csr_matrix((3, 3), dtype=np.float32)
    assert move_rows(labels, nothing, np.zeros(3, np.float32), 1.0, 1e-3) == 0
    assert labels.tolist() == [0, 1, 2]
