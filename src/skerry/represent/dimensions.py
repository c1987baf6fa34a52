"""How many directions vectors use."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def effective_dimensions(vectors: npt.NDArray[np.float64]) -> float:
    """Participation ratio of the variances of the principal components, 1 to d.

    (sum of variances)^2 / (sum of squared variances) of vectors (n, d), which needs only traces.
    NaN where nothing varies.
    """
    centered = vectors - vectors.mean(0)
    covariance = centered.T @ centered
    squares = float((covariance**2).sum())
    return float(np.trace(covariance) ** 2 / squares) if squares > 0 else float("nan")
