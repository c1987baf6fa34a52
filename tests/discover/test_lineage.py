from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from skerry.discover.lineage import Known, Named, class_name, inherit, lost


def ids(first: int, last: int) -> list[str]:
    return [f"s{i:03}" for i in range(first, last)]


ALL = frozenset(ids(0, 200))


def known(name: str, members: list[str]) -> Known:
    return Known(class_name(name), frozenset(members))


def inherited(
    classes: list[tuple[str, list[str]]],
    previous: list[Known],
    now: frozenset[str] = ALL,
    before: frozenset[str] = ALL,
) -> list[Named]:
    return inherit([(class_name(name), m) for name, m in classes], previous, now, before)


def test_a_class_is_called_after_its_most_central_member() -> None:
    assert class_name("J1234+56") == "SKR-J1234+56"


def test_the_same_class_keeps_its_id_though_another_member_is_central() -> None:
    said = inherited([("s003", ids(1, 20))], [known("s000", ids(0, 20))])
    assert said == [Named("SKR-s000", "kept its id (overlap 0.95)")]


def test_less_than_half_an_overlap_is_another_class() -> None:
    half = inherited([("s003", ids(0, 5))], [known("s000", ids(0, 10))])
    less = inherited([("s003", ids(0, 4))], [known("s000", ids(0, 10))])
    assert half[0].class_id == "SKR-s000"
    assert less[0].class_id == "SKR-s003"


def test_sources_that_only_one_run_has_do_not_count() -> None:
    before, now = frozenset(ids(0, 40)), frozenset(ids(10, 150))
    said = inherited([("s100", ids(10, 100))], [known("s000", ids(0, 40))], now, before)
    assert said == [Named("SKR-s000", "kept its id (overlap 1.00)")]


def test_a_split() -> None:
    said = inherited(
        [("s001", ids(0, 30)), ("s031", ids(30, 42) + ids(60, 68))], [known("s001", ids(0, 42))]
    )
    assert said == [
        Named("SKR-s001", "kept its id (overlap 0.71)"),
        Named("SKR-s031", "split from SKR-s001"),
    ]


def test_pieces_of_a_class_that_fell_apart_say_where_they_were() -> None:
    said = inherited([("s001", ids(0, 10)), ("s011", ids(10, 20))], [known("s005", ids(0, 30))])
    assert [n.class_id for n in said] == ["SKR-s001", "SKR-s011"]
    assert {n.history for n in said} == {"split from SKR-s005"}


def test_a_merger_keeps_the_id_of_the_best_match() -> None:
    previous = [known("s000", ids(0, 10)), known("s010", ids(10, 30))]
    (said,) = inherited([("s005", ids(0, 30))], previous)
    assert said.class_id == "SKR-s010"
    assert said.history == "kept its id (overlap 0.67); merged from SKR-s000 and SKR-s010"


def test_a_merger_of_many_small_ones_is_a_new_class() -> None:
    previous = [known(f"s0{i}0", ids(10 * i, 10 * i + 10)) for i in (2, 0, 1)]
    (said,) = inherited([("s005", ids(0, 30))], previous)
    assert said == Named("SKR-s005", "merged from SKR-s000, SKR-s010 and SKR-s020")


def test_a_class_that_swallowed_a_smaller_one_says_so() -> None:
    (said,) = inherited([("s050", ids(0, 90))], [known("s000", ids(0, 20))])
    assert said == Named("SKR-s050", "grew from SKR-s000")


def test_a_class_that_was_nothing_is_new() -> None:
    said = inherited([("s100", ids(98, 120))], [known("s000", ids(0, 100))])
    assert said == [Named("SKR-s100", "new")]
    assert inherited([("s100", ids(98, 120))], []) == [Named("SKR-s100", "new")]


def test_a_class_of_sources_that_the_previous_run_lacked_is_new() -> None:
    said = inherited(
        [("s100", ids(100, 120))], [known("s000", ids(0, 20))], before=ALL - set(ids(90, 200))
    )
    assert said == [Named("SKR-s100", "new")]


def test_the_first_run_has_no_history() -> None:
    assert inherited([("s001", ids(0, 9))], [], before=frozenset()) == [Named("SKR-s001", "")]


def test_an_id_in_use_gets_a_number() -> None:
    # the heir of SKR-s000 is the class without s000, which leads a class of its own now
    said = inherited(
        [("s000", ["s000", *ids(50, 60)]), ("s005", ids(1, 20))], [known("s000", ids(0, 20))]
    )
    assert [n.class_id for n in said] == ["SKR-s000-2", "SKR-s000"]


def test_the_id_of_a_lost_class_goes_to_no_other() -> None:
    said = inherited([("s000", ["s000", *ids(50, 60)])], [known("s000", ids(0, 20))])
    assert said == [Named("SKR-s000-2", "new")]


def test_a_number_that_another_class_has_is_passed_over() -> None:
    previous = [known("s000", ids(0, 20)), known("s000-2", ids(20, 40))]
    said = inherited([("s000", ["s000", *ids(50, 60)]), ("s000-3", ids(60, 70))], previous)
    assert [n.class_id for n in said] == ["SKR-s000-4", "SKR-s000-3"]


def test_where_the_members_of_a_lost_class_went() -> None:
    previous = [known("s020", ids(20, 40)), known("s000", ids(0, 20)), known("s100", ids(100, 110))]
    classes = [("SKR-s100", ids(100, 110)), ("SKR-b", ids(0, 4)), ("SKR-a", ids(4, 12))]
    first, second = lost(previous, classes, ALL - set(ids(18, 20)) - set(ids(20, 40)))
    assert (first.class_id, second.class_id) == ("SKR-s000", "SKR-s020")
    assert first.went == (("SKR-a", 8), ("SKR-b", 4))
    assert (first.unclustered, first.absent) == (6, 2)
    assert first.sentence == (
        "SKR-s000 was not found again: of its 20 members 8 in SKR-a, 4 in SKR-b, 6 in no class, "
        "2 not in this run"
    )
    assert (second.went, second.unclustered, second.absent) == ((), 0, 20)


def partition(seed: int) -> list[tuple[str, list[str]]]:
    """Classes without overlap among 60 sources, each called after one of its members."""
    draw = random.Random(seed)
    sources = ids(0, 60)
    draw.shuffle(sources)
    cuts = sorted(draw.sample(range(60), 6))
    groups = [sources[a:b] for a, b in pairwise(cuts)]
    return [(draw.choice(g), g) for g in groups]


seeds = st.integers(0, 10_000)


@given(seeds, seeds, seeds)
def test_neither_the_order_of_classes_nor_of_members_matters(a: int, b: int, c: int) -> None:
    previous, classes = [known(n, m) for n, m in partition(a)], partition(b)
    expected = dict(zip([n for n, _ in classes], inherited(classes, previous), strict=True))
    draw = random.Random(c)
    draw.shuffle(previous)
    draw.shuffle(classes)
    shuffled = [(name, draw.sample(members, len(members))) for name, members in classes]
    said = inherited(shuffled, previous)
    assert {name: n for (name, _), n in zip(classes, said, strict=True)} == expected
    assert len({n.class_id for n in said}) == len(said)


@given(seeds, seeds)
def test_the_same_run_again_keeps_every_id(a: int, b: int) -> None:
    before, classes = [known(n, m) for n, m in partition(a)], partition(b)
    first = inherited(classes, before)
    then = [Known(n.class_id, frozenset(m)) for n, (_, m) in zip(first, classes, strict=True)]
    again = inherited(classes, then)
    assert [n.class_id for n in again] == [n.class_id for n in first]
    assert {n.history for n in again} == {"kept its id (overlap 1.00)"}
    assert (
        lost(then, [(n.class_id, m) for n, (_, m) in zip(again, classes, strict=True)], ALL) == []
    )
