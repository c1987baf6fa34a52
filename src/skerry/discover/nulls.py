"""The whole search on featureless data, and what that says of each candidate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from skerry.config import Config
from skerry.discover.measure import measure
from skerry.discover.part import at_same_share
from skerry.discover.routes import Route
from skerry.discover.space import space_of
from skerry.discover.surrogates import Surrogates
from skerry.types import DoubleArray, Measures


def null_search(
    surrogates: Surrogates, kind: str, number: int, route: Route, config: Config
) -> tuple[Measures, float]:
    """What the route finds in one surrogate, with a neighbor graph of its own.

    UMAP, where the route uses it, is fitted on the same share of it as of the survey.

    Returns
    -------
    measures
        Of each candidate in it.
    recall
        Of its neighbor graph.
    """
    space = space_of(surrogates.draw(kind, number), config.neighbors)
    config = at_same_share(config, len(space), len(surrogates.vectors))
    return measure(route(space, config), space), space.graph.recall


def judged(
    observed: DoubleArray, nulls: Mapping[str, Sequence[DoubleArray]], times: float = 1.0
) -> tuple[DoubleArray, DoubleArray]:
    """The p-value and the q-value of each candidate, each the worst over the kinds of null.

    With B searches of a kind, a candidate of statistic s has

        p(s) = (1 + null searches with any candidate >= s) / (B + 1),
        q(s) = [(1 + null candidates >= s) / (B + 1)] / (observed candidates >= s),

    q made monotone: of all thresholds that a candidate passes, the best. p is the chance that a
    search of featureless data finds anything like it; q the expected share of false ones among
    the candidates at least as extreme (Storey & Tibshirani 2003, PNAS 100, 9440, with nulls
    counted, not assumed; the 1 is the observed search itself, so that no q is 0). Where the
    observed search saw ``times`` as many sources as one of featureless data it would have met
    chance groups ``times`` as often: both are multiplied by that.

    Parameters
    ----------
    observed : float64 (n,), the statistic of each candidate; larger is more remarkable
    nulls : for each kind, one array of statistics for each of its B searches
    times : sources of the observed search over those of each null, 1 or more

    Returns
    -------
    p, q : float64 (n,), at most 1
    """
    p, q = np.zeros(len(observed)), np.zeros(len(observed))
    for searches in nulls.values():
        best = np.array([s.max() if len(s) else -np.inf for s in searches])
        chance = times * (1 + _reaching(best, observed)) / (len(searches) + 1)
        p = np.maximum(p, np.minimum(chance, 1.0))
        false = times * (1 + _reaching(np.concatenate([*searches]), observed))
        q = np.maximum(q, _q_values(observed, false / (len(searches) + 1)))
    return p, q


def fewest(times: float, n_searches: int, below: float) -> int:
    """How many candidates must be as well contained for a q below ``below``, where no group of
    ``n_searches`` nulls is, as :func:`judged` has it."""
    return math.floor(times / (n_searches + 1) / below) + 1


def _q_values(observed: DoubleArray, false: DoubleArray) -> DoubleArray:
    """Of candidates with so many false ones expected at their statistic or beyond."""
    raw = np.minimum(false / _reaching(observed, observed), 1.0)
    order = np.argsort(observed, kind="stable")
    smallest = np.minimum.accumulate(raw[order])
    # equal statistics have equal q: the last of a run of equals has seen them all
    last = np.searchsorted(observed[order], observed, side="right") - 1
    return np.asarray(smallest[last])


def _reaching(values: DoubleArray, statistics: DoubleArray) -> DoubleArray:
    """How many of ``values`` are at least each statistic."""
    return len(values) - np.searchsorted(np.sort(values), statistics, side="left").astype(float)
