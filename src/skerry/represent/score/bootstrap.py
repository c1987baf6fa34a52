"""95% intervals: percentile bootstrap (Efron 1979) and Wilson's for a share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RESAMPLES = 2000
_LEVELS = (0.025, 0.975)
_BLOCK = 4_000_000


def weights(n: int, seed: int) -> Iterator[Floats]:
    """How often each of ``n`` members is drawn in each resample: blocks (m, n), float64.

    The blocks' rows add up to ``RESAMPLES``; the same seed gives the same resamples, so that
    two ways are compared on the same ones.
    """
    rng = np.random.default_rng(seed)
    block = max(1, min(RESAMPLES, _BLOCK // max(1, n)))
    for start in range(0, RESAMPLES, block):
        m = min(block, RESAMPLES - start)
        drawn = rng.integers(0, n, (m, n)) + n * np.arange(m)[:, None]
        yield np.bincount(drawn.ravel(), minlength=m * n).reshape(m, n).astype(np.float64)


def resampled_means(values: Floats, seed: int) -> Floats:
    """Means over resampled rows of ``values`` (n, m): shape (RESAMPLES, m)."""
    return np.concatenate([w @ values / len(values) for w in weights(len(values), seed)])


def interval(statistics: Floats) -> tuple[float, float]:
    """The central 95% of resampled statistics, shape (RESAMPLES,)."""
    low, high = np.quantile(statistics, _LEVELS)
    return float(low), float(high)


def mean_interval(values: Floats, seed: int) -> tuple[float, float]:
    """95% interval of the mean of ``values`` (n,)."""
    return interval(resampled_means(values[:, None], seed)[:, 0])


def crossed_interval(values: Floats, seed: int) -> tuple[float, float]:
    """95% interval of the mean of ``values`` (draws, n): draws and members are both resampled."""
    draws = np.concatenate(list(weights(len(values), seed + 1)))
    means, start = [], 0
    for w in weights(values.shape[1], seed):
        part = draws[start : start + len(w)] @ values
        means.append((part * w).sum(1) / values.size)
        start += len(w)
    return interval(np.concatenate(means))


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95% interval of a share (Wilson 1927, JASA 22, 209)."""
    z = 1.959963984540054
    share = hits / n
    center = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # the bounds meet the share at 0 and 1, whatever rounding does
    return max(0.0, min(share, float(center - half))), min(1.0, max(share, float(center + half)))
