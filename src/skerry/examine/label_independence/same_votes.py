"""Galaxies with the same votes: how alike they look to the representation, and which they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import threadpoolctl

from skerry.examine.statistics import Z95
from skerry.types import DoubleArray, FloatArray, IntArray

NEAREST = 10
"""Neighbors by votes, and by representation, that are compared."""


@dataclass(frozen=True)
class Likeness:
    """How alike sources with the same votes are, with its 95% interval over sources.

    1: as each source and its nearest in the representation; 0: as sources at random. ``shared``
    is the share of a source's nearest in the representation that are among its nearest by votes.
    ``of_class``: of the nearest of a class's members, the share that are members, by votes and by
    representation.
    """

    value: float
    low: float
    high: float
    shared: float


def nearest(places: DoubleArray, rows: IntArray, k: int) -> tuple[IntArray, DoubleArray]:
    """The k nearest others of some rows (m,) of places (n, d): int64 and float64 (m, k)."""
    from sklearn.neighbors import NearestNeighbors

    with threadpoolctl.threadpool_limits(1):
        found = NearestNeighbors(n_neighbors=k + 1, algorithm="brute").fit(places)
        far, near = found.kneighbors(places[rows])
    own = near == rows[:, None]
    # one with the very place of many others may not be among its own nearest
    own[~own.any(axis=1), -1] = True
    kept = ~own
    return near[kept].reshape(-1, k).astype(np.int64), far[kept].reshape(-1, k)


def random_distance(vectors: FloatArray, rng: np.random.Generator) -> float:
    """The mean distance of two sources at random."""
    n = len(vectors)
    first = rng.integers(n, size=5000)
    second = (first + rng.integers(1, n, size=5000)) % n
    return float(np.linalg.norm(vectors[first].astype(np.float64) - vectors[second], axis=1).mean())


def likeness(
    vectors: FloatArray, rows: IntArray, by_votes: IntArray, by_vectors: IntArray, at_random: float
) -> Likeness:
    """Of the sources ``rows`` (m,), with their nearest by votes and by vectors (m, NEAREST)."""
    twins = distances(vectors, rows, by_votes).mean(axis=1)
    close = distances(vectors, rows, by_vectors).mean(axis=1)
    above, below = at_random - twins, at_random - close
    value = float(above.sum() / below.sum())
    spread = (above - value * below).std(ddof=1) / abs(below.mean()) if len(rows) > 1 else 1.0
    half = Z95 * float(spread) / np.sqrt(len(rows))
    shared = (by_vectors[:, :, None] == by_votes[:, None, :]).any(axis=2).mean()
    return Likeness(value, value - half, value + half, float(shared))


def distances(vectors: FloatArray, rows: IntArray, others: IntArray) -> DoubleArray:
    """From each of rows (m,) to its others (m, k): float64 (m, k)."""
    apart = vectors[others].astype(np.float64) - vectors[rows][:, None]
    return np.asarray(np.linalg.norm(apart, axis=2))
