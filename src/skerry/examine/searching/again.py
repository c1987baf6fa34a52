"""The search made again in several representations, judged by one and the same nulls together.

Whoever searches five times finds five times as much by chance. So all searches are judged as one:
a null is all of them on featureless data, and a q-value counts what is found in any.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from skerry.config import Config
from skerry.discover import (
    Space,
    Surrogates,
    groups_in,
    judged,
    measure,
    pooled,
    route_of,
    space_of,
)
from skerry.discover.assemble import Judged, judge_each, whole_classes
from skerry.discover.checks import Q_BELOW
from skerry.discover.communities import APART
from skerry.discover.elsewhere import null_searches
from skerry.discover.find import repeat
from skerry.discover.judge import ENOUGH
from skerry.discover.matching import best_match
from skerry.examine.searching.altered import Altered
from skerry.examine.subject import Subject
from skerry.types import Candidate, IntArray, Measures, Verdict

SAME = 0.3
"""Overlap (Jaccard) from which on a class is one that the run has already."""


@dataclass(frozen=True)
class Searched:
    """One altered representation, the candidates in it, and the measures of its nulls by kind."""

    altered: Altered
    space: Space
    config: Config
    candidates: list[Candidate]
    measures: Measures
    nulls: dict[str, list[Measures]]


@dataclass(frozen=True)
class Found:
    """One candidate of an altered representation.

    ``members`` int64 are rows of all sources, most central first; the first ``core`` were judged,
    the others complete them. ``p`` and ``q`` are over all searches together, ``verdict`` and
    ``reasons`` what a run would say with these.
    ``containment`` is that of :class:`~skerry.types.Measures`, which nulls judge; ``before`` that
    of the same members in the run's own representation. ``number`` is the class of the run with
    the largest ``overlap`` (Jaccard), -1 for none.
    """

    where: str
    members: IntArray
    core: int
    containment: float
    before: float
    p: float
    q: float
    verdict: Verdict
    reasons: tuple[str, ...]
    number: int
    overlap: float

    @property
    def kept(self) -> bool:
        """Whether it is more than chance gives."""
        return self.verdict in ("confirmed", "tentative")

    @property
    def new(self) -> bool:
        """Whether the run has no such class."""
        return self.overlap < SAME


def search_again(altered: Altered, config: Config) -> Searched:
    """The search of ``config`` in one altered representation, and its nulls."""
    n = len(altered.rows)
    config = replace(config, neighbors=replace(config.neighbors, k=min(config.neighbors.k, n - 1)))
    space = space_of(altered.vectors, config.neighbors)
    route = route_of(config.clusters.route)
    candidates = route(space, config)
    measures = measure(candidates, space)
    surrogates = Surrogates(space, config, groups_in(space, candidates, measures))
    nulls = null_searches(surrogates)
    return Searched(altered, space, config, candidates, measures, nulls)


def judged_together(searches: Sequence[Searched], subject: Subject) -> list[Found]:
    """Every candidate of all searches, with a verdict at one rate of false discoveries for all.

    The i-th null of a kind is the i-th null of every search together, and p and q follow from
    those as :func:`skerry.discover.nulls.judged` has them. Containments count in units of what
    5% of the chance groups exceed in that kind of null of the same representation, so that one
    where chance groups are better contained does not drown the others. Verdicts follow from the
    checks that a run makes, at its rate. Searches are repeated only where a candidate passes.
    """
    n = sum(len(s.candidates) for s in searches)
    p, q = np.zeros(n), np.zeros(n)
    for kind in searches[0].nulls:
        units = [_unit(s, kind) for s in searches]
        each_null = zip(*(s.nulls[kind] for s in searches), strict=True)
        together = [
            np.concatenate([m.containment / u for m, u in zip(one, units, strict=True)])
            for one in each_null
        ]
        observed = [s.measures.containment / u for s, u in zip(searches, units, strict=True)]
        by_kind = judged(np.concatenate(observed), {kind: together})
        p, q = np.maximum(p, by_kind[0]), np.maximum(q, by_kind[1])
    found: list[Found] = []
    start = 0
    for search in searches:
        end = start + len(search.candidates)
        made = _judged(search, p[start:end].tolist(), q[start:end].tolist())
        found += _found(search, made, subject)
        start = end
    return found


def _unit(search: Searched, kind: str) -> float:
    """The containment that 5% of the chance groups exceed, of all kinds where one has too few.

    At least ``APART``, as what chance puts together by another route may be no group of the graph.
    """
    groups = pooled(search.nulls[kind]).containment
    if len(groups) < ENOUGH:
        groups = pooled([m for found in search.nulls.values() for m in found]).containment
    return max(float(np.quantile(groups, 0.95)), APART) if len(groups) else APART


def _judged(search: Searched, p: list[float], q: list[float]) -> list[Judged]:
    """What the search found, judged with p and q from elsewhere; repeated only for what passes."""
    space, config = search.space, search.config
    repeated = repeat(space, config) if any(v < Q_BELOW for v in q) else None
    return judge_each(
        search.candidates, search.measures, space, config, search.nulls, repeated, p, q
    )


def _found(search: Searched, made: Sequence[Judged], subject: Subject) -> list[Found]:
    rows = search.altered.rows
    known = [np.flatnonzero(np.isin(rows, members)) for members in subject.members]
    wholes = whole_classes(search.candidates, made, search.space, search.config)
    found = []
    for i, (whole, one) in enumerate(zip(wholes, made, strict=True)):
        if whole is None:
            continue
        number, overlap = best_match(whole.members, known)
        judgement = one.judgement
        found.append(
            Found(
                search.altered.name,
                rows[whole.members],
                len(whole.core),
                float(search.measures.containment[i]),
                _before(rows[whole.core], subject),
                float(judgement.p if judgement.p is not None else 1.0),
                float(judgement.q if judgement.q is not None else 1.0),
                judgement.verdict,
                judgement.reasons,
                number,
                overlap,
            )
        )
    return found


def _before(members: IntArray, subject: Subject) -> float:
    certain = Candidate(members, np.ones(len(members), dtype=np.float32), 0.0)
    return float(measure([certain], subject.space).containment[0])
