from __future__ import annotations

import numpy as np
import pytest

from skerry.represent.score.votes import from_heads, groups, ridge, rmse
from skerry.represent.trees.schema import GZ2, GZ2_TRAINED


def shares(n: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    found = rng.random((n, len(GZ2_TRAINED.columns)))
    for s in GZ2_TRAINED.slices:
        found[:, s] /= found[:, s].sum(1, keepdims=True)
    return found


def test_heads_give_cumulative_fractions_in_any_order_and_nothing_else() -> None:
    votes = shares(6)
    order = np.random.default_rng(1).permutation(votes.shape[1])
    names = [GZ2_TRAINED.columns[i] for i in order]
    found = from_heads(votes[:, order], names, GZ2)
    expected = GZ2_TRAINED.cumulative(votes)
    for i, column in enumerate(GZ2.columns):
        if column in GZ2_TRAINED.columns:
            at = GZ2_TRAINED.columns.index(column)
            np.testing.assert_allclose(found[:, i], expected[:, at])
        else:
            assert np.isnan(found[:, i]).all()


def test_a_question_that_lacks_a_head_counts_as_none() -> None:
    found = from_heads(shares(3)[:, 1:], GZ2_TRAINED.columns[1:], GZ2)
    assert np.isnan(found[:, GZ2.slices[0]]).all()
    assert np.isfinite(found[:, GZ2.slices[1]]).all()
    assert np.isnan(from_heads(np.empty((3, 0)), (), GZ2)).all()


def test_ridge_recovers_a_linear_truth_and_stays_in_range() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(400, 6)) * [1, 1, 1, 1, 1, 1000]
    truth = np.clip(0.5 + vectors[:, :2] * [[0.1, 0.3]], -9, 9)
    found = ridge(vectors[:300], truth[:300], vectors[300:])
    np.testing.assert_allclose(found, np.clip(truth[300:], 0, 1), atol=0.01)
    assert found.min() >= 0 and found.max() <= 1


def test_ridge_on_noise_gives_about_the_mean() -> None:
    rng = np.random.default_rng(0)
    found = ridge(rng.normal(size=(300, 40)), rng.random((300, 1)), rng.normal(size=(200, 40)))
    assert found.std() < 0.06


def test_errors_are_root_mean_squares_with_an_interval() -> None:
    truth = np.zeros((50, 3))
    expected = np.tile([0.1, 0.3, np.nan], (50, 1))
    found = rmse(expected, truth, {"a": [0], "both": [0, 1], "lost": [1, 2]}, seed=0)
    assert found["a"] == pytest.approx((0.1, 0.1, 0.1))
    assert found["both"] == pytest.approx((np.sqrt(0.05),) * 3)
    assert "lost" not in found
    rng = np.random.default_rng(0)
    value, low, high = rmse(rng.normal(size=(200, 2)), np.zeros((200, 2)), {"a": [0, 1]}, 0)["a"]
    assert low < value < high
    assert value == pytest.approx(1.0, abs=0.15)


def test_groups_cover_all_answers_once_by_question() -> None:
    found = groups(GZ2, GZ2_TRAINED.columns)
    assert list(found)[:3] == ["all 37 answers", "28 answers with heads", "9 answers without heads"]
    assert sorted(i for q in GZ2.questions for i in found[q.name]) == list(range(37))
    assert list(groups(GZ2, ()))[1] == GZ2.questions[0].name
