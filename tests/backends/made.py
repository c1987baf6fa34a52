"""Graphs to partition."""

from __future__ import annotations

from typing import Any

import numpy as np

from skerry.types import RowArray


def near_of(seed: int, n: int, k: int) -> RowArray:
    """The k nearest of each of n points of the plane, int32 (n, k)."""
    x = np.random.default_rng(seed).normal(size=(n, 2))
    gap = np.linalg.norm(x[:, None] - x[None], axis=2)
    np.fill_diagonal(gap, np.inf)
    return np.argsort(gap, axis=1, kind="stable")[:, :k].astype(np.int32)


def graph_of(seed: int, n: int, density: float, values: int) -> Any:
    """A symmetric graph (n, n) whose weights add up to 1, loops and equal weights among them."""
    from scipy.sparse import random as drawn

    rng = np.random.default_rng(seed)
    half = drawn(n, n, density, random_state=rng).tocsr()
    half.data = rng.integers(1, values + 1, half.nnz).astype(np.float64)
    graph = (half + half.T).tocsr()
    graph.sort_indices()
    return (graph / max(graph.data.sum(), 1)).astype(np.float32).tocsr()
