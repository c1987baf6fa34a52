from __future__ import annotations

import numpy as np
import pytest

from skerry.represent.score.bootstrap import mean_interval
from skerry.represent.score.retrieval import (
    ARTIFACTS,
    DRAWS,
    retrieve,
    retrieve_artifacts,
    scorable,
    shuffled,
)


def planted(members: int, others: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A tight group far from all others."""
    rng = np.random.default_rng(seed)
    group = rng.normal(0, 0.01, (members, 8)) + 10
    vectors = np.concatenate([group, rng.normal(size=(others, 8))])
    of_kind = np.arange(members + others) < members
    order = rng.permutation(len(vectors))
    return vectors[order], of_kind[order]


@pytest.mark.parametrize("members", [6, 21, 40])
def test_a_planted_kind_reaches_the_ceiling(members: int) -> None:
    found = retrieve(*planted(members, 200))
    base = (members - 1) / (members + 199)
    assert found.ceiling == pytest.approx(min(20, members - 1) / 20 / base)
    np.testing.assert_allclose(found.enrichment, found.ceiling)
    np.testing.assert_allclose(found.precision, 1.0)


def test_a_hand_made_ranking() -> None:
    vectors = np.array([[0.0], [1.0], [3.0], [7.5], [0.5], [3.5], [50.0]])
    of_kind = np.array([1, 1, 0, 1, 0, 0, 0], bool)
    found = retrieve(vectors, of_kind)
    # as 0 and 1 see it: other, kind, other, other, kind; as 7.5 does: two others, kind, other, kind
    ends = [(1 / 2 + 2 / 5) / 2] * 2
    np.testing.assert_allclose(found.precision, [*ends, (1 / 3 + 2 / 5) / 2])
    np.testing.assert_allclose(found.enrichment, 1.0)  # all six others are its neighbors


def test_random_vectors_and_shuffled_labels_are_at_chance() -> None:
    rng = np.random.default_rng(3)
    vectors, of_kind = rng.normal(size=(600, 16)), np.arange(600) < 150
    found = retrieve(vectors, of_kind)
    low, high = mean_interval(found.enrichment, 0)
    assert low - 0.03 < 1.0 < high + 0.03
    enrichment, precision = shuffled(*planted(40, 360), seed=0)
    assert len(enrichment) == len(precision) == DRAWS
    assert abs(enrichment.mean() - 1) < 0.1
    assert 39 / 399 < precision.mean() < 0.15


def test_artifacts_alike_find_each_other_and_artifacts_like_galaxies_do_not() -> None:
    rng = np.random.default_rng(0)
    galaxies = rng.normal(size=(400, 8))
    alike, ceiling = retrieve_artifacts(galaxies, rng.normal(size=(60, 8)) - 90, seed=0)
    assert alike.shape == (DRAWS, ARTIFACTS)
    np.testing.assert_allclose(alike, ceiling)
    assert ceiling == (399 + ARTIFACTS) / (ARTIFACTS - 1)
    lost, _ = retrieve_artifacts(galaxies, rng.normal(size=(60, 8)), seed=0)
    assert 0.7 < lost.mean() < 1.3


def test_artifacts_differ_between_draws_and_not_between_calls() -> None:
    rng = np.random.default_rng(0)
    galaxies, mixed = rng.normal(size=(200, 8)), rng.normal(size=(100, 8)) * 3
    once, _ = retrieve_artifacts(galaxies, mixed, seed=0)
    assert len({row.tobytes() for row in once}) > 1
    np.testing.assert_array_equal(once, retrieve_artifacts(galaxies, mixed, seed=0)[0])


def test_small_kinds_and_kinds_without_others_are_not_scored() -> None:
    assert not scorable(np.arange(100) < 4)
    assert scorable(np.arange(100) < 5)
    assert not scorable(np.arange(100) < 96)
