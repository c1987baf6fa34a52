"""How much of each source belongs to each class, by walks on the neighbor graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from skerry.backends import parallel
from skerry.discover.space import Space
from skerry.errors import InputError
from skerry.types import DoubleArray, FloatArray, IntArray, NeighborGraph

STEPS = 10
"""The longest walk, in steps."""
LEAK = 0.2
"""The chance that a walk ends in the sea at each step: a class fades with distance."""
FLOOR = 0.01
"""Memberships below this are no news and are left out."""

_FLOOR_BETWEEN = 0.001
_BLOCK = 2**18


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
    walk = _Walk(space.graph, labels)
    soft = held
    for _ in range(STEPS):
        soft = _above(walk.step(soft), _FLOOR_BETWEEN) + held
    soft = _above(soft, FLOOR)
    soft.sort_indices()
    return soft


class _Walk:
    """Steps from sources of the sea; members stay put.

    Of the kernel the rows are worked out that a walk comes from: what is far from all classes
    would take more memory than all else.
    """

    def __init__(self, graph: NeighborGraph, labels: IntArray) -> None:
        from scipy import sparse

        self.graph, self.labels = graph, labels
        self.scale = graph.distances[:, -1].astype(np.float64)
        self.place = np.full(len(labels), -1, dtype=np.int64)
        self.kernel = sparse.csr_matrix((0, len(labels)), dtype=np.float64)

    def step(self, soft: Any) -> Any:
        """The chances (n, n_classes) one step before those of ``soft``."""
        from scipy import sparse

        near = np.unique(self._rows(np.flatnonzero(np.diff(soft.indptr))).indices)
        reached = near[self.labels[near] < 0]
        kernel = self._rows(reached)
        total = np.asarray(kernel.sum(axis=1)).ravel()
        # a source so far from all others that every weight is 0 is reached from none
        walked = (sparse.diags((1 - LEAK) / total) @ kernel).tocsr() @ soft
        starts = np.zeros(len(self.labels) + 1, dtype=np.int64)
        starts[reached + 1] = np.diff(walked.indptr)
        return sparse.csr_matrix((walked.data, walked.indices, np.cumsum(starts)), shape=soft.shape)

    def _rows(self, rows: IntArray) -> Any:
        """Some rows of the kernel, ascending: (m, n)."""
        from scipy import sparse

        new = rows[self.place[rows] < 0]
        if len(new):
            made = self._outward(new).maximum(self._inward(new)).tocsr()
            self.place[new] = np.arange(len(new)) + self.kernel.shape[0]
            self.kernel = sparse.vstack([self.kernel, made], format="csr")
        return self.kernel[self.place[rows]]

    def _outward(self, rows: IntArray) -> Any:
        """Weights of the edges that lead from some rows."""
        from scipy import sparse

        n, k = self.graph.indices.shape
        ends = self.graph.indices[rows].ravel().astype(np.int64)
        weights = self._weights(np.repeat(rows, k), ends, self.graph.distances[rows].ravel())
        starts = np.arange(0, len(rows) * k + 1, k)
        made = sparse.csr_matrix((weights, ends, starts), shape=(len(rows), n))
        made.sort_indices()  # or the order of a row, and how it sums, hangs on the others
        return made

    def _inward(self, rows: IntArray) -> Any:
        """Weights of the edges that lead to some rows."""
        from scipy import sparse

        n, k = self.graph.indices.shape
        row = np.full(n, -1, dtype=np.int64)
        row[rows] = np.arange(len(rows))
        wanted = row >= 0

        def of_some(start: int) -> IntArray:
            found = np.flatnonzero(wanted[self.graph.indices[start : start + _BLOCK].ravel()])
            return np.asarray(found + start * k)

        edges = np.concatenate([*parallel.by_thread(of_some, range(0, n, _BLOCK))])
        starts, ends = edges // k, self.graph.indices.ravel()[edges].astype(np.int64)
        weights = self._weights(starts, ends, self.graph.distances.ravel()[edges])
        return sparse.csr_matrix((weights, (row[ends], starts)), shape=(len(rows), n))

    def _weights(self, starts: IntArray, ends: IntArray, distances: FloatArray) -> DoubleArray:
        squares = distances.astype(np.float64) ** 2
        return np.asarray(np.exp(-squares / (self.scale[starts] * self.scale[ends])))


def _above(matrix: Any, floor: float) -> Any:
    matrix.data[matrix.data < floor] = 0.0
    matrix.eliminate_zeros()
    return matrix
