"""Tests, intervals and corrections that several questions share."""

from __future__ import annotations

import math

import numpy as np

from skerry.types import DoubleArray

Z95 = 1.959963984540054
"""The normal deviate of a two-sided 95% interval."""


def q_values(p: DoubleArray) -> DoubleArray:
    """p-values (n,) adjusted for n tests (Benjamini & Hochberg 1995); NaN stays and is no test."""
    from scipy.stats import false_discovery_control

    adjusted = np.full(len(p), np.nan)
    tested = np.isfinite(p)
    if tested.any():
        adjusted[tested] = false_discovery_control(p[tested])
    return adjusted


def exact_interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95% interval of a share (Clopper & Pearson 1934); (0, 1) of no trials."""
    from scipy.stats import binomtest

    if not trials:
        return 0.0, 1.0
    found = binomtest(successes, trials).proportion_ci(0.95, "exact")
    return float(found.low), float(found.high)


def rank_difference(inside: DoubleArray, outside: DoubleArray) -> tuple[float, float, float, float]:
    """How far one sample lies above another, with its 95% interval and the p-value of none.

    The difference is Cliff's delta, in [-1, 1]: the chance that one of ``inside`` (m,) exceeds one
    of ``outside`` (n,), less the reverse. Its interval follows from the placements (DeLong et al.
    1988, Biometrics 44, 837) on the logit scale of the area; the p-value is Mann & Whitney's
    (1947), two-sided, by the exact distribution where samples are small and without ties.

    Raises
    ------
    ValueError
        A sample has fewer than 2 values.
    """
    from scipy.stats import mannwhitneyu, rankdata

    m, n = len(inside), len(outside)
    if m < 2 or n < 2:
        raise ValueError(f"samples of {m} and {n} values; expected 2 or more of both")
    ranks = rankdata(np.concatenate([inside, outside]))
    # how large a share of the other sample each value exceeds
    above = (ranks[:m] - rankdata(inside)) / n
    below = 1 - (ranks[m:] - rankdata(outside)) / m
    area = float(above.mean())
    p = float(mannwhitneyu(inside, outside, alternative="two-sided").pvalue)
    # half a pair more on each side keeps the logit finite where the samples do not overlap
    kept = (area * m * n + 0.5) / (m * n + 1)
    variance = above.var(ddof=1) / m + below.var(ddof=1) / n
    variance = max(float(variance), kept * (1 - kept) / (m * n))
    half = Z95 * math.sqrt(variance) / (kept * (1 - kept))
    middle = math.log(kept / (1 - kept))
    low, high = (
        2 / (1 + math.exp(-min(700.0, max(-700.0, middle + s * half)))) - 1 for s in (-1, 1)
    )
    return 2 * area - 1, low, high, p
