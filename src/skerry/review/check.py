"""Whether an action can be done: an error says what is there and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from skerry.errors import InputError
from skerry.review.actions import KINDS, Action
from skerry.review.known import Known, some
from skerry.review.state import Reviews, last_standing, reviewed, undone


def checked(action: Action, known: Known, log: Sequence[Action]) -> Action:
    """The action as it can be logged after those of ``log``, its texts trimmed, an undo of the
    last action with that one's number.

    Raises
    ------
    InputError
        It names a class or a source that the run has not, lacks a text, or goes against an
        earlier action that stands.
    """
    if action.kind not in KINDS:
        raise InputError(f"no action {action.kind!r}; expected one of {', '.join(KINDS)}")
    for text in (action.text, action.who, *(name for name, _ in action.parts)):
        _require_text(text)
    if action.kind == "undo":
        bare = Action("undo", undoes=action.undoes, who=action.who, when=action.when)
        return _undo(bare, known, log)
    action = replace(action, text=_text(action))
    _require_allowed(action, known, reviewed(log))
    return action


LONGEST = 10_000
"""Characters of a text: a field that readers of CSV take, with room for what is escaped."""


def _require_text(text: str) -> None:
    if not isinstance(text, str):
        raise InputError(f"{text!r} is no text; give one")
    if len(text) > LONGEST:
        raise InputError(
            f"a text has {len(text):,} characters, more than {LONGEST:,}; keep it short, or put it "
            "where the note says"
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{text!r} is no Unicode text; write it in UTF-8") from error


def _text(action: Action) -> str:
    text = action.text.strip()
    if action.kind in ("name", "note") and not text:
        what = f"{action.kind} for {action.class_id or action.id_str or 'it'}"
        raise InputError(f"the {what} is empty; give some text, or undo the one before it")
    # a name is shown in one line
    return " ".join(text.split()) if action.kind == "name" else text


def _require_allowed(action: Action, known: Known, state: Reviews) -> None:
    if action.class_id or action.kind != "note":
        known.require_class(action.class_id)
    elif not action.id_str:
        raise InputError("a note needs a class or a source that it is about; name one")
    if action.id_str:
        _source(action, known)
    if (action.others and action.kind != "merge") or (action.parts and action.kind != "split"):
        raise InputError(
            f"{action.kind} is of one class; only merge takes others, and only split takes parts"
        )
    if action.kind == "merge":
        _merge(action, known, state)
    elif action.kind == "split":
        _split(action, known, state)
    elif action.class_id and not action.id_str:
        _require_not_merged(action.class_id, state)


def _source(action: Action, known: Known) -> None:
    if action.kind not in ("endorse", "dismiss", "note"):
        raise InputError(f"{action.kind} is of whole classes; leave {action.id_str!r} out")
    known.require_source(action.id_str)
    if action.kind != "note" and action.id_str in known.failed:
        raise InputError(
            f"{action.id_str} could not be read ({known.failed[action.id_str]}) and can be in no "
            f"class; write a note about it instead of {action.kind}"
        )


def _merge(action: Action, known: Known, state: Reviews) -> None:
    target = action.class_id
    if not action.others:
        raise InputError(f"nothing to merge into {target}; name one class or more after it")
    for other in action.others:
        known.require_class(other)
        if other == target:
            raise InputError(f"{other} cannot be merged with itself; name another class")
        if action.others.count(other) > 1:
            raise InputError(f"{other} is named twice; name each class once")
    for name in (target, *action.others):
        _require_not_merged(name, state)


def _require_not_merged(class_id: str, state: Reviews) -> None:
    into = state.of_class(class_id).merged_into
    if into:
        number = next(
            a.number
            for a in reversed(state.log)
            if a.kind == "merge" and class_id in a.others and a.number not in state.undone
        )
        raise InputError(
            f"{class_id} is merged into {into}; name {into}, or undo number {number} first"
        )


def _split(action: Action, known: Known, state: Reviews) -> None:
    class_id = action.class_id
    _require_not_merged(class_id, state)
    if not action.parts:
        raise InputError(f"no part of {class_id} is given; give members and a name")
    inside = {m for c in state.whole(class_id) for m in known.classes.get(c, ())}
    inside |= {i for i, held in state.held(class_id).items() if held.review == "endorsed"}
    before = state.of_class(class_id).parts
    taken = {m: name for name, members in before for m in members}
    names = {name for name, _ in before}
    for name, members in action.parts:
        if not name.strip() or name != " ".join(name.split()):
            raise InputError(f"the name {name!r} of a part is empty or has blanks around it")
        if name in names:
            raise InputError(f"{class_id} has a part {name!r} already; give another name")
        if not members:
            raise InputError(f"the part {name!r} of {class_id} has no members; list some ids")
        strangers = [m for m in members if m not in inside]
        if strangers:
            raise InputError(
                f"{len(strangers)} of the {len(members)} ids of {name!r} are no members of "
                f"{class_id}: {some(strangers, 3)}; its members: {some(sorted(inside), 5)}. "
                "Endorse a source for the class first to take it in"
            )
        for member in members:
            if member in taken:
                raise InputError(
                    f"{member} is in the part {taken[member]!r} of {class_id} already; list each "
                    "id once, or undo that split first"
                )
            taken[member] = name
        names.add(name)


def _undo(action: Action, known: Known, log: Sequence[Action]) -> Action:
    gone = undone(log)
    if not action.undoes:
        last = last_standing(log)
        if last is None:
            raise InputError("there is nothing to undo: no action stands")
        return replace(action, undoes=last.number)
    target = next((a for a in log if a.number == action.undoes), None)
    if target is None:
        numbers = f"1 to {log[-1].number}" if log else "none"
        raise InputError(f"no action has the number {action.undoes}; there are {numbers}")
    if target.number in gone:
        raise InputError(f"number {target.number} ({target.kind}) is undone already")
    _require_restorable(replace(action, number=log[-1].number + 1), known, log)
    return action


def _require_restorable(undo: Action, known: Known, log: Sequence[Action]) -> None:
    """That what comes back, where an undo is undone, can stand beside what was done since."""
    back = undone(log) - undone([*log, undo])
    for action in log:
        if action.number in back and action.kind != "undo":
            _require_allowed(action, known, reviewed(log))
