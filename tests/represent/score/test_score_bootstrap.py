from __future__ import annotations

import numpy as np
import pytest

from skerry.represent.score import bootstrap
from skerry.represent.score.bootstrap import crossed_interval, mean_interval, weights, wilson


def test_resamples_draw_n_of_n_and_do_not_depend_on_blocks(monkeypatch) -> None:
    whole = np.concatenate(list(weights(30, 1)))
    assert whole.shape == (bootstrap.RESAMPLES, 30)
    assert (whole.sum(1) == 30).all()
    monkeypatch.setattr(bootstrap, "_BLOCK", 1000)
    np.testing.assert_array_equal(np.concatenate(list(weights(30, 1))), whole)
    assert not np.array_equal(np.concatenate(list(weights(30, 2))), whole)


def test_intervals_of_a_mean_cover_it_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        low, high = mean_interval(rng.normal(3.0, 2.0, 40), trial)
        covered += low <= 3.0 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_crossed_intervals_know_both_sources_of_scatter() -> None:
    rng = np.random.default_rng(0)
    members, draws = rng.normal(size=50), rng.normal(size=(20, 1))
    width = {
        name: np.ptp(crossed_interval(values, 0))
        for name, values in {
            "members": np.tile(members, (20, 1)),
            "draws": np.tile(draws, (1, 50)),
            "both": members + draws,
        }.items()
    }
    assert width["members"] == pytest.approx(np.ptp(mean_interval(members, 0)), rel=0.1)
    assert width["draws"] == pytest.approx(np.ptp(mean_interval(draws[:, 0], 0)), rel=0.1)
    assert width["both"] == pytest.approx(np.hypot(width["members"], width["draws"]), rel=0.1)


@pytest.mark.parametrize(
    "hits, n, low, high", [(9, 10, 0.5958, 0.9821), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0)]
)
def test_wilson_intervals(hits: int, n: int, low: float, high: float) -> None:
    assert wilson(hits, n) == pytest.approx((low, high), abs=1e-4)
