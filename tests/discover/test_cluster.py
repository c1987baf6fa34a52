from __future__ import annotations

import numpy as np
import pytest

from skerry.config import ClassesConfig
from skerry.discover import cluster, find_candidates
from skerry.errors import InputError
from skerry.types import CondensedTree


def clustered(points: np.ndarray, size: int = 10, samples: int = 5) -> CondensedTree:
    return cluster(points.astype(np.float32), size, samples)


def test_separate_groups_and_strays() -> None:
    rng = np.random.default_rng(0)
    groups = [c + 0.1 * rng.normal(size=(40, 3)) for c in (0, 5)]
    strays = rng.uniform(50, 500, size=(5, 3))
    tree = clustered(np.vstack([*groups, strays]))
    assert tree.n_points == 85
    found = find_candidates(tree, ClassesConfig(max_share=0.5))
    assert [set(c.members.tolist()) for c in found] == [set(range(40)), set(range(40, 80))]


def test_all_at_one_place_is_one_branch() -> None:
    found = clustered(np.ones((60, 3)))
    assert np.unique(found.parent).tolist() == [60]
    assert np.isinf(found.lam).all()


def test_too_few_sources() -> None:
    with pytest.raises(InputError, match=r"5 sources .*min_samples = 5"):
        clustered(np.random.default_rng(0).normal(size=(5, 3)))
    clustered(np.random.default_rng(0).normal(size=(6, 3)))


def test_coordinates_that_are_not_finite() -> None:
    points = np.zeros((30, 3))
    points[4, 1] = np.nan
    with pytest.raises(InputError, match="NaN or infinite"):
        clustered(points)
