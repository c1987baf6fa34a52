"""The nearest-neighbor graph that everything after it shares."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from skerry.backends import card, cpu
from skerry.config import NeighborsConfig
from skerry.discover.distances import nearest_distances
from skerry.errors import InputError
from skerry.progress import OnEvent, silent
from skerry.types import FloatArray, IntArray, NeighborGraph

_BLOCK = 2048
_BLOCK_ON_GPU = 2**16
_BYTES = 2**26
_SLACK = 16
_SAMPLE = 500
_TARGET_RECALL, _LEAST_RECALL = 0.99, 0.95
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
    for start in range(0, n, search.block):
        rows = np.arange(start, min(start + search.block, n), dtype=np.int64)
        indices[rows], distances[rows] = search.find(rows, k)
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
        return NeighborSearch(vectors, _ExactOnGpu(vectors), 1.0, _BLOCK_ON_GPU)
    if n > config.exact_below:
        inverted, recall = _inverted(vectors, k)
        if inverted is not None:
            return NeighborSearch(vectors, inverted, recall)
    return NeighborSearch(vectors, _Exact(vectors), 1.0)


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
        return isinstance(self.find, _Exact)

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
        parts = [self.find(rows[s : s + step], k) for s in range(0, len(rows), step)]
        if not parts:
            return np.empty((0, k), np.int64), np.empty((0, k), np.float32)
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


class _Exact:
    """Neighbors by comparing with every source."""

    def __init__(self, vectors: FloatArray) -> None:
        self.vectors = vectors
        self.compared: dict[tuple[bytes, int], tuple[IntArray, FloatArray]] = {}

    @cached_property
    def centered(self) -> tuple[FloatArray, FloatArray]:
        """The vectors less their mean, and the norms of these."""
        return _centered(self.vectors)

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
        return cpu.nearest(centered, centered[rows], found)

    def _in_order(
        self, rows: IntArray, candidates: IntArray, k: int
    ) -> tuple[IntArray, FloatArray]:
        return _nearest(self.vectors, rows, candidates, k)

    def _of_one(self, row: int, kth: float, k: int) -> tuple[IntArray, FloatArray]:
        """The k nearest of one row, the last no farther than ``kth``.

        Identical vectors are compared with the others but once.
        """
        vector = self.vectors[row]
        name = vector.tobytes(), k
        if name not in self.compared:
            near = self._within(row, kth)
            self.compared[name] = _nearest_to(vector, self.vectors, near, k + 1)
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


class _ExactOnGpu(_Exact):
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
            found = _nearest(self.vectors, rows[doubtful], candidates[doubtful], k)
            indices[doubtful], distances[doubtful] = found
        return indices, distances

    @property
    def _roundings(self) -> int:
        """As on the CPU, and the last square is itself a float32 sum, of differences."""
        return 2 * int(self.vectors.shape[1]) + 16


class _Inverted:
    """Neighbors by looking in the nearest ``n_probe`` cells, more where many are asked for."""

    def __init__(self, vectors: FloatArray, n_lists: int, k: int) -> None:
        self.vectors, self.k, self.n_lists = vectors, k, n_lists
        # faiss rounds in proportion to the squared norms: those of centered vectors are small
        self.mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
        parts = (vectors[part] - self.mean for part in _blocks(*vectors.shape))
        sample = vectors[:: max(1, len(vectors) // (20 * n_lists))] - self.mean
        self.index = cpu.inverted_index(sample, parts, n_lists)
        self.n_probe = min(8, n_lists)

    @cached_property
    def exact(self) -> _Exact:
        return _Exact(self.vectors)

    def __call__(self, rows: IntArray, k: int) -> tuple[IntArray, FloatArray]:
        found = min(k + 1 + _SLACK // 4, len(self.vectors))
        n_probe = min(self.n_lists, self.n_probe * math.ceil(k / (2 * self.k)))
        candidates = cpu.query(self.index, self.vectors[rows] - self.mean, found, n_probe)
        indices, distances = _nearest(self.vectors, rows, candidates, k)
        # the cells around a far outlier may hold fewer than k sources
        short = np.isinf(distances[:, -1])
        if short.any():
            indices[short], distances[short] = self.exact(rows[short], k)
        return indices, distances


def _inverted(vectors: FloatArray, k: int) -> tuple[_Inverted | None, float]:
    """An inverted index that looks far enough, and its recall on a sample; None if too far."""
    n = len(vectors)
    n_lists = max(1, min(int(4 * n**0.5), n // 64))
    search = _Inverted(vectors, n_lists, k)
    sample = np.unique(np.linspace(0, n - 1, _SAMPLE).astype(np.int64))
    truth = _kth_distance(vectors, sample, k)
    while True:
        # by distance, so that of equal neighbors any will do
        recall = float(np.mean(search(sample, k)[1] <= truth[:, None]))
        if recall >= _TARGET_RECALL or search.n_probe == n_lists:
            return search, recall
        more = min(5 * search.n_probe // 4, n_lists)
        if 8 * more > n_lists >= 64:
            return search if recall >= _LEAST_RECALL else None, recall
        search.n_probe = more


def _kth_distance(vectors: FloatArray, rows: IntArray, k: int) -> FloatArray:
    """Distance of some rows to their k-th nearest, all vectors compared, a block at a time."""
    best = np.empty((len(rows), 0))
    for part in _blocks(*vectors.shape):
        block = vectors[part]
        found = nearest_distances(block, vectors[rows], min(k + 1, len(block)))
        best = np.sort(np.concatenate([best, found], axis=1), axis=1)[:, : k + 1]
    return best[:, k].astype(np.float32)


def _centered(vectors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The vectors less their mean, and the norms of what is left.

    faiss rounds squared distances in proportion to the squared norms: these are small.
    """
    mean = vectors.mean(axis=0, dtype=np.float64)
    centered = np.empty(vectors.shape, dtype=np.float32)
    norms = np.empty(len(vectors), dtype=np.float32)
    for part in _blocks(*vectors.shape):
        centered[part] = vectors[part] - mean
        norms[part] = np.linalg.norm(centered[part], axis=1)
    return centered, norms


def _nearest(
    vectors: FloatArray, rows: IntArray, candidates: IntArray, k: int
) -> tuple[IntArray, FloatArray]:
    """The k nearest of each row's candidates (m, c), itself and -1 left out."""
    indices = np.empty((len(rows), k), dtype=np.int64)
    distances = np.empty((len(rows), k), dtype=np.float32)
    step = max(1, 2**13 // candidates.shape[1])
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        near = np.sort(candidates[part], axis=1)
        exact = _distances(vectors[near], vectors[rows[part], None])
        exact[(near == rows[part, None]) | (near < 0)] = np.inf
        # rows ascend, so that a stable order keeps the smaller of equals first
        best = np.argsort(exact, axis=1, kind="stable")[:, :k]
        indices[part] = np.take_along_axis(near, best, axis=1)
        distances[part] = np.take_along_axis(exact, best, axis=1)
    return indices, distances


def _nearest_to(
    vector: FloatArray, vectors: FloatArray, candidates: IntArray, k: int
) -> tuple[IntArray, FloatArray]:
    """The k nearest to ``vector`` (d,) of the rows ``candidates`` (c,), which ascend."""
    indices = np.empty(0, dtype=np.int64)
    distances = np.empty(0, dtype=np.float32)
    for part in _blocks(len(candidates), len(vector)):
        near = candidates[part]
        exact = _distances(vectors[None, near], vector[None, None])[0]
        indices, distances = np.append(indices, near), np.append(distances, exact)
        # rows ascend, so that a stable order keeps the smaller of equals first
        best = np.argsort(distances, kind="stable")[:k]
        indices, distances = indices[best], distances[best]
    return indices, distances


def pair_distances(vectors: FloatArray, these: IntArray, those: IntArray) -> FloatArray:
    """Euclidean distances (p,) of pairs of rows, with the bits that a search gives them."""
    found = np.empty(len(these), dtype=np.float32)
    for part in _blocks(len(these), vectors.shape[1]):
        found[part] = _distances(vectors[those[part], None], vectors[these[part], None])[:, 0]
    return found


def _distances(these: FloatArray, those: FloatArray) -> FloatArray:
    """Euclidean distances along the last of three axes, by differences in float64."""
    difference = these - those.astype(np.float64)
    squares = np.einsum("ijk,ijk->ij", difference, difference)
    return np.asarray(np.sqrt(squares), dtype=np.float32)


def _blocks(n: int, d: int) -> Iterator[slice]:
    """Stretches of n rows that with d columns of float64 take no more than ``_BYTES``."""
    step = max(1, _BYTES // (8 * d))
    for start in range(0, n, step):
        yield slice(start, start + step)


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
        for part in _blocks(*vectors.shape)
    )
    if bad:
        raise InputError(
            f"{bad} of {len(vectors)} vectors hold NaN or infinite values, or some beyond "
            f"{_LARGEST:g}; expected finite numbers: leave those sources out"
        )
