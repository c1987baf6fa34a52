from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.config import ClassesConfig
from skerry.discover.classes import TOLD, Found, distinctive, rare_classes
from skerry.discover.judge import Judgement
from skerry.types import Candidate, Check, RareClass, Verdict

COLUMNS = ("bar-gz2_yes", "bar-gz2_no", "smooth-or-featured-gz2_featured-or-disk", "flat_yes")
VOTES = np.array(
    [[0.9, 0.1, 0.5, 0.3]] * 2 + [[0.3, 0.7, 0.5, 0.3], [0.2, 0.8, 0.6, 0.3]] * 3, dtype=np.float32
)
IDS = tuple("hgfedcba")


def candidate(members: list[int], containment: float = 0.5, **known: Any) -> Found:
    probability = np.linspace(1, 0.5, len(members)).astype(np.float32)
    one = Candidate(np.array(members), probability, 0.25)
    return Found(one, f"SKR-{IDS[members[0]]}", 2.5, 0.1, containment, **known)


def judged(verdict: Verdict) -> Judgement:
    return Judgement(verdict, (Check("null", 0.01, 0.05, True, "."),), ("so",), 0.002, 0.01)


def classes(found: Sequence[Found], config: ClassesConfig | None = None) -> list[RareClass]:
    return rare_classes(found, IDS, VOTES, COLUMNS, config or ClassesConfig(), "graph")


def test_named_ranked_and_described() -> None:
    given = [candidate([7, 6], 0.4), candidate([1, 0], 0.9), candidate([3, 4, 5], 0.4)]
    found = classes(given, ClassesConfig(exemplars=2))
    assert [c.class_id for c in found] == ["SKR-g", "SKR-e", "SKR-a"]
    assert [c.rank for c in found] == [1, 2, 3]
    assert found[1].members == ("e", "d", "c")
    assert found[1].exemplars == ("e", "d")
    assert found[1].probability == (1.0, 0.75, 0.5)
    assert (found[1].persistence, found[1].overdensity, found[1].isolation) == (0.25, 2.5, 0.1)
    assert [c.containment for c in found] == [0.9, 0.4, 0.4]
    assert found[0].votes == pytest.approx(dict(zip(COLUMNS, [0.9, 0.1, 0.5, 0.3], strict=True)))
    assert all(c.verdict == "unjudged" and c.p_value is c.q_value is None for c in found)
    assert all(c.replication is None and c.reasons == () for c in found)
    assert all(c.route == "graph" for c in found)
    assert all(type(v) is float for c in found for v in (*c.votes.values(), *c.probability))


def test_what_is_contained_alike_and_as_large_ranks_by_isolation_whatever_its_name() -> None:
    near, far = candidate([0], 3.0), replace(candidate([7], 3.0), isolation=0.2)
    assert near.isolation < far.isolation
    assert [c.isolation for c in classes([near, far])] == [0.2, 0.1]
    near, far = candidate([7], 3.0), replace(candidate([0], 3.0), isolation=0.2)
    assert [c.isolation for c in classes([near, far])] == [0.2, 0.1]


def test_the_verdict_ranks_before_containment() -> None:
    verdicts: list[Verdict] = ["rejected", "confirmed", "tentative", "unjudged", "confirmed"]
    given = [
        candidate([row], containment, judgement=judged(verdict))
        for row, (verdict, containment) in enumerate(zip(verdicts, (9, 1, 8, 7, 2), strict=True))
    ]
    found = classes(given)
    assert [c.class_id for c in found] == ["SKR-d", "SKR-g", "SKR-f", "SKR-h", "SKR-e"]
    assert [c.rank for c in found] == [1, 2, 3, 4, 5]
    assert classes(given[::-1]) == found


def test_a_judgement_and_repeated_searches_go_into_the_class() -> None:
    back = np.array([0.5, 1.0], dtype=np.float32)
    known = {"replication": 0.8, "returned": back, "history": "kept its id (overlap 0.93)"}
    (found,) = classes([candidate([0, 1], judgement=judged("tentative"), **known)])
    assert (found.p_value, found.q_value, found.replication) == (0.002, 0.01, 0.8)
    assert found.probability == (0.5, 1.0)
    assert (found.reasons, found.checks) == (("so",), judged("tentative").checks)
    assert found.history == "kept its id (overlap 0.93)"


def test_there_is_a_probability_for_each_member() -> None:
    with pytest.raises(ValueError, match="3 probabilities, 2 members"):
        classes([candidate([0, 1], returned=np.ones(3, np.float32))])


def test_of_equals_the_larger_then_the_name_decides() -> None:
    found = classes([candidate([0, 1]), candidate([6, 7]), candidate([2, 3, 4])])
    assert [c.class_id for c in found] == ["SKR-f", "SKR-b", "SKR-h"]


def test_no_candidates_no_classes() -> None:
    assert classes([]) == []


def test_without_votes_nothing_is_said() -> None:
    none = np.zeros((8, 0), dtype=np.float32)
    (found,) = rare_classes([candidate([0, 1])], IDS, none, (), ClassesConfig(), "graph")
    assert found.votes == {}
    assert distinctive([found], none, ()) == {"SKR-h": ""}


def test_what_sets_a_class_apart() -> None:
    (found,) = classes([candidate([0, 1])])
    said = distinctive([found], VOTES, COLUMNS, n=3)["SKR-h"]
    # 0.50 beside 0.54 of all is no difference to tell
    assert said == "bar yes 0.90 (all: 0.41), bar no 0.10 (all: 0.59)"
    assert distinctive([found], VOTES, COLUMNS, n=1) == {"SKR-h": "bar yes 0.90 (all: 0.41)"}
    assert distinctive([], VOTES, COLUMNS) == {}


@given(st.lists(st.sets(st.integers(0, 7), min_size=1), max_size=4), st.integers(0, 5))
def test_every_class_is_described_as_if_alone(groups: list[set[int]], n: int) -> None:
    found = classes([candidate(sorted(rows)) for rows in groups])
    said = distinctive(found, VOTES, COLUMNS, n)
    assert set(said) == {one.class_id for one in found}
    for one in {one.class_id: one for one in found}.values():
        assert said[one.class_id] == distinctive([one], VOTES, COLUMNS, n)[one.class_id]
        differ = np.abs(np.array([one.votes[c] for c in COLUMNS]) - VOTES.mean(0)) >= TOLD
        assert said[one.class_id].count("(all: ") == min(n, int(differ.sum()))


def test_an_answer_all_sources_share_is_not_told() -> None:
    (found,) = classes([candidate([2, 4])])
    assert "flat" not in distinctive([found], VOTES, COLUMNS, n=4)["SKR-f"]
