"""Nearest neighbors by comparing with every source, on the CPU or a GPU: the same ones."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from skerry.backends import card, lookup
from skerry.discover.compared import centered, nearest_among, nearest_to
from skerry.types import FloatArray, IntArray

_SLACK = 16


class Exact:
    """Neighbors by comparing with every source."""

    def __init__(self, vectors: FloatArray) -> None:
        self.vectors = vectors
        self.compared: dict[tuple[bytes, int], tuple[IntArray, FloatArray]] = {}

    @cached_property
    def centered(self) -> tuple[FloatArray, FloatArray]:
        """The vectors less their mean, and the norms of these."""
        return centered(self.vectors)

    def __call__(self, rows: IntArray, k: int) -> tuple[IntArray, FloatArray]:
        found = min(k + 1 + _SLACK, len(self.vectors))
        candidates, squares = self._candidates(rows, found)
        indices, distances = self._in_order(rows, candidates, k)
        if found < len(self.vectors):
            for i in np.flatnonzero(~self._certain(rows, squares[:, -1], distances[:, -1])):
                indices[i], distances[i] = self._of_one(int(rows[i]), float(distances[i, -1]), k)
        return indices, distances

    def _candidates(self, rows: IntArray, found: int) -> tuple[IntArray, FloatArray]:
        centered, _ = self.centered
        return lookup.nearest(centered, centered[rows], found)

    def _in_order(
        self, rows: IntArray, candidates: IntArray, k: int
    ) -> tuple[IntArray, FloatArray]:
        return nearest_among(self.vectors, rows, candidates, k)

    def _of_one(self, row: int, kth: float, k: int) -> tuple[IntArray, FloatArray]:
        """The k nearest of one row, the last no farther than ``kth``.

        Identical vectors are compared with the others but once.
        """
        vector = self.vectors[row]
        name = vector.tobytes(), k
        if name not in self.compared:
            near = self._within(row, kth)
            self.compared[name] = nearest_to(vector, self.vectors, near, k + 1)
        indices, distances = self.compared[name]
        others = np.flatnonzero(indices != row)[:k]
        return indices[others], distances[others]

    def _within(self, row: int, distance: float) -> IntArray:
        """All rows within a distance of one, and some beyond it by no more than float32 rounds.

        The bound is that of ``_certain``, with room for the rounding of norms and centers.
        """
        centered = self.centered[0]
        norms = self.centered[1].astype(np.float64)
        squares = norms**2 + norms[row] ** 2 - 2.0 * (centered @ centered[row])
        eps = np.finfo(np.float32).eps
        doubt = (self.vectors.shape[1] + 8) * eps * (norms + norms[row]) ** 2
        return np.flatnonzero(squares - doubt <= (1 + 4 * eps) * distance**2)

    def _certain(
        self, rows: IntArray, last_square: FloatArray, kth: FloatArray
    ) -> npt.NDArray[np.bool_]:
        """Whether no source that faiss left out can be nearer than the k-th kept.

        It left out what it rounded to ``last_square`` or more; the rounding of
        ``|x|^2 + |y|^2 - 2 x.y`` in float32 is below d eps (|x| + |y|)^2.
        """
        eps = self._roundings * np.finfo(np.float32).eps
        reach = 2 * self._norms[rows] + kth
        return np.asarray(last_square - eps * reach**2 > kth.astype(np.float64) ** 2)

    @property
    def _norms(self) -> FloatArray:
        return self.centered[1]

    @property
    def _roundings(self) -> int:
        """By how many eps (|x| + |y|)^2 a square left out may be below the last."""
        return int(self.vectors.shape[1])


class ExactOnGpu(Exact):
    """The same neighbors and distances, looked for on a GPU.

    What the GPU cannot settle is compared here: rows whose neighbors float32 leaves in doubt, as
    ever, and those of a distance that another order of summation might round otherwise.
    """

    def __init__(self, vectors: FloatArray) -> None:
        super().__init__(vectors)
        self.held = card.Held(vectors)

    @cached_property
    def _norms(self) -> FloatArray:
        return self.held.norms()

    def _candidates(self, rows: IntArray, found: int) -> tuple[IntArray, FloatArray]:
        return self.held.nearest(rows, found)

    def _in_order(
        self, rows: IntArray, candidates: IntArray, k: int
    ) -> tuple[IntArray, FloatArray]:
        indices, distances, certain = self.held.in_order(rows, candidates, k)
        doubtful = np.flatnonzero(~certain)
        if len(doubtful):
            found = nearest_among(self.vectors, rows[doubtful], candidates[doubtful], k)
            indices[doubtful], distances[doubtful] = found
        return indices, distances

    @property
    def _roundings(self) -> int:
        """As on the CPU, and the last square is itself a float32 sum, of differences."""
        return 2 * int(self.vectors.shape[1]) + 16
