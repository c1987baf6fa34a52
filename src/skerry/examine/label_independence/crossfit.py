"""Prediction by ridge regression, each source's from the others': many targets at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skerry.types import DoubleArray, IntArray

FOLDS = 5
PENALTIES = 10.0 ** np.arange(-7.0, 2.5, 0.5)
"""Ridge penalties to choose from, for features of variance 1, times the number of sources."""
LANDMARKS = 300
"""Gaussian functions of the features (Williams & Seeger 2001, NIPS 13, 682)."""
FURTHEST = 5.0
"""Standard deviations from the mean that a value is taken to be at most."""


def standardized(values: DoubleArray) -> DoubleArray:
    """Columns (n, d) with mean 0 and variance 1; those that do not vary are 0."""
    spread = values.std(axis=0)
    still = spread <= 1e-9 * max(1.0, float(spread.max(initial=0.0)))
    return np.asarray((values - values.mean(axis=0)) / np.where(still, np.inf, spread))


def radial(values: DoubleArray, rng: np.random.Generator, many: int = LANDMARKS) -> DoubleArray:
    """Gaussian functions (n, ``many``, or a quarter of n) of standardized columns (n, d).

    Centered on random sources and as wide as the median distance between these. Their mean is 0;
    one scale is common to all, with mean variance 1, so that one which is 0 but at a lone source
    stays small.
    """
    many = min(many, len(values) // 4)
    centers = values[np.sort(rng.permutation(len(values))[:many])]
    between = _squares(centers, centers)[np.triu_indices(len(centers), 1)]
    width = float(np.median(between)) if len(between) else 1.0
    found = np.exp(-_squares(values, centers) / max(width, 1e-12))
    found -= found.mean(axis=0)
    return np.asarray(found / max(float(np.sqrt((found**2).mean())), 1e-12))


def curved(values: DoubleArray, rng: np.random.Generator, many: int = LANDMARKS) -> DoubleArray:
    """Features that a linear fit can bend with: the columns (n, d) standardized, none further
    than ``FURTHEST`` from the mean, and `radial` of these."""
    plain = tamed(values)
    return np.concatenate([plain, radial(plain, rng, many)], axis=1)


def tamed(values: DoubleArray) -> DoubleArray:
    """Columns (n, d) standardized, none further than ``FURTHEST`` from the mean: a fit to other
    sources says nothing of a lone one."""
    return np.asarray(np.clip(standardized(values), -FURTHEST, FURTHEST))


def trimmed(values: DoubleArray) -> DoubleArray:
    """Residuals (n, d), none further from 0 than ``FURTHEST`` standard deviations of a normal
    distribution with the same median of their sizes."""
    most = FURTHEST * 1.4826 * np.median(np.abs(values), axis=0)
    most[most == 0] = np.inf
    return np.asarray(np.clip(values, -most, most))


def _squares(a: DoubleArray, b: DoubleArray) -> DoubleArray:
    found = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.asarray(np.maximum(found, 0.0))


class Crossed:
    """Features (n, f) factored once, so that any number of targets is cheap.

    ``fold`` int64 (n,) from 0 to FOLDS - 1: a source is predicted from those of the other folds.
    """

    def __init__(self, features: DoubleArray, fold: IntArray) -> None:
        self._rows = [np.flatnonzero(fold == number) for number in range(FOLDS)]
        centered = features - features.mean(axis=0)
        self._parts = [centered[rows] for rows in self._rows]
        sums = [part.sum(axis=0) for part in self._parts]
        products = [part.T @ part for part in self._parts]
        self._n = [len(fold) - len(rows) for rows in self._rows]
        # of all folds but one: what is summed over all, less that of the one
        self._means = [(sum(sums) - own) / n for own, n in zip(sums, self._n, strict=True)]
        self._factors = []
        for own, mean, n in zip(products, self._means, self._n, strict=True):
            squares, axes = np.linalg.eigh(sum(products) - own - n * np.outer(mean, mean))
            self._factors.append((np.maximum(squares, 0.0), axes))

    def predict(self, targets: DoubleArray) -> DoubleArray:
        """Of targets (n, t), each with the penalty of ``PENALTIES`` that generalized
        cross-validation (Golub, Heath & Wahba 1979) finds best within the fitted folds; never
        beyond the targets there."""
        overall = targets.mean(axis=0)
        held = [targets[rows] - overall for rows in self._rows]
        sums = [part.sum(axis=0) for part in held]
        squares = [(part**2).sum(axis=0) for part in held]
        products = [x.T @ y for x, y in zip(self._parts, held, strict=True)]
        lowest = np.stack([part.min(axis=0) for part in held])
        highest = np.stack([part.max(axis=0) for part in held])
        found = np.empty_like(targets)
        for f, rows in enumerate(self._rows):
            n, mean, (values, axes) = self._n[f], self._means[f], self._factors[f]
            level = (sum(sums) - sums[f]) / n
            along = axes.T @ (sum(products) - products[f] - n * np.outer(mean, level))
            total = sum(squares) - squares[f] - n * level**2
            penalty = _penalty(along, total, values, n)
            weights = axes @ (along / (values[:, None] + penalty))
            others = np.arange(FOLDS) != f
            low, high = lowest[others].min(axis=0), highest[others].max(axis=0)
            predicted = (self._parts[f] - mean) @ weights + level
            found[rows] = np.clip(predicted, low, high) + overall
        return found


def _penalty(
    along: DoubleArray, total: DoubleArray, squares: DoubleArray, n: int
) -> npt.NDArray[np.float64]:
    scores = np.full((len(PENALTIES), len(total)), np.inf)
    for i, penalty in enumerate(PENALTIES * n):
        shrunk = 1 / (squares + penalty)
        freedom = float((squares * shrunk).sum()) + 1
        if freedom < 0.9 * n:
            left = total - (2 * shrunk - squares * shrunk**2) @ along**2
            scores[i] = left / (1 - freedom / n) ** 2
    return np.asarray(PENALTIES[scores.argmin(axis=0)] * n)


def folds(groups: IntArray, rng: np.random.Generator) -> IntArray:
    """Folds (n,) at random, each ``groups`` (n,) spread evenly over them."""
    mixed = rng.permutation(len(groups))
    ordered = mixed[np.argsort(groups[mixed], kind="stable")]
    fold = np.empty(len(groups), np.int64)
    fold[ordered] = np.arange(len(groups)) % FOLDS
    return fold
