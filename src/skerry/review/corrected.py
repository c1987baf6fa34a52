"""A class as a person has it: without what was dismissed, with what was endorsed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skerry.errors import InputError
from skerry.review.state import Reviews
from skerry.types import RareClass


@dataclass(frozen=True)
class Corrected:
    """``members``, most central first, endorsed outsiders last; ``dismissed`` are not in it."""

    members: tuple[str, ...]
    dismissed: frozenset[str]


def corrected(class_id: str, classes: Sequence[RareClass], reviews: Reviews) -> Corrected:
    """A class as reviewed: with the members of those merged into it and the endorsed sources
    outside, less those dismissed. Its parts, where it was split, are still in it.

    Raises
    ------
    InputError
        It was merged into another, or fewer than two members are left.
    """
    into = reviews.of_class(class_id).merged_into
    if into:
        raise InputError(f"{class_id} is merged into {into}; name {into}, or undo the merge")
    by_id = {rare.class_id: rare for rare in classes}
    held = reviews.held(class_id)
    dismissed = frozenset(i for i, source in held.items() if source.review == "dismissed")
    endorsed = sorted(i for i, source in held.items() if source.review == "endorsed")
    found = [m for c in reviews.whole(class_id) if c in by_id for m in by_id[c].members]
    members = tuple(m for m in dict.fromkeys([*found, *endorsed]) if m not in dismissed)
    if len(members) < 2:
        raise InputError(
            f"{class_id} has {len(members)} members after the reviews; expected 2 or more: "
            "endorse some sources, or undo a dismissal"
        )
    return Corrected(members, dismissed)
