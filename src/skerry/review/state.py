"""What stands after a number of actions: a pure function of the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from skerry.review.actions import Action, Part

Held = Literal["", "endorsed", "dismissed"]


@dataclass(frozen=True)
class Note:
    """Something written about a class or a source; ``number`` is that of its action."""

    text: str
    who: str
    when: str
    number: int


@dataclass(frozen=True)
class SourceReview:
    """What was said of a source, as one of a class, or where ``class_id`` is empty by itself.

    ``review`` is empty where it was neither endorsed nor dismissed. ``who``, ``when`` and
    ``number`` are of what endorsed or dismissed it, or where nothing did of the last action that
    stands.
    """

    class_id: str
    id_str: str
    review: Held = ""
    who: str = ""
    when: str = ""
    number: int = 0
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class ClassReview:
    """What was said of a class.

    ``name`` is empty where it was given none. ``merged_into`` is the class it was made part of,
    empty where it is not; ``parts`` are those it was split into, each a name and its members.
    ``who``, ``when`` and ``number`` are as of a :class:`SourceReview`.
    """

    class_id: str
    name: str = ""
    review: Held = ""
    who: str = ""
    when: str = ""
    number: int = 0
    notes: tuple[Note, ...] = ()
    merged_into: str = ""
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Reviews:
    """What stands: by class, and by (class, source). Equal where that is, whatever led to it.

    ``log`` are all actions, ``undone`` the numbers of those taken back; ``told`` is what a user
    should know of the log itself.
    """

    classes: Mapping[str, ClassReview] = field(default_factory=dict)
    sources: Mapping[tuple[str, str], SourceReview] = field(default_factory=dict)
    log: tuple[Action, ...] = field(default=(), compare=False, repr=False)
    undone: frozenset[int] = field(default=frozenset(), compare=False, repr=False)
    told: tuple[str, ...] = field(default=(), compare=False)

    def of_class(self, class_id: str) -> ClassReview:
        """What was said of a class, empty where nothing was."""
        return self.classes.get(class_id, ClassReview(class_id))

    def of_source(self, class_id: str, id_str: str) -> SourceReview:
        """What was said of a source of a class, empty where nothing was."""
        return self.sources.get((class_id, id_str), SourceReview(class_id, id_str))

    def whole(self, class_id: str) -> tuple[str, ...]:
        """A class and all that were merged into it, directly or not, itself first."""
        found = [class_id]
        for one in found:
            parts = [k for k, v in self.classes.items() if v.merged_into == one]
            found += [k for k in parts if k not in found]
        return tuple(found)

    def held(self, class_id: str) -> dict[str, SourceReview]:
        """By id, the sources endorsed or dismissed in a class or in one merged into it.

        Where two of these say different things of a source, the later action counts.
        """
        return {name: v for name, v in self.said(class_id).items() if v.review}

    def said(self, class_id: str) -> dict[str, SourceReview]:
        """By id, the sources of which anything was said in a class or in one merged into it.

        ``review`` is as :meth:`held` has it, ``notes`` are all of them in order.
        """
        among = set(self.whole(class_id))
        own = sorted((v for k, v in self.sources.items() if k[0] in among), key=_weight)
        notes: dict[str, tuple[Note, ...]] = {}
        for v in own:
            notes[v.id_str] = (*notes.get(v.id_str, ()), *v.notes)
        return {
            v.id_str: replace(v, notes=tuple(sorted(notes[v.id_str], key=lambda n: n.number)))
            for v in own
        }


def _weight(review: SourceReview) -> tuple[bool, int]:
    """Of two reviews of a source the greater one counts."""
    return bool(review.review), review.number


def undone(log: Sequence[Action]) -> frozenset[int]:
    """The numbers of the actions that are taken back; an undo can itself be."""
    found: set[int] = set()
    for action in reversed(log):  # what takes an undo back comes after it
        if action.kind == "undo" and action.number not in found:
            found.add(action.undoes)
    return frozenset(found)


def last_standing(log: Sequence[Action]) -> Action | None:
    """The last action that stands and is no undo; None where there is none."""
    gone = undone(log)
    left = (a for a in reversed(log) if a.kind != "undo" and a.number not in gone)
    return next(left, None)


def reviewed(log: Sequence[Action]) -> Reviews:
    """What stands after the actions of ``log``, in order: those that are not taken back, each
    over what those before it left."""
    gone = undone(log)
    classes: dict[str, ClassReview] = {}
    sources: dict[tuple[str, str], SourceReview] = {}
    for action in log:
        if action.number in gone or action.kind == "undo":
            continue
        if action.id_str:
            key = action.class_id, action.id_str
            sources[key] = _of_source(sources.get(key, SourceReview(*key)), action)
            continue
        for name in (action.class_id, *action.others):
            classes[name] = _of_class(classes.get(name, ClassReview(name)), action)
    return Reviews(classes, sources, tuple(log), gone)


def _of_source(before: SourceReview, action: Action) -> SourceReview:
    return replace(
        before,
        review=_held(before.review, action),
        notes=_notes(before.notes, action),
        **_by(before, action),
    )


def _of_class(before: ClassReview, action: Action) -> ClassReview:
    return replace(
        before,
        name=action.text if action.kind == "name" else before.name,
        review=_held(before.review, action),
        notes=_notes(before.notes, action),
        merged_into=action.class_id if before.class_id in action.others else before.merged_into,
        parts=(*before.parts, *action.parts),
        **_by(before, action),
    )


def _by(before: SourceReview | ClassReview, action: Action) -> dict[str, Any]:
    """Who reviewed it, and when: a name or a note changes nothing of an endorsement."""
    if before.review and action.kind not in ("endorse", "dismiss"):
        return {}
    return {"who": action.who, "when": action.when, "number": action.number}


def _held(before: Held, action: Action) -> Held:
    if action.kind == "endorse":
        return "endorsed"
    return "dismissed" if action.kind == "dismiss" else before


def _notes(before: tuple[Note, ...], action: Action) -> tuple[Note, ...]:
    """A reason given with another action is a note as well."""
    if not action.text or action.kind == "name":
        return before
    return (*before, Note(action.text, action.who, action.when, action.number))
