"""How alike two representations of the same sources are."""

from __future__ import annotations

import numpy as np
import threadpoolctl

from skerry.discover import Space
from skerry.types import DoubleArray, FloatArray

COMPARED = 10
"""Nearest neighbors that are compared."""


def linear_cka(first: FloatArray, second: FloatArray) -> float:
    """The linear centered kernel alignment of (n, d) and (n, e), in [0, 1].

    Kornblith et al. 2019 (ICML, arXiv 1905.00414, eq. 3 with linear kernels), without the bias of
    few sources: each Hilbert-Schmidt criterion is the unbiased estimate of Song et al. 2012 (JMLR
    13, 1393, eq. 5), by products of (d, e) alone. 1 where one is the other but for a rotation and
    a scale, about 0 where they have nothing in common.
    """
    with threadpoolctl.threadpool_limits(1):
        x = first.astype(np.float64) - first.mean(axis=0, dtype=np.float64)
        y = second.astype(np.float64) - second.mean(axis=0, dtype=np.float64)
        cross = _unbiased(x, y)
        own = _unbiased(x, x) * _unbiased(y, y)
    return float(np.clip(cross / np.sqrt(own), 0, 1)) if own > 0 else 0.0


def _unbiased(x: DoubleArray, y: DoubleArray) -> float:
    """The unbiased criterion of x (n, d) and y (n, e), their linear kernels without diagonal."""
    n = len(x)
    own_x, own_y = (x**2).sum(axis=1), (y**2).sum(axis=1)
    # row sums of the centered kernels are 0: without the diagonal they are minus it
    trace = float(((x.T @ y) ** 2).sum() - own_x @ own_y)
    sums = float(own_x.sum() * own_y.sum() / ((n - 1) * (n - 2)))
    middle = float(2 * (own_x @ own_y) / (n - 2))
    return (trace + sums - middle) / (n * (n - 3))


def shared_neighbors(first: Space, second: Space) -> DoubleArray:
    """The share of each source's 10 nearest neighbors that the other space has too, (n,)."""
    k = min(COMPARED, first.graph.indices.shape[1], second.graph.indices.shape[1])
    both = first.graph.indices[:, :k, None] == second.graph.indices[:, None, :k]
    return np.asarray(both.any(axis=2).mean(axis=1), dtype=np.float64)
