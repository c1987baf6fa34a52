from __future__ import annotations

import numpy as np
import pytest

from skerry.config import Config
from skerry.discover.replicate import Replicate, replicate, replicated
from skerry.discover.variants import Variant
from skerry.errors import InputError
from skerry.types import Candidate, FloatArray


def rows(values: list[int] | range) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def search(
    kind: str, *found: list[int] | range, seen: list[int] | range | None = None
) -> Replicate:
    return Replicate(kind, kind, None if seen is None else rows(seen), tuple(map(rows, found)))


def candidate(members: list[int]) -> Candidate:
    return Candidate(rows(members), np.ones(len(members), dtype=np.float32), 0.5)


def test_a_search_is_made_on_its_rows_and_told_in_rows_of_all() -> None:
    asked = []

    def run(vectors: FloatArray, config: Config, route: str) -> list[Candidate]:
        asked.append((vectors[:, 0].tolist(), config, route))
        return [candidate([2, 0])]

    vectors = np.arange(6, dtype=np.float32)[:, None]
    part = replicate(Variant("a-1", "a", rows([1, 3, 5]), Config(), "graph"), vectors, run)
    whole = replicate(Variant("b-1", "b", None, Config(), "umap-hdbscan"), vectors, run)
    assert asked == [([1, 3, 5], Config(), "graph"), ([*range(6)], Config(), "umap-hdbscan")]
    assert (part.name, part.kind, whole.kind) == ("a-1", "a", "b")
    assert part.rows is not None and whole.rows is None
    assert [f.tolist() for f in part.found] == [[5, 1]]
    assert [f.tolist() for f in whole.found] == [[2, 0]]


def test_kinds_count_alike_however_many_searches_they_have() -> None:
    hit = range(10)
    searches = [search("subsample", hit) for _ in range(9)]
    searches += [search("subsample", range(50, 60)), search("route", range(50, 60))]
    (said,) = replicated([rows(hit)], searches)
    assert said.kinds == {"subsample": (9, 10), "route": (0, 1)}
    assert said.share == pytest.approx(0.45)
    np.testing.assert_allclose(said.member_probability, 0.45)


def test_only_what_a_search_saw_is_held_against_it() -> None:
    # all that it saw of the class came back, and nothing else
    (said,) = replicated([rows(range(10))], [search("subsample", range(4), seen=range(4))])
    assert said.share == 1.0
    (said,) = replicated([rows(range(10))], [search("neighbors", range(4))])
    assert said.share == 0.0


def test_half_an_overlap_is_the_class_and_less_is_not() -> None:
    half, less = search("a", range(5)), search("a", range(4))
    assert replicated([rows(range(10))], [half])[0].share == 1.0
    assert replicated([rows(range(10))], [less])[0].share == 0.0


def test_one_member_seen_is_no_class_found() -> None:
    one = search("subsample", [0], seen=[0, 20, 21])
    two = search("subsample", [0, 1], seen=[0, 1, 20, 21])
    assert replicated([rows(range(10))], [one])[0].share == 0.0
    assert replicated([rows(range(10))], [two])[0].share == 1.0


def test_how_often_each_member_came_back() -> None:
    searches = [
        search("subsample", [0, 1, 2], seen=[0, 1, 2, 9]),
        search("subsample", [1, 2, 3], seen=[1, 2, 3, 9]),
        search("route", [1, 2, 3, 0]),
        search("size", [50, 51]),
    ]
    (said,) = replicated([rows([3, 2, 1, 0])], searches)
    # 3 and 0: half of the weight of subsample each, of 2.5; 2 and 1: all of subsample, of 3
    np.testing.assert_allclose(said.member_probability, [1.5 / 2.5, 2 / 3, 2 / 3, 1.5 / 2.5])


def test_a_member_always_found_is_certain_to_the_bit() -> None:
    searches = [search("a", range(5)) for _ in range(10)] + [search("b", range(5))] * 3
    (said,) = replicated([rows(range(5))], searches)
    assert said.share == 1.0
    assert (said.member_probability == 1.0).all()


def test_a_member_that_no_search_saw_is_as_certain_as_its_class() -> None:
    searches = [search("a", range(4), seen=range(4)), search("a", [9], seen=range(4))]
    (said,) = replicated([rows(range(5))], searches)
    assert said.member_probability[4] == said.share == 0.5


def test_rows_that_came_with_the_class() -> None:
    searches = [
        search("a", [0, 1, 2, 7, 8]),
        search("a", [0, 1, 2, 8]),
        search("a", [0, 1, 2, 6], seen=[0, 1, 2, 6]),
        search("a", [0, 1, 2]),
        # not the class: what it holds did not come with it
        search("a", [7, 9, 10, 11, 12]),
    ]
    (said,) = replicated([rows([2, 1, 0])], searches)
    # of the four that found it: 8 in two of the three that saw it, 7 and 6 in one
    assert said.joined.tolist() == [8]


def test_rows_that_a_search_did_not_see_are_not_held_against_it() -> None:
    searches = [search("a", [0, 1, 2, 8]), search("a", [0, 1, 2], seen=[0, 1, 2, 3])]
    assert replicated([rows([0, 1, 2])], searches)[0].joined.tolist() == [8]


def test_every_class_is_looked_up_by_itself() -> None:
    searches = [search("a", range(5), range(10, 15)), search("b", range(10, 15))]
    first, second, third = replicated(
        [rows(range(5)), rows(range(10, 15)), rows([30, 31])], searches
    )
    assert (first.share, second.share, third.share) == (0.5, 1.0, 0.0)
    assert third.joined.tolist() == []


def test_no_repeated_search_says_nothing() -> None:
    with pytest.raises(InputError, match="no repeated search"):
        replicated([rows([1, 2])], [])
