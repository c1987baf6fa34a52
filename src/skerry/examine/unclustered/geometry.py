"""The shape of a representation at large: its dimension, how far distances concentrate, hubs."""

from __future__ import annotations

import numpy as np
import threadpoolctl

from skerry.discover import Space
from skerry.types import FloatArray

TRIMMED = 0.1
"""The share of the largest ratios that the two-neighbor estimate leaves out, as its authors do."""


def two_neighbor_dimension(distances: FloatArray) -> float:
    """The intrinsic dimension by the ratio of each source's two nearest distances (n, >= 2).

    TwoNN, Facco et al. 2017 (Sci. Rep. 7, 12140, eq. 6): on a manifold of dimension d with locally
    even density the ratio m has the distribution 1 - m^-d; d is the slope of -ln(1 - F) on ln(m)
    through the origin, the largest tenth of the ratios left out. It is that of the finest scale.
    """
    first, second = distances[:, 0].astype(np.float64), distances[:, 1].astype(np.float64)
    ratio = np.sort(second[first > 0] / first[first > 0])
    kept = ratio[: int(len(ratio) * (1 - TRIMMED))]
    share = np.arange(1, len(kept) + 1) / len(ratio)
    x, y = np.log(kept), -np.log1p(-share)
    square = float(x @ x)
    return float(x @ y / square) if square > 0 else float("nan")


def many_neighbor_dimension(distances: FloatArray) -> float:
    """The intrinsic dimension by the growth of neighbors with distance, from (n, k) distances.

    Levina & Bickel 2004 (NIPS 17, eq. 8), the inverses averaged over sources (MacKay & Ghahramani
    2005). With k neighbors it is that of a coarser scale than two.
    """
    far = np.log(np.maximum(distances.astype(np.float64), 1e-12))
    inverse = (far[:, -1:] - far[:, :-1]).sum(axis=1) / max(1, distances.shape[1] - 2)
    return float(1 / inverse.mean()) if inverse.mean() > 0 else float("nan")


def participation(vectors: FloatArray) -> float:
    """How many principal axes share the variance: (sum of variances)^2 / sum of their squares."""
    with threadpoolctl.threadpool_limits(1):
        variances = np.linalg.eigvalsh(np.cov(vectors.T.astype(np.float64)))
    return float(variances.sum() ** 2 / (variances**2).sum())


def relative_contrast(space: Space, seed: int = 0) -> float:
    """The mean distance to any source over that to the nearest (He, Kumar & Chang 2012, ICML).

    1 where distances concentrate so far that no source is nearer than another. Of a sample of 2,000
    sources.
    """
    rng = np.random.default_rng(seed)
    n = len(space)
    picked = np.sort(rng.choice(n, min(n, 2_000), replace=False))
    others = rng.permutation(n)[: min(n, 2_000)]
    a, b = space.vectors[picked].astype(np.float64), space.vectors[others].astype(np.float64)
    with threadpoolctl.threadpool_limits(1):
        square = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    far = np.sqrt(np.maximum(square, 0)).mean()
    near = space.graph.distances[picked, 0].mean(dtype=np.float64)
    return float(far / near) if near > 0 else float("inf")


def hubness(space: Space, k: int = 10) -> float:
    """The skewness of how often each source is among the 10 nearest of others (Radovanovic,
    Nanopoulos & Ivanovic 2010, JMLR 11, 2487): 0 without hubs, above 1 with strong ones."""
    from scipy.stats import skew

    k = min(k, space.graph.indices.shape[1])
    return float(skew(np.bincount(space.graph.indices[:, :k].ravel(), minlength=len(space))))


def density_range(space: Space, k: int = 10) -> float:
    """How many times farther the 10th neighbor of a source in a sparse place (the 90th percentile)
    is than that of one in a dense place (the 10th)."""
    k = min(k, space.graph.distances.shape[1])
    low, high = np.percentile(space.graph.distances[:, k - 1].astype(np.float64), [10, 90])
    return float(high / low) if low > 0 else float("inf")
