"""How much of each source belongs to each class, by walks on the neighbor graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from skerry.discover.space import Space
from skerry.errors import InputError
from skerry.types import IntArray, NeighborGraph

STEPS = 10
"""The longest walk, in steps."""
LEAK = 0.2
"""The chance that a walk ends in the sea at each step: a class fades with distance."""
FLOOR = 0.01
"""Memberships below this are no news and are left out."""

_FLOOR_BETWEEN = 0.001


def labels_of(n: int, classes: Sequence[IntArray]) -> IntArray:
    """The class of each of n rows, int64 (n,); -1 is the sea: a source in no class.

    Raises
    ------
    InputError
        A class has fewer than two members or one that is no row, or two classes share a source.
    """
    labels = np.full(n, -1, dtype=np.int64)
    for c, members in enumerate(classes):
        if len(members) < 2:
            raise InputError(f"class {c} has {len(members)} members; expected two or more")
        if members.min() < 0 or members.max() >= n:
            raise InputError(
                f"class {c} names rows {members.min()} to {members.max()} of {n} sources: the "
                "classes are of other data; expected those found among these sources"
            )
        if (labels[members] >= 0).any() or len(np.unique(members)) < len(members):
            raise InputError(
                f"class {c} repeats a source of its own or of another class; expected each "
                "source in at most one class"
            )
        labels[members] = c
    return labels


def soft_membership(space: Space, classes: Sequence[IntArray]) -> Any:
    """The chance that a short walk from each source meets each class before the sea takes it.

    At each step a walk goes on to a neighbor, drawn by the locally scaled kernel
    exp(-d^2 / (s_i s_j)), s the distance to the k-th neighbor (Zelnik-Manor & Perona 2004,
    eq. 3), symmetrized; with chance ``LEAK`` it ends in the sea first; it ends where it meets a
    member, and after ``STEPS`` steps. That is label propagation with the labels held (Zhu,
    Ghahramani & Lafferty 2003), the sea unlabeled. It ranks sources; it is no calibrated
    probability of being a member.

    Parameters
    ----------
    classes : rows of each class's members, without overlap

    Returns
    -------
    scipy.sparse.csr_matrix, float64 (n, n_classes)
        1 for members; values below ``FLOOR`` are left out. Rows sum to at most 1: the rest is
        the sea's.

    Raises
    ------
    InputError
        As :func:`labels_of`.
    """
    from scipy import sparse

    n = len(space)
    labels = labels_of(n, classes)
    rows = np.flatnonzero(labels >= 0)
    held = sparse.csr_matrix(
        (np.ones(len(rows)), (rows, labels[rows])), shape=(n, len(classes)), dtype=np.float64
    )
    walk = _walk(space.graph, labels)
    soft = held
    for _ in range(STEPS):
        soft = _above(walk @ soft, _FLOOR_BETWEEN) + held
    soft = _above(soft, FLOOR)
    soft.sort_indices()
    return soft


def _walk(graph: NeighborGraph, labels: IntArray) -> Any:
    """The chance of each step from a source of the sea, the leak taken off; members stay put."""
    from scipy import sparse

    n, k = graph.indices.shape
    distances = graph.distances.astype(np.float64)
    scale = distances[:, -1]
    weights = np.exp(-(distances**2) / (scale[:, None] * scale[graph.indices]))
    starts = np.arange(0, n * k + 1, k)
    one_way = sparse.csr_matrix((weights.ravel(), graph.indices.ravel(), starts), shape=(n, n))
    kernel = one_way.maximum(one_way.T).tocsr()
    total = np.asarray(kernel.sum(axis=1)).ravel()
    # a source so far from all others that every weight is 0 goes nowhere
    share = np.divide(1 - LEAK, total, out=np.zeros(n), where=(labels < 0) & (total > 0))
    return (sparse.diags(share) @ kernel).tocsr()


def _above(matrix: Any, floor: float) -> Any:
    matrix.data[matrix.data < floor] = 0.0
    matrix.eliminate_zeros()
    return matrix
