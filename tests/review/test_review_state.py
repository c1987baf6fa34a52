"""Laws of what stands after a number of actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.errors import RunError
from skerry.review import Action, Reviews, reviewed
from skerry.review.actions import from_record
from skerry.review.state import last_standing, undone

CLASSES, SOURCES = ["A", "B", "C"], ["s1", "s2", "s3"]


@st.composite
def logs(draw: st.DrawFn) -> list[Action]:
    """Actions numbered from 1; each undo is of one that is not undone, undos among them."""
    log: list[Action] = []
    for number in range(1, draw(st.integers(0, 12)) + 1):
        gone = undone(log)
        standing = [a.number for a in log if a.number not in gone]
        log.append(replace(draw(actions(standing)), number=number, when=f"t{number}", who="w"))
    return log


def actions(standing: Sequence[int]) -> st.SearchStrategy[Action]:
    classes, sources = st.sampled_from(CLASSES), st.sampled_from(SOURCES)
    texts = st.text(min_size=1, max_size=5)
    held = st.sampled_from(["endorse", "dismiss"])
    kinds = [
        st.builds(Action, st.just("name"), classes, text=texts),
        st.builds(Action, held, classes, st.one_of(st.just(""), sources), text=st.just("")),
        st.builds(Action, st.just("note"), classes, st.one_of(st.just(""), sources), text=texts),
        st.builds(Action, st.just("note"), st.just(""), sources, text=texts),
        st.permutations(CLASSES).map(lambda c: Action("merge", c[0], others=(c[1],))),
        st.builds(lambda c, n, i: Action("split", c, parts=((n, (i,)),)), classes, texts, sources),
    ]
    if standing:
        kinds.append(st.sampled_from(list(standing)).map(lambda n: Action("undo", undoes=n)))
    return st.one_of(kinds)


@settings(max_examples=60)
@given(logs())
def test_undoing_the_last_action_gives_the_state_before_it(log: list[Action]) -> None:
    if not log:
        return
    undo = Action("undo", undoes=log[-1].number, number=len(log) + 1)
    assert reviewed([*log, undo]) == reviewed(log[:-1])
    # and undoing that brings it back
    again = Action("undo", undoes=undo.number, number=len(log) + 2)
    assert reviewed([*log, undo, again]) == reviewed(log)


@settings(max_examples=60)
@given(logs())
def test_what_is_undone_might_as_well_not_have_been(log: list[Action]) -> None:
    state = reviewed(log)
    left = [a for a in log if a.kind != "undo" and a.number not in state.undone]
    assert reviewed(left) == state == reviewed(log)
    last = last_standing(log)
    assert (last.number if last else 0) == max([a.number for a in left], default=0)


@settings(max_examples=60)
@given(logs())
def test_actions_survive_being_stored(log: list[Action]) -> None:
    assert [from_record(a.to_record()) for a in log] == log


def numbered(*made: Action) -> Reviews:
    return reviewed([replace(a, number=n, who=f"w{n}", when=f"t{n}") for n, a in
                     enumerate(made, start=1)])  # fmt: skip


def test_the_last_word_counts_and_notes_add_up() -> None:
    state = numbered(
        Action("endorse", "A"),
        Action("note", "A", text="round"),
        Action("dismiss", "A", text="stars"),
        Action("name", "A", text="peas"),
        Action("name", "A", text="green peas"),
        Action("endorse", "A", "s1"),
        Action("dismiss", "A", "s1"),
        Action("note", "", "s1", text="seen before"),
    )
    found = state.of_class("A")
    assert (found.name, found.review, found.who, found.when) == (
        "green peas", "dismissed", "w3", "t3",
    )  # fmt: skip
    assert found.number == 3  # a name changes nothing of that
    assert [(n.text, n.who) for n in found.notes] == [("round", "w2"), ("stars", "w3")]
    assert state.of_source("A", "s1").review == "dismissed"
    assert state.of_source("", "s1").notes[0].text == "seen before"
    assert not state.of_class("B").review and not state.of_source("B", "s1").who


def test_a_merged_class_brings_its_sources_and_the_later_action_counts() -> None:
    state = numbered(
        Action("dismiss", "B", "s1"),
        Action("endorse", "C", "s2"),
        Action("merge", "B", others=("C",)),
        Action("merge", "A", others=("B",)),
        Action("endorse", "A", "s1"),
        Action("dismiss", "D", "s3"),
    )
    assert state.whole("A") == ("A", "B", "C") and state.whole("C") == ("C",)
    assert {k: v.review for k, v in state.held("A").items()} == {
        "s1": "endorsed", "s2": "endorsed",
    }  # fmt: skip
    assert state.held("B")["s1"].review == "dismissed"


def test_a_note_is_no_later_word_on_a_source() -> None:
    said = (
        Action("dismiss", "A", "s1"),
        Action("endorse", "B", "s1"),
        Action("merge", "A", others=("B",)),
    )
    for log in (said, (*said, Action("note", "A", "s1", text="looked again"))):
        assert numbered(*log).held("A")["s1"].review == "endorsed"


def test_a_line_of_a_later_version_is_told() -> None:
    with pytest.raises(RunError, match="later version"):
        from_record({"number": 1, "kind": "vote"})
    with pytest.raises(RunError, match="later version"):
        from_record({"kind": "note"})
