"""Neighbors by all pairs, and the graph that is to have them."""

from __future__ import annotations

import numpy as np

from skerry.config import NeighborsConfig
from skerry.discover import neighbor_graph, neighbor_search
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
