"""From single searches to a completeness curve, and the prevalence at which it reaches 90%."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skerry.recovering.search import Outcome
from skerry.types import DoubleArray

REACHED = 0.9
"""The probability of being found that a limit is of."""

_LEVELS = (0.025, 0.975)
_STEEPNESS = (0.5, 20.0)
"""Of the curves compared: from 10% to 90% within a factor of 6,600 in prevalence, or of 1.2."""

_BEYOND, _STEP = math.log(2), 0.1
"""How far beyond what was planted a curve's middle may lie, and its steps (natural logarithm).
Were it farther, the guess that it lies far below would outweigh 20 of 20 at the least."""

_NEVER = 1e-9


@dataclass(frozen=True)
class Point:
    """One prevalence of one visibility, over all realizations.

    ``planted`` sources are ``prevalence`` of all sources then searched. ``found`` counts the
    realizations in which the class was confirmed, ``share`` of all ``realizations``, with
    the 95% interval from ``low`` to ``high``; ``tentative`` those in which it was only that, and
    ``candidate`` those in which the search had it, whatever the verdict (``found`` is among
    these). ``jaccard``, ``purity`` and ``completeness`` are the means over those in which it had
    it, ``joined`` the mean share of the planted that went into a class of the run's own, and
    ``pieces`` counts realizations in which a piece of the planted class was confirmed as one of
    its own, ``new`` those with a confirmed class that is neither planted nor the run's; in a
    control, one of pieces is new as well.
    ``unreachable`` says why nothing was planted, empty where it was; all measured is None then.
    In a control, ordinary sources were planted, and ``visibility`` is None.
    """

    visibility: float | None
    prevalence: float
    planted: int
    realizations: int = 0
    found: int | None = None
    share: float | None = None
    low: float | None = None
    high: float | None = None
    tentative: int | None = None
    candidate: int | None = None
    jaccard: float | None = None
    purity: float | None = None
    completeness: float | None = None
    joined: float | None = None
    pieces: int | None = None
    new: int | None = None
    unreachable: str = ""


@dataclass(frozen=True)
class Limit:
    """The prevalence from which on a class is found with a probability of 90%.

    ``prevalence`` with the 95% interval from ``low`` to ``high``: 0 for one at or below the
    least that was planted, infinite for one above the most.
    """

    visibility: float
    prevalence: float
    low: float
    high: float


def point(
    visibility: float | None, prevalence: float, planted: int, outcomes: Sequence[Outcome]
) -> Point:
    """The realizations of one prevalence as a point of the curve."""
    n = len(outcomes)
    found = sum(o.found for o in outcomes)
    low, high = jeffreys(found, n)
    control = visibility is None
    had = [o for o in outcomes if o.verdict]
    return Point(
        visibility,
        prevalence,
        planted,
        n,
        found,
        found / n,
        low,
        high,
        sum(o.verdict == "tentative" for o in outcomes),
        len(had),
        _mean([o.jaccard for o in had]),
        _mean([o.purity for o in had]),
        _mean([o.completeness for o in had]),
        _mean([o.joined for o in outcomes]),
        sum(o.pieces > 0 for o in outcomes),
        sum(o.new > 0 or (control and o.pieces > 0) for o in outcomes),
    )


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def jeffreys(hits: int, n: int) -> tuple[float, float]:
    """95% interval of a share of ``n``: Jeffreys', which holds 0 and 1 where all or none are hits
    (Brown, Cai & DasGupta 2001, Stat. Sci. 16, 101, section 3)."""
    from scipy.special import betaincinv

    a, b = hits + 0.5, n - hits + 0.5
    low = float(betaincinv(a, b, _LEVELS[0])) if hits else 0.0
    high = float(betaincinv(a, b, _LEVELS[1])) if hits < n else 1.0
    return low, high


def limit(visibility: float, points: Sequence[Point]) -> Limit:
    """Where the curve behind the ``points`` of one visibility, all reachable, crosses 90%.

    The probability of being found is taken to be c / (1 + exp(-k (x - m))), x the logarithm of
    the prevalence: a logistic curve, as is usual for completeness and for psychometric functions,
    with a ceiling c below 1 where something else than size keeps the class from being found.
    Of the posterior of the crossing (binomial likelihood; priors uniform for m and the logarithm
    of k, Beta(1, 10) for 1 - c, as Schuett et al. 2016, Vision Res. 122, 105) the median is the
    limit and the central 95% its interval. Straight lines between the shares measured would be
    wrong by more than their interval where a curve is steep beside the steps of prevalence.
    """
    ordered = sorted(points, key=lambda p: p.prevalence)
    x = np.log([p.prevalence for p in ordered])
    n = np.array([p.realizations for p in ordered], dtype=np.float64)
    found = np.array([p.found or 0 for p in ordered], dtype=np.float64)
    values = crossing(x, found, n)
    least, most = ordered[0].prevalence, ordered[-1].prevalence
    return Limit(visibility, *(_within(math.exp(value), least, most) for value in values))


def _within(prevalence: float, least: float, most: float) -> float:
    if prevalence <= least:
        return 0.0
    return prevalence if prevalence <= most else math.inf


def crossing(x: DoubleArray, found: DoubleArray, n: DoubleArray) -> DoubleArray:
    """Where the curve crosses ``REACHED``: median, 2.5% and 97.5% of its posterior.

    Parameters
    ----------
    x : (m,), natural logarithms of the prevalences
    found, n : (m,), realizations in which it was found, and all

    Returns
    -------
    float64 (3,): logarithms of prevalences, inf for none
    """
    middle, steepness, ceiling = _curves(x)
    shape = 1 / (1 + np.exp(-steepness * (x[:, None] - middle)))
    share = np.clip(ceiling * shape, _NEVER, 1 - _NEVER)
    hits, misses = found[:, None], (n - found)[:, None]
    likelihood = (hits * np.log(share) + misses * np.log1p(-share)).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.where(ceiling > REACHED, REACHED / (ceiling - REACHED), np.inf)
        where = middle + np.log(odds) / steepness
    order = np.argsort(where, kind="stable")
    below = np.cumsum(np.exp(likelihood - likelihood.max())[order])
    at = np.searchsorted(below, np.array([0.5, *_LEVELS]) * below[-1])
    return np.asarray(where[order][at])


def _curves(x: DoubleArray) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
    """Middle, steepness and ceiling of the curves compared, all as likely beforehand."""
    from scipy.special import betaincinv

    low, high = x.min() - _BEYOND, x.max() + _BEYOND
    middles = np.linspace(low, high, math.ceil((high - low) / _STEP) + 1)
    steepness = np.geomspace(*_STEEPNESS, 20)
    ceilings = 1 - betaincinv(1, 10, (np.arange(12) + 0.5) / 12)
    grid = np.meshgrid(middles, steepness, ceilings, indexing="ij")
    return grid[0].ravel(), grid[1].ravel(), grid[2].ravel()
