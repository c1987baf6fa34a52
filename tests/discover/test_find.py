from __future__ import annotations

import importlib
import weakref
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

from skerry.config import from_mapping
from skerry.discover import OwnRoute, Space, elsewhere
from skerry.discover.find import Searched, find
from skerry.errors import InputError
from skerry.executors.processes import Processes

finding = importlib.import_module("skerry.discover.find")

CONFIG = from_mapping(
    {
        "neighbors": {"k": 15},
        "nulls": {"n": 12, "scales": "2"},
        "replication": {"subsamples": 2, "seeds": 0},
        "classes": {"max_share": 0.1},
    }
)
PLAIN = from_mapping({"nulls": {"n": 0}, "replication": {"subsamples": 0, "seeds": 0}}, CONFIG)
GROUPS = (range(25), range(25, 50))


N = 1500
"""Sources enough that a random half has communities to tell a twentieth of."""


def sea(n: int = N, planted: bool = True, seed: int = 0) -> np.ndarray:
    """Two groups of 25 at the edge of a sea, or none."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 8))
    for group in GROUPS if planted else ():
        center = rng.normal(size=8)
        center *= 4 / np.linalg.norm(center)
        x[group] = center + 0.15 * rng.normal(size=(25, 8))
    return x.astype(np.float32)


@pytest.fixture(scope="module")
def searched() -> Searched:
    return find(sea(), CONFIG)


def overlap(rows: np.ndarray, group: range) -> float:
    return len(np.intersect1d(rows, group)) / len(np.union1d(rows, group))


def as_bytes(found: Searched) -> list[object]:
    return [
        found.rows.tobytes(),
        [(c.members.tobytes(), c.probability.tobytes(), c.persistence) for c in found.candidates],
        [column.tobytes() for column in astuple(found.measures)],
        [j.judgement for j in found.judged],
        {kind: [m.containment.tobytes() for m in ms] for kind, ms in found.nulls.items()},
    ]


def test_planted_classes_are_confirmed(searched: Searched) -> None:
    confirmed = searched.confirmed()
    assert len(confirmed) == 2
    for group in GROUPS:
        assert max(overlap(rows, group) for rows in confirmed) > 0.9
    assert len(searched.candidates) == len(searched.judged) == len(searched.measures)
    for i, judged in enumerate(searched.judged):
        assert (judged.judgement.verdict == "confirmed") == any(
            searched.members(i).tolist() == rows.tolist() for rows in confirmed
        )
        assert judged.replicated is not None
    assert {kind: len(found) for kind, found in searched.nulls.items()} == {
        "shuffled": 12,
        "smooth-2": 12,
    }


def test_a_smooth_sea_holds_no_class() -> None:
    found = find(sea(800, planted=False), CONFIG)
    assert found.candidates
    assert {j.judgement.verdict for j in found.judged} == {"rejected"}
    assert found.confirmed() == []


def test_partitions_are_made_at_a_time_as_in_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(finding, "partitions_at_once", lambda n: 3)
    monkeypatch.setattr(Space, "find_communities", lambda space, n, on_event: asked.append(n))
    find(sea(400, planted=False), PLAIN)
    assert asked == [3]


def test_members_are_rows_of_the_input() -> None:
    x = np.vstack([sea()[:100], sea()])
    found = find(x, PLAIN)
    assert len(found.rows) == len(found.space) == N
    np.testing.assert_array_equal(x[found.rows], found.space.vectors)
    # of two that are the same the first
    assert (found.rows[found.rows < 200] < 100).all()
    members = [found.members(i) for i in range(len(found.candidates))]
    assert max(overlap(m, range(25)) for m in members) > 0.9


def test_without_nulls_all_are_unjudged() -> None:
    found = find(sea(), PLAIN)
    assert found.nulls == {}
    assert found.candidates
    assert {j.judgement.verdict for j in found.judged} == {"unjudged"}
    assert all(j.judgement.q is None and j.replicated is None for j in found.judged)


def test_without_repeated_searches_none_is_confirmed(searched: Searched) -> None:
    found = find(sea(), from_mapping({"replication": {"subsamples": 0, "seeds": 0}}, CONFIG))
    assert found.confirmed() == []
    verdicts = [j.judgement.verdict for j in found.judged]
    assert verdicts.count("tentative") >= 2
    assert [j.judgement.q for j in found.judged] == [j.judgement.q for j in searched.judged]


def test_another_seed_draws_other_nulls(searched: Searched) -> None:
    fewer = {"nulls": {"n": 1, "seed": 1}, "replication": {"subsamples": 0, "seeds": 0}}
    other = find(sea(), from_mapping(fewer, CONFIG)).nulls["shuffled"][0]
    first = searched.nulls["shuffled"][0]
    assert other.isolation.tolist() != first.isolation.tolist()


def test_a_route_of_ones_own_is_searched_and_judged() -> None:
    used = []

    def make() -> DBSCAN:
        used.append(1)
        return DBSCAN(eps=0.75, min_samples=4)

    config = from_mapping({"nulls": {"n": 2}, "replication": {"subsamples": 1}}, CONFIG)
    found = find(sea(), config, route=OwnRoute(make))
    members = [sorted(found.members(i).tolist()) for i in range(len(found.candidates))]
    assert sorted(members) == [list(g) for g in GROUPS]
    # the data, 2 x 2 nulls, the subsample and the halves: what it knows nothing of repeats nothing
    assert len(used) == 1 + 4 + 1 + 2
    for judged in found.judged:
        assert judged.replicated is not None
        assert judged.replicated.share > 0.5
        # the other route is another one
        assert judged.replicated.kinds["route"][1] == 1


def test_says_how_far_it_is() -> None:
    seen: list[tuple[str, int, int]] = []
    config = from_mapping({"nulls": {"n": 1}, "replication": {"subsamples": 1}}, CONFIG)
    find(sea(300), config, route=OwnRoute(lambda: DBSCAN()), on_event=lambda *e: seen.append(e))
    for what in (
        "nearest neighbors",
        "finding communities",
        "searching featureless data",
        "repeating the search",
    ):
        done = [(i, n) for name, i, n in seen if name == what]
        assert done and done[-1][0] == done[-1][1]
        assert done == sorted(done)


@pytest.mark.parametrize("kind", [np.float16, np.float64])
def test_other_numbers_are_taken_as_float32(kind: type) -> None:
    x = sea().astype(np.float16)
    expected = as_bytes(find(x.astype(np.float32), PLAIN))
    assert as_bytes(find(x.astype(kind), PLAIN)) == expected
    assert as_bytes(find(np.asfortranarray(x.astype(kind)), PLAIN)) == expected
    assert as_bytes(find(x.tolist(), PLAIN)) == expected
    assert find(x.astype(kind), PLAIN).space.vectors.dtype == np.float32


def test_what_differs_less_than_float32_can_tell_is_the_same() -> None:
    x = sea().astype(np.float64)
    twins = np.vstack([x, x[:50] * (1 + 1e-12)])
    assert len(find(twins, PLAIN).rows) == N


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        (np.zeros((400, 4)), r"one distinct vector.*all sources look the same.*images read"),
        (np.eye(2), r"2 distinct vectors are too few for neighbors.k = 15: at least 16"),
        (np.eye(20), r"of 20 sources a class may hold at most 2 .*classes.max_share"),
        (np.zeros((0, 4)), r"shape \(0, 4\)"),
        (np.zeros((40, 0)), r"shape \(40, 0\)"),
        (np.zeros(40), r"shape \(40,\) .*expected one row of real numbers a source"),
        (np.zeros((40, 4, 2)), r"shape \(40, 4, 2\)"),
        (np.full((40, 2), "a"), r"type <U1"),
        (np.zeros((40, 2), complex), r"type complex128"),
        (np.where(np.eye(40), np.nan, np.arange(40)), r"40 of 40 vectors hold NaN or infinite"),
        (np.diag(np.full(40, 1e300)), r"40 of 40 vectors hold NaN or infinite"),
    ],
    ids=str,
)
def test_what_cannot_be_searched_is_refused(vectors: np.ndarray, said: str) -> None:
    with pytest.raises(InputError, match=said):
        find(vectors, PLAIN)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10_000), st.integers(0, 199), st.sampled_from([np.nan, np.inf, -np.inf]))
def test_a_value_that_is_not_finite_is_refused_wherever_it_is(
    seed: int, row: int, value: float
) -> None:
    x = np.random.default_rng(seed).normal(size=(200, 5)).astype(np.float32)
    x[row, seed % 5] = value
    with pytest.raises(InputError, match="1 of 200 vectors hold NaN or infinite"):
        find(x, PLAIN)


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 10_000))
def test_columns_that_hold_nothing_and_copies_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = sea(300, seed=seed)
    expected = find(x, PLAIN)
    copies = np.vstack([x, x[rng.integers(0, 300, size=80)]])
    found = find(copies, PLAIN)
    assert as_bytes(found)[1:] == as_bytes(expected)[1:]
    np.testing.assert_array_equal(copies[found.rows], x[expected.rows])


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 10_000), st.sampled_from([1e3, 1e6]))
def test_far_outliers_and_constant_columns_hide_no_class(seed: int, far: float) -> None:
    rng = np.random.default_rng(seed)
    x = np.hstack([sea(800), np.full((800, 2), 7, dtype=np.float32)])
    x[rng.permutation(np.arange(50, 800))[:3]] *= np.float32(far)
    config = from_mapping(
        {"nulls": {"n": 1, "scales": "2"}, "replication": {"subsamples": 0, "seeds": 0}}, CONFIG
    )
    found = find(x, config)
    members = [found.members(i) for i in range(len(found.candidates))]
    for group in GROUPS:
        assert max(overlap(m, group) for m in members) > 0.8
    for column in astuple(found.measures):
        assert np.isfinite(column).all()


def test_the_number_of_threads_changes_nothing() -> None:
    import faiss

    before = faiss.omp_get_max_threads()
    config = from_mapping({"nulls": {"n": 2}}, CONFIG)
    try:
        found = []
        for threads in (1, 2, 3):
            faiss.omp_set_num_threads(threads)
            found.append(as_bytes(find(sea(500), config)))
        assert found[0] == found[1] == found[2]
    finally:
        faiss.omp_set_num_threads(before)


def test_searches_on_processes_find_the_same(
    searched: Searched, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[tuple[str, int, int]] = []
    monkeypatch.setattr(elsewhere, "available_threads", lambda: 3)
    counts: list[int] = []

    def processes(count: int) -> Processes:
        counts.append(count)
        return Processes(count)

    monkeypatch.setattr(elsewhere, "Processes", processes)
    found = find(sea(), CONFIG, on_event=lambda *event: events.append(event))
    assert as_bytes(found) == as_bytes(searched)
    assert counts == [3, 3]
    assert ("searching featureless data", 24, 24) in events


LARGE = from_mapping(
    {"nulls": {"n": 30, "sources": 750}, "replication": {"whole_below": 500}}, CONFIG
)


@pytest.fixture(scope="module")
def as_large() -> Searched:
    return find(sea(), LARGE)


def test_a_large_survey_is_judged_by_parts(as_large: Searched, searched: Searched) -> None:
    """The candidates are the same; chance groups of the parts count twice."""
    assert [c.members.tolist() for c in as_large.candidates] == [
        c.members.tolist() for c in searched.candidates
    ]
    confirmed = as_large.confirmed()
    assert len(confirmed) == 2
    for group in GROUPS:
        assert max(overlap(rows, group) for rows in confirmed) > 0.9
    best = min(j.judgement.q for j in as_large.judged if j.judgement.q is not None)
    assert best == pytest.approx(N / 750 / 31 / 2)


def test_only_what_passes_the_nulls_is_looked_for_again(as_large: Searched) -> None:
    again = [j.replicated is not None for j in as_large.judged]
    passed = [j.judgement.verdict != "rejected" for j in as_large.judged]
    assert any(again) and all(a for a, p in zip(again, passed, strict=True) if p)


def test_the_order_of_a_large_input_changes_nothing(as_large: Searched) -> None:
    order = np.random.default_rng(2).permutation(N)
    again = find(sea()[order], LARGE)
    assert [j.judgement for j in again.judged] == [j.judgement for j in as_large.judged]
    for a, b in zip(again.confirmed(), as_large.confirmed(), strict=True):
        assert order[a].tolist() == b.tolist()


def test_the_input_is_let_go_of_before_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a million sources it is half a gigabyte."""
    alive = []

    def space_of(*args: object, **named: object) -> object:
        alive.append(held() is not None)
        raise InputError("enough")

    monkeypatch.setattr(finding, "space_of", space_of)
    given = [sea(300)]
    held = weakref.ref(given[0])
    with pytest.raises(InputError, match="enough"):
        find(given.pop(), PLAIN)
    assert alive == [False]


def test_null_searches_run_beside_no_index_of_the_survey(monkeypatch: pytest.MonkeyPatch) -> None:
    own_space_of, own_nulls = finding.space_of, finding._nulls
    spaces, held = [], []

    def space_of(*given: object, **named: object) -> object:
        spaces.append(own_space_of(*given, **named))
        return spaces[-1]

    def nulls(*given: object) -> object:
        held.append("search" in spaces[0].__dict__)
        return own_nulls(*given)

    monkeypatch.setattr(finding, "space_of", space_of)
    monkeypatch.setattr(finding, "_nulls", nulls)
    rng = np.random.default_rng(0)
    few = {"nulls": {"n": 1, "scales": "2"}, "replication": {"subsamples": 0, "seeds": 0}}
    find(rng.normal(size=(300, 4)), from_mapping(few))
    assert held == [False]
