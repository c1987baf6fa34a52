from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.backends.edges import among, within
from skerry.backends.shared import shared_neighbors
from tests.backends.made import graph_of, near_of


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(2, 60), st.data())
def test_edges_among_some_rows_are_those_of_the_whole(seed: int, n: int, data: Any) -> None:
    graph = shared_neighbors(near_of(seed, n, min(n - 1, 8)), min(n - 1, 4))
    chosen = data.draw(st.sets(st.integers(0, n - 1), min_size=1))
    rows = np.array(sorted(chosen))
    found, expected = among(graph, rows), graph[rows][:, rows]
    assert found.dtype == np.float32 and found.shape == expected.shape
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


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
