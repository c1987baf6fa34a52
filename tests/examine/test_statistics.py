"""Laws of the shared tests and intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.examine.statistics import exact_interval, q_values, rank_difference


def test_q_values_leave_out_what_was_not_tested() -> None:
    q = q_values(np.array([0.01, np.nan, 0.04, 0.5]))
    np.testing.assert_allclose(q[[0, 2, 3]], [0.03, 0.06, 0.5])
    assert np.isnan(q[1])
    assert np.isnan(q_values(np.array([np.nan]))).all()


def test_an_exact_interval() -> None:
    assert exact_interval(0, 0) == (0.0, 1.0)
    low, high = exact_interval(5, 50)
    assert low == pytest.approx(0.0333, abs=1e-3) and high == pytest.approx(0.2181, abs=1e-3)


values = st.lists(st.integers(-20, 20), min_size=2, max_size=30)


@given(values, values)
def test_a_difference_is_the_share_of_pairs(a: list[int], b: list[int]) -> None:
    x, y = np.array(a, float), np.array(b, float)
    effect, low, high, p = rank_difference(x, y)
    assert effect == pytest.approx(np.sign(x[:, None] - y).mean(), abs=1e-9)
    assert -1 <= low <= effect + 0.2 and effect - 0.2 <= high <= 1 and low <= high
    assert 0 <= p <= 1
    back = rank_difference(y, x)
    assert back[0] == pytest.approx(-effect) and back[3] == pytest.approx(p)


def test_intervals_cover_and_tests_keep_their_level() -> None:
    rng = np.random.default_rng(0)
    truth = 0.2763  # of normal deviates half a standard deviation apart
    covered, false = 0, 0
    for _ in range(400):
        x, y = rng.normal(0.5, 1, 25), rng.normal(0, 1, 300)
        _, low, high, _ = rank_difference(x, y)
        covered += low <= truth <= high
        false += rank_difference(rng.normal(size=25), y)[3] < 0.05
    assert covered / 400 > 0.92 and false / 400 < 0.08


def test_samples_that_do_not_overlap() -> None:
    effect, low, high, p = rank_difference(np.arange(5.0), np.arange(10.0, 30))
    assert effect == -1 and low < -0.9 < high < 0 and p < 0.001
    with pytest.raises(ValueError, match="2 or more"):
        rank_difference(np.zeros(1), np.zeros(5))
