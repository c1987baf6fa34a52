"""Random neighborhoods, to hold classes of the same size against."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from skerry.discover import Space, canonical_order, measure
from skerry.examine.searching.searches import as_candidates
from skerry.types import DoubleArray, FloatArray, IntArray

STEP = 1.5
"""Sizes within a step of this factor are taken for the same."""


def size_class(size: int) -> int:
    """The size that stands for those near it."""
    return round(STEP ** round(math.log(size) / math.log(STEP)))


def centers(vectors: FloatArray, free: IntArray, number: int, seed: int) -> IntArray:
    """Up to ``number`` of the rows ``free``, at random whatever the order of the rows."""
    order = canonical_order(vectors[free])
    picked = np.random.default_rng(seed).permutation(len(free))[:number]
    return free[order[picked]]


def neighborhoods(
    space: Space, around: IntArray, sizes: Sequence[int]
) -> dict[int, list[IntArray]]:
    """For each different :func:`size_class` of ``sizes``: each source of ``around`` with its
    nearest, so many in all; int64 rows, the center first."""
    wanted = sorted({min(size_class(size), len(space)) for size in sizes})
    near, _ = space.near(around, max(1, max(wanted, default=2) - 1))
    together = np.hstack([around[:, None], near])
    return {size: list(together[:, :size]) for size in wanted}


def shares_as_isolated(
    space: Space, around: IntArray, sizes: Sequence[int], isolation: DoubleArray
) -> DoubleArray:
    """The share of random neighborhoods of each size that are at least as isolated, float64 (m,).

    Each of ``isolation`` (m,) is counted among its neighborhoods, so that no share is 0.
    """
    reached = {
        size: measure(as_candidates(groups), space).isolation
        for size, groups in neighborhoods(space, around, sizes).items()
    }
    found = np.empty(len(sizes))
    for i, size in enumerate(sizes):
        of_size = reached[min(size_class(size), len(space))]
        found[i] = (1 + (of_size >= isolation[i]).sum()) / (1 + len(of_size))
    return found
