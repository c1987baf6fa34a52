from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_matrix

from skerry.config import ClassesConfig, NeighborsConfig, from_mapping
from skerry.discover import space_of
from skerry.discover.communities import (
    APART,
    Communities,
    Usual,
    communities,
    contained,
    partition_sizes,
)
from skerry.discover.find import Searched, find
from skerry.discover.matching import jaccard
from skerry.errors import InputError
from skerry.types import FloatArray, IntArray, NeighborGraph

SEA, GROUP = 1500, 30
PLANTED = np.arange(GROUP)
LEVEL = Usual(0.0, 0.0, 1.0)


def sea(seed: int, planted: bool = True) -> FloatArray:
    """A smooth sea, its first 30 sources a group toward its edge."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(SEA, 8))
    if planted:
        center = rng.normal(size=8)
        center *= 4 / np.linalg.norm(center)
        x[PLANTED] = center + 0.2 * rng.normal(size=(GROUP, 8))
    return x.astype(np.float32)


def of(x: FloatArray, k: int = 20, smallest: int = 10, largest: int = 0) -> Communities:
    return communities(space_of(x, NeighborsConfig(k=k)).graph).reaching(smallest, largest)


def graph(indices: IntArray) -> NeighborGraph:
    n, k = indices.shape
    far = np.tile(np.arange(1, k + 1, dtype=np.float32), (n, 1))
    return NeighborGraph(indices, far)


def by_hand(groups: list[list[int]], containment: list[float], n: int = 60) -> Communities:
    """Communities as they are given, of a graph without edges."""
    rows = [np.array(group, dtype=np.int64) for group in groups]
    return Communities(
        csr_matrix((n, n), dtype=np.float32), np.zeros(n), rows, np.array(containment), LEVEL
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_group_is_the_most_contained_and_comes_out_whole(seed: int) -> None:
    found = of(sea(seed))
    most = found.groups[int(np.argmax(found.containment))]
    # with a few of the sea that lie just beside it
    assert np.isin(PLANTED, most).all() and jaccard(most, PLANTED) > 0.8
    first, *others = contained(found, ClassesConfig())
    np.testing.assert_array_equal(first.members, most)
    assert found.containment.max() > 10
    # what is left is chance: none is as far off
    left = found.containment_of([one.members for one in others])
    assert left.max(initial=0) < 6


def test_ordinary_communities_scatter_around_0_by_1() -> None:
    found = of(sea(7, planted=False))
    assert abs(np.median(found.containment)) < 0.1
    low, high = np.quantile(found.containment, [0.16, 0.84])
    assert 0.7 < (high - low) / 2 < 1.3
    # at all sizes alike
    sizes = np.array([len(rows) for rows in found.groups])
    for those in (sizes < 25, sizes >= 40):
        assert abs(np.median(found.containment[those])) < 0.7
    assert (found.containment > 5).mean() < 0.02


def test_a_planted_group_moves_the_line_of_the_others_little() -> None:
    without, with_it = (of(sea(1, planted)).usual for planted in (False, True))
    size, leaving = np.array([15.0, 60.0]), np.array([0.4, 0.3])
    before, after = (usual.containment(size, leaving) for usual in (without, with_it))
    np.testing.assert_allclose(after, before, atol=1.0)


def test_the_order_of_the_input_changes_no_class() -> None:
    config = from_mapping(
        {
            "nulls": {"n": 1, "scales": "2"},
            "replication": {"subsamples": 0, "seeds": 0},
        }
    )
    x = sea(3)
    order = np.random.default_rng(1).permutation(SEA)
    one, other = find(x, config), find(x[order], config)

    def said(found: Searched, rows: IntArray) -> list[tuple[object, ...]]:
        return [
            (rows[found.members(i)].tolist(), c.probability.tolist(), judged.judgement)
            for i, (c, judged) in enumerate(zip(found.candidates, found.judged, strict=True))
        ]

    assert said(one, np.arange(SEA)) == said(other, order)
    assert jaccard(np.sort(one.members(0)), PLANTED) > 0.8


def test_communities_are_parts_none_too_small_as_large_as_was_meant() -> None:
    found = of(sea(2), smallest=8)
    assert partition_sizes(SEA, 8) == [8, 16, 32, 64]
    times = np.zeros(SEA, dtype=int)
    for rows in found.groups:
        assert rows.dtype == np.int64 and (np.diff(rows) > 0).all() and len(rows) >= 8
        times[rows] += 1
    # a source is in one community of each partition, if that is no smaller
    assert times.max() == 4 and (times > 0).all()
    sizes = np.array([len(rows) for rows in found.groups])
    assert (sizes < 20).any() and (sizes > 50).any()
    assert len(found.containment) == len(found.groups)


@pytest.mark.parametrize(
    ("n", "smallest", "largest", "sizes"),
    [
        (50, 10, 2, [16]),
        (640, 10, 32, [16, 32]),
        (639, 10, 31, [16]),
        (10**7, 10, 1000, [16, 32, 64, 128, 256, 512, 1024]),
        (10**7, 10, 3000, [16, 32, 64, 128, 256, 512, 1024, 2048]),
        (4000, 5, 200, [8, 16, 32, 64, 128]),
        (4000, 40, 200, [16, 32, 64, 128]),
        (400, 3, 80, [4, 8, 16, 32, 64]),
    ],
)
def test_the_sizes_of_the_partitions(n: int, smallest: int, largest: int, sizes: list[int]) -> None:
    assert partition_sizes(n, smallest, largest) == sizes


def test_reaching_farther_adds_partitions_and_moves_no_containment() -> None:
    own = of(sea(2))
    more = own.reaching(5, 300)
    n = len(own.groups)
    assert len(more.groups) > n and more.usual == own.usual
    for before, after in zip(own.groups, more.groups, strict=False):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(more.containment[:n], own.containment)
    added = [len(rows) for rows in more.groups[n:]]
    assert min(added) < 10 and max(added) > 80
    assert own.reaching(12, 70) is own


def test_a_class_larger_than_the_usual_partitions_is_found_where_it_is_asked_for() -> None:
    x = sea(5, planted=False)
    large = np.arange(180)
    x[large] = x[large] * 0.3 + np.eye(8, dtype=np.float32)[0] * 6
    found = contained(of(x), ClassesConfig(max_share=0.2))
    assert max(jaccard(one.members, large) for one in found) > 0.9
    few = contained(of(x), ClassesConfig())
    assert max((jaccard(one.members, large) for one in few), default=0) < 0.6


def test_islands_are_apart_by_no_more_than_rounding_can_tell() -> None:
    leaving = np.array([0.0, 1e-12, 1e-7, 1e-6])
    found = LEVEL.containment(np.full(4, 12.0), leaving)
    assert (found == found[0]).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(2, 15))
def test_conductance_agrees_with_all_pairs(seed: int, k: int, smallest: int) -> None:
    rng = np.random.default_rng(seed)
    found = of(rng.normal(size=(120, 3)).astype(np.float32), k, smallest)
    dense = found.weights.toarray().astype(np.float64)
    groups = [*found.groups, *(rng.permutation(120)[:size] for size in (1, 7, 40))]
    sizes = np.array([len(rows) for rows in groups], dtype=np.float64)
    leaving = []
    for rows in groups:
        inside = np.isin(np.arange(120), rows)
        out, total = dense[inside][:, ~inside].sum(), dense[inside].sum()
        leaving.append(out / total if total else 1.0)
    expected, given = (
        found.usual.containment(sizes, np.array(leaving)),
        found.containment_of(groups),
    )
    # of an island nothing leads out but what is rounded
    some = np.array(leaving) > 1e-4
    np.testing.assert_allclose(given[some], expected[some], rtol=1e-3, atol=1e-2)
    assert (given[~some] > found.usual.containment(sizes[~some], np.float64(2e-4))).all()
    np.testing.assert_allclose(found.degree, dense.sum(axis=1), rtol=1e-6)


def test_conductance_is_the_same_a_few_groups_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = of(sea(5))
    groups = [*whole.groups[::7], np.arange(SEA), np.empty(0, np.int64), PLANTED]
    expected = whole.containment_of(groups)
    for at_once in (1, 100, SEA):
        monkeypatch.setattr("skerry.discover.communities._AT_ONCE", at_once)
        np.testing.assert_array_equal(whole.containment_of(groups), expected)
        assert whole.containment_of([]).shape == (0,)


@pytest.mark.parametrize(("n", "k"), [(12, 5), (30, 10), (200, 15), (SEA, 20)])
def test_the_containment_of_its_own_groups_is_that(n: int, k: int) -> None:
    found = of(sea(4)[:n], k)
    of_all = found.containment_of(found.groups)
    np.testing.assert_allclose(of_all, found.containment, rtol=1e-4, atol=1e-4)
    assert found.containment_of([]).shape == (0,)


@settings(deadline=None, max_examples=40)
@given(
    arrays(np.float64, 12, elements=st.floats(1e-6, 1 - 1e-6)),
    st.floats(-2, 2),
    st.floats(0.1, 3),
)
def test_the_fewer_lead_out_the_more_contained(
    leaving: np.ndarray, slope: float, scatter: float
) -> None:
    usual = Usual(0.3, slope, scatter)
    ordered = np.sort(leaving)
    found = usual.containment(np.full(12, 20.0), ordered)
    assert (np.diff(found) <= 0).all() and np.isfinite(found).all()
    # on the line itself it is 0, and one scatter below it 1
    at = 0.3 + slope * np.log(20.0) - np.array([0, scatter])
    on_line = usual.containment(np.full(2, 20.0), 1 / (1 + np.exp(-at)))
    np.testing.assert_allclose(on_line, [0, 1], atol=1e-5)


def test_none_leads_out_and_all_lead_out_are_finite() -> None:
    assert np.isfinite(LEVEL.containment(np.array([0.0, 1, 9]), np.array([0.0, 1, 1]))).all()


@pytest.mark.parametrize("n", [12, 30, 200])
@pytest.mark.parametrize("k", [1, 2, 11])
def test_few_sources(n: int, k: int) -> None:
    x = np.random.default_rng(n).normal(size=(n, 3)).astype(np.float32)
    found = of(x, k)
    assert np.isfinite(found.containment).all()
    assert all(len(rows) >= 10 for rows in found.groups)
    # few enough are one community only, or none
    config = ClassesConfig(min_size=2, max_share=0.5)
    assert all(2 <= len(one.members) <= n / 2 for one in contained(found, config))


def test_sources_that_share_no_neighbors_have_no_community() -> None:
    ring = (np.arange(40)[:, None] + 1) % 40
    found = communities(graph(ring))
    assert found.weights.nnz == 0 and (found.degree == 0).all()
    assert found.groups == [] and found.containment.shape == (0,)
    assert contained(found, ClassesConfig(max_share=0.5)) == []
    # and any group of them is held against a line all the same
    assert np.isfinite(found.containment_of([np.arange(3), np.arange(12)])).all()


def test_communities_all_of_one_size_are_held_against_their_middle() -> None:
    """Twenty islands of twelve, each a clique: as far as size tells all are alike."""
    own = np.repeat(np.arange(20), 12)
    others = np.array([np.flatnonzero((own == own[i]) & (np.arange(240) != i)) for i in range(240)])
    found = communities(graph(others))
    assert [rows.tolist() for rows in found.groups] == [
        list(range(12 * i, 12 * i + 12)) for i in range(20)
    ]
    np.testing.assert_allclose(found.containment, 0, atol=1e-3)
    assert found.usual.scatter > 0


def test_the_most_contained_first_and_no_overlap() -> None:
    a, b, c, d = list(range(10)), list(range(9, 21)), list(range(20, 30)), list(range(40, 52))
    found = by_hand([a, b, c, d], [3.0, 4.0, 2.5, APART - 1e-6])
    config = ClassesConfig(max_share=0.5)
    # b keeps a and c out, and d is not apart
    assert [one.members.tolist() for one in contained(found, config)] == [b]
    weaker = replace(found, containment=np.array([3.0, 2.0, 2.5, APART]))
    assert [one.members.tolist() for one in contained(weaker, config)] == [a, c, d]
    for one in contained(weaker, config):
        assert one.persistence == 0 and one.probability.dtype == np.float32


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.integers(5, 25), st.integers(25, 60))
def test_candidates_are_of_the_sizes_of_classes_and_apart(
    seed: int, min_size: int, largest: int
) -> None:
    found = of(sea(seed)[:400], 12, 5)
    config = ClassesConfig(min_size=min_size, max_size=largest, max_share=0.5)
    candidates = contained(found, config)
    rows = np.concatenate([np.zeros(0, np.int64), *(one.members for one in candidates)])
    assert len(np.unique(rows)) == len(rows)
    values = found.containment_of([one.members for one in candidates])
    assert (values >= APART - 1e-3).all() and (np.diff(values) <= 1e-3).all()
    for one in candidates:
        assert min_size <= len(one.members) <= largest
        assert (one.probability > 0).all() and (one.probability <= 1).all()
    # and none that could be taken beside these was left
    free = np.ones(400, dtype=bool)
    free[rows] = False
    for group, value in zip(found.groups, found.containment, strict=True):
        if min_size <= len(group) <= largest and value >= APART:
            assert not free[group].all()


def test_a_member_belongs_by_the_share_of_its_edges_that_stays() -> None:
    found = of(sea(0))
    one = contained(found, ClassesConfig())[0]
    dense = found.weights[one.members].toarray()
    share = dense[:, one.members].sum(axis=1) / dense.sum(axis=1)
    np.testing.assert_allclose(one.probability, share, rtol=1e-4)


def test_too_few_sources_for_any_class_are_refused() -> None:
    found = of(sea(0)[:100], 10)
    with pytest.raises(InputError, match="of 100 sources a class may hold at most 5"):
        contained(found, ClassesConfig())


def test_partitions_made_at_a_time_are_the_same() -> None:
    graph = space_of(sea(0), NeighborsConfig()).graph
    here, elsewhere = communities(graph), communities(graph, at_once=2)
    assert len(here.groups) == len(elsewhere.groups) > 10
    for one, other in zip(here.groups, elsewhere.groups, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(here.containment, elsewhere.containment)
    assert here.usual == elsewhere.usual


def test_communities_that_are_there_are_not_looked_for_again() -> None:
    space = space_of(sea(0), NeighborsConfig())
    space.find_communities(1)
    found = space.communities
    space.find_communities(2)
    assert space.communities is found
