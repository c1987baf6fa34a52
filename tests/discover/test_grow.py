from __future__ import annotations

import numpy as np
import pytest

from skerry.config import NeighborsConfig
from skerry.discover.grow import conformal, grow
from skerry.discover.space import Space, space_of
from skerry.errors import InputError


def planted(seed: int) -> tuple[Space, np.ndarray]:
    """A class of 60 at the rim of a wide sea; the order of rows says nothing."""
    rng = np.random.default_rng(seed)
    own = np.eye(1, 8)[0] * 3.5 + 0.25 * rng.normal(size=(60, 8))
    x = np.vstack([own, rng.normal(size=(1500, 8))]).astype(np.float32)
    order = rng.permutation(len(x))
    return space_of(x[order], NeighborsConfig(k=10)), np.argsort(order)[:60]


@pytest.mark.parametrize("seed", range(3))
def test_withheld_members_come_before_the_sea(seed: int) -> None:
    space, own = planted(seed)
    known, withheld = own[:42], own[42:]
    rows, score = grow(space, known)
    assert set(rows[:18]) == set(withheld)
    # as members were withheld at random, their scores are fair p-values; the sea's are not
    assert np.median(score[:18]) == pytest.approx(0.5, abs=0.25)
    assert score[18:].max() <= 0.1


def test_ranked_limited_and_outside() -> None:
    space, own = planted(3)
    rows, score = grow(space, own, limit=20)
    assert len(rows) == len(score) == 20
    assert not set(rows) & set(own)
    assert (np.diff(score) <= 0).all()
    assert ((score > 0) & (score <= 1)).all()
    every, _ = grow(space, own, limit=10_000)
    assert len(every) == 1500


def test_the_score_is_a_share_of_members() -> None:
    inside = np.array([1.0, 2.0, 2.0, 4.0])
    found = conformal(inside, np.array([0.5, 1.0, 2.0, 3.0, 4.0, 9.0]))
    np.testing.assert_allclose(found, np.array([5, 5, 4, 2, 2, 1]) / 5)


def test_members_of_other_data() -> None:
    with pytest.raises(InputError, match="other data"):
        grow(planted(0)[0], np.array([0, 5000]))
