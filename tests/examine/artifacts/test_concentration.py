"""Members that gather in a detector or on the sky, against chance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from skerry.examine.artifacts.concentration import gathered_in, gathered_on_sky

N = 400


def detectors(seed: int) -> list[str]:
    return [f"S{i:02d}" for i in np.random.default_rng(seed).integers(0, 20, N)]


def test_members_of_one_detector_gather() -> None:
    names = detectors(0)
    members = np.array([i for i, name in enumerate(names) if name in ("S03", "S07")][:24])
    found = gathered_in(names, members, 199, np.random.default_rng(0))
    assert found.p == pytest.approx(1 / 200)
    expected = 24 * 23 / 2 / 20
    assert found.expected == pytest.approx(expected, rel=0.2)
    assert found.low < expected < found.high < found.statistic
    assert "of 24 in S0" in found.most


@pytest.mark.parametrize("kind", ["words", "sky"])
def test_members_drawn_at_random_seldom_gather(kind: str) -> None:
    """As often as the test's level: 80 classes at 10%, one in 10,000 by chance."""
    rng, p = np.random.default_rng(1), []
    names = detectors(1)
    places = np.stack([rng.uniform(0, 5, N), rng.uniform(0, 5, N)], axis=1)
    places[: N // 2] = places[rng.integers(0, 20, N // 2)] + rng.normal(0, 0.02, (N // 2, 2))
    for _ in range(80):
        members = rng.choice(N, 20, replace=False)
        if kind == "words":
            p.append(gathered_in(names, members, 39, rng).p)
        else:
            p.append(gathered_on_sky(places, members, 39, rng).p)
    assert (np.array(p) <= 0.1).sum() <= binom.ppf(1 - 1e-4, 80, 0.1)


def test_members_close_on_the_sky_gather() -> None:
    rng = np.random.default_rng(2)
    places = np.stack([rng.uniform(0, 5, N), rng.uniform(60, 65, N)], axis=1)
    places[:20] = np.array([2, 62]) + rng.normal(0, 0.05, (20, 2))
    found = gathered_on_sky(places, np.arange(20), 199, rng)
    assert found.p == pytest.approx(1 / 200)
    assert found.statistic < found.low < found.expected < found.high
    assert found.statistic < 5


def test_empty_values_and_missing_positions_are_left_out() -> None:
    names = ["", "", *detectors(3)[2:]]
    rng = np.random.default_rng(0)
    assert gathered_in(names, np.arange(12), 19, rng).members == 10
    with pytest.raises(ValueError, match="2 of both"):
        gathered_in(["a"] * N, np.arange(9), 19, rng)
    with pytest.raises(ValueError, match="2 of both"):
        gathered_in(names, np.arange(2), 19, rng)
    places = rng.uniform(0, 5, (N, 2))
    places[:3] = np.nan
    assert gathered_on_sky(places, np.arange(12), 19, rng).members == 9
    with pytest.raises(ValueError, match="position"):
        gathered_on_sky(places, np.arange(5), 19, rng)
