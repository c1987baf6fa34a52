from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.discover.matching import Matcher, among, best_match, jaccard

rows_of = st.lists(st.integers(0, 30), unique=True, max_size=12)


def rows(values: list[int] | range) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def test_jaccard_is_the_shared_part_of_all() -> None:
    assert jaccard(rows([3, 1, 2]), rows([2, 3, 9, 8, 7])) == pytest.approx(2 / 6)
    assert jaccard(rows([4, 2]), rows([2, 4])) == 1.0
    assert jaccard(rows([]), rows([])) == 0.0


def test_the_best_overlap_is_found_and_of_equals_the_first() -> None:
    found = [rows([50, 51]), rows([0, 1, 2, 3, 4]), rows([2, 1, 0]), rows([0, 1, 2])]
    assert best_match(rows([2, 0, 1]), found) == (2, 1.0)


def test_nothing_shared_matches_nothing() -> None:
    assert best_match(rows([1, 2]), [rows([3]), rows([])]) == (-1, 0.0)
    assert best_match(rows([1, 2]), []) == (-1, 0.0)
    assert best_match(rows([]), [rows([3])]) == (-1, 0.0)


@given(rows_of, st.lists(rows_of, max_size=6))
def test_the_matcher_agrees_with_comparing_every_pair(
    members: list[int], found: list[list[int]]
) -> None:
    overlaps = [jaccard(rows(members), rows(f)) for f in found]
    best = max(overlaps, default=0.0)
    expected = (overlaps.index(best), best) if best > 0 else (-1, 0.0)
    assert Matcher([rows(f) for f in found]).best(rows(members)) == expected


@given(rows_of, rows_of)
def test_among_is_membership(members: list[int], seen: list[int]) -> None:
    expected = [m in seen for m in members]
    assert among(rows(members), rows(sorted(seen))).tolist() == expected
    assert among(rows(members), None).all()
