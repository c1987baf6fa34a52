"""Controls: for each member, other sources that are alike in chosen columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skerry.examine.statistics import Z95
from skerry.types import DoubleArray, IntArray

CONTROLS = 5
"""Controls of each member."""
CALIPER = 0.25
"""How far a control may lie from its member in each column, in standard deviations of the ranks'
normal scores (Cochran & Rubin 1973 use 0.2 to 0.4)."""


@dataclass(frozen=True)
class Controls:
    """``rows`` int64 (m, CONTROLS) are alike to ``members`` (m,); ``unmatched`` have too few."""

    members: IntArray
    rows: IntArray
    unmatched: int


def matched_controls(
    members: IntArray, pool: IntArray, columns: Sequence[DoubleArray], seed: int
) -> Controls:
    """The nearest sources of ``pool`` for each of ``members``, none used twice.

    Columns (n,) are put on one scale by the normal scores of their ranks over members and pool.
    Members choose in random order; those without ``CONTROLS`` within ``CALIPER`` in every column,
    and those that lack a value, are left out.
    """
    from scipy.spatial import cKDTree

    scores = _scores(columns, np.concatenate([members, pool]))
    inside, outside = scores[: len(members)], scores[len(members) :]
    known = np.flatnonzero(np.isfinite(outside).all(axis=1))
    chosen: dict[int, list[int]] = {}
    taken: set[int] = set()
    tree = cKDTree(outside[known]) if len(known) else None
    for i in np.random.default_rng(seed).permutation(len(members)).tolist():
        if tree is None or not np.isfinite(inside[i]).all():
            continue
        near = tree.query_ball_point(inside[i], CALIPER, p=np.inf)
        free = np.array([j for j in near if j not in taken], dtype=np.int64)
        if len(free) < CONTROLS:
            continue
        far = np.linalg.norm(outside[known[free]] - inside[i], axis=1)
        best = free[np.lexsort((free, far))[:CONTROLS]].tolist()
        taken.update(best)
        chosen[i] = best
    kept = sorted(chosen)
    rows = np.array([pool[known[chosen[i]]] for i in kept], np.int64).reshape(-1, CONTROLS)
    return Controls(members[kept], rows, len(members) - len(kept))


def _scores(columns: Sequence[DoubleArray], rows: IntArray) -> DoubleArray:
    """Normal scores (len(rows), n_columns) of the ranks in each column, NaN where empty."""
    from scipy.stats import norm, rankdata

    found = np.full((len(rows), len(columns)), np.nan)
    for c, values in enumerate(columns):
        picked = values[rows]
        known = np.isfinite(picked)
        ranks = rankdata(picked[known])
        found[known, c] = norm.ppf((ranks - 0.5) / max(1, known.sum()))
    return found


def stratified_difference(
    inside: DoubleArray, outside: DoubleArray
) -> tuple[float, float, float, float]:
    """How far members lie above their own controls, its 95% interval, and the p-value of none.

    The effect is Cliff's delta within sets of a member (m,) and its controls (m, c). The p-value is
    van Elteren's (1960) test, ranks within sets, by its normal approximation: exact mean and
    variance over all ways to pick the member of each set. The interval is that of the mean over
    sets.
    """
    sets = np.concatenate([inside[:, None], outside], axis=1)
    above = np.sign(sets[:, :, None] - sets[:, None, :]).sum(axis=2) / (sets.shape[1] - 1)
    placed = above[:, 0]
    m = len(placed)
    effect = float(placed.mean())
    null = math.sqrt(float(above.var(axis=1).sum())) / m
    p = math.erfc(abs(effect) / null / math.sqrt(2)) if null > 0 else 1.0
    spread = float(placed.std(ddof=1)) / math.sqrt(m) if m > 1 else 1.0
    half = Z95 * max(spread, null / math.sqrt(sets.shape[1]))
    return effect, max(-1.0, effect - half), min(1.0, effect + half), p
