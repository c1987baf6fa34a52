from __future__ import annotations

import numpy as np
import pytest

from skerry.config import Config, NeighborsConfig, from_mapping
from skerry.discover import Space, space_of
from skerry.discover.around import STEPS, surroundings
from skerry.types import Candidate

N = 3000
SMALL = from_mapping({"replication": {"whole_below": 1000}})
GROUPS = (np.arange(20), np.arange(20, 60))


@pytest.fixture(scope="module")
def space() -> Space:
    """Two groups in a sea, and, far away, an island of 30 that no edge joins to the rest."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 4))
    for group in GROUPS:
        x[group] = rng.normal(size=4) * 2 + 0.05 * rng.normal(size=(len(group), 4))
    x[-30:] = 1000 + rng.normal(size=(30, 4))
    return space_of(x.astype(np.float32), NeighborsConfig(k=10))


def candidates(*groups: np.ndarray) -> list[Candidate]:
    return [Candidate(rows, np.ones(len(rows), np.float32), 0.0) for rows in groups]


def test_of_few_sources_all_are_searched(space: Space) -> None:
    at = from_mapping({"replication": {"whole_below": N}})
    assert surroundings(candidates(*GROUPS), [0.0, 0.0], space, at) is None
    assert surroundings(candidates(*GROUPS), [0.0, 0.0], space, Config()) is None


def test_what_chance_does_not_explain_is_held_whole_with_its_neighbors(space: Space) -> None:
    found = surroundings(candidates(*GROUPS), [0.01, 0.9], space, SMALL)
    assert found is not None and found.dtype == np.int64 and (np.diff(found) > 0).all()
    near = GROUPS[0]
    for _ in range(STEPS):
        near = np.union1d(near, space.graph.indices[near])
    assert np.isin(near, found).all() and len(found) < N
    # and of all others a sample
    assert np.isin(np.arange(2000), found).all()
    outside = np.setdiff1d(np.arange(2000, N), near)
    assert len(outside) and not np.isin(outside, found).any()


def test_without_nulls_every_candidate_is_held(space: Space) -> None:
    found = surroundings(candidates(*GROUPS), [None, None], space, SMALL)
    assert found is not None and np.isin(np.concatenate(GROUPS), found).all()


def test_where_chance_explains_all_nothing_is_searched_again(space: Space) -> None:
    found = surroundings(candidates(*GROUPS), [0.05, 1.0], space, SMALL)
    assert found is not None and found.shape == (0,) and found.dtype == np.int64


def test_what_is_ordinary_is_there_even_around_an_island(space: Space) -> None:
    """No edge leads out of it: alone it would be all that is searched."""
    island = np.arange(N - 30, N)
    found = surroundings(candidates(island[:12]), [0.0], space, SMALL)
    assert found is not None
    assert found.tolist() == [*range(2000), *island.tolist()]
