"""Vectors compared by their differences, a block at a time: the bits that distances have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from skerry.types import FloatArray, IntArray

_BYTES = 2**26


def centered(vectors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The vectors less their mean, and the norms of what is left.

    faiss rounds squared distances in proportion to the squared norms: these are small.
    """
    mean = vectors.mean(axis=0, dtype=np.float64)
    centered = np.empty(vectors.shape, dtype=np.float32)
    norms = np.empty(len(vectors), dtype=np.float32)
    for part in blocks(*vectors.shape):
        centered[part] = vectors[part] - mean
        norms[part] = np.linalg.norm(centered[part], axis=1)
    return centered, norms


def nearest_among(
    vectors: FloatArray, rows: IntArray, candidates: IntArray, k: int
) -> tuple[IntArray, FloatArray]:
    """The k nearest of each row's candidates (m, c), itself and -1 left out."""
    indices = np.empty((len(rows), k), dtype=np.int64)
    distances = np.empty((len(rows), k), dtype=np.float32)
    step = max(1, 2**13 // candidates.shape[1])
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        near = np.sort(candidates[part], axis=1)
        exact = distances_between(vectors[near], vectors[rows[part], None])
        exact[(near == rows[part, None]) | (near < 0)] = np.inf
        # rows ascend, so that a stable order keeps the smaller of equals first
        best = np.argsort(exact, axis=1, kind="stable")[:, :k]
        indices[part] = np.take_along_axis(near, best, axis=1)
        distances[part] = np.take_along_axis(exact, best, axis=1)
    return indices, distances


def nearest_to(
    vector: FloatArray, vectors: FloatArray, candidates: IntArray, k: int
) -> tuple[IntArray, FloatArray]:
    """The k nearest to ``vector`` (d,) of the rows ``candidates`` (c,), which ascend."""
    indices = np.empty(0, dtype=np.int64)
    distances = np.empty(0, dtype=np.float32)
    for part in blocks(len(candidates), len(vector)):
        near = candidates[part]
        exact = distances_between(vectors[None, near], vector[None, None])[0]
        indices, distances = np.append(indices, near), np.append(distances, exact)
        # rows ascend, so that a stable order keeps the smaller of equals first
        best = np.argsort(distances, kind="stable")[:k]
        indices, distances = indices[best], distances[best]
    return indices, distances


def pair_distances(vectors: FloatArray, these: IntArray, those: IntArray) -> FloatArray:
    """Euclidean distances (p,) of pairs of rows, with the bits that a search gives them."""
    found = np.empty(len(these), dtype=np.float32)
    for part in blocks(len(these), vectors.shape[1]):
        found[part] = distances_between(vectors[those[part], None], vectors[these[part], None])[
            :, 0
        ]
    return found


def distances_between(these: FloatArray, those: FloatArray) -> FloatArray:
    """Euclidean distances along the last of three axes, by differences in float64."""
    difference = these - those.astype(np.float64)
    squares = np.einsum("ijk,ijk->ij", difference, difference)
    return np.asarray(np.sqrt(squares), dtype=np.float32)


def blocks(n: int, d: int) -> Iterator[slice]:
    """Stretches of n rows that with d columns of float64 take no more than ``_BYTES``."""
    step = max(1, _BYTES // (8 * d))
    for start in range(0, n, step):
        yield slice(start, start + step)
