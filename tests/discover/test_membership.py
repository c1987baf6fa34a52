from __future__ import annotations

import numpy as np
import pytest

from skerry.backends import parallel
from skerry.config import NeighborsConfig
from skerry.discover import membership
from skerry.discover.membership import FLOOR, labels_of, soft_membership
from skerry.discover.space import Space, space_of
from skerry.errors import InputError


def line(n: int = 200, k: int = 4) -> Space:
    """Sources one after another, so that a distance is a number of rows."""
    x = np.arange(n, dtype=np.float32)[:, None]
    return space_of(np.hstack([x, 0 * x]), NeighborsConfig(k=k))


def planted(seed: int = 0, n: int = 1000) -> tuple[Space, list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    sea = rng.normal(size=(n - 80, 6))
    a = 3 + 0.1 * rng.normal(size=(40, 6))
    b = -3 + 0.1 * rng.normal(size=(40, 6))
    space = space_of(np.vstack([a, b, sea]).astype(np.float32), NeighborsConfig(k=15))
    return space, [np.arange(40), np.arange(40, 80)]


def test_members_are_their_own_and_the_rest_of_a_row_is_the_seas() -> None:
    space, classes = planted()
    soft = soft_membership(space, classes)
    assert soft.shape == (1000, 2)
    assert soft.dtype == np.float64
    dense = soft.toarray()
    np.testing.assert_array_equal(dense[:40], np.tile([1.0, 0.0], (40, 1)))
    np.testing.assert_array_equal(dense[40:80], np.tile([0.0, 1.0], (40, 1)))
    assert (dense[80:].sum(axis=1) < 1).all()
    assert soft.data.min() >= FLOOR


def test_withheld_members_are_mostly_in() -> None:
    space, (a, b) = planted()
    soft = soft_membership(space, [a[:25], b]).toarray()
    assert soft[25:40, 0].min() > 0.5
    assert np.median(soft[80:, 0]) == 0


def test_fades_with_distance_and_by_the_leak() -> None:
    space = line()
    soft = soft_membership(space, [np.arange(80, 120)]).toarray()[:, 0]
    outward = soft[120:140]
    assert outward[0] < 0.8  # even where every step leads in, one in five is the sea's
    assert (np.diff(outward) <= 0).all()
    assert outward[0] > 0.2 > outward[5]
    assert outward[19] == 0
    np.testing.assert_allclose(outward, soft[60:80][::-1], atol=1e-12)


def test_halfway_between_two_classes_is_of_both() -> None:
    soft = soft_membership(line(), [np.arange(90, 100), np.arange(101, 111)]).toarray()
    np.testing.assert_allclose(soft[100, 0], soft[100, 1], rtol=1e-9)
    assert soft[100].sum() == pytest.approx(0.8)


def test_is_a_walk_of_ten_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a dense walk by hand, which drops nothing on its way."""
    monkeypatch.setattr(membership, "_FLOOR_BETWEEN", 0.0)
    x = np.random.default_rng(1).normal(size=(300, 6)).astype(np.float32)
    right = np.argsort(-x[:, 0])
    classes = [right[:30], right[-30:]]
    space = space_of(x, NeighborsConfig(k=5))
    d = space.graph.distances.astype(np.float64)
    kernel = np.zeros((300, 300))
    for i in range(300):
        for j, gap in zip(space.graph.indices[i], d[i], strict=True):
            kernel[i, j] = kernel[j, i] = np.exp(-(gap**2) / (d[i, -1] * d[j, -1]))
    step = 0.8 * kernel / kernel.sum(axis=1, keepdims=True)
    held = np.zeros((300, 2))
    held[classes[0], 0] = held[classes[1], 1] = 1
    soft = held
    for _ in range(10):
        soft = np.where(held.sum(axis=1, keepdims=True) > 0, held, step @ soft)
    found = soft_membership(space, classes)
    np.testing.assert_allclose(found.toarray(), np.where(soft >= FLOOR, soft, 0), rtol=1e-9)
    assert found.data.min() < 2 * FLOOR


def test_what_is_dropped_on_the_way_is_hardly_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    space, (a, b) = planted(1)
    dropped = soft_membership(space, [a[:20], b])
    monkeypatch.setattr(membership, "_FLOOR_BETWEEN", 0.0)
    assert abs(dropped - soft_membership(space, [a[:20], b])).max() < 2 * FLOOR


def test_far_from_everything_and_without_classes() -> None:
    x = np.random.default_rng(3).normal(size=(60, 3)).astype(np.float32)
    x[0] = 1e6
    space = space_of(x, NeighborsConfig(k=5))
    soft = soft_membership(space, [np.arange(1, 30)])
    assert soft[0].nnz == 0
    assert np.isfinite(soft.data).all()
    assert soft_membership(space, []).shape == (60, 0)


@pytest.mark.parametrize(
    ("classes", "says"),
    [
        ([[0, 1], [1, 2]], "repeats"),
        ([[0, 0]], "repeats"),
        ([[0, 10]], "other data"),
        ([[-1, 3]], "other data"),
        ([[4]], "two or more"),
    ],
)
def test_classes_that_cannot_be(classes: list[list[int]], says: str) -> None:
    with pytest.raises(InputError, match=says):
        labels_of(10, [np.array(c) for c in classes])


def test_a_walk_looks_at_no_more_than_it_meets() -> None:
    """Of a long line ten steps either way: memory does not grow with what is far away."""
    space, classes = line(20_000), [np.arange(9_980, 10_020)]
    found = soft_membership(space, classes)
    assert found.shape == (20_000, 1)
    walk = membership._Walk(space.graph, labels_of(20_000, classes))
    soft = found
    for _ in range(membership.STEPS):
        soft = walk.step(soft)
    assert walk.kernel.shape[0] < 40 + 2 * 2 * 2 * membership.STEPS + 20


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("seed", range(5))
def test_a_row_of_the_kernel_hangs_on_no_other(seed: int, k: int) -> None:
    """Worked out with the others that a walk meets, or with all there are."""
    x = np.cumsum(np.random.default_rng(seed).exponential(size=60)).astype(np.float32)[:, None]
    space, classes = space_of(np.hstack([x, 0 * x]), NeighborsConfig(k=k)), [np.arange(20, 30)]
    everyone = membership._Walk(space.graph, labels_of(60, classes))
    kernel = everyone._rows(np.arange(60))
    met = membership._Walk(space.graph, labels_of(60, classes))
    for row in np.random.default_rng(seed).permutation(60):
        mine = met._rows(np.array([row]))
        assert mine.data.tobytes() == kernel[row].data.tobytes()
        assert mine.indices.tolist() == kernel[row].indices.tolist()


@pytest.mark.parametrize("threads", [1, 2])
def test_bytes_hang_on_no_blocks_and_threads(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    space, classes = planted(2)
    expected = soft_membership(space, classes)
    monkeypatch.setattr(membership, "_BLOCK", 77)
    with parallel.on_threads(threads):
        found = soft_membership(space, classes)
    for name in ("data", "indices", "indptr"):
        assert getattr(found, name).tobytes() == getattr(expected, name).tobytes()
