"""What a person can do to the classes of a run, an action at a time."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from skerry.errors import InputError, RunError

Kind = Literal["name", "endorse", "dismiss", "note", "merge", "split", "undo"]
KINDS: tuple[Kind, ...] = get_args(Kind)

MEANS: Mapping[Kind, str] = {
    "name": "give a class a name",
    "endorse": "hold a class, or one source of it, to be what the search says",
    "dismiss": "hold a class, or one source of it, not to be that",
    "note": "write something about a class, a source of it, or a source",
    "merge": "take classes for one, the first named",
    "split": "take some members of a class for a kind of their own, with a name",
    "undo": "take back the last action, or the one of a number",
}
"""What each kind of action does."""

Part = tuple[str, tuple[str, ...]]
"""A part of a class: its name and the ids of its members."""


@dataclass(frozen=True)
class Action:
    """One thing that a person did, or is about to do.

    Attributes
    ----------
    kind
        One of ``KINDS``.
    class_id
        The class it is about; of ``merge`` the one that the others become part of. Empty for a
        note on a source that is in no class, and for ``undo``.
    id_str
        The source it is about; empty where it is about the whole class.
    text
        The name or the note. ``endorse`` and ``dismiss`` may have one, their reason.
    others
        Of ``merge``: the classes that become part of ``class_id``.
    parts
        Of ``split``: name and members of each part.
    undoes
        Of ``undo``: the number of what it takes back; 0, before it is logged, for the last.
    who, when, number
        Filled where empty when it is logged: the user's name, the time (UTC, ISO 8601), and
        the place in the log, from 1.
    """

    kind: Kind
    class_id: str = ""
    id_str: str = ""
    text: str = ""
    others: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    undoes: int = 0
    who: str = ""
    when: str = ""
    number: int = 0

    def to_record(self) -> dict[str, Any]:
        """As it is stored, what is empty left out; :func:`from_record` reads it."""
        found: dict[str, Any] = {"number": self.number, "kind": self.kind}
        found |= {k: v for k in _TEXTS if (v := getattr(self, k))}
        if self.others:
            found["others"] = list(self.others)
        if self.parts:
            found["parts"] = [{"name": name, "members": list(ids)} for name, ids in self.parts]
        if self.undoes:
            found["undoes"] = self.undoes
        return {**found, "who": self.who, "when": self.when}


_TEXTS = ("class_id", "id_str", "text")


def from_record(record: Mapping[str, Any]) -> Action:
    """The inverse of :meth:`Action.to_record`.

    Raises
    ------
    RunError
        It is no action, or one that this version does not know.
    """
    try:
        if record["kind"] not in KINDS:
            raise ValueError(f"kind {record['kind']!r}, expected one of {', '.join(KINDS)}")
        return Action(
            record["kind"],
            **{name: str(record.get(name, "")) for name in (*_TEXTS, "who", "when")},
            others=tuple(record.get("others", ())),
            parts=tuple((p["name"], tuple(p["members"])) for p in record.get("parts", ())),
            undoes=int(record.get("undoes", 0)),
            number=int(record["number"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"a line of the reviews is no action that this version knows ({error!r}): "
            f"{str(dict(record))[:200]}; was it written by a later version of skerry?"
        ) from error


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def stamp(time: datetime) -> str:
    """A time as ISO 8601 in UTC to the second, as ``2026-03-01T12:00:00Z``.

    Raises
    ------
    InputError
        It is without a time zone.
    """
    if time.tzinfo is None:
        raise InputError(f"the time {time} has no time zone; give one in UTC")
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def user() -> str:
    """The name of the user at work, ``unknown`` where the system has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
