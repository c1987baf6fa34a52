"""What a few labels teach: a logistic regression on the vectors, judged on the galaxies left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from skerry.represent.score.bootstrap import interval, weights

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

LABELS = (10, 30, 100)
DRAWS = 20
MEMBERS = 10
"""Kinds with fewer are not probed: half must be left to judge on."""


@dataclass(frozen=True)
class Probe:
    """Area under the ROC curve, the mean of all draws, with its 95% interval."""

    auc: float
    low: float
    high: float


def possible(of_kind: Bools, labels: int) -> bool:
    """Whether so many labels leave half of the kind and half of the others to judge on."""
    positives = _positives(of_kind, labels)
    enough = int(of_kind.sum()) >= MEMBERS
    return enough and labels - positives <= int((~of_kind).sum()) // 2


def _positives(of_kind: Bools, labels: int) -> int:
    return min(labels // 2, int(of_kind.sum()) // 2)


def probe(vectors: Floats, of_kind: Bools, labels: int, seed: int) -> Probe:
    """Logistic regression on ``labels`` labeled galaxies, ``DRAWS`` seeded draws of them.

    Half of the labels are of the kind, or half of the kind where that is fewer. Features are
    standardized over all galaxies, which takes no labels; the classes weigh the same. The
    interval is a bootstrap over galaxies and draws of the area's first-order parts, the
    placements of DeLong et al. 1988 (Biometrics 44, 837).

    Parameters
    ----------
    vectors, of_kind
        Shapes (n, d) and (n,).
    """
    from sklearn.linear_model import LogisticRegression

    features = standardized(vectors)
    rng = np.random.default_rng((seed, labels))
    positives = _positives(of_kind, labels)
    placed = np.full((DRAWS, len(vectors)), np.nan)
    for draw in range(DRAWS):
        chosen = np.concatenate(
            [
                rng.choice(np.flatnonzero(of_kind), positives, replace=False),
                rng.choice(np.flatnonzero(~of_kind), labels - positives, replace=False),
            ]
        )
        model = LogisticRegression(class_weight="balanced", max_iter=1000)
        model.fit(features[chosen], of_kind[chosen])
        rest = np.ones(len(vectors), bool)
        rest[chosen] = False
        placed[draw, rest] = placements(model.decision_function(features[rest]), of_kind[rest])
    return _with_interval(placed[:, of_kind], placed[:, ~of_kind], seed)


def standardized(vectors: Floats) -> Floats:
    """Mean 0 and variance 1 for each feature that varies."""
    spread = vectors.std(0)
    return np.asarray((vectors - vectors.mean(0)) / np.where(spread > 0, spread, 1.0))


def placements(scores: Floats, positive: Bools) -> Floats:
    """Share of the other class on the right side of each score, ties a half: shape (n,).

    Their mean over either class is the area under the ROC curve.
    """
    ranks = rankdata(scores)
    out = np.empty(len(scores))
    n_positive = int(positive.sum())
    n_negative = len(scores) - n_positive
    out[positive] = (ranks[positive] - rankdata(scores[positive])) / n_negative
    out[~positive] = 1 - (ranks[~positive] - rankdata(scores[~positive])) / n_positive
    return out


def _with_interval(positive: Floats, negative: Floats, seed: int) -> Probe:
    """From the placements of both classes, (DRAWS, members), NaN where used for training."""
    area = float(np.nanmean(np.nanmean(positive, axis=1)))
    draws = np.concatenate(list(weights(DRAWS, seed + 1)))
    means = _means(positive, draws, seed + 2) + _means(negative, draws, seed + 3)
    low, high = interval(means - area)
    return Probe(area, max(0.0, low), min(1.0, high))


def _means(placed: Floats, draws: Floats, seed: int) -> Floats:
    held = np.isfinite(placed).astype(np.float64)
    values = np.nan_to_num(placed)
    out, start = [], 0
    for w in weights(placed.shape[1], seed):
        d = draws[start : start + len(w)]
        total = ((d @ held) * w).sum(1)
        out.append(((d @ values) * w).sum(1) / np.maximum(total, 1.0))
        start += len(w)
    return np.concatenate(out)
