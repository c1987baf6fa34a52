"""A class is believed only where chance, repetition and every check let it be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.discover.checks import Bound, Evidence
from skerry.discover.heldout import Foretold, HeldOut
from skerry.discover.judge import ABSOLUTE, ENOUGH, Judgement, judge, thresholds
from skerry.discover.measure import pooled
from skerry.discover.replicate import Replicated
from skerry.types import Measures

BOUNDS = {
    "isolation": Bound(0.3, True),
    "containment": Bound(2.4, True),
    "coherence": Bound(0.6, True),
    "spread": Bound(0.8, True),
}


def replicated(share: float) -> Replicated:
    kinds = {"subsample": (9, 10), "route": (1, 1), "own": (0, 2)}
    return Replicated(share, kinds, np.ones(40), np.empty(0, np.int64))


GOOD = Evidence(
    size=40,
    isolation=np.log(2),
    overdensity=1.8,
    coherence=0.9,
    spread=0.4,
    containment=6.5,
    p=0.001,
    q=0.004,
    replicated=replicated(0.75),
    held_out=HeldOut(Foretold(3.1, 0.001), Foretold(4.2, 0.0001)),
)
NAMES = ["null", "isolation", "coherence", "spread", "size", "replication", "held-out half"]


def judged(**changed: object) -> Judgement:
    return judge(replace(GOOD, **changed), BOUNDS, 10, 100)  # type: ignore[arg-type]


def chance(values: list[float], size: float = 40) -> Measures:
    column = np.array(values, dtype=np.float64)
    return Measures(np.full(len(column), size), *[column] * 5)


def test_what_passes_everything_is_confirmed() -> None:
    found = judged()
    assert found.verdict == "confirmed"
    assert [check.name for check in found.checks] == NAMES
    assert all(check.passed for check in found.checks)
    assert (found.p, found.q) == (0.001, 0.004)
    assert len(found.reasons) == 2
    assert "q = 0.004" in found.reasons[0] and "75%" in found.reasons[1]


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"isolation": 0.3}, "isolation"),
        ({"coherence": 0.6}, "coherence"),
        ({"spread": 0.8}, "spread"),
        ({"size": 9}, "size"),
        ({"size": 101}, "size"),
        ({"replicated": replicated(0.49)}, "replication"),
        ({"held_out": HeldOut(None, None)}, "held-out half"),
        ({"held_out": HeldOut(None, Foretold(1.1, 0.3))}, "held-out half"),
        ({"second": (0.5, 0.5)}, "second encoder"),
        ({"edge": (81, 80)}, "edge"),
    ],
)
def test_one_failed_check_makes_it_tentative(changed: dict[str, object], name: str) -> None:
    found = judged(**changed)
    assert found.verdict == "tentative"
    assert [check.name for check in found.checks if not check.passed] == [name]
    (reason,) = found.reasons
    failed = next(check for check in found.checks if check.name == name)
    assert f"({failed.value:.3g}, held against {failed.threshold:.3g})" in reason
    assert np.isfinite([failed.value, failed.threshold]).all()


@pytest.mark.parametrize(
    "changed",
    [
        {"size": 10},
        {"size": 100},
        {"replicated": replicated(0.5)},
        {"second": (0.51, 0.5)},
        {"edge": (80, 80)},
    ],
)
def test_the_ends_of_what_is_asked_for_pass(changed: dict[str, object]) -> None:
    assert judged(**changed).verdict == "confirmed"


def test_without_repeated_searches_nothing_is_confirmed() -> None:
    found = judged(replicated=None, held_out=None)
    assert found.verdict == "tentative"
    assert "replication" not in [check.name for check in found.checks]
    assert found.reasons == (
        "No search was repeated, so it is not known whether it would come back.",
    )


def test_what_chance_explains_is_rejected_whatever_else_it_passes() -> None:
    found = judged(q=0.05)
    assert found.verdict == "rejected"
    assert "(0.05, held against 0.05)" in found.reasons[0]
    both = judged(q=0.4, coherence=0.1)
    assert both.verdict == "rejected" and len(both.reasons) == 2


def test_without_featureless_data_it_stays_unjudged() -> None:
    found = judge(replace(GOOD, p=None, q=None, spread=1.2), thresholds({}, 40), 10, 100)
    assert found.verdict == "unjudged"
    assert "null" not in [check.name for check in found.checks]
    assert len(found.reasons) == 2 and found.reasons[0].startswith("No featureless data")


def test_the_sentences_say_what_was_measured_and_what_against() -> None:
    said = {check.name: check.sentence for check in judged(second=(0.55, 0.5)).checks}
    assert said["null"].startswith(
        "The share of its edges in the neighbor graph that leads out of it is 6.5 standard "
        "deviations below what is usual of groups of its size; in featureless data 95% of chance "
        "groups stay at or below 2.4."
    )
    assert "chance is expected to give 0.4% (q = 0.004" in said["null"]
    assert "lies 2 times as far" in said["isolation"]
    assert said["isolation"].endswith("at or below 1.35.")
    assert "90% are members themselves" in said["coherence"] and "60%" in said["coherence"]
    assert "half of the chance groups of like size stay below 0.8." in said["spread"]
    assert said["size"] == "It has 40 members; a rare class has from 10 to 100."
    assert "9 of 10 on random subsets" in said["replication"]
    assert "1 of 1 by the other route, 0 of 2 with another own): 75%" in said["replication"]
    assert (
        "each by itself" in said["held-out half"]
        and "4.2 standard deviations" in said["held-out half"]
    )
    assert "(p = 0.0002 for ordinary groups)" in said["held-out half"]
    one = judged(held_out=HeldOut(Foretold(3.1, 0.001), None)).checks[-1]
    assert one.passed and ": one by itself" in one.sentence
    none = judged(held_out=HeldOut(None, None)).checks[-1]
    assert "neither by itself" in none.sentence and "p = " not in none.sentence
    assert "55%" in said["second encoder"]


def test_a_sentence_admits_a_bound_that_was_not_measured() -> None:
    few = thresholds({"smooth": chance([5.0] * (ENOUGH - 1))}, 40)
    assert few == {name: Bound(value, False) for name, value in ABSOLUTE.items()}
    said = {c.name: c.sentence for c in judge(GOOD, few, 10, 100).checks}
    for name in ("null", "isolation", "coherence", "spread"):
        assert "too few chance groups" in said[name], name
    assert "exceed a fixed bound, 50%" in said["coherence"]
    assert "stay below a fixed bound, 1." in said["spread"]


def test_the_hardest_kind_sets_the_bound() -> None:
    easy, hard = [0.1] * 50, [2.0] * 50
    bounds = thresholds({"easy": chance(easy), "hard": chance(hard), "few": chance([9.0])}, 40)
    assert bounds["isolation"] == Bound(2.0, True)
    assert bounds["spread"] == Bound(0.1, True)
    # a kind with too few groups still asks for the fixed bound
    loose = thresholds({"easy": chance(easy), "few": chance([9.0])}, 40)
    assert loose["coherence"] == Bound(0.5, False)
    assert loose["isolation"] == Bound(0.1, True)


def test_a_class_is_held_against_chance_groups_of_its_own_size() -> None:
    small, large = chance([0.6] * 30, 12), chance([0.9] * 30, 100)
    both = {"smooth": pooled([small, large])}
    for name in ("isolation", "coherence", "spread"):
        assert thresholds(both, 20)[name] == Bound(0.6, True), name
        assert thresholds(both, 60)[name] == Bound(0.9, True), name
    # of a size that chance groups do not have
    assert thresholds(both, 40)["spread"] == Bound(1.0, False)
    assert thresholds(both, 40)["coherence"] == Bound(0.9, True)
    # containment is counted from what is usual of the size already
    assert thresholds(both, 20)["containment"] == Bound(0.9, True)


@given(st.lists(st.floats(0.01, 10), min_size=ENOUGH, max_size=90))
def test_no_more_than_a_twentieth_of_chance_groups_pass(values: list[float]) -> None:
    bounds = thresholds({"smooth": chance(values)}, 40)
    drawn = np.array(values)
    for name in ("isolation", "containment", "coherence"):
        assert bounds[name].measured
        assert np.mean(drawn > bounds[name].value) <= 0.05
    assert np.mean(drawn < bounds["spread"].value) <= 0.5
