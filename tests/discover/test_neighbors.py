from __future__ import annotations

import dataclasses
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.backends import cpu
from skerry.config import NeighborsConfig
from skerry.discover import neighbor_graph, neighbor_search, neighbors
from skerry.errors import InputError
from skerry.types import NeighborGraph


def by_hand(x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    y = x.astype(np.float64)
    gap = np.sqrt(((y[:, None] - y[None]) ** 2).sum(axis=2)).astype(np.float32)
    np.fill_diagonal(gap, np.inf)
    order = np.argsort(gap, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(gap, order, axis=1)


def graph(x: np.ndarray, k: int = 10, exact_below: int = 100_000) -> NeighborGraph:
    config = NeighborsConfig(k=k, exact_below=exact_below)
    return neighbor_graph(neighbor_search(x, config), config)


def agrees(x: np.ndarray, k: int = 10) -> None:
    found = graph(x, k)
    indices, distances = by_hand(x, k)
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_allclose(found.distances, distances, rtol=1e-6)
    assert found.recall == 1
    assert found.indices.dtype == np.int32
    assert found.distances.dtype == np.float32


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from(["normal", "grid", "twins"]))
def test_agrees_with_all_pairs(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(200, 16)).astype(np.float32)
    if kind == "grid":
        x = rng.integers(0, 3, size=(200, 4)).astype(np.float32)
    if kind == "twins":
        x[100:] = x[:100] + rng.normal(scale=1e-4, size=(100, 16)).astype(np.float32)
    agrees(x)


@pytest.mark.parametrize("scale", [1e-3, 1e-2, 3e-2])
def test_close_pairs_far_from_the_origin(monkeypatch: pytest.MonkeyPatch, scale: float) -> None:
    import faiss

    # few queries are compared directly; many by |x|^2 + |y|^2 - 2 x.y, which in float32 is off
    # by as much as these distances squared: here as if they were many
    monkeypatch.setattr(faiss.cvar, "distance_compute_blas_threshold", 20)
    rng = np.random.default_rng(0)
    groups = np.repeat(100 * rng.normal(size=(4, 32)), 100, axis=0)
    agrees((groups + scale * rng.normal(size=(400, 32))).astype(np.float32))


def test_more_twins_than_neighbors_fall_to_the_smaller_rows() -> None:
    x = np.random.default_rng(1).normal(size=(200, 8)).astype(np.float32)
    x[50:150] = x[50]
    agrees(x, k=5)
    assert graph(x, 5).indices[149].tolist() == [50, 51, 52, 53, 54]


@pytest.mark.parametrize("value", [0.0, 0.3])
@pytest.mark.parametrize("spread", [False, True])
def test_sixty_the_same_among_others(value: float, spread: bool) -> None:
    x = np.random.default_rng(8).normal(size=(200, 8)).astype(np.float32)
    x[slice(0, 180, 3) if spread else slice(60, 120)] = value
    agrees(x)


@pytest.mark.parametrize("exact_below", [0, 100_000])
def test_rows_of_zeros_only(exact_below: int) -> None:
    found = graph(np.zeros((200, 8), dtype=np.float32), 5, exact_below)
    assert (found.distances == 0).all()
    assert (found.indices != np.arange(200)[:, None]).all()
    if exact_below:
        assert found.indices[150].tolist() == [0, 1, 2, 3, 4]
        assert found.indices[2].tolist() == [0, 1, 3, 4, 5]


def test_a_vector_is_compared_with_all_but_once(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(9).normal(size=(1500, 6)).astype(np.float32)
    x[900:1200] = 0  # on both sides of the end of a block of rows
    x[1300:1400] = 2
    asked: list[bytes] = []
    compare = neighbors._nearest_to

    def counted(vector: np.ndarray, *given: object) -> object:
        asked.append(vector.tobytes())
        return compare(vector, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(neighbors, "_nearest_to", counted)
    agrees(x)
    assert {x[900].tobytes(), x[1300].tobytes()} <= set(asked)
    assert len(asked) == len(set(asked))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 9), st.sampled_from([1e-3, 1.0, 100.0]))
def test_none_within_a_distance_is_missed(seed: int, d: int, offset: float) -> None:
    rng = np.random.default_rng(seed)
    x = offset * rng.normal(size=(3, d)).repeat(40, axis=0) + 1e-3 * rng.normal(size=(120, d))
    x = x.astype(np.float32)
    gap = np.linalg.norm(x.astype(np.float64) - x[5], axis=1).astype(np.float32)
    limit = float(np.sort(gap)[11])
    assert set(np.flatnonzero(gap <= limit)) <= set(neighbors._Exact(x)._within(5, limit))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 70), st.integers(1, 12))
def test_blocks_of_any_size_give_the_same_bytes(seed: int, rows: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    x = (rng.integers(0, 3, size=(60, 5)) / 3).astype(np.float32)
    whole = neighbors._centered(x)
    everyone = np.arange(60, dtype=np.int64)
    indices, distances = neighbors._nearest(x, everyone[:1], everyone[None], k)
    exact = neighbors._Exact(x)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbors, "_BYTES", 8 * 5 * rows)
        for a, b in zip(neighbors._centered(x), whole, strict=True):
            np.testing.assert_array_equal(a, b)
        found = exact._of_one(0, float(distances[0, -1]), k)
    np.testing.assert_array_equal(found[0], indices[0])
    np.testing.assert_array_equal(found[1], distances[0])


def test_comparing_with_all_takes_little_memory() -> None:
    x = np.random.default_rng(10).normal(size=(200_000, 64)).astype(np.float32)  # 100 MB as float64
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbors, "_BYTES", 2**22)
        tracemalloc.start()
        neighbors._nearest_to(x[7], x, np.arange(len(x)), 11)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        neighbors._check_finite(x)
        kept = neighbors._centered(x)
        centering = tracemalloc.get_traced_memory()[1] - sum(a.nbytes for a in kept)
        tracemalloc.stop()
    assert peak < 3 * 2**22
    assert centering < 3 * 2**22


def test_constant_columns_and_an_outlier() -> None:
    x = np.random.default_rng(2).normal(size=(120, 8)).astype(np.float32)
    x[:, 3] = 7
    x[60] = 1e6
    agrees(x)


def test_just_enough_sources() -> None:
    x = np.random.default_rng(3).normal(size=(11, 4)).astype(np.float32)
    agrees(x, k=10)


def test_too_few_sources_says_what_to_set() -> None:
    x = np.zeros((10, 4), dtype=np.float32)
    with pytest.raises(
        InputError, match=r"10 distinct vectors .* neighbors.k = 10.*11.*neighbors.k to 9"
    ):
        graph(x, k=10)


def test_large_values_are_no_obstacle() -> None:
    agrees((1e14 * np.random.default_rng(14).normal(size=(80, 9))).astype(np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e16])
def test_vectors_that_are_not_finite_are_counted(value: float) -> None:
    x = np.zeros((40, 4), dtype=np.float32)
    x[[3, 7], 1] = value
    with pytest.raises(InputError, match="2 of 40"):
        graph(x)


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
    query = cpu.query

    def few(index: object, queries: np.ndarray, k: int, n_probe: int) -> np.ndarray:
        indices = query(index, queries, k, n_probe)
        if len(queries) == 1000:
            indices[::7, 4:] = -1
        return indices

    monkeypatch.setattr(cpu, "query", few)
    found = graph(x, exact_below=0)
    assert (found.indices >= 0).all()
    np.testing.assert_array_equal(found.indices[::7], by_hand(x, 10)[0][::7])


@pytest.mark.parametrize("n", [600, 2400])
def test_k_neighbors_are_asked_for_however_many_sources_there_are(n: int) -> None:
    x = np.random.default_rng(8).normal(size=(n, 3)).astype(np.float32)
    config = NeighborsConfig(k=4)
    search = neighbor_search(x, config)
    asked: list[int] = []

    def find(rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        asked.append(k)
        return search.find(rows, k)

    found = neighbor_graph(dataclasses.replace(search, find=find), config)
    assert set(asked) == {4}
    assert found.indices.shape == found.distances.shape == (n, 4)
    np.testing.assert_array_equal(found.indices, by_hand(x, 4)[0])


def test_says_how_far_it_is() -> None:
    seen: list[tuple[str, int, int]] = []
    x = np.random.default_rng(6).normal(size=(2500, 2)).astype(np.float32)
    config = NeighborsConfig(k=3)
    neighbor_graph(neighbor_search(x, config), config, on_event=lambda *event: seen.append(event))
    assert seen[-1] == ("nearest neighbors", 2500, 2500)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


@pytest.mark.parametrize("exact_below", [0, 100_000])
def test_more_neighbors_of_some(exact_below: int) -> None:
    x = np.random.default_rng(11).normal(size=(600, 3)).astype(np.float32)
    search = neighbor_search(x, NeighborsConfig(k=5, exact_below=exact_below))
    rows = np.array([599, 3, 17])
    indices, distances = search.of_rows(rows, 200)
    expected = by_hand(x, 200)
    same = [len(np.intersect1d(a, b)) for a, b in zip(indices, expected[0][rows], strict=True)]
    assert min(same) >= (195 if exact_below == 0 else 200)
    np.testing.assert_allclose(distances[:, :5], expected[1][rows][:, :5], rtol=1e-6)
    assert (indices != rows[:, None]).all()
    assert (np.diff(distances, axis=1) >= 0).all()
    alone = [search.of_rows(rows[i : i + 1], 200) for i in range(3)]
    np.testing.assert_array_equal(indices, np.concatenate([a[0] for a in alone]))
    np.testing.assert_array_equal(distances, np.concatenate([a[1] for a in alone]))
    assert search.of_rows(rows[:0], 7)[0].shape == search.of_rows(rows[:0], 7)[1].shape == (0, 7)


def test_an_index_looks_no_further_than_an_eighth_where_that_finds_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(neighbors, "_TARGET_RECALL", 1.1)
    rng = np.random.default_rng(12)
    apart = (8 * rng.normal(size=(40, 24))).repeat(150, axis=0) + rng.normal(size=(6000, 24))
    found = neighbor_search(apart.astype(np.float32), NeighborsConfig(k=10, exact_below=0)).find
    assert isinstance(found, neighbors._Inverted)
    assert 10 * found.n_probe > 6000 // 64 >= 8 * found.n_probe
    monkeypatch.setattr(neighbors, "_LEAST_RECALL", 1.1)
    assert neighbors._inverted(apart.astype(np.float32), 10)[0] is None


def test_where_an_index_does_not_help_all_are_compared() -> None:
    rng = np.random.default_rng(12)
    even = rng.normal(size=(4500, 24)).astype(np.float32)
    apart = (8 * rng.normal(size=(40, 24))).repeat(150, axis=0) + rng.normal(size=(6000, 24))
    assert graph(even, exact_below=0).recall == 1
    np.testing.assert_array_equal(graph(even, exact_below=0).indices, graph(even).indices)
    search = neighbor_search(apart.astype(np.float32), NeighborsConfig(k=10, exact_below=0))
    assert isinstance(search.find, neighbors._Inverted)
    assert search.recall >= 0.97


def test_the_recall_is_held_against_the_true_distances(monkeypatch: pytest.MonkeyPatch) -> None:
    import faiss

    # as if the queries were many: see test_close_pairs_far_from_the_origin
    monkeypatch.setattr(faiss.cvar, "distance_compute_blas_threshold", 20)
    rng = np.random.default_rng(13)
    x = (100 + 1e-3 * rng.normal(size=(400, 32))).astype(np.float32)
    rows = np.arange(0, 400, 3)
    found = neighbors._kth_distance(x, rows, 10)
    np.testing.assert_array_equal(found, by_hand(x, 10)[1][rows, -1])
