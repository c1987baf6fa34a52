"""Sums over many vectors, the same bytes on any number of threads."""

from __future__ import annotations

import numpy as np

from skerry.backends.parallel import one_thread
from skerry.types import FloatArray


def principal_axes(vectors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The mean (d,) of vectors (n, d) and their principal axes, the columns of (d, d)."""
    mean = vectors.mean(axis=0, dtype=np.float64)
    centered = vectors - mean.astype(np.float32)
    with one_thread():
        axes = np.linalg.eigh((centered.T @ centered).astype(np.float64))[1]
    return mean.astype(np.float32), axes.astype(np.float32)


def product(a: FloatArray, b: FloatArray) -> FloatArray:
    """The matrix product, the same bytes on any number of threads."""
    with one_thread():
        return np.asarray(a @ b)
