from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from skerry.config import NeighborsConfig
from skerry.discover import neighbor_graph, neighbor_search
from skerry.errors import InputError
from tests.discover.neighbors_by_hand import agrees, by_hand, graph


@pytest.mark.parametrize("exact_below", [0, 100_000])
def test_rows_of_zeros_only(exact_below: int) -> None:
    found = graph(np.zeros((200, 8), dtype=np.float32), 5, exact_below)
    assert (found.distances == 0).all()
    assert (found.indices != np.arange(200)[:, None]).all()
    if exact_below:
        assert found.indices[150].tolist() == [0, 1, 2, 3, 4]
        assert found.indices[2].tolist() == [0, 1, 3, 4, 5]


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
