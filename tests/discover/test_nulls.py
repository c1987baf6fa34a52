from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.config import Config, from_mapping
from skerry.discover import Surrogates, judged, measure, null_search, route_of, space_of
from skerry.discover.communities import APART
from skerry.discover.nulls import fewest
from skerry.types import Candidate


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


SEARCHES = [array(1.0, 2.0, 2.5), array(), array(3.0), array(0.5, 0.5)]
"""Four searches of featureless data, one of which found nothing: B + 1 = 5."""


def test_p_and_q_by_hand() -> None:
    observed = array(2.5, 4.0, 0.5, 3.0)
    p, q = judged(observed, {"a": SEARCHES})
    # the best of each search: 2.5, none, 3, 0.5
    np.testing.assert_allclose(p, [3 / 5, 1 / 5, 4 / 5, 2 / 5])
    # null candidates at or above 2.5, 4, 0.5, 3: 2, 0, 6, 1; observed ones: 3, 1, 4, 2
    np.testing.assert_allclose(q, [3 / 5 / 3, 1 / 5, 7 / 5 / 4, 2 / 5 / 2])


def test_q_is_the_best_of_the_thresholds_passed() -> None:
    # at 2 and above there are six of chance 2/5, so 1/15 each; alone, the 5 would have 1/5
    p, q = judged(array(2, 2.1, 2.2, 2.3, 2.4, 5), {"a": [array(2.05), *[array()] * 3]})
    np.testing.assert_allclose(q, [2 / 5 / 6, *[1 / 5 / 5] * 4, 1 / 5 / 5])
    np.testing.assert_allclose(p, [2 / 5, *[1 / 5] * 5])


def test_equals_have_the_same_and_a_null_as_large_counts() -> None:
    p, q = judged(array(1, 3, 1, 3), {"a": [array(3.0), array(1.0)]})
    np.testing.assert_allclose(p, [1, 2 / 3, 1, 2 / 3])
    # at 3: 2/3 of 2; at 1: 3/3 of 4, the better threshold for all
    np.testing.assert_allclose(q, 1 / 4)


def test_the_worst_kind_counts() -> None:
    observed = array(1.5, 4.0)
    kinds = {"a": SEARCHES, "b": [array(4.5)] * 2, "c": [array()] * 9}
    alone = [judged(observed, {name: searches}) for name, searches in kinds.items()]
    for i, values in enumerate(judged(observed, kinds)):
        np.testing.assert_array_equal(values, np.max([one[i] for one in alone], axis=0))
    assert judged(observed, kinds)[0].tolist() == [1, 1]


def test_no_candidates() -> None:
    p, q = judged(array(), {"a": SEARCHES})
    assert p.shape == q.shape == (0,)


VALUES = st.lists(st.integers(-3, 8).map(float), max_size=8)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.integers(-3, 8).map(float), min_size=1, max_size=12),
    st.lists(VALUES, min_size=1, max_size=6),
    st.lists(VALUES, min_size=1, max_size=6),
)
def test_the_more_remarkable_the_smaller(
    observed: list[float], first: list[list[float]], second: list[list[float]]
) -> None:
    nulls = {"a": [array(*s) for s in first], "b": [array(*s) for s in second]}
    statistics = array(*observed)
    p, q = judged(statistics, nulls)
    order = np.argsort(statistics)
    assert (np.diff(p[order]) <= 0).all() and (np.diff(q[order]) <= 0).all()
    least = 1 / (min(len(first), len(second)) + 1)
    assert (p >= least).all() and (q >= least / len(observed)).all()
    assert (p <= 1).all() and (q <= 1).all()
    # the definition itself, every threshold tried
    for i, s in enumerate(statistics):
        worst = 0.0
        for searches in nulls.values():
            pooled = np.concatenate(searches)
            tried = [
                (1 + (pooled >= t).sum()) / (len(searches) + 1) / (statistics >= t).sum()
                for t in statistics[statistics <= s]
            ]
            worst = max(worst, min(1.0, *tried))
        assert q[i] == pytest.approx(worst)


def test_a_null_is_searched_as_the_data_are() -> None:
    config = from_mapping({"neighbors": {"k": 16}, "classes": {"max_share": 0.2}})
    x = np.random.default_rng(0).normal(size=(600, 4)).astype(np.float32)
    surrogates = Surrogates(space_of(x, config.neighbors), config, [np.arange(20)])
    seen: list[np.ndarray] = []

    def route(space: object, given: Config) -> list[Candidate]:
        assert given is config
        seen.append(space.vectors)  # type: ignore[attr-defined]
        assert space.graph.indices.shape == (600, 16)  # type: ignore[attr-defined]
        return route_of("graph")(space, given)  # type: ignore[arg-type]

    measures, recall = null_search(surrogates, "smooth-2", 10, route, config)
    np.testing.assert_array_equal(seen[0], surrogates.draw("smooth-2", 10))
    assert len(measures) > 0 and recall == 1
    # those of its own graph, which say what a search picks: more contained than is usual
    space = space_of(seen[0], config.neighbors)
    expected = measure(route_of("graph")(space, config), space)
    assert measures.containment.tolist() == expected.containment.tolist()
    assert measures.containment.min() >= APART - 1e-3


@given(
    st.lists(st.floats(-3, 9), min_size=1, max_size=12),
    st.lists(st.lists(st.floats(-3, 9), max_size=5), min_size=1, max_size=6),
    st.floats(1, 50),
)
def test_a_survey_so_many_times_as_large_meets_chance_groups_as_often(
    observed: list[float], searches: list[list[float]], times: float
) -> None:
    statistics = np.array(observed)
    nulls = {"shuffled": [np.array(s) for s in searches]}
    p, q = judged(statistics, nulls, times)
    p_once, q_once = judged(statistics, nulls)
    np.testing.assert_allclose(p, np.minimum(1, times * p_once))
    assert (q >= q_once - 1e-12).all() and (q <= 1).all()
    np.testing.assert_allclose(q[q < 1], times * q_once[q < 1])


@given(st.floats(1, 200), st.integers(1, 100))
def test_so_many_must_be_alike_where_no_group_of_the_nulls_is(times: float, n: int) -> None:
    least = fewest(times, n, 0.05)
    nulls = {"shuffled": [np.zeros(0)] * n}
    assert judged(np.ones(least), nulls, times)[1].max() < 0.05 + 1e-12
    if least > 1:
        assert judged(np.ones(least - 1), nulls, times)[1].min() >= 0.05 - 1e-12
