"""Ranks of single sources as anomalies, and what they would have shown of a class."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import hypergeom
from sklearn.neighbors import LocalOutlierFactor

from skerry.config import NeighborsConfig
from skerry.discover import space_of
from skerry.errors import CannotAnswerError
from skerry.examine.crossmatch.anomalies import FACTOR, FOREST, NEIGHBORS, anomaly_ranks, surfaced

N = 500


def sea(seed: int = 0, n: int = N) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 8)).astype(np.float32)


def ranks_of(vectors: np.ndarray) -> dict[str, np.ndarray]:
    return anomaly_ranks(space_of(vectors, NeighborsConfig()), 0)


def test_lone_outliers_come_first_by_both() -> None:
    vectors = sea()
    vectors[:3] = [[15, 0, 0, 0, 0, 0, 0, 0], [0, -15, 0, 0, 0, 0, 0, 0], [0, 0, 9, 9, 0, 0, 0, 0]]
    for rank in ranks_of(vectors).values():
        assert sorted(rank[:3]) == [1, 2, 3]
        assert sorted(rank) == list(range(1, N + 1))


def test_the_outlier_factor_is_that_of_scikit_learn_on_the_vectors() -> None:
    vectors = sea(1)
    rank = ranks_of(vectors)[FACTOR]
    own = LocalOutlierFactor(n_neighbors=NEIGHBORS).fit(vectors).negative_outlier_factor_
    assert list(np.argsort(rank)[:50]) == list(np.argsort(own)[:50])


def test_a_scattered_far_class_is_surfaced_and_a_dense_one_is_not() -> None:
    rng = np.random.default_rng(2)
    vectors = sea(3)
    vectors[:6] = 12 * rng.normal(size=(6, 8)) / 2
    vectors[6:26] = 0.5 + 0.02 * rng.normal(size=(20, 8))
    ranks = ranks_of(vectors)
    standing = surfaced(ranks, [np.arange(6), np.arange(6, 26)], 0.05)
    far, dense = ({s.method: s for s in standing if s.number == i} for i in (0, 1))
    for method in (FOREST, FACTOR):
        assert far[method].among_them >= 3 and far[method].p < 1e-4
        assert far[method].shown and far[method].until_seen < far[method].by_chance / 10
    assert dense[FOREST].among_them == 0 and dense[FOREST].p == 1 and not dense[FOREST].shown


def test_the_numbers_are_those_of_the_ranks() -> None:
    rank = np.arange(1, N + 1)
    members = np.array([3, 0, 499, 2], dtype=np.int64)
    _, found = surfaced({FOREST: rank}, [np.array([9]), members], 0.05)
    assert (found.number, found.members, found.looked, found.among_them) == (1, 4, 5, 3)
    assert found.until_seen == 4 and found.median_rank == 3.5
    assert found.p == pytest.approx(hypergeom.sf(2, N, 4, 5))
    # the mean of the third of 4 ranks drawn from 500
    drawn = [np.sort(np.random.default_rng(s).permutation(N)[:4])[2] + 1 for s in range(4000)]
    assert found.by_chance == pytest.approx(np.mean(drawn), rel=0.02)


def test_too_few_sources_are_refused() -> None:
    with pytest.raises(CannotAnswerError, match="30 sources are too few"):
        anomaly_ranks(space_of(sea(0, 30), NeighborsConfig(k=15)), 0)
