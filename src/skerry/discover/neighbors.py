"""The nearest-neighbor graph that everything after it shares."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from skerry.backends import cpu
from skerry.config import NeighborsConfig
from skerry.errors import InputError
from skerry.progress import OnEvent
from skerry.types import FloatArray, IntArray, NeighborGraph

_BLOCK = 1024
_BYTES = 2**26
_SLACK = 16
_SAMPLE = 1000
_TARGET_RECALL = 0.995
_WHAT = "nearest neighbors"


def neighbor_graph(
    vectors: FloatArray, config: NeighborsConfig, *, on_event: OnEvent
) -> NeighborGraph:
    """The k nearest neighbors of each vector, by Euclidean distance, itself left out.

    Up to ``config.exact_below`` sources every pair is compared; above, an inverted index
    (Jegou, Douze & Schmid 2011) looks in as many cells as it takes to find 99.5% of the true
    neighbors of 1000 sources, and ``recall`` says how many it did find. Distances are always
    recomputed from differences in float64; of equal ones the smaller row number comes first.

    Parameters
    ----------
    vectors : float32 (n, d)
    on_event : called with (what, sources done, sources in all)

    Raises
    ------
    InputError
        There are too few vectors for k neighbors, or some are not finite.
    """
    n = len(vectors)
    _check(vectors, config.k)
    exact = _Exact(vectors)
    search: _Exact | _Inverted = exact
    recall = 1.0
    if n > config.exact_below:
        search, recall = _inverted(exact, config.k)
    indices = np.empty((n, config.k), dtype=np.int64)
    distances = np.empty((n, config.k), dtype=np.float32)
    for start in range(0, n, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, n), dtype=np.int64)
        indices[rows], distances[rows] = search(rows, config.k)
        on_event(_WHAT, int(rows[-1]) + 1, n)
    return NeighborGraph(indices, distances, recall)


class _Exact:
    """Neighbors by comparing with every source."""

    def __init__(self, vectors: FloatArray) -> None:
        self.vectors = vectors
        self.centered, self.norms = _centered(vectors)
        self.compared: dict[bytes, tuple[IntArray, FloatArray]] = {}

    def __call__(self, rows: IntArray, k: int) -> tuple[IntArray, FloatArray]:
        found = min(k + 1 + _SLACK, len(self.vectors))
        candidates, squares = cpu.nearest(self.centered, self.centered[rows], found)
        indices, distances = _nearest(self.vectors, rows, candidates, k)
        if found < len(self.vectors):
            for i in np.flatnonzero(~self._certain(rows, squares[:, -1], distances[:, -1])):
                indices[i], distances[i] = self._of_one(int(rows[i]), float(distances[i, -1]), k)
        return indices, distances

    def _of_one(self, row: int, kth: float, k: int) -> tuple[IntArray, FloatArray]:
        """The k nearest of one row, the last no farther than ``kth``.

        Identical vectors are compared with the others but once.
        """
        vector = self.vectors[row]
        name = vector.tobytes()
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
        norms = self.norms.astype(np.float64)
        squares = norms**2 + norms[row] ** 2 - 2.0 * (self.centered @ self.centered[row])
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
        eps = self.vectors.shape[1] * np.finfo(np.float32).eps
        reach = 2 * self.norms[rows] + kth
        return np.asarray(last_square - eps * reach**2 > kth.astype(np.float64) ** 2)


class _Inverted:
    """Neighbors by looking in the nearest ``n_probe`` cells."""

    def __init__(self, exact: _Exact, n_lists: int) -> None:
        self.exact = exact
        self.index = cpu.inverted_index(exact.centered, n_lists)
        self.n_probe = min(8, n_lists)

    def __call__(self, rows: IntArray, k: int) -> tuple[IntArray, FloatArray]:
        vectors, centered = self.exact.vectors, self.exact.centered
        found = min(k + 1 + _SLACK, len(vectors))
        candidates, _ = cpu.query(self.index, centered[rows], found, self.n_probe)
        indices, distances = _nearest(vectors, rows, candidates, k)
        # the cells around a far outlier may hold fewer than k sources
        short = np.isinf(distances[:, -1])
        if short.any():
            indices[short], distances[short] = self.exact(rows[short], k)
        return indices, distances


def _inverted(exact: _Exact, k: int) -> tuple[_Inverted, float]:
    """An inverted index that looks far enough, and the recall measured on a sample."""
    n = len(exact.vectors)
    n_lists = max(1, min(int(4 * n**0.5), n // 64))
    search = _Inverted(exact, n_lists)
    sample = np.unique(np.linspace(0, n - 1, _SAMPLE).astype(np.int64))
    truth = exact(sample, k)[1][:, -1:]
    while True:
        # by distance, so that of equal neighbors any will do
        recall = float(np.mean(search(sample, k)[1] <= truth))
        if recall >= _TARGET_RECALL or search.n_probe == n_lists:
            return search, recall
        search.n_probe = min(2 * search.n_probe, n_lists)


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
    step = max(1, 2**14 // candidates.shape[1])
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        near = candidates[part]
        exact = _distances(vectors[near], vectors[rows[part], None])
        exact[(near == rows[part, None]) | (near < 0)] = np.inf
        best = np.lexsort((near, exact), axis=1)[:, :k]
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


def _check(vectors: FloatArray, k: int) -> None:
    if len(vectors) < k + 1:
        raise InputError(
            f"{len(vectors)} sources are too few for neighbors.k = {k}: at least {k + 1} are "
            f"needed; give more sources, or set neighbors.k to {max(1, len(vectors) - 1)} or less"
        )
    bad = sum(
        int(np.count_nonzero(~np.isfinite(vectors[part]).all(axis=1)))
        for part in _blocks(*vectors.shape)
    )
    if bad:
        raise InputError(
            f"{bad} of {len(vectors)} vectors hold NaN or infinite values; expected finite "
            "numbers: leave those sources out"
        )
