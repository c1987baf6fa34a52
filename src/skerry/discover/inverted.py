"""Nearest neighbors by an inverted index that looks far enough to find nearly all."""

from __future__ import annotations

import math
import threading
from functools import cached_property

import numpy as np

from skerry.backends import lookup
from skerry.discover.compared import blocks, nearest_among
from skerry.discover.distances import nearest_distances
from skerry.discover.exact import Exact
from skerry.types import FloatArray, IntArray

_SLACK = 4
_SAMPLE = 500
_AT_ONCE = 2**21  # values of a block, of which some wait for each thread
_TARGET_RECALL, _LEAST_RECALL = 0.99, 0.95


class Inverted:
    """Neighbors by looking in the nearest ``n_probe`` cells, more where many are asked for."""

    def __init__(self, vectors: FloatArray, n_lists: int, k: int) -> None:
        self.vectors, self.k, self.n_lists = vectors, k, n_lists
        # faiss rounds in proportion to the squared norms: those of centered vectors are small
        self.mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
        sample = vectors[:: max(1, len(vectors) // (20 * n_lists))] - self.mean
        self.index = lookup.inverted_index(sample, n_lists)
        step = max(1, _AT_ONCE // vectors.shape[1])
        starts = range(0, len(vectors), step)
        lookup.fill(self.index, lambda at: vectors[at : at + step] - self.mean, starts)
        self.n_probe = min(8, n_lists)
        self._rare = threading.Lock()

    @cached_property
    def exact(self) -> Exact:
        return Exact(self.vectors)

    def __call__(self, rows: IntArray, k: int) -> tuple[IntArray, FloatArray]:
        found = min(k + 1 + _SLACK, len(self.vectors))
        n_probe = min(self.n_lists, self.n_probe * math.ceil(k / (2 * self.k)))
        candidates = lookup.query(self.index, self.vectors[rows] - self.mean, found, n_probe)
        indices, distances = nearest_among(self.vectors, rows, candidates, k)
        # the cells around a far outlier may hold fewer than k sources
        short = np.isinf(distances[:, -1])
        if short.any():
            # one at a time: the exact search keeps a copy of all vectors, made when first needed
            with self._rare:
                indices[short], distances[short] = self.exact(rows[short], k)
        return indices, distances


def inverted(vectors: FloatArray, k: int) -> tuple[Inverted | None, float]:
    """An inverted index that looks far enough, and its recall on a sample; None if too far."""
    n = len(vectors)
    n_lists = max(1, min(int(4 * n**0.5), n // 64))
    search = Inverted(vectors, n_lists, k)
    sample = np.unique(np.linspace(0, n - 1, _SAMPLE).astype(np.int64))
    truth = kth_distance(vectors, sample, k)
    while True:
        # by distance, so that of equal neighbors any will do
        recall = float(np.mean(search(sample, k)[1] <= truth[:, None]))
        if recall >= _TARGET_RECALL or search.n_probe == n_lists:
            return search, recall
        more = min(5 * search.n_probe // 4, n_lists)
        if 8 * more > n_lists >= 64:
            return search if recall >= _LEAST_RECALL else None, recall
        search.n_probe = more


def kth_distance(vectors: FloatArray, rows: IntArray, k: int) -> FloatArray:
    """Distance of some rows to their k-th nearest, all vectors compared, a block at a time."""
    best = np.empty((len(rows), 0))
    for part in blocks(*vectors.shape):
        block = vectors[part]
        found = nearest_distances(block, vectors[rows], min(k + 1, len(block)))
        best = np.sort(np.concatenate([best, found], axis=1), axis=1)[:, : k + 1]
    return best[:, k].astype(np.float32)
