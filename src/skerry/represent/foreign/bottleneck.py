"""A bottleneck for an encoder that has none: principal components, fitted without votes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skerry.errors import EncoderError
from skerry.types import FloatArray

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Bottleneck:
    """A linear layer: ``weight`` (dimensions, features) and ``bias`` (dimensions,), float64.

    ``explained`` is the share of the features' variance that it keeps, of ``images`` images.
    """

    weight: Doubles
    bias: Doubles
    explained: float
    images: int


def fit(features: FloatArray, dimensions: int) -> Bottleneck:
    """The leading principal components of features (n, n_features), each from its mean.

    Exact, in float64, with nothing random in it: rows are summed in an order that their content
    gives, and the largest weight of each component is positive, so that the same images give
    the same bytes in whatever order they come.

    Raises
    ------
    EncoderError
        Fewer images than twice the dimensions, features that are not finite, or that vary in
        fewer dimensions than asked.
    """
    n, width = features.shape
    if dimensions > width:
        raise EncoderError(
            f"the encoder has {width} features and {dimensions} dimensions were asked for; ask "
            "for fewer, or for no bottleneck"
        )
    if n < 2 * dimensions:
        raise EncoderError(
            f"{n} images are too few to fit {dimensions} dimensions; give at least "
            f"{2 * dimensions}, or ask for fewer dimensions"
        )
    if not np.isfinite(features).all():
        raise EncoderError("the encoder gives features that are not finite: are its weights whole?")
    order = sorted(range(n), key=lambda row: features[row].tobytes())
    rows = features[order].astype(np.float64)
    mean = rows.mean(0)
    rows -= mean
    values, vectors = np.linalg.eigh(rows.T @ rows)
    values, weight = values[::-1], vectors.T[::-1][:dimensions]
    if values[dimensions - 1] <= values[0] * 1e-12:
        rank = int((values > values[0] * 1e-12).sum())
        raise EncoderError(
            f"the features of {n} images vary in {rank} dimensions only; ask for at most that "
            "many, or give more images that differ"
        )
    largest = np.abs(weight).argmax(1)
    weight = weight * np.sign(weight[np.arange(dimensions), largest])[:, None]
    # as an encoder's file stores it, so that the bias takes off exactly what the weights add
    weight = weight.astype(np.float16).astype(np.float64)
    return Bottleneck(weight, -weight @ mean, float(values[:dimensions].sum() / values.sum()), n)
