"""A representation with something taken out of it, or joined to it."""

from __future__ import annotations

import numpy as np

from skerry.backends import linear
from skerry.types import DoubleArray, FloatArray

FOLDS = 5
"""Parts of the sources, each predicted by a regression on the others."""
KNOTS = 5
"""Knots of the cubic splines of each predictor."""
PENALTIES = tuple(10.0**p for p in range(-3, 6))
"""Strengths of the ridge penalty to choose from."""


def residuals(vectors: FloatArray, predictors: DoubleArray) -> tuple[FloatArray, float]:
    """What of each dimension the predictors do not tell.

    Each dimension is regressed on cubic splines of the predictors (Eilers & Marx 1996, Stat. Sci.
    11, 89, in spirit: a few knots and a ridge penalty), one by one without interactions; the
    penalty is that of the least leave-one-out error. A source's prediction comes from the other
    ``FOLDS - 1`` parts, so that no source is fitted by itself.

    Parameters
    ----------
    vectors : float32 (n, d), rows in canonical order
    predictors : float64 (n, p), all finite

    Returns
    -------
    residuals : float32 (n, d)
    explained : the share of the variance that was predicted, below 0 where prediction is worse
        than the mean
    """
    import threadpoolctl
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import SplineTransformer, StandardScaler

    values = vectors.astype(np.float64)
    left = np.empty_like(values)
    # the order of rows is one of content alone, as good as random
    part = np.arange(len(values)) % FOLDS
    with threadpoolctl.threadpool_limits(1):
        for fold in range(FOLDS):
            own, others = part == fold, part != fold
            model = make_pipeline(
                SplineTransformer(KNOTS, degree=3, extrapolation="constant", include_bias=False),
                StandardScaler(),
                RidgeCV(PENALTIES, alpha_per_target=True),
            )
            model.fit(predictors[others], values[others])
            left[own] = values[own] - model.predict(predictors[own]).reshape(own.sum(), -1)
    total = float(((values - values.mean(axis=0)) ** 2).sum())
    return left.astype(np.float32), 1 - float((left**2).sum()) / total


def ranks(columns: DoubleArray) -> DoubleArray:
    """The ranks in each column as shares of all, (n, p): no outlier and no unit is left."""
    from scipy.stats import rankdata

    return np.asarray((rankdata(columns, axis=0) - 0.5) / len(columns))


def without_leading(vectors: FloatArray, share: float) -> tuple[FloatArray, int]:
    """The vectors (n, d) without the fewest principal components that hold ``share`` of the
    variance, and how many these are. At least one component is taken out, and one is left."""
    mean, axes = linear.principal_axes(vectors)
    components = linear.product(vectors - mean, axes)[:, ::-1]
    variance = components.astype(np.float64).var(axis=0)
    enough = np.searchsorted(np.cumsum(variance), share * variance.sum()) + 1
    removed = int(np.clip(enough, 1, vectors.shape[1] - 1))
    return np.ascontiguousarray(components[:, removed:]), removed


def joined(vectors: FloatArray, columns: DoubleArray) -> FloatArray:
    """The vectors (n, d) with more columns (n, p) beside them, float32 (n, d + p).

    As in multiple factor analysis (Escofier & Pages 1994, Comput. Stat. Data Anal. 18, 121) both
    are scaled so that the first principal component of each has variance 1: neither drowns the
    other, however many dimensions it has. Columns are standardized first.
    """
    spread = columns.std(axis=0)
    plain = (columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    parts = [vectors.astype(np.float32), plain.astype(np.float32)]
    return np.hstack([part / np.float32(_first_spread(part)) for part in parts])


def _first_spread(part: FloatArray) -> float:
    mean, axes = linear.principal_axes(part)
    return float(linear.product(part - mean, axes[:, -1:]).astype(np.float64).std())
