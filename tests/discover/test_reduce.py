from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from skerry.backends import cpu
from skerry.config import EmbeddingConfig, NeighborsConfig
from skerry.discover import Space, embed, neighbor_graph, neighbor_search
from skerry.discover.reduce import coordinates_of
from skerry.errors import InputError
from skerry.types import Embedding, NeighborGraph


def blobs(n: int = 200, centers: int = 2, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    at = 20 * rng.normal(size=(centers, 12))
    return (at[np.arange(n) % centers] + rng.normal(size=(n, 12))).astype(np.float32)


def graph_of(x: np.ndarray, k: int) -> NeighborGraph:
    config = NeighborsConfig(k=k)
    return neighbor_graph(neighbor_search(x, config), config)


def space(x: np.ndarray, k: int) -> Space:
    return Space(x, graph_of(x, k), NeighborsConfig(k=k))


def embedded(
    x: np.ndarray, k: int = 10, d: int = 3, neighbors: int = 8, seed: int = 0
) -> Embedding:
    config = EmbeddingConfig(n_neighbors=neighbors, n_components=d, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = embed(space(x, k), config)
    assert found.coordinates.shape == (len(x), d)
    assert found.map.shape == (len(x), 2)
    assert found.coordinates.dtype == found.map.dtype == np.float32
    assert np.isfinite(found.coordinates).all()
    assert np.isfinite(found.map).all()
    return found


def test_same_bytes_every_time_and_others_for_another_seed() -> None:
    x = blobs()
    first, second, other = embedded(x), embedded(x), embedded(x, seed=1)
    assert first.coordinates.tobytes() == second.coordinates.tobytes()
    assert first.map.tobytes() == second.map.tobytes()
    assert first.coordinates.tobytes() != other.coordinates.tobytes()


def test_the_epochs_are_those_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    whole = cpu.layout

    def counted(*given: Any) -> cpu.Layout:
        asked.append(given[-1])
        return whole(*given)

    monkeypatch.setattr(cpu, "layout", counted)
    x = blobs(60)
    few, usual = (embed(space(x, 10), EmbeddingConfig(8, epochs=n)) for n in (5, 0))
    assert asked == [5, 5, 0, 0]
    assert few.coordinates.tobytes() != usual.coordinates.tobytes()


def test_the_coordinates_alone_are_the_same_bytes() -> None:
    x = blobs()
    config = EmbeddingConfig(n_neighbors=8, n_components=3)
    alone = coordinates_of(space(x, 10), config)
    assert alone.tobytes() == embedded(x).coordinates.tobytes()


def test_neighbors_stay_neighbors() -> None:
    x = blobs()
    for place in (embedded(x).coordinates, embedded(x).map):
        gap = np.linalg.norm(place[:, None] - place[None], axis=2)
        np.fill_diagonal(gap, np.inf)
        assert (gap.argmin(axis=1) % 2 == np.arange(200) % 2).mean() > 0.98


def test_the_input_is_left_as_it_was() -> None:
    x = blobs()
    graph = graph_of(x, 10)
    kept = x.copy(), graph.indices.copy(), graph.distances.copy()
    embed(Space(x, graph, NeighborsConfig(k=10)), EmbeddingConfig(n_neighbors=8, n_components=3))
    for before, after in zip(kept, (x, graph.indices, graph.distances), strict=True):
        np.testing.assert_array_equal(before, after)


def test_only_n_neighbors_of_the_graph_are_used() -> None:
    x = blobs()
    assert embedded(x, k=7).coordinates.tobytes() == embedded(x, k=15).coordinates.tobytes()


def test_pieces_without_an_edge_between_them() -> None:
    embedded(blobs(200, centers=16))


def test_many_twins() -> None:
    x = blobs(120)
    x[20:80] = x[20]
    embedded(x)


def test_two_values_only() -> None:
    x = np.repeat(np.eye(2, 6, dtype=np.float32), 40, axis=0)
    embedded(x)


def test_constant_columns_and_a_far_outlier() -> None:
    x = blobs(120)
    x[:, 4] = 3
    x[7] = 1e5
    embedded(x)


def test_fewest_sources() -> None:
    embedded(blobs(9), k=8, d=3, neighbors=5)
    with pytest.raises(InputError, match=r"8 sources .*n_components = 3: at least 9"):
        embedded(blobs(8), k=7, d=3, neighbors=5)


def test_all_the_same_is_refused() -> None:
    with pytest.raises(InputError, match="all 60 vectors are the same"):
        embedded(np.ones((60, 4), dtype=np.float32))


def test_a_graph_that_does_not_fit_is_refused() -> None:
    x = blobs(60)
    few = space(x, 5)
    with pytest.raises(InputError, match=r"5 neighbors a source.*needs 14.*neighbors\.k"):
        embed(few, EmbeddingConfig())
    with pytest.raises(InputError, match="59 vectors, but a neighbor graph of 60"):
        embed(Space(x[1:], few.graph, few.config), EmbeddingConfig(n_neighbors=4))


def test_a_failed_spectral_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import scipy.sparse.linalg
    import umap.spectral

    def fails(*args: object, **settings: object) -> None:
        raise scipy.sparse.linalg.ArpackError(1)

    cpu._umap()
    monkeypatch.setattr(umap.spectral.scipy.sparse.linalg, "eigsh", fails)
    x = blobs(80, centers=1)
    seen: list[tuple[str, int, int]] = []
    found = embed(
        space(x, 10),
        EmbeddingConfig(n_neighbors=8, n_components=3),
        on_event=lambda *event: seen.append(event),
    )
    assert found.spectral is False
    assert seen == [("embedding", done, 3) for done in range(4)]


def test_one_failed_start_of_two_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    layout = cpu.layout

    def fails_for_the_map(*given: Any) -> cpu.Layout:
        found = layout(*given)
        return replace(found, spectral=found.spectral and given[2] != 2)

    x = blobs(80)
    assert embedded(x).spectral is True
    monkeypatch.setattr(cpu, "layout", fails_for_the_map)
    assert embedded(x).spectral is False


def test_says_that_it_has_begun_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, int, int]] = []

    def stops(*given: object) -> None:
        assert seen == [("embedding", 0, 3)]
        raise InterruptedError

    monkeypatch.setattr(cpu, "fuzzy_graph", stops)
    x = blobs(80)
    whole = space(x, 10)
    config = EmbeddingConfig(n_neighbors=8, n_components=3)
    with pytest.raises(InterruptedError):
        embed(whole, config, on_event=lambda *event: seen.append(event))


def test_rows_of_zeros_among_others() -> None:
    x = blobs(200)
    x[::3] = 0
    embedded(x)


@pytest.mark.parametrize("pieces", [4, 5, 6])
def test_a_graph_in_pieces_has_one_map(pieces: int) -> None:
    """Where ARPACK starts again it would draw from the system: of five pieces it does."""
    x = blobs(40 * pieces, pieces, seed=5)
    first = embedded(x, d=5)
    for _ in range(2):
        again = embedded(x, d=5)
        assert again.map.tobytes() == first.map.tobytes()
        assert again.coordinates.tobytes() == first.coordinates.tobytes()
