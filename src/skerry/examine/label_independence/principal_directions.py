"""How well votes predict each principal direction of a representation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import threadpoolctl

from skerry.examine.label_independence.crossfit import Crossed, curved, folds
from skerry.examine.label_independence.voting import Votes
from skerry.examine.statistics import Z95
from skerry.types import DoubleArray, FloatArray

MOST = 10_000
"""Sources at random that votes are fitted to the directions with, where there are more."""


@dataclass(frozen=True)
class Predicted:
    """By votes of one ``kind``, of ``n`` sources: the share of variance ``explained`` of each
    principal direction (d,), largest first, with 95% intervals, and of all variance, ``total``.

    ``variance`` (d,) is each direction's share of the variance.
    """

    kind: str
    n: int
    variance: DoubleArray
    explained: DoubleArray
    low: DoubleArray
    high: DoubleArray
    total: float
    total_low: float
    total_high: float


def predicted(vectors: FloatArray, votes: Votes, seed: int) -> Predicted:
    """By ridge regression on votes with Gaussian functions of them, each source by the others.

    Directions are of all vectors (n, d), float32. Intervals are those of a ratio of means over
    sources. Observed votes are taken as they are, with their noise, so that less is explained than
    by the shares behind them.
    """
    rng = np.random.default_rng([seed, 5])
    chosen = np.sort(rng.permutation(len(votes.rows))[:MOST])
    kept = votes.of(chosen)
    with threadpoolctl.threadpool_limits(1):
        centered = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
        squares, axes = np.linalg.eigh(centered.T @ centered)
        along = (centered @ axes[:, ::-1])[kept.rows]
        fold = folds(np.zeros(len(chosen), np.int64), rng)
        left = along - Crossed(curved(kept.columns, rng), fold).predict(along)
    variance = np.maximum(squares[::-1], 0.0) / squares.sum()
    before = (along - along.mean(axis=0)) ** 2
    explained, half = _share(before, left**2)
    total, total_half = _share(before.sum(axis=1)[:, None], (left**2).sum(axis=1)[:, None])
    whole, bound = float(total[0]), float(total_half[0])
    return Predicted(
        votes.kind, len(chosen), variance, explained, explained - half, explained + half,
        whole, whole - bound, whole + bound,
    )  # fmt: skip


def _share(before: DoubleArray, after: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    mean = np.maximum(before.mean(axis=0), 1e-300)
    share = 1 - after.mean(axis=0) / mean
    spread = (before - after - share * before).std(axis=0, ddof=1) / mean
    return share, Z95 * spread / np.sqrt(len(before))
