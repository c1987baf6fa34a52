from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.config import ClassesConfig
from skerry.discover import distinctive, rare_classes
from skerry.types import Candidate

COLUMNS = ("bar-gz2_yes", "bar-gz2_no", "smooth-or-featured-gz2_featured-or-disk", "flat_yes")
VOTES = np.array(
    [[0.9, 0.1, 0.5, 0.3]] * 2 + [[0.3, 0.7, 0.5, 0.3], [0.2, 0.8, 0.6, 0.3]] * 3, dtype=np.float32
)
IDS = tuple("hgfedcba")


def candidate(members: list[int], persistence: float) -> Candidate:
    probability = np.linspace(1, 0.5, len(members)).astype(np.float32)
    return Candidate(np.array(members), probability, persistence)


def test_named_ranked_and_described() -> None:
    given = [candidate([7, 6], 0.4), candidate([1, 0], 0.9), candidate([3, 4, 5], 0.4)]
    found = rare_classes(given, IDS, VOTES, COLUMNS, ClassesConfig(exemplars=2))
    assert [c.class_id for c in found] == ["SKR-g", "SKR-e", "SKR-a"]
    assert [c.rank for c in found] == [1, 2, 3]
    assert found[1].members == ("e", "d", "c")
    assert found[1].exemplars == ("e", "d")
    assert found[1].probability == (1.0, 0.75, 0.5)
    assert found[1].persistence == 0.4
    assert found[0].votes == pytest.approx(dict(zip(COLUMNS, [0.9, 0.1, 0.5, 0.3], strict=True)))
    assert all(c.verdict == "unjudged" and c.p_value is c.q_value is None for c in found)
    assert all(c.route == "umap-hdbscan" for c in found)
    assert all(type(v) is float for c in found for v in (*c.votes.values(), *c.probability))


def test_of_equals_the_name_decides() -> None:
    given = [candidate([0, 1], 0.5), candidate([6, 7], 0.5)]
    found = rare_classes(given, IDS, VOTES, COLUMNS, ClassesConfig())
    assert [c.class_id for c in found] == ["SKR-b", "SKR-h"]


def test_no_candidates_no_classes() -> None:
    assert rare_classes([], IDS, VOTES, COLUMNS, ClassesConfig()) == []


def test_without_votes_nothing_is_said() -> None:
    none = np.zeros((8, 0), dtype=np.float32)
    (found,) = rare_classes([candidate([0, 1], 0.5)], IDS, none, (), ClassesConfig())
    assert found.votes == {}
    assert distinctive([found], none, ()) == {"SKR-h": ""}


def test_what_sets_a_class_apart() -> None:
    (found,) = rare_classes([candidate([0, 1], 0.5)], IDS, VOTES, COLUMNS, ClassesConfig())
    said = distinctive([found], VOTES, COLUMNS, n=3)["SKR-h"]
    assert said.startswith("bar yes 0.90 (all: 0.41), bar no 0.10 (all: 0.59), ")
    assert said.endswith("smooth or featured featured or disk 0.50 (all: 0.54)")
    assert distinctive([found], VOTES, COLUMNS, n=1) == {"SKR-h": "bar yes 0.90 (all: 0.41)"}
    assert distinctive([], VOTES, COLUMNS) == {}


@given(st.lists(st.sets(st.integers(0, 7), min_size=1), max_size=4), st.integers(0, 5))
def test_every_class_is_described_as_if_alone(groups: list[set[int]], n: int) -> None:
    drawn = [candidate(sorted(rows), 0.5) for rows in groups]
    found = rare_classes(drawn, IDS, VOTES, COLUMNS, ClassesConfig())
    said = distinctive(found, VOTES, COLUMNS, n)
    assert set(said) == {one.class_id for one in found}
    for one in {one.class_id: one for one in found}.values():
        assert said[one.class_id] == distinctive([one], VOTES, COLUMNS, n)[one.class_id]
        assert said[one.class_id].count("(all: ") == min(n, len(COLUMNS))


def test_an_answer_all_sources_share_comes_last() -> None:
    (found,) = rare_classes([candidate([2, 4], 0.5)], IDS, VOTES, COLUMNS, ClassesConfig())
    assert distinctive([found], VOTES, COLUMNS, n=4)["SKR-f"].endswith("flat yes 0.30 (all: 0.30)")
