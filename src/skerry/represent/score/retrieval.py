"""Whether galaxies of a kind are each other's neighbors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

NEIGHBORS = 20
MEMBERS = 5
"""Kinds with fewer galaxies are not scored."""

DRAWS = 20
SHUFFLED_QUERIES = 200
"""Most queries of one shuffle of the labels: chance needs no more."""

ARTIFACTS = 40
_BLOCK = 256


@dataclass(frozen=True)
class Retrieval:
    """For each galaxy of a kind as a query, float64 (queries,).

    ``enrichment`` is the share of its kind among its nearest neighbors over that among all
    others; ``precision`` the average precision of the ranking of all others by distance.
    ``ceiling`` and ``base_rate`` belong to the kind.
    """

    enrichment: Floats
    precision: Floats
    ceiling: float
    base_rate: float


def scorable(of_kind: Bools) -> bool:
    """Whether a kind has enough members, and enough others to tell them from."""
    return int(of_kind.sum()) >= MEMBERS and int((~of_kind).sum()) >= MEMBERS


def retrieve(vectors: Floats, of_kind: Bools, most: int = 0) -> Retrieval:
    """Query with each galaxy of a kind among all others, by Euclidean distance.

    Parameters
    ----------
    vectors
        Shape (n, d).
    of_kind
        Shape (n,), at least two of them. Ties in distance go by row.
    most
        How many of them to query with, the first; 0 for all.
    """
    n, members = len(vectors), int(of_kind.sum())
    rows = np.flatnonzero(of_kind)[: most or members]
    k = min(NEIGHBORS, n - 1)
    base = (members - 1) / (n - 1)
    places = np.arange(1, n)
    shares, precisions = [], []
    for start in range(0, len(rows), _BLOCK):
        part = rows[start : start + _BLOCK]
        distance = cdist(vectors[part], vectors, "sqeuclidean")
        distance[np.arange(len(part)), part] = np.inf
        hits = of_kind[np.argsort(distance, axis=1, kind="stable")[:, :-1]]
        shares.append(hits[:, :k].mean(1))
        precisions.append((hits.cumsum(1) / places * hits).sum(1) / (members - 1))
    return Retrieval(
        np.concatenate(shares) / base,
        np.concatenate(precisions),
        min(k, members - 1) / k / base,
        base,
    )


def shuffled(vectors: Floats, of_kind: Bools, seed: int) -> tuple[Floats, Floats]:
    """Mean enrichment and precision of each of ``DRAWS`` shuffles of the labels, (DRAWS,)."""
    rng = np.random.default_rng(seed)
    found = [retrieve(vectors, rng.permutation(of_kind), SHUFFLED_QUERIES) for _ in range(DRAWS)]
    return (
        np.array([f.enrichment.mean() for f in found]),
        np.array([f.precision.mean() for f in found]),
    )


def retrieve_artifacts(vectors: Floats, artifacts: Floats, seed: int) -> tuple[Floats, float]:
    """Query with artifacts mixed in among galaxies: enrichment (DRAWS, ARTIFACTS), and its ceiling.

    Parameters
    ----------
    vectors
        Of galaxies, shape (n, d).
    artifacts
        Vectors of artifacts, shape (m, d), m at least ``ARTIFACTS``; each draw takes some.
    """
    rng = np.random.default_rng(seed)
    is_artifact = np.arange(len(vectors) + ARTIFACTS) >= len(vectors)
    found = []
    for _ in range(DRAWS):
        drawn = artifacts[rng.choice(len(artifacts), ARTIFACTS, replace=False)]
        found.append(retrieve(np.concatenate([vectors, drawn]), is_artifact))
    return np.stack([f.enrichment for f in found]), found[0].ceiling
