from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.discover import assign as module
from skerry.discover.assign import Assigned, Assigner
from skerry.errors import ConfigError, InputError


def draw(rng: np.random.Generator, sizes: tuple[int, int, int]) -> np.ndarray:
    """So many of two classes and of a wide sea around them."""
    a, b = np.eye(2, 8) * 3
    parts = [
        a + 0.2 * rng.normal(size=(sizes[0], 8)),
        b + 0.3 * rng.normal(size=(sizes[1], 8)),
        rng.normal(size=(sizes[2], 8)),
    ]
    return np.vstack(parts).astype(np.float32)


def fitted(seed: int = 0, **settings: float) -> tuple[Assigner, np.ndarray]:
    x = draw(np.random.default_rng(seed), (80, 60, 2000))
    return Assigner.fit(x, [np.arange(80), np.arange(80, 140)], **settings), x


ASSIGNER = fitted(9)[0]


def same(one: Assigned, other: Assigned, rows: np.ndarray) -> None:
    for name in ("label", "p_value", "nearest", "distance"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name)[rows])


def test_new_sources_of_each_kind() -> None:
    assigner, _ = fitted()
    found = assigner.assign(draw(np.random.default_rng(1), (200, 200, 4000)))
    assert np.mean(found.label[:200] == 0) > 0.85
    assert np.mean(found.label[200:400] == 1) > 0.85
    # a survey twice as large holds twice as many false ones: twice 5% of 140, and some chance
    assert np.count_nonzero(found.label[400:] >= 0) <= 2 * 0.05 * 140 + 6
    assert (found.nearest[:200] == 0).all()
    assert np.median(found.distance[:200]) == pytest.approx(1, abs=0.15)
    # the members' p-values are spread evenly, as those of a fair draw are
    assert np.mean(found.p_value[:200]) == pytest.approx(0.5, abs=0.1)
    assert ((found.p_value > 0) & (found.p_value <= 1)).all()


def test_the_rates_are_what_leaving_out_gives() -> None:
    assigner, x = fitted()
    first = assigner.classes[0]
    gap = np.linalg.norm(x[:, None].astype(float) - x[None, :80], axis=2)
    gap[np.arange(80), np.arange(80)] = np.inf
    to_class = np.sort(gap, axis=1)[:, :5].mean(axis=1)
    gap = np.linalg.norm(x[:, None].astype(float) - x[None, 140:], axis=2)
    gap[np.arange(140, len(x)), np.arange(2000)] = np.inf
    score = to_class / np.sort(gap, axis=1)[:, :5].mean(axis=1)
    np.testing.assert_allclose(first.scores, np.sort(score[:80]))
    assert first.kept == np.mean(score[:80] <= first.threshold)
    assert first.false_rate == np.sum(score[140:] <= first.threshold) / 80
    assert first.kept >= 0.95


def overlapping(max_false: float) -> tuple[Assigner, np.ndarray]:
    """A class no denser than the sea it is in: its members cannot be kept without the sea's."""
    x = np.random.default_rng(2).normal(size=(1000, 3)).astype(np.float32)
    x = x[np.argsort(np.linalg.norm(x, axis=1))]
    return Assigner.fit(x, [np.arange(40)], max_false=max_false), x


@pytest.mark.parametrize("max_false", [0.0, 0.05, 0.2])
def test_false_ones_are_bounded_before_members_are_kept(max_false: float) -> None:
    found = overlapping(max_false)[0].classes[0]
    assert found.false_rate <= max_false
    assert found.kept < overlapping(1.0)[0].classes[0].kept
    # and no lower than it has to be: one more false one would be too many
    if max_false:
        assert found.false_rate > max_false - 2 / 40


def test_level_is_the_share_of_members_given_up() -> None:
    assert fitted(level=0.0)[0].classes[0].kept == 1
    # ceil(0.7 * 81) = 57 of 80
    assert fitted(level=0.3)[0].classes[0].kept == 57 / 80


def test_what_the_run_said_holds() -> None:
    """However tight or loose the thresholds: also for members and sources that they miss."""
    assigner, x = fitted(level=0.9, max_false=0.0)
    np.testing.assert_array_equal(assigner.assign(x).label, np.repeat([0, 1, -1], [80, 60, 2000]))
    loose, x = overlapping(1.0)
    assert loose.classes[0].false_rate > 0.2
    np.testing.assert_array_equal(loose.assign(x).label, np.repeat([0, -1], [40, 960]))


def test_of_classes_that_accept_a_source_the_nearest_has_it() -> None:
    rng = np.random.default_rng(3)
    own = np.repeat([[5.0], [5.2]], 200, axis=0) + 0.3 * rng.normal(size=(400, 8))
    known, new = own[::2].astype(np.float32), own[1::2].astype(np.float32)
    sea = rng.normal(size=(500, 8)).astype(np.float32)
    both = Assigner.fit(np.vstack([known, sea]), [np.arange(100), np.arange(100, 200)])
    found = both.assign(new)
    alone = [Assigner(both.sea, (c,)).assign(new).label == 0 for c in both.classes]
    expected = np.select(
        [alone[0] & alone[1], alone[0], alone[1]], [found.nearest, np.int64(0), np.int64(1)], -1
    )
    np.testing.assert_array_equal(found.label, expected)
    assert set(found.label[alone[0] & alone[1]]) == {0, 1}


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_each_source_is_treated_by_itself(seed: int) -> None:
    rng = np.random.default_rng(seed)
    new = draw(rng, (10, 10, 30))
    rows = rng.permutation(50)[: rng.integers(1, 51)]
    same(ASSIGNER.assign(new[rows]), ASSIGNER.assign(new), rows)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10_000))
def test_the_order_of_the_run_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = draw(rng, (12, 9, 60))
    order = rng.permutation(len(x))
    where = np.argsort(order)
    classes = [np.arange(12), np.arange(12, 21)]
    new = draw(rng, (5, 5, 20))
    plain = Assigner.fit(x, classes).assign(new)
    moved = Assigner.fit(x[order], [rng.permutation(where[c]) for c in classes]).assign(new)
    same(moved, plain, np.arange(30))


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    new = draw(np.random.default_rng(5), (10, 10, 80))
    whole = ASSIGNER.assign(new)
    monkeypatch.setattr(module, "_BLOCK", 7)
    same(ASSIGNER.assign(new), whole, np.arange(100))
    same(ASSIGNER.assign(np.asfortranarray(new)), whole, np.arange(100))


def test_no_classes_and_no_sources() -> None:
    x = draw(np.random.default_rng(6), (5, 5, 50))
    found = Assigner.fit(x, []).assign(x)
    assert (found.label == -1).all() and (found.nearest == -1).all()
    assert np.isnan(found.distance).all() and np.isnan(found.p_value).all()
    assert len(ASSIGNER.assign(x[:0]).label) == 0


def test_what_cannot_be_fitted() -> None:
    x = draw(np.random.default_rng(7), (20, 20, 50))
    with pytest.raises(InputError, match="in no class"):
        Assigner.fit(x[:25], [np.arange(20)])
    with pytest.raises(ConfigError, match="max_false"):
        Assigner.fit(x, [np.arange(20)], max_false=-1)
    with pytest.raises(ConfigError, match="level"):
        Assigner.fit(x, [np.arange(20)], level=float("nan"))


@pytest.mark.parametrize(("one", "other"), [(0, 1), (60, 61), (0, 60)])
def test_vectors_that_repeat(one: int, other: int) -> None:
    x = draw(np.random.default_rng(8), (20, 20, 50))
    x[other] = x[one]
    with pytest.raises(InputError, match="distinct"):
        Assigner.fit(x, [np.arange(20)])


def test_what_cannot_be_assigned() -> None:
    with pytest.raises(InputError, match="encoder of the run"):
        ASSIGNER.assign(np.zeros((3, 5), np.float32))
    with pytest.raises(InputError, match="NaN"):
        ASSIGNER.assign(np.full((3, 8), np.nan, np.float32))
