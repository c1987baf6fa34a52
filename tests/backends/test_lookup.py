from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.backends import lookup
from skerry.config import NeighborsConfig
from skerry.discover import neighbor_graph, neighbor_search
from skerry.types import FloatArray


@pytest.mark.parametrize("exact_below", [0, 100_000])
def test_same_graph_on_any_number_of_threads(
    faiss_threads: Callable[[int], None], exact_below: int
) -> None:
    import faiss

    # faiss may take another path below 20 queries a thread: the last block has 26
    rng = np.random.default_rng(0)
    x = rng.integers(-1, 2, size=(2074, 16)) + 1e-4 * rng.normal(size=(2074, 16))
    config = NeighborsConfig(k=10, exact_below=exact_below)

    def bytes_on(threads: int) -> bytes:
        faiss_threads(threads)
        found = neighbor_graph(neighbor_search(x.astype(np.float32), config), config)
        assert faiss.omp_get_max_threads() == threads
        return (
            found.indices.tobytes() + found.distances.tobytes() + bytes(str(found.recall), "ascii")
        )

    one = bytes_on(1)
    assert one == bytes_on(2) == bytes_on(3)


def filled(sample: FloatArray, *parts: FloatArray) -> Any:
    index = lookup.inverted_index(sample, 10)
    lookup.fill(index, lambda part: part, parts)
    return index


def test_the_cells_are_chosen_on_one_thread(
    monkeypatch: pytest.MonkeyPatch, faiss_threads: Callable[[int], None]
) -> None:
    import faiss

    seen: list[int] = []

    def spy(kind: type, name: str) -> None:
        own = getattr(kind, name)

        def called(*given: Any, **settings: Any) -> Any:
            seen.append(faiss.omp_get_max_threads())
            return own(*given, **settings)

        monkeypatch.setattr(kind, name, called)

    spy(faiss.IndexIVFScalarQuantizer, "train")
    spy(faiss.IndexIVFScalarQuantizer, "add_core")
    spy(faiss.Index, "search")
    faiss_threads(2)
    x = np.random.default_rng(0).normal(size=(640, 4)).astype(np.float32)
    index = filled(x, x[:300], x[300:])
    lookup.query(index, x, 5, 3)
    # what trains, two parts that are placed and added, and a query
    assert seen == [1] * 6
    assert faiss.omp_get_max_threads() == 2


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 20))
def test_all_cells_hold_what_comparing_all_finds(seed: int, k: int) -> None:
    x = np.random.default_rng(seed).normal(size=(640, 4)).astype(np.float32)
    index = filled(x[::2], x[:100], x[100:])
    all_cells = lookup.query(index, x[:30], k, 10)
    compared, squares = lookup.nearest(x, x[:30], k)
    assert all_cells.dtype == compared.dtype == np.int64
    assert squares.dtype == np.float32
    # halved vectors swap neighbors that are equally far but for a thousandth
    gap = np.linalg.norm(x[all_cells] - x[:30, None], axis=2)
    np.testing.assert_allclose(gap, np.sqrt(squares), atol=3e-3)
    few = lookup.query(index, x[:30], 640, 1)
    assert (few[:, -1] == -1).all()


def test_what_an_index_holds_is_halved() -> None:
    x = np.random.default_rng(2).normal(size=(640, 8)).astype(np.float32)
    assert filled(x, x).code_size == 2 * 8
