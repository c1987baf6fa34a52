"""The search of a survey with sources planted in it, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skerry.config import Config
from skerry.discover import Space, distinct_rows, measure, route_of, space_of
from skerry.discover.around import surroundings
from skerry.discover.assemble import Judged, Repeated, judge_all, repeated_of, whole_classes
from skerry.discover.matching import MATCH, Matcher, best_match
from skerry.discover.replicate import Search, replicate
from skerry.discover.searches import search_by
from skerry.discover.variants import every_variant
from skerry.errors import InputError
from skerry.recovering.opened import Opened
from skerry.types import Candidate, FloatArray, IntArray, Measures

_PIECE = 0.5
"""The share of a class that was planted, from which it is a piece of what was."""


@dataclass(frozen=True)
class Outcome:
    """What became of planted sources in one search.

    ``planted`` counts them, each vector once; ``searched`` all sources. ``jaccard``, ``purity``
    (the share of it that was planted) and ``completeness`` (the share of the planted in it) are
    of the candidate that overlaps them most, 0 for none. The rest is of that candidate too, but
    only where its overlap is at least a half, which makes it the planted class: ``verdict``,
    empty for none, ``q_value``, ``containment``, ``replication`` (None where it failed before) and
    ``failed``, the checks that it did not pass. ``joined`` is the share of the planted that lie
    in one of the run's own classes. Of the other confirmed classes that are none of the run's own,
    ``pieces`` counts those of which half or more was planted, ``new`` the rest.
    """

    planted: int
    searched: int
    jaccard: float
    purity: float
    completeness: float
    verdict: str
    q_value: float | None
    containment: float | None
    replication: float | None
    failed: str
    joined: float
    pieces: int
    new: int

    @property
    def found(self) -> bool:
        """Whether the planted class was found: a confirmed class that is it by a half or more."""
        return self.verdict == "confirmed"


def look_for(planted: FloatArray, opened: Opened) -> Outcome:
    """Search a run's survey with ``planted`` (n, d) among its sources, judge, and look for them.

    Route, settings, measures, checks and verdicts are the run's; so are its nulls, which a few
    more sources do not change. Searches are repeated only where their result can decide: where
    a candidate that is none of the run's classes has passed all else. It runs on one thread, as
    one of several side by side.

    Raises
    ------
    InputError
        Every planted vector is that of a source of the run.
    """
    config, n_sea = opened.config, len(opened)
    table = np.concatenate([opened.space.vectors, planted])
    rows = distinct_rows(table)
    new = np.sort(rows[rows >= n_sea])
    if not len(new):
        raise InputError(
            f"all {len(planted)} planted vectors are those of sources of the run; expected others: "
            "see that the planter alters what it copies"
        )
    space = space_of(table[rows], config.neighbors)
    candidates = route_of(config.clusters.route)(space, config)
    measures = measure(candidates, space)
    members = [np.sort(rows[c.members]) for c in candidates]
    own = Matcher(opened.own)
    is_own = [own.best(m)[1] >= MATCH for m in members]
    judged = _judged(candidates, measures, space, opened, is_own)
    whole = whole_classes(candidates, judged, space, config)
    # a piece of another class is none of its own
    shown = [np.sort(rows[w.members]) if w else rows[:0] for w in whole]
    return _outcome(new, shown, measures, judged, is_own, len(space))


def _judged(
    candidates: list[Candidate],
    measures: Measures,
    space: Space,
    opened: Opened,
    is_own: Sequence[bool],
) -> list[Judged]:
    config = opened.config
    judged = judge_all(candidates, measures, space, config, opened.nulls, None)
    # what failed a check without repeated searches is never confirmed with them
    open_yet = [
        not own and all(check.passed for check in j.judgement.checks)
        for own, j in zip(is_own, judged, strict=True)
    ]
    if not any(open_yet):
        return judged
    q = [j.judgement.q for j in judged]
    around = surroundings(candidates, q, space, config)
    repeated = _repeated(space, config, around)
    return judge_all(candidates, measures, space, config, opened.nulls, repeated)


def _repeated(space: Space, config: Config, around: IntArray | None) -> Repeated | None:
    search = _search_from(space)
    plans = every_variant(len(space), config, around)
    return repeated_of([replicate(plan, space.vectors, search) for plan in plans])


def _search_from(space: Space) -> Search:
    """A whole search by name; one of all sources by the same graph does not make that again."""
    anew = search_by()

    def search(vectors: FloatArray, config: Config, name: str) -> list[Candidate]:
        if vectors is space.vectors and config.neighbors == space.config:
            return route_of(name)(space, config)
        return anew(vectors, config, name)

    return search


def _outcome(
    planted: IntArray,
    members: Sequence[IntArray],
    measures: Measures,
    judged: Sequence[Judged],
    is_own: Sequence[bool],
    searched: int,
) -> Outcome:
    best, overlap = best_match(planted, members)
    inside = [len(np.intersect1d(planted, m)) for m in members]
    both = inside[best] if best >= 0 else 0
    match = best if overlap >= MATCH else -1
    told = judged[match] if match >= 0 else None
    others = [
        i
        for i, (j, own) in enumerate(zip(judged, is_own, strict=True))
        if j.judgement.verdict == "confirmed" and len(members[i]) and not own and i != match
    ]
    pieces = sum(inside[i] >= _PIECE * len(members[i]) for i in others)
    return Outcome(
        planted=len(planted),
        searched=searched,
        jaccard=overlap,
        purity=both / len(members[best]) if both else 0.0,
        completeness=both / len(planted),
        verdict=told.judgement.verdict if told else "",
        q_value=told.judgement.q if told else None,
        containment=float(measures.containment[match]) if told else None,
        replication=told.replicated.share if told and told.replicated else None,
        failed=",".join(c.name for c in told.judgement.checks if not c.passed) if told else "",
        joined=sum(n for n, own in zip(inside, is_own, strict=True) if own) / len(planted),
        pieces=pieces,
        new=len(others) - pieces,
    )
