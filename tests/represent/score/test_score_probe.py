from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from skerry.represent.score.probe import placements, possible, probe, standardized


def test_placements_average_to_the_area_under_the_curve() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 12, 80).astype(float)  # with many ties
    positive = rng.random(80) < 0.3
    placed = placements(scores, positive)
    expected = roc_auc_score(positive, scores)
    assert placed[positive].mean() == pytest.approx(expected)
    assert placed[~positive].mean() == pytest.approx(expected)


def test_a_kind_apart_is_learned_from_ten_labels() -> None:
    rng = np.random.default_rng(0)
    of_kind = np.arange(200) < 30
    vectors = rng.normal(size=(200, 8))
    vectors[of_kind, 0] += 50
    found = probe(vectors, of_kind, 10, seed=0)
    assert (found.auc, found.low, found.high) == pytest.approx((1.0, 1.0, 1.0), abs=1e-3)


def test_more_labels_teach_more_of_a_kind_that_overlaps() -> None:
    rng = np.random.default_rng(1)
    of_kind = np.arange(400) < 120
    vectors = rng.normal(size=(400, 16)) + 0.4 * of_kind[:, None]
    few, many = (probe(vectors, of_kind, n, seed=0) for n in (10, 100))
    assert few.low < few.auc < few.high
    assert few.auc + 0.05 < many.auc
    assert 0.7 < many.auc < 0.96


def test_noise_is_at_chance_and_the_interval_says_so() -> None:
    rng = np.random.default_rng(2)
    found = probe(rng.normal(size=(300, 8)), np.arange(300) < 60, 30, seed=0)
    assert found.low < 0.5 < found.high
    assert found.high - found.low < 0.2


def test_the_interval_is_near_the_textbooks_for_one_fixed_score() -> None:
    # one feature: every draw learns the same direction, so only the galaxies scatter
    rng = np.random.default_rng(3)
    of_kind = np.arange(500) < 100
    vectors = (rng.normal(size=500) + 1.2 * of_kind)[:, None]
    found = probe(vectors, of_kind, 30, seed=0)
    a = found.auc
    q1, q2 = a / (2 - a), 2 * a**2 / (1 + a)
    # Hanley & McNeil 1982; over all draws nearly every galaxy is once among those left
    error = np.sqrt((a * (1 - a) + 99 * (q1 - a**2) + 399 * (q2 - a**2)) / (100 * 400))
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(error, rel=0.2)


def test_enough_must_be_left_to_judge_on() -> None:
    assert not possible(np.arange(100) < 9, 10)
    assert possible(np.arange(100) < 10, 10)
    assert not possible(np.arange(100) < 10, 100)  # 95 of the 90 others


def test_features_that_do_not_vary_stay() -> None:
    features = standardized(np.array([[1.0, 5.0], [3.0, 5.0]]))
    np.testing.assert_allclose(features, [[-1, 0], [1, 0]])
