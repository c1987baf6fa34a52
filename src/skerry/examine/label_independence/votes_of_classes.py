"""How far votes alone tell a class's members from other sources, beside the representation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import threadpoolctl

from skerry.examine.label_independence.crossfit import FOLDS, Crossed, curved, folds
from skerry.types import DoubleArray, IntArray

EXPLAINED, LITTLE = 0.8, 0.5
"""Shares of a class's identity: from the first on it is explained by the votes, below the second it
is not."""
RESAMPLES = 500

BY_VOTES = "explained by the votes"
PARTLY = "partly explained by the votes"
NOT_BY_VOTES = "not explained by the votes"
UNDECIDED = "undecided between votes and more than votes"
UNTOLD = "told by neither votes nor representation"


@dataclass(frozen=True)
class Told:
    """How well one thing tells a class's members, each source by the others'.

    ``area`` is that under the receiver operating characteristic, ``precision`` the average
    precision, with its 95% interval; ``share`` is the precision beyond chance over that of the
    representation, with its interval. ``recalls`` and ``precisions`` draw the curve.
    """

    area: float
    precision: float
    low: float
    high: float
    share: float
    share_low: float
    share_high: float
    recalls: DoubleArray
    precisions: DoubleArray


def told(
    readers: dict[str, DoubleArray], label: IntArray, n_classes: int, seed: int
) -> list[dict[str, Told]]:
    """For each class, how well each of ``readers`` tells its members; the last one is what the
    others are compared with.

    Each is columns (n, d), read by ridge regression with Gaussian functions of them. Sources are
    members or not by ``label`` (n,), the number of their class. Intervals are over sources that
    are drawn again with their scores; folds are not drawn again.
    """
    rng = np.random.default_rng([seed, 2])
    fold = folds(label, rng)
    inside = (label[:, None] == np.arange(n_classes)).astype(np.float64)
    with threadpoolctl.threadpool_limits(1):
        scores = {
            name: Crossed(curved(columns, rng), fold).predict(inside)
            for name, columns in readers.items()
        }
    return [
        _compared({name: s[:, c] for name, s in scores.items()}, inside[:, c] > 0, rng)
        for c in range(n_classes)
    ]


def readable(size: int) -> bool:
    """Whether a class has members in every fold."""
    return size >= FOLDS


def verdict(found: Told) -> str:
    """What the share of its identity that votes explain says of a class.

    Explained: ``EXPLAINED`` or more, surely more than ``LITTLE``; not explained: surely less than
    ``LITTLE``; partly: surely less than ``EXPLAINED``; surely being for the whole interval.
    """
    if np.isnan(found.share):
        return UNTOLD
    if found.share >= EXPLAINED and found.share_low > LITTLE:
        return BY_VOTES
    if found.share_high < LITTLE:
        return NOT_BY_VOTES
    return PARTLY if found.share_high < EXPLAINED else UNDECIDED


def _compared(
    scores: dict[str, DoubleArray], inside: np.ndarray[tuple[int], np.dtype[np.bool_]],
    rng: np.random.Generator,
) -> dict[str, Told]:  # fmt: skip
    weights = _weights(inside, rng)
    chance = float(inside.mean())
    curves = {name: _curve(s, inside) for name, s in scores.items()}
    drawn = {name: _precisions(s, inside, weights) for name, s in scores.items()}
    against = list(scores)[-1]
    told_at_all = np.quantile(drawn[against], 0.025) > 2 * chance
    found = {}
    for name, (area, precision, recalls, precisions) in curves.items():
        share = low = high = np.nan
        if told_at_all:
            ratio = (drawn[name] - chance) / np.maximum(drawn[against] - chance, 1e-6)
            low, high = np.quantile(ratio, [0.025, 0.975])
            share = (precision - chance) / (curves[against][1] - chance)
        least, most = (float(v) for v in np.quantile(drawn[name], [0.025, 0.975]))
        told = float(share), float(low), float(high)
        found[name] = Told(area, precision, least, most, *told, recalls, precisions)
    return found


def _weights(
    inside: np.ndarray[tuple[int], np.dtype[np.bool_]], rng: np.random.Generator
) -> DoubleArray:
    """How often each source is drawn (RESAMPLES, n): members and others apart."""
    found = np.zeros((RESAMPLES, len(inside)))
    for rows in (np.flatnonzero(inside), np.flatnonzero(~inside)):
        found[:, rows] = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), RESAMPLES)
    return found


def _precisions(
    scores: DoubleArray,
    inside: np.ndarray[tuple[int], np.dtype[np.bool_]],
    weights: DoubleArray,
) -> DoubleArray:
    """Average precision (r,) with each row of weights (r, n)."""
    order = np.argsort(-scores, kind="stable")
    weights = weights[:, order]
    hits = weights * inside[order]
    found = np.cumsum(hits, axis=1) / np.maximum(np.cumsum(weights, axis=1), 1e-9)
    return np.asarray((found * hits).sum(axis=1) / hits.sum(axis=1))


def _curve(
    scores: DoubleArray, inside: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> tuple[float, float, DoubleArray, DoubleArray]:
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

    precisions, recalls, _ = precision_recall_curve(inside, scores)
    return (
        float(roc_auc_score(inside, scores)),
        float(average_precision_score(inside, scores)),
        recalls[::-1],
        precisions[::-1],
    )
