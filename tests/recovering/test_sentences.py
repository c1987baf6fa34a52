from __future__ import annotations

import math

import pytest

from skerry.discover.separation import Separation
from skerry.recovering.curve import Limit, Point
from skerry.recovering.sentences import (
    cautions,
    of_controls,
    of_limit,
    of_separation,
    of_unreachable,
    percent,
)

APART = Separation(0.97, 0.96, 0.98, 3.0, 2.5, 3.5, 40.0, 50, 2000)


def points(*found: int) -> list[Point]:
    pairs = zip((0.001, 0.002, 0.004), found, strict=True)
    return [Point(1.0, p, round(20_000 * p), 20, hits, hits / 20, new=0) for p, hits in pairs]


def test_a_limit_between_prevalences() -> None:
    told = of_limit(Limit(1.0, 0.00084, 0.0, 0.0012), points(10, 20, 20), several=False)
    assert told == (
        "A class like this would have been found with 90% probability if it made up more than "
        "0.084% of the sample (17 sources; 95% interval below 0.1% to 0.12%)."
    )
    told = of_limit(Limit(0.5, 0.003, 0.002, math.inf), points(0, 10, 19), several=True)
    assert told.startswith("At visibility 0.5: A class like this")
    assert told.endswith("(60 sources; 95% interval 0.2% to above 0.4%).")


@pytest.mark.parametrize(
    ("high", "end"),
    [
        (0.0, "the limit is there or below."),
        (0.0015, "the limit is probably there or below (95% interval up to 0.15%)."),
        (math.inf, "probably there or below, though its 95% interval reaches beyond 0.4%."),
    ],
)
def test_every_prevalence_reached(high: float, end: str) -> None:
    told = of_limit(Limit(1.0, 0.0, 0.0, high), points(20, 20, 20), several=False)
    assert "at every prevalence planted, down to 0.1% of the sample (20 sources)" in told
    assert "20 of 20 realizations (95% interval 88% to 100%)" in told
    assert told.endswith(end)


@pytest.mark.parametrize(
    ("low", "end"),
    [
        (math.inf, "the limit, if there is one, is above."),
        (0.0035, "is probably above (95% interval from 0.35%)."),
        (0.0, "is probably above, though its 95% interval reaches below 0.1%."),
    ],
)
def test_no_prevalence_reached(low: float, end: str) -> None:
    told = of_limit(Limit(1.0, math.inf, low, math.inf), points(0, 5, 10), several=False)
    assert told.startswith(
        "No prevalence planted is shown to reach a probability of 90%: at the largest"
    )
    assert "0.4% of the sample (80 sources), a class like this was found in 10 of 20" in told
    assert told.endswith(end)


def test_what_was_not_planted_is_told_once_a_reason() -> None:
    gone = [
        Point(1.0, p, n, unreachable=why)
        for p, n, why in ((0.001, 1, "too few"), (0.002, 2, "too few"), (0.2, 200, "too many"))
    ]
    assert of_unreachable([]) == ""
    assert of_unreachable(gone) == (
        "Not planted: 0.1% of the sample (1 source), 0.2% of the sample (2 sources); too few. "
        "Not planted: 20% of the sample (200 sources); too many."
    )


def test_controls_tell_the_worst_prevalence() -> None:
    worst = [Point(None, 0.001, 20, 20, 0, new=1), Point(None, 0.002, 40, 20, 2, new=0)]
    told = of_controls(worst)
    assert "found as a class in 2 of 20 realizations (95% interval 2% to 28%)" in told
    assert "appeared in 1 (1% to 21%)." in told


def test_cautions() -> None:
    planted = [Point(1.0, 0.001, 20, 20, 0, joined=0.0, pieces=0)]
    fine = [Point(None, 0.001, 20, 20, 0, new=0)]
    assert cautions(planted, fine, None) == []
    few = [Point(None, 0.001, 20, 19, 0, new=0)]
    assert "Realizations made: 19" in cautions(planted, few, None)[0]
    assert "area 0.970" in cautions(planted, fine, APART)[0]
    assert "More than 1%" in cautions(planted, [Point(None, 0.02, 400, 20, 0)], None)[0]
    found = [Point(None, 0.001, 20, 20, 1, new=0)]
    assert "cannot be used" in cautions(planted, found, None)[0]
    joined = [*planted, Point(1.0, 0.002, 40, 20, 0, joined=0.3, pieces=0)]
    assert "Up to 30% of the planted" in cautions(joined, fine, None)[0]
    pieces = [*planted, Point(1.0, 0.002, 40, 20, 0, joined=0.0, pieces=2)]
    assert "In up to 2 of 20 realizations a piece" in cautions(pieces, fine, None)[0]


def test_separation_in_words() -> None:
    told = of_separation("rings", APART)
    assert "tells rings from the survey's sources with an area" in told
    assert "0.970 (0.960 to 0.980)" in told
    assert "3.0 times as many of them as by chance (2.5 to 3.5; at most 40.0)" in told


@pytest.mark.parametrize(
    ("share", "text"), [(0.0008, "0.08%"), (0.01, "1%"), (0.123, "12%"), (0.000123, "0.012%")]
)
def test_percent(share: float, text: str) -> None:
    assert percent(share) == text
