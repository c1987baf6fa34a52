from __future__ import annotations

import numpy as np
import pytest

from skerry.config import NeighborsConfig
from skerry.discover import Space, space_of
from skerry.discover.second import second_coherence

N = 500


def of(x: np.ndarray) -> Space:
    return space_of(x.astype(np.float32), NeighborsConfig(k=10))


def pair(seen: bool) -> tuple[Space, Space]:
    """Two noisy views of the same sources; the class, the first 20, is in the second or not."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 4))
    views = [x + 0.2 * rng.normal(size=x.shape) for _ in range(2)]
    for view in views[: 1 + seen]:
        view[:20] = 1.5 + 0.05 * rng.normal(size=(20, 4))
    return of(views[0]), of(views[1])


def test_a_class_that_the_second_sees_too() -> None:
    value, bound = second_coherence(np.arange(20), *pair(True))
    assert value == 1 > bound > 0


def test_a_class_that_only_the_first_sees() -> None:
    value, bound = second_coherence(np.arange(20), *pair(False))
    assert value < 0.2 < bound


def test_coherence_by_hand() -> None:
    first, second = pair(False)
    rows = np.array([3, 77, 12, 410])
    near = np.linalg.norm(second.vectors[rows, None] - second.vectors[None], axis=2)
    nearest = np.argsort(near, axis=1)[:, 1:4]
    assert second_coherence(rows, first, second)[0] == np.isin(nearest, rows).mean()


def test_the_order_of_the_members_does_not_matter() -> None:
    spaces = pair(True)
    assert second_coherence(np.arange(20)[::-1], *spaces) == second_coherence(
        np.arange(20), *spaces
    )


def test_the_bound_is_that_of_neighborhoods_of_the_first() -> None:
    first, second = pair(False)
    same = second_coherence(np.arange(20), first, first)[1]
    assert same > second_coherence(np.arange(20), first, second)[1]
    scrambled = of(np.random.default_rng(1).permutation(second.vectors))
    assert second_coherence(np.arange(20), first, scrambled)[1] == pytest.approx(19 / N, abs=0.05)
