"""The graph found on a GPU is that of the CPU, byte for byte; torch's CPU stands for the GPU."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytestmark = pytest.mark.train
pytest.importorskip("torch")

from skerry.backends import card, parallel  # noqa: E402
from skerry.config import NeighborsConfig  # noqa: E402
from skerry.discover import exact, neighbor_graph, neighbor_search, neighbors  # noqa: E402
from skerry.discover.searches import each  # noqa: E402
from skerry.types import FloatArray, NeighborGraph  # noqa: E402

CONFIG = NeighborsConfig(k=10, exact_below=0, device="cuda")


@pytest.fixture(autouse=True)
def on_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "DEVICE", "cpu")
    monkeypatch.setattr(card, "lacking", lambda *packages: "")


def cases() -> dict[str, FloatArray]:
    rng = np.random.default_rng(0)
    plain = rng.normal(size=(900, 12)).astype(np.float32)
    near = plain.copy()
    near[500:] = near[:400] + 1e-4 * rng.normal(size=(400, 12))
    same = plain.copy()
    same[100:300] = same[100]
    lone = plain.copy()
    lone[3] *= 1e7
    return {
        "plain": plain,
        "few": plain[:11],
        "grid": rng.integers(0, 3, size=(600, 4)).astype(np.float32),
        "near": near,
        "same": same,
        "lone": lone,
        "offset": (1e4 + 1e-3 * rng.normal(size=(400, 32))).astype(np.float32),
        "small": plain * np.float32(1e-12),
        "large": plain * np.float32(1e13),
    }


def graph(x: FloatArray, config: NeighborsConfig = CONFIG) -> NeighborGraph:
    return neighbor_graph(neighbor_search(x, config), config)


def on_the_cpu(x: FloatArray) -> NeighborGraph:
    return graph(x, replace(CONFIG, device="cpu", exact_below=10**9))


def assert_same(found: NeighborGraph, expected: NeighborGraph) -> None:
    for name in ("indices", "distances"):
        assert getattr(found, name).dtype == getattr(expected, name).dtype
        assert getattr(found, name).tobytes() == getattr(expected, name).tobytes(), name
    assert found.recall == expected.recall == 1


@pytest.mark.parametrize("name", cases())
def test_the_graph_is_that_of_the_cpu(name: str) -> None:
    x = cases()[name]
    search = neighbor_search(x, CONFIG)
    assert isinstance(search.find, exact.ExactOnGpu)
    assert_same(neighbor_graph(search, CONFIG), on_the_cpu(x))


def test_rows_in_doubt_are_compared_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    x = cases()["plain"]
    in_order = card.Held.in_order

    def doubting(held: card.Held, rows: np.ndarray, *rest: object) -> tuple[np.ndarray, ...]:
        indices, distances, certain = in_order(held, rows, *rest)  # type: ignore[arg-type]
        certain[::3], indices[::3], distances[::3] = False, 0, 0
        return indices, distances, certain

    monkeypatch.setattr(card.Held, "in_order", doubting)
    assert_same(graph(x), on_the_cpu(x))


def test_candidates_that_prove_nothing_are_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A true neighbor left out, as the bound of rounding allows where the last is hardly beyond."""
    x = cases()["grid"]
    nearest = card.Held.nearest

    def missing(held: card.Held, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        indices, squares = nearest(held, rows, k + 200)
        kept = [*range(5), *range(k + 195, len(indices[0]))][:k]
        return indices[:, kept], np.minimum(squares[:, kept], squares[:, 5:6])

    monkeypatch.setattr(card.Held, "nearest", missing)
    assert_same(graph(x), on_the_cpu(x))


def test_it_is_asked_in_large_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert neighbor_search(cases()["plain"], CONFIG).block == 2**16
    monkeypatch.setattr(neighbors, "_BLOCK_ON_GPU", 64)
    assert_same(graph(cases()["near"]), on_the_cpu(cases()["near"]))


def test_searches_side_by_side_share_it() -> None:
    tables = [cases()[name] for name in ("plain", "near", "same", "grid")]
    for found, x in zip(each(graph, tables, 4), tables, strict=True):
        assert_same(found, on_the_cpu(x))
    assert not parallel._SIDE_BY_SIDE.is_set()


def test_more_neighbors_of_some() -> None:
    x = cases()["plain"]
    rows = np.array([599, 3, 17])
    found = neighbor_search(x, CONFIG).of_rows(rows, 700)
    expected = neighbor_search(x, replace(CONFIG, device="cpu", exact_below=10**9)).of_rows(
        rows, 700
    )
    for a, b in zip(found, expected, strict=True):
        assert a.tobytes() == b.tobytes()
