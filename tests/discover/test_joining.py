from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.config import NeighborsConfig
from skerry.discover import neighbor_graph, neighbor_search
from skerry.discover.joining import KnownGraph, joined_graph
from skerry.types import FloatArray, IntArray, NeighborGraph

CONFIG = NeighborsConfig(k=4)


def whole(x: FloatArray) -> NeighborGraph:
    return neighbor_graph(neighbor_search(x, CONFIG), CONFIG)


def known_of(x: FloatArray, rows: IntArray) -> KnownGraph:
    graph = whole(x[rows])
    return KnownGraph(rows, rows[graph.indices], graph.distances)


def same(found: NeighborGraph, expected: NeighborGraph) -> bool:
    names = ("indices", "distances")
    assert found.recall == expected.recall == 1
    assert all(getattr(found, n).dtype == getattr(expected, n).dtype for n in names)
    assert all(getattr(found, n).shape == getattr(expected, n).shape for n in names)
    return all(getattr(found, n).tobytes() == getattr(expected, n).tobytes() for n in names)


@given(
    seed=st.integers(0, 10_000),
    n=st.integers(30, 90),
    dimensions=st.integers(1, 5),
    share=st.floats(0.1, 1.0),
    steps=st.sampled_from([0, 3]),
    far=st.sampled_from([0.0, 1e4]),
)
def test_a_graph_that_is_added_to_is_that_of_a_search_of_all(
    seed: int, n: int, dimensions: int, share: float, steps: int, far: float
) -> None:
    """Ties on a grid, and vectors far from all others, too; nothing new at all."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, dimensions))
    x = np.round(x * steps) if steps else x
    x = rng.permutation(np.unique(x, axis=0)).astype(np.float32)
    x[0] += np.float32(far)
    n = len(x)
    size = max(CONFIG.k + 1, round(share * n))
    if size > n:
        return
    rows = np.sort(rng.choice(n, size, replace=False))
    found = joined_graph(neighbor_search(x, CONFIG), known_of(x, rows), CONFIG)
    assert same(found, whole(x))


def test_the_known_are_compared_with_the_new_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 6)).astype(np.float32)
    rows = np.sort(rng.choice(400, 380, replace=False))
    known, expected = known_of(x, rows), whole(x)
    search = neighbor_search(x, CONFIG)
    looked: list[int] = []
    find = search.find
    counted = type(find).__call__

    def counting(self: object, r: IntArray, k: int) -> tuple[IntArray, FloatArray]:
        looked.extend(r.tolist())
        return counted(self, r, k)  # type: ignore[arg-type]

    monkeypatch.setattr(type(find), "__call__", counting)
    seen: list[tuple[str, int, int]] = []
    found = joined_graph(search, known, CONFIG, on_event=lambda *event: seen.append(event))
    assert sorted(looked) == sorted(set(range(400)) - set(rows.tolist()))
    assert same(found, expected)
    assert seen[-1] == ("nearest neighbors", 400, 400)
