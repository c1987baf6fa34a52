"""Repeated searches: is a class found again in other samples and with other settings?

A class that comes back only with one choice of sources and settings is that choice's doing.
Resampling the sources and asking how often each cluster comes back follows Hennig (2007, Comput.
Stat. Data Anal. 52, 258); here without replacement, as repeated vectors would make clumps of
their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from skerry.config import Config
from skerry.discover.matching import MATCH, Matcher, among
from skerry.discover.variants import Variant
from skerry.errors import InputError
from skerry.types import Candidate, DoubleArray, FloatArray, IntArray, Replicate

Search = Callable[[FloatArray, Config, str], list[Candidate]]
"""A whole search: vectors float32 (n, d), settings and the name of a route, to candidates."""

_LEAST_SEEN = 2
"""Of fewer members no group is left to find."""


@dataclass(frozen=True)
class Replicated:
    """What the repeated searches say of one class.

    ``share`` is how often it was found, and ``kinds`` for each kind of search (times found, times
    searched). ``member_probability`` float64 (n_members,), in [0, 1]: how often each member, in
    the order given, came back with the class in the searches that saw it; a search that did not
    find the class counts against all its members. ``joined`` are rows, int64 ascending, outside
    the class that came with it in at least half of the searches that found it and saw them.

    In all three every kind of search has the same weight, however often it was made: ten
    subsamples ask one question ten times, and should not drown the one answer to another.
    """

    share: float
    kinds: dict[str, tuple[int, int]]
    member_probability: DoubleArray
    joined: IntArray


def replicate(variant: Variant, vectors: FloatArray, run: Search) -> Replicate:
    """The search of ``variant`` on its rows of ``vectors`` (n, d), float32, by ``run``.

    Whatever ``run`` raises is passed on.
    """
    rows = variant.rows
    candidates = run(vectors if rows is None else vectors[rows], variant.config, variant.route)
    found = tuple(c.members if rows is None else rows[c.members] for c in candidates)
    return Replicate(variant.name, variant.kind, rows, found)


def replicated(classes: Sequence[IntArray], replicates: Sequence[Replicate]) -> list[Replicated]:
    """What repeated searches say of each class (rows of all, int64, without repeats).

    A search found a class where one of its candidates overlaps by ``MATCH`` or more what it saw
    of the class; of fewer than two members seen it is not found. A class smaller than the
    ``min_size`` of a search is not found there either: a small class is a less certain one.

    Raises
    ------
    InputError
        There is no repeated search.
    """
    if not replicates:
        raise InputError(
            "no repeated search was given; expected at least one: set replication.subsamples "
            "above 0 or leave replication out"
        )
    searches = _weighed(replicates)
    return [
        _summary(members, [_look(members, r, m, weight) for r, m, weight in searches])
        for members in classes
    ]


def came_along(core: IntArray, others: IntArray, replicates: Sequence[Replicate]) -> DoubleArray:
    """How often each of ``others`` came back with the class whose core is given.

    As ``Replicated.member_probability`` has it for the core itself; float64 (n_others,).
    """
    looks = [_look(core, r, m, weight) for r, m, weight in _weighed(replicates)]
    return _how_often(others, looks, unseen=0.0)


def found_again(members: IntArray, search: Replicate, matcher: Matcher) -> IntArray | None:
    """The candidate of ``search`` that is the class, as rows of all; None where there is none.

    ``matcher`` is that of ``search.found``.
    """
    seen = members[among(members, search.rows)]
    if len(seen) < _LEAST_SEEN:
        return None
    best, overlap = matcher.best(seen)
    return search.found[best] if overlap >= MATCH else None


@dataclass(frozen=True)
class _Look:
    """One class in one search: the rows it saw, the candidate that is the class, its weight."""

    kind: str
    rows: IntArray | None
    match: IntArray | None
    weight: float


def _weighed(replicates: Sequence[Replicate]) -> list[tuple[Replicate, Matcher, float]]:
    """Each search with what finds matches in it and its weight: every kind has the same in all."""
    kinds = [r.kind for r in replicates]
    return [(r, Matcher(r.found), 1 / kinds.count(r.kind)) for r in replicates]


def _look(members: IntArray, search: Replicate, matcher: Matcher, weight: float) -> _Look:
    match = found_again(members, search, matcher)
    return _Look(search.kind, search.rows, match, weight)


def _summary(members: IntArray, looks: Sequence[_Look]) -> Replicated:
    kinds: dict[str, tuple[int, int]] = {}
    for look in looks:
        found, of = kinds.get(look.kind, (0, 0))
        kinds[look.kind] = (found + (look.match is not None), of + 1)
    share = float(np.mean([found / of for found, of in kinds.values()]))

    # a member that no search saw is as certain as its class
    probability = _how_often(members, looks, unseen=share)
    finds = [look for look in looks if look.match is not None]
    with_it = [look.match for look in finds if look.match is not None]
    outside = np.setdiff1d(np.concatenate([np.empty(0, dtype=np.int64), *with_it]), members)
    joined = outside[_how_often(outside, finds, unseen=0.0) >= 0.5]
    return Replicated(share, kinds, probability, joined)


def _how_often(rows: IntArray, looks: Sequence[_Look], unseen: float) -> DoubleArray:
    """The weighted share of the looks which saw a row that had it in the matched candidate."""
    seen, back = np.zeros(len(rows)), np.zeros(len(rows))
    for look in looks:
        seen[among(rows, look.rows)] += look.weight
        if look.match is not None:
            back[np.isin(rows, look.match)] += look.weight
    return np.where(seen > 0, back / np.where(seen > 0, seen, 1.0), unseen)
