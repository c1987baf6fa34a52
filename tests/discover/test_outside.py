from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.config import NeighborsConfig
from skerry.discover.outside import DRAWN, NEAR, REASONS, class_distances, explain
from skerry.discover.space import space_of
from skerry.errors import InputError

K = NeighborsConfig(k=10)


def ball(rng: np.random.Generator, n: int, center: float, spread: float) -> np.ndarray:
    return np.eye(1, 4)[0] * center + spread * rng.normal(size=(n, 4))


def test_each_reason_where_it_should_be() -> None:
    rng = np.random.default_rng(0)
    a, b = ball(rng, 50, 10, 0.3), ball(rng, 50, 11.5, 0.3)
    between = ball(rng, 3, 10.75, 0.02)
    edge = ball(rng, 5, 9.8, 0.05)
    sea, alone = ball(rng, 900, 0, 1), 8 * rng.choice([-1, 1], size=(5, 4))
    alone = alone + rng.normal(size=(5, 4))
    x = np.vstack([a, b, between, edge, sea, alone]).astype(np.float32)
    found = explain(space_of(x, K), [np.arange(50), np.arange(50, 100)])

    assert set(found.reason) == set(REASONS)
    assert (found.reason[:100] == "member").all()
    assert (found.reason[100:103] == "between classes").all()
    assert (found.reason[103:108] == "edge of the class").all()
    assert (found.reason[-5:] == "too few alike").all()
    assert np.mean(found.reason[108:1008] == "in the sea") > 0.8
    assert (found.nearest[:50] == 0).all()
    assert (found.nearest[50:100] == 1).all()
    assert (found.nearest[103:108] == 0).all()
    assert (found.distance[108:] > 2).all()


def test_one_is_as_near_as_a_typical_member() -> None:
    rng = np.random.default_rng(1)
    x = np.vstack([ball(rng, 41, 5, 0.2), ball(rng, 300, 0, 1)]).astype(np.float32)
    found = explain(space_of(x, K), [np.arange(41)])
    assert np.median(found.distance[:41]) == pytest.approx(1)
    gap = np.sort(np.linalg.norm(x[100].astype(float) - x[:41], axis=1))[:5].mean()
    own = np.linalg.norm(x[:41, None].astype(float) - x[None, :41], axis=2)
    typical = np.median(np.sort(own, axis=1)[:, 1:6].mean(axis=1))
    assert found.distance[100] == pytest.approx(gap / typical)


def test_the_unit_is_the_classs_own() -> None:
    """Nearer in units of a wide class, though farther in the space."""
    rng = np.random.default_rng(2)
    tight, wide = ball(rng, 40, -2, 0.02), ball(rng, 40, 3, 1)
    x = np.vstack([tight, wide, np.zeros((1, 4)), ball(rng, 60, 30, 3)]).astype(np.float32)
    assert explain(space_of(x, K), [np.arange(40), np.arange(40, 80)]).nearest[80] == 1


def test_a_members_class_is_its_own_though_another_is_nearer() -> None:
    rng = np.random.default_rng(3)
    x = np.vstack([ball(rng, 40, 0, 0.1), ball(rng, 40, 5, 0.5), ball(rng, 50, 20, 2)])
    x[0] = ball(rng, 1, 5, 0.1)[0]
    for classes in ([np.arange(40), np.arange(40, 80)], [np.arange(40, 80), np.arange(40)]):
        found = explain(space_of(x.astype(np.float32), K), classes)
        assert (classes[found.nearest[0]] == 0).any()
        assert found.distance[0] > 10


def test_between_is_as_near_to_both() -> None:
    rng = np.random.default_rng(7)
    x = np.vstack([ball(rng, 60, 0, 0.3), ball(rng, 60, 1.2, 0.3), ball(rng, 6000, 20, 2)])
    x = np.vstack([x, [[at, 0, 0, 0] for at in np.linspace(-0.5, 1.7, 221)]]).astype(np.float32)
    classes = [np.arange(60), np.arange(60, 120)]
    found = explain(space_of(x, K), classes)
    one, two = (class_distances(x, m) / np.median(class_distances(x, m)[m]) for m in classes)
    limit = [np.percentile(np.delete(d, m), NEAR, method="higher") for d, m in
             zip((one, two), classes, strict=True)]  # fmt: skip
    alike = np.abs(np.log(one / two)) <= np.log(1.1)
    alike &= (one < min(2, limit[0])) & (two < min(2, limit[1]))
    np.testing.assert_array_equal(found.reason[6120:] == "between classes", alike[6120:])
    assert 3 <= np.count_nonzero(alike[6120:]) <= 100


def test_a_sea_of_many_dimensions_is_not_between_classes() -> None:
    """There all distances are alike, and below twice those between members."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=(1000, 64)).astype(np.float32)
    x[:60] *= 0.75
    classes = [np.arange(30), np.arange(30, 60)]
    found = explain(space_of(x, K), classes)
    assert (found.distance[60:] < 2).mean() > 0.9
    assert (found.reason[60:] == "between classes").mean() <= NEAR / 100


def test_without_classes() -> None:
    x = ball(np.random.default_rng(4), 100, 0, 1).astype(np.float32)
    found = explain(space_of(x, K), [])
    assert (found.nearest == -1).all()
    assert np.isnan(found.distance).all()
    assert set(found.reason) == {"in the sea", "too few alike"}
    assert np.mean(found.reason == "too few alike") == pytest.approx(0.1, abs=0.02)


def test_classes_that_overlap() -> None:
    x = ball(np.random.default_rng(5), 50, 0, 1).astype(np.float32)
    with pytest.raises(InputError, match="repeats"):
        explain(space_of(x, K), [np.arange(5), np.arange(3, 9)])


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000))
def test_the_order_of_rows_and_of_classes_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(120, 4)).astype(np.float32)
    classes = [np.arange(20), np.arange(20, 32), np.arange(32, 36)]
    order = rng.permutation(120)
    where, turn = np.argsort(order), rng.permutation(3)
    plain = explain(space_of(x, K), classes)
    moved = explain(space_of(x[order], K), [where[classes[c]] for c in turn])
    np.testing.assert_array_equal(turn[moved.nearest], plain.nearest[order])
    np.testing.assert_array_equal(moved.distance, plain.distance[order])
    np.testing.assert_array_equal(moved.reason, plain.reason[order])


def test_a_large_class_is_known_by_some_of_its_members_itself_left_out() -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=(900, 4)).astype(np.float32)
    members = np.arange(800)
    found = class_distances(x, members)
    drawn = members[np.linspace(0, 799, DRAWN).astype(int)]
    gap = np.linalg.norm(x[:, None].astype(float) - x[None, drawn], axis=2)
    gap[drawn, np.arange(DRAWN)] = np.inf
    np.testing.assert_allclose(found, np.sort(gap, axis=1)[:, :5].mean(axis=1))


def test_a_pair_counts_the_other_one() -> None:
    x = np.array([[0, 0], [3, 4], [0, 1]], dtype=np.float32)
    np.testing.assert_allclose(class_distances(x, np.array([0, 1])), [5, 5, 1])
