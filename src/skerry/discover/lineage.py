"""Ids that stay: a class found again in a later run of the survey keeps its name.

A class is named after its most central member. Another few sources, and another member is the
most central: the name would jump though the class is the same. So a class takes over the id of
the previous run's class that it is, and a sentence says what became of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from skerry.discover.matching import MATCH


@dataclass(frozen=True)
class Known:
    """A class of a previous run: its id and the ids of its members."""

    class_id: str
    members: frozenset[str]


@dataclass(frozen=True)
class Named:
    """The id of a class of this run, and what it was in the previous; "" where there was none."""

    class_id: str
    history: str


@dataclass(frozen=True)
class Lost:
    """A previous class whose id no class of this run has, and where its members went.

    ``went`` counts them by class of this run, most first; ``unclustered`` are in none, and
    ``absent`` are not among the sources of this run.
    """

    class_id: str
    went: tuple[tuple[str, int], ...]
    unclustered: int
    absent: int

    @property
    def sentence(self) -> str:
        """As a reader is told."""
        size = sum(count for _, count in self.went) + self.unclustered + self.absent
        parts = [f"{count} in {class_id}" for class_id, count in self.went]
        parts += [f"{self.unclustered} in no class"] if self.unclustered else []
        parts += [f"{self.absent} not in this run"] if self.absent else []
        return f"{self.class_id} was not found again: of its {size} members {', '.join(parts)}"


def class_name(central_id: str) -> str:
    """The id of a new class, after the ``id_str`` of its most central member."""
    return f"SKR-{central_id}"


def inherit(
    named: Sequence[tuple[str, Sequence[str]]],
    previous: Sequence[Known],
    ids: AbstractSet[str],
    previous_ids: AbstractSet[str],
) -> list[Named]:
    """The ids of this run's classes, those of the previous run where they are the same.

    Classes are matched one to one, those that overlap most first, where the overlap (Jaccard)
    is ``MATCH`` or more. It is taken over the sources that both runs have, so that sources
    added or left out do not count. The id of a previous class goes to its heir or to none: a
    class that would be called so but is another one has ``-2`` added, or the next free number.

    Parameters
    ----------
    named : the id each class would have if it were new, all different, and its members
    previous : the classes of the previous run
    ids, previous_ids : all sources of this run and of the previous, classified or not;
        ``previous_ids`` is empty where there was no previous run

    Returns
    -------
    list of Named
        In the order of ``named``; ids are all different and do not depend on that order.
        ``history`` joins what holds: ``kept its id``; ``merged from``, of a class with at least
        half of the members of each of two or more previous ones; without an heir's id
        ``split from``, where at least half of its own members were in that one, or ``grew
        from``, where it has at least half of that one's members; else ``new``.
    """
    shared = _Shared(named, previous, ids & previous_ids)
    heirs = _heirs(shared, [name for name, _ in named], [known.class_id for known in previous])
    class_ids = _class_ids([name for name, _ in named], previous, heirs)
    return [
        Named(class_id, shared.history(i, heirs.get(i)) if previous_ids else "")
        for i, class_id in enumerate(class_ids)
    ]


def lost(
    previous: Sequence[Known],
    classes: Sequence[tuple[str, Sequence[str]]],
    ids: AbstractSet[str],
) -> list[Lost]:
    """The previous classes that are not among this run's, in order of their ids.

    Parameters
    ----------
    classes : the ids of this run's classes, as :func:`inherit` gave them, and their members
    ids : all sources of this run, classified or not
    """
    alive = {class_id for class_id, _ in classes}
    class_of = {member: class_id for class_id, members in classes for member in members}
    gone = sorted((k for k in previous if k.class_id not in alive), key=lambda k: k.class_id)
    return [_lost(known, class_of, ids) for known in gone]


def _lost(known: Known, class_of: dict[str, str], ids: AbstractSet[str]) -> Lost:
    went = Counter(class_of[m] for m in known.members if m in class_of)
    absent = len(known.members - ids)
    return Lost(
        known.class_id,
        tuple(sorted(went.items(), key=lambda item: (-item[1], item[0]))),
        len(known.members) - sum(went.values()) - absent,
        absent,
    )


class _Shared:
    """How many of the sources of both runs this run's and the previous classes have in common."""

    def __init__(
        self,
        named: Sequence[tuple[str, Sequence[str]]],
        previous: Sequence[Known],
        common: AbstractSet[str],
    ) -> None:
        holders: dict[str, list[int]] = {}
        for j, known in enumerate(previous):
            for member in known.members & common:
                holders.setdefault(member, []).append(j)
        self.previous = [known.class_id for known in previous]
        self.previous_sizes = [len(known.members & common) for known in previous]
        self.sizes = [len(common & set(members)) for _, members in named]
        self.both = [
            Counter(j for member in set(members) for j in holders.get(member, ()))
            for _, members in named
        ]

    def overlap(self, i: int, j: int) -> float:
        """Jaccard index of class i and previous class j."""
        both = self.both[i][j]
        return both / (self.sizes[i] + self.previous_sizes[j] - both) if both else 0.0

    def history(self, i: int, heir_of: int | None) -> str:
        """What class i was in the previous run; ``heir_of`` is the one whose id it has."""
        both = self.both[i]
        said = [] if heir_of is None else [f"kept its id (overlap {self.overlap(i, heir_of):.2f})"]
        taken = [j for j in both if 2 * both[j] >= self.previous_sizes[j]]
        source = [j for j in both if 2 * both[j] >= self.sizes[i]]
        if len(taken) > 1:
            said.append(f"merged from {_listed(self.previous[j] for j in taken)}")
        elif heir_of is None and source:
            largest = min(source, key=lambda j: (-both[j], self.previous[j]))
            said.append(f"split from {self.previous[largest]}")
        elif heir_of is None and taken:
            said.append(f"grew from {self.previous[taken[0]]}")
        return "; ".join(said) or "new"


def _heirs(shared: _Shared, names: Sequence[str], previous: Sequence[str]) -> dict[int, int]:
    """For each class that is one of the previous, which: the best overlaps first."""
    pairs = [
        (-shared.overlap(i, j), previous[j], names[i], i, j)
        for i in range(len(names))
        for j in shared.both[i]
    ]
    heirs: dict[int, int] = {}
    for overlap, _, _, i, j in sorted(pairs):
        if -overlap >= MATCH and i not in heirs and j not in heirs.values():
            heirs[i] = j
    return heirs


def _class_ids(names: Sequence[str], previous: Sequence[Known], heirs: dict[int, int]) -> list[str]:
    used = {known.class_id for known in previous}
    class_ids = {i: previous[j].class_id for i, j in heirs.items()}
    for i in sorted(set(range(len(names))) - set(heirs), key=lambda i: names[i]):
        number, free = 2, names[i]
        while free in used or (number > 2 and free in names):
            free, number = f"{names[i]}-{number}", number + 1
        class_ids[i] = free
        used.add(free)
    return [class_ids[i] for i in range(len(names))]


def _listed(class_ids: Iterable[str]) -> str:
    *most, last = sorted(class_ids)
    return f"{', '.join(most)} and {last}"
