from __future__ import annotations

import numpy as np
import pytest

from skerry.config import ClustersConfig
from skerry.discover import cluster
from skerry.errors import InputError
from skerry.progress import silent
from skerry.types import Clusters, Embedding


def clustered(points: np.ndarray, size: int = 10, samples: int = 5) -> Clusters:
    points = points.astype(np.float32)
    return cluster(Embedding(points, points[:, :2]), ClustersConfig(size, samples), on_event=silent)


def test_separate_groups_and_strays() -> None:
    rng = np.random.default_rng(0)
    groups = [c + 0.1 * rng.normal(size=(40, 3)) for c in (0, 5)]
    strays = rng.uniform(50, 500, size=(5, 3))
    found = clustered(np.vstack([*groups, strays]))
    assert len(set(found.labels[:40])) == len(set(found.labels[40:80])) == 1
    assert found.labels[0] != found.labels[40]
    assert (found.labels[80:] == -1).all()
    assert found.tree.n_points == 85


def test_all_at_one_place_is_one_branch() -> None:
    found = clustered(np.ones((60, 3)))
    assert np.unique(found.tree.parent).tolist() == [60]
    assert np.isinf(found.tree.lam).all()


def test_too_few_sources() -> None:
    with pytest.raises(InputError, match=r"5 sources .*min_samples = 5"):
        clustered(np.random.default_rng(0).normal(size=(5, 3)))
    clustered(np.random.default_rng(0).normal(size=(6, 3)))


def test_coordinates_that_are_not_finite() -> None:
    points = np.zeros((30, 3))
    points[4, 1] = np.nan
    with pytest.raises(InputError, match="NaN or infinite"):
        clustered(points)
