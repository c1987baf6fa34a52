"""A run's reviews, opened: adding an action, and what stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from skerry.errors import InputError, RunError
from skerry.review.actions import Action, from_record, now, stamp, user
from skerry.review.check import checked
from skerry.review.known import Known
from skerry.review.state import Reviews, reviewed
from skerry.store import reviews as stored

_TOLD = ("brought", "mended")
"""Kinds of records that are no actions."""


@dataclass(frozen=True)
class ReviewLog:
    """The reviews of a run: :meth:`append` adds an action, :meth:`state` tells what stands.

    Safe with others at work on the same run: each call reads what is on the disk.
    """

    run: Path
    clock: Callable[[], datetime] = field(default=now, compare=False)

    @cached_property
    def known(self) -> Known:
        """The classes and sources that there are; read once."""
        return Known(self.run)

    def actions(self) -> tuple[Action, ...]:
        """All that was done, in order, what was taken back too.

        Raises
        ------
        RunError
            The log is damaged.
        """
        return _actions(stored.read(self.run).records)

    def state(self) -> Reviews:
        """What stands now.

        Raises
        ------
        RunError
            The log is damaged.
        """
        found = stored.read(self.run)
        told = [_in_words(r) for r in found.records if r.get("kind") in _TOLD]
        if found.torn:
            told.append(
                "The last line was cut short, as by a crash, and is left out: "
                f"{found.torn[:80]!r}. The next action mends the file."
            )
        log = _actions(found.records)
        told += _missing([action.number for action in log])
        return replace(reviewed(log), told=tuple(told))

    def append(self, action: Action) -> Action:
        """Check an action and log it; it is on the disk when this returns.

        Returns
        -------
        Action
            As logged: with its number, ``who`` and ``when``, and of an undo what it undoes.

        Raises
        ------
        InputError
            The run has no such class or source, a text is empty, or the action goes against an
            earlier one that stands; says what to do.
        RunError
            Another process writes for too long, or the log is damaged.
        DiskError
            It cannot be written.
        """
        who = " ".join((action.who or user()).split())
        if not who:
            raise InputError(f"who is {action.who!r}; give a name, or leave it out")
        signed = replace(action, who=who, when=_time(action.when) or stamp(self.clock()))
        made: list[Action] = []

        def make(records: Sequence[stored.Record]) -> stored.Record:
            log = _actions(records)
            number = 1 + max((a.number for a in log), default=0)
            made.append(replace(checked(signed, self.known, log), number=number))
            return made[0].to_record()

        stored.append(self.run, make)
        return made[0]


def open_reviews(run: str | Path, clock: Callable[[], datetime] = now) -> ReviewLog:
    """The reviews of a run, none yet where nobody has reviewed it; nothing is written.

    Parameters
    ----------
    run : the folder of a run
    clock : tells the time, with its zone

    Raises
    ------
    RunError
        There is no run in the folder.
    """
    log = ReviewLog(Path(run), clock)
    _ = log.known
    return log


def _time(given: str) -> str:
    try:
        return stamp(datetime.fromisoformat(given)) if given else ""
    except ValueError as error:
        raise InputError(f"when is {given!r}; expected UTC, as 2026-03-01T12:00:00Z") from error


def _actions(records: Sequence[stored.Record]) -> tuple[Action, ...]:
    log = tuple(from_record(r) for r in records if r.get("kind") not in _TOLD)
    for before, action in pairwise(log):
        if action.number <= before.number:
            raise RunError(
                f"number {action.number} of the reviews stands after number {before.number}; "
                "expected each number once, ascending: take out what was put in by hand"
            )
    return log


def _missing(numbers: Sequence[int]) -> list[str]:
    """What to tell of numbers that the log has not: lines taken out by hand, or lost."""
    gone = sorted(set(range(1, max(numbers, default=0))) - set(numbers))
    if not gone:
        return []
    listed = ", ".join(map(str, gone[:10])) + (" and more" if len(gone) > 10 else "")
    return [f"Missing from the log: number {listed}. What these said does not count."]


def _in_words(record: stored.Record) -> str:
    torn = f" A last line that was cut short was left out: {record['torn'][:80]!r}." if (
        record.get("torn")
    ) else ""  # fmt: skip
    if record["kind"] == "brought":
        return f"The {record['records']} lines before were brought from {record['from']}.{torn}"
    return f"The log was mended.{torn}"
