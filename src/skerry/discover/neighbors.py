"""The nearest-neighbor graph that everything after it shares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from skerry.backends import card, parallel
from skerry.config import NeighborsConfig
from skerry.discover.compared import blocks
from skerry.discover.exact import Exact, ExactOnGpu
from skerry.discover.inverted import Inverted, inverted
from skerry.errors import InputError
from skerry.progress import OnEvent, silent
from skerry.types import FloatArray, IntArray, NeighborGraph

Result = TypeVar("Result")

_BLOCK = 2048
_BLOCK_ON_GPU = 2**16
_LARGEST = 1e15  # squares of larger values add up to more than float32 holds
_WHAT = "nearest neighbors"


def neighbor_graph(
    search: NeighborSearch, config: NeighborsConfig, *, on_event: OnEvent = silent
) -> NeighborGraph:
    """The ``config.k`` nearest neighbors of each vector of a search, by Euclidean distance.

    Raises
    ------
    InputError
        There are too few vectors for so many neighbors.
    """
    n, k = len(search.vectors), config.k
    _check_number(n, k)
    indices = np.empty((n, k), dtype=np.int32)
    distances = np.empty((n, k), dtype=np.float32)
    for rows, found in search.of_all(k):
        indices[rows], distances[rows] = found
        on_event(_WHAT, int(rows[-1]) + 1, n)
    return NeighborGraph(indices, distances, search.recall)


def neighbor_search(vectors: FloatArray, config: NeighborsConfig) -> NeighborSearch:
    """A search for neighbors among ``vectors`` (n, d) float32.

    Up to ``config.exact_below`` sources every pair is compared; above, an inverted index
    (Jegou, Douze & Schmid 2011) looks in as many cells as it takes to find 99% of the true
    neighbors of 500 sources, but in an eighth of all at most. Where that finds less than 95% the
    vectors have so little structure that every pair is compared. On a GPU (``config.device``)
    every pair is, of any number of sources.

    Raises
    ------
    InputError
        There are too few vectors for ``config.k`` neighbors, or some are not finite.
    ConfigError
        A GPU is asked for, and there is none that can be used or the vectors do not fit it.
    """
    n, k = len(vectors), config.k
    _check_number(n, k)
    _check_finite(vectors)
    if config.device != "cpu":
        card.require(f"neighbors.device = {config.device}")
        return NeighborSearch(vectors, ExactOnGpu(vectors), 1.0, _BLOCK_ON_GPU)
    if n > config.exact_below:
        index, recall = inverted(vectors, k)
        if index is not None:
            return NeighborSearch(vectors, index, recall)
    return NeighborSearch(vectors, Exact(vectors), 1.0)


@dataclass(frozen=True)
class NeighborSearch:
    """Looks up nearest neighbors; ``recall`` is the share of true ones it finds.

    ``block`` is how many rows it is best asked for at a time.
    """

    vectors: FloatArray
    find: Callable[[IntArray, int], tuple[IntArray, FloatArray]]
    recall: float
    block: int = _BLOCK

    @property
    def exact(self) -> bool:
        """Whether every pair is compared."""
        return isinstance(self.find, Exact)

    def of_all(self, k: int) -> Iterator[tuple[IntArray, tuple[IntArray, FloatArray]]]:
        """Every row, a block at a time, in order, with what ``find`` gives for it."""
        n, step = len(self.vectors), self.block

        def block(start: int) -> tuple[IntArray, tuple[IntArray, FloatArray]]:
            rows = np.arange(start, min(start + step, n), dtype=np.int64)
            return rows, self.find(rows, k)

        return self._each(block, range(0, n, step))

    def of_rows(self, rows: IntArray, k: int) -> tuple[IntArray, FloatArray]:
        """The k nearest of some rows (m,), by Euclidean distance, themselves left out.

        Distances are recomputed from differences in float64; of equal ones the smaller row
        comes first.

        Returns
        -------
        indices : int64 (m, k)
        distances : float32 (m, k)
        """
        step = max(1, min(self.block, 2**7 * self.block // k))
        indices = np.empty((len(rows), k), dtype=np.int64)
        distances = np.empty((len(rows), k), dtype=np.float32)
        starts = range(0, len(rows), step)
        parts = self._each(lambda start: self.find(rows[start : start + step], k), starts)
        for start, part in zip(starts, parts, strict=True):
            indices[start : start + step], distances[start : start + step] = part
        return indices, distances

    def _each(self, task: Callable[[int], Result], starts: range) -> Iterator[Result]:
        """A task for each block, in order.

        An index is asked for as many blocks at a time as there are threads, since half of what it
        takes to answer runs on one; comparing every pair has all threads itself.
        """
        if isinstance(self.find, Inverted) and len(starts) > 1:
            return parallel.by_thread(task, starts)
        return map(task, starts)


def _check_number(n: int, k: int) -> None:
    if n == 1:
        raise InputError(
            f"one distinct vector, so that all sources look the same; expected at least {k + 1} "
            f"for neighbors.k = {k}: were the images read?"
        )
    if n < k + 1:
        raise InputError(
            f"{n} distinct vectors are too few for neighbors.k = {k}: at least {k + 1} are "
            f"needed; give more sources, or set neighbors.k to {max(1, n - 1)} or less"
        )


def _check_finite(vectors: FloatArray) -> None:
    bad = sum(
        int(np.count_nonzero(~(np.abs(vectors[part]) < _LARGEST).all(axis=1)))
        for part in blocks(*vectors.shape)
    )
    if bad:
        raise InputError(
            f"{bad} of {len(vectors)} vectors hold NaN or infinite values, or some beyond "
            f"{_LARGEST:g}; expected finite numbers: leave those sources out"
        )
