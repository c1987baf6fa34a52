from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.backends.edges import move_rows, within


def graph_of(seed: int, n: int, density: float, values: int) -> Any:
    """A symmetric graph (n, n) whose weights add up to 1, loops and equal weights among them."""
    from scipy.sparse import random as drawn

    rng = np.random.default_rng(seed)
    half = drawn(n, n, density, random_state=rng).tocsr()
    half.data = rng.integers(1, values + 1, half.nnz).astype(np.float64)
    graph = (half + half.T).tocsr()
    graph.sort_indices()
    return (graph / max(graph.data.sum(), 1)).astype(np.float32).tocsr()


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


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(2, 60), st.data())
def test_what_edges_weigh_within_groups_that_may_overlap(seed: int, n: int, data: Any) -> None:
    graph = graph_of(seed, n, 0.2, 1000)
    some = st.lists(st.integers(0, n - 1), unique=True, max_size=n)
    groups = [np.array(rows, dtype=np.int64) for rows in data.draw(st.lists(some, max_size=6))]
    starts = np.concatenate([[0], np.cumsum([len(rows) for rows in groups], dtype=np.int64)])
    rows = np.concatenate([np.empty(0, dtype=np.int64), *groups])

    found = within(graph, rows, starts.astype(np.int64))

    dense = graph.toarray().astype(np.float64)
    expected = [dense[np.ix_(group, group)].sum() for group in groups]
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-12)
