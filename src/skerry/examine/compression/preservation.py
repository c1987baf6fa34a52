"""Trustworthiness and continuity around classes, beside random neighborhoods of their size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skerry.discover import Space, canonical_order
from skerry.examine.compression.neighborhoods import neighborhoods, size_class
from skerry.examine.compression.rank_preservation import trustworthiness
from skerry.types import DoubleArray, IntArray

SAMPLED = 2000
"""Sources over which those of the whole embedding are taken."""


@dataclass(frozen=True)
class Preserved:
    """One of the two measures: of each class float64 (m,), the ``median`` of the neighborhoods of
    its size, the share of these that lie ``below`` it, and that of the whole embedding."""

    own: DoubleArray
    median: DoubleArray
    below: DoubleArray
    overall: float


@dataclass(frozen=True)
class Preservation:
    """Both measures, over ``neighbors`` neighbors; the embedding's over ``sampled`` sources."""

    trustworthiness: Preserved
    continuity: Preserved
    neighbors: int
    sampled: int


def preservation(
    before: Space, after: Space, groups: Sequence[IntArray], around: IntArray, neighbors: int
) -> Preservation:
    """How the neighbors of each group's members were kept.

    Parameters
    ----------
    groups : int64 rows of each class
    around : int64, the centers of the random neighborhoods, which lie among the representations
    neighbors : how many nearest neighbors are asked for, fewer where the graphs have fewer
    """
    n = len(before)
    k = max(1, min(neighbors, before.graph.indices.shape[1], (n - 1) // 2))
    near = before.graph.indices[:, :k], after.graph.indices[:, :k]
    random = neighborhoods(before, around, [len(rows) for rows in groups])
    sample = canonical_order(before.vectors)[:SAMPLED]
    rows = np.unique(np.concatenate([sample, *groups, *(b for of in random.values() for b in of)]))
    kept = {
        "trustworthiness": trustworthiness(before.vectors, *near, rows),
        "continuity": trustworthiness(after.vectors, *near[::-1], rows),
    }
    made = {}
    for name, values in kept.items():
        by_row = np.full(n, np.nan)
        by_row[rows] = values
        means = {size: array_of_means(by_row, of) for size, of in random.items()}
        own = array_of_means(by_row, groups)
        beside = [means[min(size_class(len(rows)), n)] for rows in groups]
        made[name] = Preserved(
            own,
            np.array([np.median(of) for of in beside]),
            np.array([(of < one).mean() for one, of in zip(own, beside, strict=True)]),
            float(by_row[sample].mean()),
        )
    return Preservation(made["trustworthiness"], made["continuity"], k, len(sample))


def array_of_means(values: DoubleArray, groups: Sequence[IntArray]) -> DoubleArray:
    """The mean of ``values`` (n,) over each group, whatever the order of its rows."""
    return np.array([np.sort(values[rows]).mean() for rows in groups])
