"""The verdict on a candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from skerry.discover.checks import Q_BELOW, Bound, Evidence, checks
from skerry.discover.measure import like_size
from skerry.types import Check, DoubleArray, Measures, Verdict

ENOUGH = 20
"""Chance groups that a kind of featureless data must give for its tail to be a bound."""

ABSOLUTE: Mapping[str, float] = {
    "isolation": 0.0,
    "containment": 0.0,
    "coherence": 0.5,
    "spread": 1.0,
}
"""The bounds where featureless data gives too few chance groups to measure one."""

_LOW_IS_GOOD = ("spread",)
_WITH_SIZE = ("isolation", "coherence")
_TAIL = 0.05

_FAILED = {
    "null": "Featureless data does not rule out that it is chance",
    "isolation": "It lies no farther from its surroundings than chance groups do",
    "coherence": "Its members have each other as neighbors no more than those of chance groups do",
    "spread": "It is drawn out, beside its surroundings, as a chain or a bridge is",
    "size": "Its size is not that of a rare class",
    "edge": "It has no edge: it is a dense part of something that goes on",
    "replication": "Too few of the repeated searches found it again",
    "held-out half": "One random half of the sources does not bear out what the other half shows",
    "second encoder": "To a second encoder its members are not alike",
}


@dataclass(frozen=True)
class Judgement:
    """A verdict, the checks it rests on and, in short sentences, what decided it."""

    verdict: Verdict
    checks: tuple[Check, ...]
    reasons: tuple[str, ...]
    p: float | None = None
    q: float | None = None


def thresholds(nulls: Mapping[str, Measures], size: int) -> dict[str, Bound]:
    """What a class of ``size`` members must exceed in isolation, containment and coherence, and
    stay below in spread.

    Each of the first three is the value beyond which at most 5% of the chance groups lie, in
    that kind of featureless data where it is the hardest to pass. Isolation, coherence and spread
    grow with size, so that they are held against chance groups of like size, from half to twice as
    many members; the first two against all where those are fewer than ``ENOUGH``. Of spread it is
    their median: it keeps out chains and bridges, and chance groups are compact for being small;
    the larger a group, real or of chance, the closer to its edge most of its members lie. A kind
    with fewer than ``ENOUGH`` groups asks for ``ABSOLUTE`` only, and so does no kind at all.

    Parameters
    ----------
    nulls : by kind, the measures of the groups of all its searches together
    """
    return {
        name: _bound([_compared(name, m, size) for m in nulls.values()], name) for name in ABSOLUTE
    }


def _compared(name: str, measures: Measures, size: int) -> DoubleArray:
    """The values of the chance groups that a class of a size is held against."""
    values: DoubleArray = getattr(measures, name)
    alike = like_size(measures.size, size)
    enough = np.count_nonzero(alike) >= ENOUGH
    if name == "spread" or (name in _WITH_SIZE and enough):
        return values[alike]
    return values


def _bound(kinds: Sequence[DoubleArray], name: str) -> Bound:
    low = name in _LOW_IS_GOOD
    bounds = [_tail(values, low) for values in kinds if len(values) >= ENOUGH]
    if len(bounds) < len(kinds) or not bounds:
        bounds.append(Bound(ABSOLUTE[name], measured=False))
    return min(bounds, key=lambda b: b.value if low else -b.value)


def _tail(values: DoubleArray, low: bool) -> Bound:
    # the nearest chance group outward, so that no more than the share lie strictly beyond
    if low:
        return Bound(float(np.median(values)), measured=True)
    return Bound(float(np.quantile(values, 1 - _TAIL, method="higher")), measured=True)


def judge(
    evidence: Evidence, bounds: Mapping[str, Bound], min_size: int, largest: int
) -> Judgement:
    """The verdict on one candidate.

    ``rejected``: chance explains it, q is not below ``Q_BELOW``. ``confirmed``: it does not,
    repeated searches were made and every check passed. ``tentative``: it does not, but a check
    failed or no search was repeated. ``unjudged``: no featureless data was searched.

    Parameters
    ----------
    bounds : as ``thresholds`` gives them
    min_size, largest : sizes between which a rare class lies, both included
    """
    made = checks(evidence, bounds, min_size, largest)
    verdict = _verdict(evidence, made)
    return Judgement(verdict, made, _reasons(verdict, evidence, made), evidence.p, evidence.q)


def _verdict(evidence: Evidence, made: Sequence[Check]) -> Verdict:
    if evidence.q is None:
        return "unjudged"
    if not evidence.q < Q_BELOW:
        return "rejected"
    if evidence.replicated is not None and all(check.passed for check in made):
        return "confirmed"
    return "tentative"


def _reasons(verdict: Verdict, evidence: Evidence, made: Sequence[Check]) -> tuple[str, ...]:
    if verdict == "confirmed" and evidence.replicated is not None:
        return (
            "Featureless data seldom gives a group as well contained as this "
            f"(q = {evidence.q:.2g}).",
            f"{evidence.replicated.share:.0%} of the repeated searches found it again.",
        )
    failed = tuple(_failure(check) for check in made if not check.passed)
    if verdict == "unjudged":
        return (
            "No featureless data was searched, so it is not known how often chance gives such a "
            "group.",
            *failed,
        )
    if verdict == "tentative" and evidence.replicated is None:
        return (*failed, "No search was repeated, so it is not known whether it would come back.")
    return failed


def _failure(check: Check) -> str:
    return f"{_FAILED[check.name]} ({check.value:.3g}, held against {check.threshold:.3g})."
