"""The whole search on featureless data, and what that says of each candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from skerry.config import Config
from skerry.discover.measure import measure
from skerry.discover.routes import Route
from skerry.discover.space import space_of
from skerry.discover.surrogates import Surrogates
from skerry.types import DoubleArray, Measures


def null_search(
    surrogates: Surrogates, kind: str, number: int, route: Route, config: Config
) -> tuple[Measures, float]:
    """What the route finds in one surrogate, with a neighbor graph of its own.

    Returns
    -------
    measures
        Of each candidate in it.
    recall
        Of its neighbor graph.
    """
    space = space_of(surrogates.draw(kind, number), config.neighbors)
    return measure(route(space, config), space), space.graph.recall


def judged(
    observed: DoubleArray, nulls: Mapping[str, Sequence[DoubleArray]]
) -> tuple[DoubleArray, DoubleArray]:
    """The p-value and the q-value of each candidate, each the worst over the kinds of null.

    With B searches of a kind, a candidate of statistic s has

        p(s) = (1 + null searches with any candidate >= s) / (B + 1),
        q(s) = [(1 + null candidates >= s) / (B + 1)] / (observed candidates >= s),

    q made monotone: of all thresholds that a candidate passes, the best. p is the chance that a
    search of featureless data finds anything like it; q the expected share of false ones among
    the candidates at least as extreme (Storey & Tibshirani 2003, PNAS 100, 9440, with nulls
    counted, not assumed; the 1 is the observed search itself, so that no q is 0).

    Parameters
    ----------
    observed : float64 (n,), the statistic of each candidate; larger is more remarkable
    nulls : for each kind, one array of statistics for each of its B searches

    Returns
    -------
    p, q : float64 (n,), at most 1
    """
    p, q = np.zeros(len(observed)), np.zeros(len(observed))
    for searches in nulls.values():
        best = np.array([s.max() if len(s) else -np.inf for s in searches])
        p = np.maximum(p, (1 + _reaching(best, observed)) / (len(searches) + 1))
        q = np.maximum(q, _q_values(observed, np.concatenate([*searches]), len(searches)))
    return p, q


def _q_values(observed: DoubleArray, pooled: DoubleArray, n_searches: int) -> DoubleArray:
    false = (1 + _reaching(pooled, observed)) / (n_searches + 1)
    raw = np.minimum(false / _reaching(observed, observed), 1.0)
    order = np.argsort(observed, kind="stable")
    smallest = np.minimum.accumulate(raw[order])
    # equal statistics have equal q: the last of a run of equals has seen them all
    last = np.searchsorted(observed[order], observed, side="right") - 1
    return np.asarray(smallest[last])


def _reaching(values: DoubleArray, statistics: DoubleArray) -> DoubleArray:
    """How many of ``values`` are at least each statistic."""
    return len(values) - np.searchsorted(np.sort(values), statistics, side="left").astype(float)
