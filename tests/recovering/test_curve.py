from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import beta

from skerry.recovering.curve import Limit, Point, jeffreys, limit, point
from skerry.recovering.search import Outcome

PREVALENCES = (0.0005, 0.001, 0.002, 0.004, 0.008)


def points(*found: int, n: int = 20) -> list[Point]:
    """At all ``PREVALENCES``, or of three at the middle ones."""
    at = PREVALENCES if len(found) == len(PREVALENCES) else PREVALENCES[1:-1]
    return [
        Point(1.0, p, round(1e4 * p), n, hits, hits / n) for p, hits in zip(at, found, strict=True)
    ]


def outcome(verdict: str, new: int = 0) -> Outcome:
    matched = bool(verdict)
    return Outcome(
        20, 1020, 0.8 if matched else 0.1, 0.9, 0.85, verdict, 0.01, 1.0, 0.9, "", 0.25, 2, new
    )


def curve(steepness: float, middle: float, ceiling: float = 1.0) -> tuple[np.ndarray, float]:
    """Shares at ``PREVALENCES`` on a logistic curve, and the prevalence at which it is 90%."""
    x = np.log(PREVALENCES)
    shares = ceiling / (1 + np.exp(-steepness * (x - math.log(middle))))
    return shares, middle * math.exp(math.log(0.9 / (ceiling - 0.9)) / steepness)


@pytest.mark.parametrize(("steepness", "middle"), [(2.0, 0.0007), (4.0, 0.002), (8.0, 0.0025)])
def test_with_many_realizations_the_limit_is_the_truth(steepness: float, middle: float) -> None:
    """As is none between straight lines: these put the second at 0.0033, and it is 0.00346."""
    shares, truth = curve(steepness, middle)
    n = 4000
    found = limit(1.0, points(*np.rint(shares * n).astype(int).tolist(), n=n))
    assert found.prevalence == pytest.approx(truth, rel=0.06)


def test_a_limit_holds_its_crossing_and_narrows_with_more_realizations() -> None:
    few, many = limit(1.0, points(0, 15, 20)), limit(1.0, points(0, 150, 200, n=200))
    for found in (few, many):
        assert 0.002 < found.prevalence < 0.004
        assert found.low < found.prevalence < found.high
    assert many.low > few.low
    assert many.high < few.high
    assert limit(1.0, points(0, 15, 20)[::-1]) == few


def test_limits_beyond_what_was_planted() -> None:
    assert limit(1.0, points(200, 200, 200, n=200)) == Limit(1.0, 0.0, 0.0, 0.0)
    # 20 of 20 may still be less than 90%
    some = limit(1.0, points(20, 20, 20))
    assert (some.prevalence, some.low) == (0.0, 0.0)
    assert 0.001 < some.high < 0.002
    assert limit(1.0, points(0, 1, 2)) == Limit(1.0, math.inf, math.inf, math.inf)
    # of three realizations none fixes a limit: the interval reaches beyond
    assert limit(1.0, points(0, 0, 3, n=3)).high == math.inf


@pytest.mark.parametrize(
    ("steepness", "middle", "ceiling"), [(2.0, 0.0008, 1.0), (4.0, 0.0015, 1.0), (4.0, 0.001, 0.96)]
)
def test_the_interval_covers_the_truth(steepness: float, middle: float, ceiling: float) -> None:
    """Of 150 curves with a known limit about 95% of the intervals hold it."""
    rng = np.random.default_rng(0)
    shares, truth = curve(steepness, middle, ceiling)
    assert PREVALENCES[0] < truth < PREVALENCES[-1]
    held = 0
    for _ in range(150):
        found = limit(1.0, points(*rng.binomial(20, shares).tolist()))
        held += found.low <= truth <= found.high
    assert 0.9 <= held / 150 <= 1


def test_a_ceiling_below_the_probability_has_no_limit() -> None:
    assert limit(1.0, points(160, 160, 160, n=200)) == Limit(1.0, math.inf, math.inf, math.inf)


def test_jeffreys_interval_holds_95_percent_of_the_posterior() -> None:
    for hits in range(21):
        posterior = beta(hits + 0.5, 20.5 - hits)
        low, high = jeffreys(hits, 20)
        assert low == (0.0 if hits == 0 else pytest.approx(posterior.ppf(0.025)))
        assert high == (1.0 if hits == 20 else pytest.approx(posterior.ppf(0.975)))


def test_a_point_counts_each_verdict() -> None:
    verdicts = ["confirmed", "confirmed", "tentative", "rejected", ""]
    made = point(0.5, 0.002, 20, [outcome(v, new=2 * (v == "rejected")) for v in verdicts])
    assert (made.found, made.tentative, made.candidate, made.new) == (2, 1, 4, 1)
    assert made.pieces == 5
    assert (made.share, made.realizations, made.planted) == (0.4, 5, 20)
    # in a control what is confirmed is new, whatever it is made of
    assert point(None, 0.002, 20, [outcome(v) for v in verdicts]).new == 5
    assert made.jaccard == pytest.approx(0.8)
    assert made.joined == pytest.approx(0.25)
    nothing = point(None, 0.002, 20, [outcome("")])
    assert (nothing.found, nothing.jaccard, nothing.low) == (0, None, 0.0)
