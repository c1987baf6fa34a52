"""Would a search for single odd objects have shown a class?

Two usual scores of how odd a source is by itself, and where the members of each class stand among
all sources ranked by them. A class of many alike is dense: to such scores it need not be odd.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from skerry.backends import linear
from skerry.discover import Space
from skerry.errors import CannotAnswerError
from skerry.examine.statistics import q_values
from skerry.types import DoubleArray, IntArray

TREES = 300
"""Trees of an isolation forest."""
NEIGHBORS = 20
"""Neighbors of the local outlier factor."""
TOP = 0.01
"""The most anomalous share of the sources, which somebody might look through."""
SEEN = 3
"""Members that have to be among them for somebody to notice a class."""

FOREST, FACTOR = "isolation forest", "local outlier factor"


def anomaly_ranks(space: Space, seed: int) -> dict[str, IntArray]:
    """The rank of each source, int64 (n,), 1 for the most anomalous, by each method.

    An isolation forest (Liu, Ting & Zhou 2008, ICDM, 413; 256 sources a tree) on the principal
    components, as its cuts follow axes and no scale matters to it. The local outlier factor
    (Breunig et al. 2000, SIGMOD, 93) by the neighbor graph in which classes are searched.

    Raises
    ------
    CannotAnswerError
        Too few sources.
    """
    k = min(NEIGHBORS, space.graph.indices.shape[1])
    if len(space) < 2 * NEIGHBORS:
        raise CannotAnswerError(
            f"{len(space)} sources are too few to rank anomalies; give {2 * NEIGHBORS} or more"
        )
    return {FOREST: _ranks(_isolation(space, seed)), FACTOR: _ranks(_factor(space, k))}


def _isolation(space: Space, seed: int) -> DoubleArray:
    from sklearn.ensemble import IsolationForest

    mean, axes = linear.principal_axes(space.vectors)
    components = linear.product(space.vectors - mean, axes)
    forest = IsolationForest(n_estimators=TREES, random_state=seed, n_jobs=1)
    return -np.asarray(forest.fit(components).score_samples(components), dtype=np.float64)


def _factor(space: Space, k: int) -> DoubleArray:
    from scipy.sparse import csr_matrix
    from sklearn.neighbors import LocalOutlierFactor

    n = len(space)
    # each row's own entry comes first: scikit-learn drops it
    near = np.hstack([np.arange(n)[:, None], space.graph.indices[:, :k]])
    far = np.hstack([np.zeros((n, 1)), space.graph.distances[:, :k].astype(np.float64)])
    starts = np.arange(0, n * (k + 1) + 1, k + 1)
    graph = csr_matrix((far.ravel(), near.ravel(), starts), shape=(n, n))
    found = LocalOutlierFactor(n_neighbors=k, metric="precomputed", n_jobs=1).fit(graph)
    return -np.asarray(found.negative_outlier_factor_, dtype=np.float64)


def _ranks(score: DoubleArray) -> IntArray:
    # equal scores in the order of rows, which is one of content
    order = np.argsort(-score, kind="stable")
    ranks = np.empty(len(score), dtype=np.int64)
    ranks[order] = np.arange(1, len(score) + 1)
    return ranks


@dataclass(frozen=True)
class Surfaced:
    """Where the members of one class stand among all sources, by one method.

    ``looked`` are the most anomalous, ``TOP`` of all; ``among_them`` the members there, and ``p``
    how likely chance puts so many there. ``until_seen``: how many have to be looked through until
    ``SEEN`` members are met; ``by_chance``: until they are in random order, on average. ``shown``:
    ``SEEN`` members or more are among those looked at, and more than by chance, with ``q`` over all
    classes and methods.
    """

    number: int
    method: str
    members: int
    median_rank: float
    looked: int
    among_them: int
    p: float
    until_seen: int
    by_chance: float
    q: float = 1.0
    shown: bool = False


def surfaced(
    ranks: Mapping[str, IntArray], members: Sequence[IntArray], alpha: float
) -> list[Surfaced]:
    """What each method would have shown of each class (rows, int64), classes in their order."""
    found = [
        _standing(number, method, rank, rows)
        for number, rows in enumerate(members)
        for method, rank in ranks.items()
    ]
    q = q_values(np.array([s.p for s in found])).tolist() if found else []
    return [
        replace(s, q=v, shown=s.among_them >= SEEN and v <= alpha)
        for s, v in zip(found, q, strict=True)
    ]


def _standing(number: int, method: str, rank: IntArray, members: IntArray) -> Surfaced:
    from scipy.stats import hypergeom

    n, m = len(rank), len(members)
    looked = math.ceil(TOP * n)
    own = np.sort(rank[members])
    met = min(SEEN, m)
    top = int((own <= looked).sum())
    return Surfaced(
        number,
        method,
        m,
        float(np.median(own)),
        looked,
        top,
        float(hypergeom.sf(top - 1, n, m, looked)),
        int(own[met - 1]),
        met * (n + 1) / (m + 1),
    )
