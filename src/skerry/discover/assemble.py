"""All that was measured of each candidate brought together, and a verdict on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from skerry.config import Config
from skerry.discover.candidates import largest_size
from skerry.discover.checks import Q_BELOW, Evidence
from skerry.discover.complete import Whole, complete, edge
from skerry.discover.heldout import Halves, HeldOut
from skerry.discover.judge import Judgement, judge, thresholds
from skerry.discover.measure import pooled
from skerry.discover.nulls import fewest, judged
from skerry.discover.replicate import Replicated, replicated
from skerry.discover.second import second_coherence
from skerry.discover.space import Space
from skerry.discover.surrogates import surrogate_size
from skerry.types import Candidate, Measures, Replicate


@dataclass(frozen=True)
class Repeated:
    """The repeated searches: those that vary the search, and those of the two random halves."""

    variants: Sequence[Replicate]
    halves: tuple[Replicate, Replicate]


def repeated_of(made: Sequence[Replicate]) -> Repeated | None:
    """Searches in the order of :func:`skerry.discover.variants.every_variant`; None of none."""
    return Repeated(made[:-2], (made[-2], made[-1])) if made else None


@dataclass(frozen=True)
class Judged:
    """A candidate's judgement and what the repeated searches say of it, where any were made."""

    judgement: Judgement
    replicated: Replicated | None


def judge_all(
    candidates: Sequence[Candidate],
    measures: Measures,
    space: Space,
    config: Config,
    nulls: Mapping[str, Sequence[Measures]],
    repeated: Repeated | None,
    second: Space | None = None,
) -> list[Judged]:
    """A judgement of each candidate, in their order.

    Parameters
    ----------
    measures : of the candidates
    nulls : for each kind of null, the measures of what each of its searches found; empty for
        none
    repeated : None where no search was repeated
    second : the same sources, in the same order, as a second encoder sees them
    """
    p, q = p_and_q(measures, nulls, len(space), config)
    return judge_each(candidates, measures, space, config, nulls, repeated, p, q, second)


def p_and_q(
    measures: Measures, nulls: Mapping[str, Sequence[Measures]], n: int, config: Config
) -> tuple[list[float | None], list[float | None]]:
    """The p- and the q-value of each candidate of ``n`` sources; None each without nulls."""
    if not nulls:
        return [None] * len(measures), [None] * len(measures)
    statistics = {kind: [m.containment for m in found] for kind, found in nulls.items()}
    times = n / surrogate_size(n, config)
    p, q = judged(measures.containment, statistics, times)
    return p.tolist(), q.tolist()


def must_stand_out(n: int, config: Config) -> int:
    """How many candidates of ``n`` sources must stand out alike for any to have a q below
    ``Q_BELOW``, where no group of the nulls reaches them; :func:`p_and_q` has it so."""
    return fewest(n / surrogate_size(n, config), config.nulls.n, Q_BELOW)


def judge_each(
    candidates: Sequence[Candidate],
    measures: Measures,
    space: Space,
    config: Config,
    nulls: Mapping[str, Sequence[Measures]],
    repeated: Repeated | None,
    p: Sequence[float | None],
    q: Sequence[float | None],
    second: Space | None = None,
) -> list[Judged]:
    """As :func:`judge_all`, with the p- and the q-value of each candidate given."""
    together = {kind: pooled(found) for kind, found in nulls.items()}
    again = replicated([c.members for c in candidates], repeated.variants) if repeated else []
    halves = Halves(*repeated.halves, space) if repeated else None
    largest = largest_size(len(space), config.classes)
    found = []
    for i, candidate in enumerate(candidates):
        evidence = Evidence(
            size=len(candidate.members),
            isolation=float(measures.isolation[i]),
            overdensity=float(measures.overdensity[i]),
            coherence=float(measures.coherence[i]),
            spread=float(measures.spread[i]),
            containment=float(measures.containment[i]),
            p=p[i],
            q=q[i],
            replicated=again[i] if halves and halves.saw(candidate.members) else None,
            held_out=_held_out(candidate, q[i], halves),
            second=_second(candidate, q[i], space, second),
            edge=None if _explained(q[i]) else edge(candidate.members, space, largest),
        )
        bounds = thresholds(together, evidence.size)
        judgement = judge(evidence, bounds, config.classes.min_size, largest)
        found.append(Judged(judgement, evidence.replicated))
    return found


def whole_classes(
    candidates: Sequence[Candidate], judged: Sequence[Judged], space: Space, config: Config
) -> list[Whole | None]:
    """Each candidate as it is to be shown; None where it is a piece of a class.

    Those that chance does not explain are completed around what was judged of them. A confirmed
    one is no piece of a tentative one.
    """
    kept = [i for i, j in enumerate(judged) if j.judgement.verdict in ("confirmed", "tentative")]
    confirmed = {i for i in kept if judged[i].judgement.verdict == "confirmed"}
    largest = largest_size(len(space), config.classes)
    return complete([c.members for c in candidates], kept, space, largest, confirmed)


def _held_out(candidate: Candidate, q: float | None, halves: Halves | None) -> HeldOut | None:
    """Only of those that chance does not explain: the others are rejected as it is."""
    if halves is None or _explained(q):
        return None
    return halves.heldout(np.sort(candidate.members))


def _second(
    candidate: Candidate, q: float | None, space: Space, second: Space | None
) -> tuple[float, float] | None:
    if second is None or _explained(q):
        return None
    return second_coherence(candidate.members, space, second)


def _explained(q: float | None) -> bool:
    """Whether chance explains a candidate of this q-value."""
    return q is not None and q >= Q_BELOW
