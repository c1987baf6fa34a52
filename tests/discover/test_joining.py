from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.config import NeighborsConfig
from skerry.discover import neighbor_graph, neighbor_search
from skerry.discover.joining import KnownGraph, joined_graph
from skerry.discover.neighbors import reach_of
from skerry.types import FloatArray, IntArray, NeighborGraph

CONFIG = NeighborsConfig(k=4, scale=9)


def whole(x: FloatArray, config: NeighborsConfig = CONFIG) -> NeighborGraph:
    search = neighbor_search(x, config)
    return neighbor_graph(search, config, reach=reach_of(search, config))


def known_of(x: FloatArray, rows: IntArray, config: NeighborsConfig = CONFIG) -> KnownGraph:
    graph = whole(x[rows], config)
    assert graph.further is not None
    distances = np.concatenate([graph.distances, graph.further], axis=1)
    return KnownGraph(rows, rows[graph.indices], distances)


def same(found: NeighborGraph | None, expected: NeighborGraph) -> bool:
    assert found is not None
    names = ("indices", "distances", "scale", "further")
    assert all(getattr(found, n).dtype == getattr(expected, n).dtype for n in names)
    return all(getattr(found, n).tobytes() == getattr(expected, n).tobytes() for n in names)


@given(
    seed=st.integers(0, 10_000),
    n=st.integers(30, 90),
    dimensions=st.integers(1, 5),
    share=st.floats(0.35, 1.0),
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
    size = max(CONFIG.scale + 1, round(share * n))
    if size > n:
        return
    rows = np.sort(rng.choice(n, size, replace=False))
    found = joined_graph(neighbor_search(x, CONFIG), known_of(x, rows), CONFIG)
    assert same(found, whole(x))


def test_the_local_scale_may_reach_further_than_it_did() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2600, 4)).astype(np.float32)
    config = NeighborsConfig(k=4, scale=20)
    rows = np.sort(rng.choice(2600, 1700, replace=False))  # rank 8, with the others 13
    found = joined_graph(neighbor_search(x, config), known_of(x, rows, config), config)
    assert same(found, whole(x, config))
    assert (whole(x, config).scale == whole(x, config).further[:, 8]).all()  # type: ignore[index]


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


def test_too_few_known_distances_are_no_ground_for_a_graph() -> None:
    x = np.random.default_rng(2).normal(size=(60, 3)).astype(np.float32)
    known = known_of(x, np.arange(8))
    assert joined_graph(neighbor_search(x, CONFIG), known, CONFIG) is None


def test_distances_are_kept_of_an_exact_graph_alone() -> None:
    x = np.random.default_rng(3).normal(size=(3000, 2)).astype(np.float32)
    inverted = NeighborsConfig(k=5, scale=20, exact_below=100)
    search = neighbor_search(x, inverted)
    assert not search.exact and reach_of(search, inverted) == 0
    assert neighbor_graph(search, inverted).further is None
    exact = neighbor_search(x, NeighborsConfig(k=5, scale=20))
    assert exact.exact and reach_of(exact, NeighborsConfig(k=5, scale=20)) == 20
    assert reach_of(neighbor_search(x[:12], CONFIG), NeighborsConfig(k=4, scale=20)) == 11
