"""How far a kind of source stands apart from the sea, where it is known which sources are of it.

Two numbers, for two questions. The area under the ROC curve of a linear probe: can a straight
cut, drawn with labels, tell the kind from the sea at all? The enrichment: do its members find
each other, without labels, as a search must?
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skerry.discover.order import canonical_order
from skerry.errors import InputError
from skerry.represent.score.bootstrap import mean_interval
from skerry.represent.score.probe import placements, standardized
from skerry.represent.score.retrieval import retrieve
from skerry.types import DoubleArray, FloatArray

FEWEST = 10
"""Sources of the kind, and of the sea, with fewer of which nothing is measured."""

PROBED = 5_000
"""Most sources of the sea that the probe is given, and"""
SEARCHED = 20_000
"""most in which members look for their neighbors: fair samples of a larger sea."""

_FOLDS = 5
_Z = 1.959963984540054


@dataclass(frozen=True)
class Separation:
    """How far a kind stands apart from a sea, each with its 95% interval.

    ``auc``: area under the ROC curve of a linear probe on sources it did not learn from; 0.5 for
    a kind like the sea, 1 for one that a plane cuts off. ``enrichment``: the share of the kind
    among the 20 nearest neighbors of its members over its share among all others; 1 for a kind
    like the sea, at most ``ceiling``, which hangs on the numbers ``members`` and ``others``: two
    kinds compare only where these are alike.
    """

    auc: float
    auc_low: float
    auc_high: float
    enrichment: float
    enrichment_low: float
    enrichment_high: float
    ceiling: float
    members: int
    others: int


def separation(kind: FloatArray, sea: FloatArray) -> Separation:
    """How far sources ``kind`` (m, d) stand apart from ``sea`` (n, d), float32, in their space.

    The probe is a logistic regression, classes weighing the same, on features standardized over
    all; each fifth of the sources is judged by what the others taught. The area is the mean over
    the folds, its interval that of DeLong et al. (1988, Biometrics 44, 837), which has no width
    where every member lies beyond the whole sea. Enrichment is that of ``represent.score``
    (``retrieve``), its interval a bootstrap over members. Altered copies of one image lie in
    several folds: of such members the area says little.

    The result does not depend on the order of either's rows.

    Raises
    ------
    InputError
        Fewer than 10 of either, another number of dimensions, or values that are not finite.
    """
    _check(kind, sea)
    import threadpoolctl

    # sums split over threads round differently
    with threadpoolctl.threadpool_limits(1):
        kind, sea = kind[canonical_order(kind)], sea[canonical_order(sea)]
        auc, low, high = _probe(kind, sea[:PROBED])
        seen = sea[:SEARCHED]
        found = retrieve(*_joined(kind, seen))
        bounds = mean_interval(found.enrichment, seed=0)
    mean = float(found.enrichment.mean())
    return Separation(auc, low, high, mean, *bounds, found.ceiling, len(kind), len(seen))


def _check(kind: FloatArray, sea: FloatArray) -> None:
    shapes = f"members of shape {kind.shape} and a sea of shape {sea.shape}"
    if kind.ndim != 2 or sea.ndim != 2 or kind.shape[1] != sea.shape[1]:
        raise InputError(f"{shapes}; expected (m, d) and (n, d): give vectors of one encoder")
    if min(len(kind), len(sea)) < FEWEST:
        raise InputError(f"{shapes}; expected {FEWEST} or more sources of either: give more")
    if not (np.isfinite(kind).all() and np.isfinite(sea).all()):
        raise InputError(f"{shapes}: some values are NaN or infinite; leave those sources out")


def _joined(kind: FloatArray, sea: FloatArray) -> tuple[DoubleArray, npt.NDArray[np.bool_]]:
    vectors = np.concatenate([kind, sea]).astype(np.float64)
    return vectors, np.arange(len(vectors)) < len(kind)


def _probe(kind: FloatArray, sea: FloatArray) -> tuple[float, float, float]:
    from sklearn.linear_model import LogisticRegression

    vectors, of_kind = _joined(kind, sea)
    features = standardized(vectors)
    # canonical order is random order, so that every fifth row is a fair sample
    fold = np.concatenate([np.arange(len(kind)), np.arange(len(sea))]) % _FOLDS
    placed = np.empty(len(vectors))
    for number in range(_FOLDS):
        held = fold == number
        model = LogisticRegression(class_weight="balanced", max_iter=1000)
        model.fit(features[~held], of_kind[~held])
        placed[held] = placements(model.decision_function(features[held]), of_kind[held])
    inside, outside = placed[of_kind], placed[~of_kind]
    area = float(inside.mean())
    half = _Z * float(np.sqrt(inside.var(ddof=1) / len(inside) + outside.var(ddof=1) / len(sea)))
    return area, max(0.0, area - half), min(1.0, area + half)
