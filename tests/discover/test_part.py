from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.backends import cpu
from skerry.config import Config, EmbeddingConfig, NeighborsConfig, from_mapping
from skerry.discover import (
    Space,
    Surrogates,
    distinct_rows,
    embed,
    null_search,
    reduce,
    space_of,
)
from skerry.discover.communities import APART, SMALLEST
from skerry.discover.part import Part, at_same_share, folded, part_of, placed
from skerry.discover.reduce import _fuzzy, coordinates_of
from skerry.discover.variants import variants
from skerry.errors import InputError
from skerry.types import Candidate, NeighborGraph

N = 2000
GROUPS = (8, 12, 40)
CONFIG = EmbeddingConfig(n_components=3, epochs=20)
SHARED = replace(CONFIG, whole_below=200)


def drawn(seed: int = 0, n: int = N) -> tuple[np.ndarray, np.ndarray]:
    """A sea with three small groups, and for each source its group, -1 for none."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    label = np.full(n, -1)
    rows = np.split(rng.permutation(n)[: sum(GROUPS)], np.cumsum(GROUPS)[:-1])
    for i, members in enumerate(rows):
        x[members] = 2 * rng.normal(size=5) + 0.05 * rng.normal(size=(len(members), 5))
        label[members] = i
    return x.astype(np.float32), label


def searched(seed: int = 0, n: int = N) -> tuple[Space, np.ndarray]:
    x, label = drawn(seed, n)
    order = distinct_rows(x)
    return space_of(x[order], NeighborsConfig(k=20)), label[order]


@pytest.fixture(scope="module")
def space() -> Space:
    return searched()[0]


@given(st.integers(0, 20), st.sampled_from([0.01, 0.1, 0.5]))
@settings(max_examples=8, deadline=None)
def test_some_of_every_group_are_in_the_part(seed: int, share: float) -> None:
    space, label = searched(seed, 800)
    part = part_of(space, share)
    kept = np.zeros(len(space), dtype=bool)
    kept[part.rows] = True
    for group, size in enumerate(GROUPS):
        assert kept[label == group].sum() >= min(size, SMALLEST) - 2, "few of it lie elsewhere"
    found, taken = space.communities, np.zeros(len(space), dtype=bool)
    for i in np.argsort(-found.containment, kind="stable"):
        rows = found.groups[i]
        if found.containment[i] >= APART and not taken[rows].any():
            taken[rows] = True
            assert kept[rows].sum() >= max(min(SMALLEST, len(rows)), share * len(rows))


@given(st.integers(0, 20), st.sampled_from([0.0, 0.03, 0.3]))
@settings(max_examples=8, deadline=None)
def test_every_source_is_stood_for_once(seed: int, share: float) -> None:
    space, _ = searched(seed, 600)
    part = part_of(space, share)
    assert (np.diff(part.rows) > 0).all() and len(part.rows) < len(space)
    assert part.stands[part.rows].tolist() == list(range(len(part.rows)))
    assert part.counts.sum() == len(space) and part.counts.min() == 1


def test_a_random_part_of_that_size_loses_the_group_that_this_one_keeps() -> None:
    space, label = searched()
    part = part_of(space, 0.1)
    assert len(part.rows) < 0.2 * N
    assert np.isin(np.flatnonzero(label == 1), part.rows).sum() >= 10
    random = np.random.default_rng(0).permutation(N)[: len(part.rows)]
    assert np.isin(np.flatnonzero(label == 1), random).sum() < 6


def test_all_of_it_is_the_whole(space: Space) -> None:
    part = part_of(space, 1.0)
    assert part.rows.tolist() == list(range(N))
    fuzzy = _fuzzy(space.vectors, space.graph, CONFIG)
    assert abs(folded(fuzzy, part).tocsr() - fuzzy.tocsr()).max() == 0
    place = np.random.default_rng(0).normal(size=(N, 2)).astype(np.float32)
    np.testing.assert_array_equal(placed(place, part, space.graph), place)


def test_edges_are_folded_together(space: Space) -> None:
    part = part_of(space, 0.1)
    fuzzy = _fuzzy(space.vectors, space.graph, CONFIG).toarray()
    found = folded(_fuzzy(space.vectors, space.graph, CONFIG), part).toarray()
    np.testing.assert_allclose(found, found.T, rtol=1e-5)
    assert found.max() <= 1 and not found.diagonal().any()
    for a, b in np.argwhere(found)[::500]:
        these, those = np.flatnonzero(part.stands == a), np.flatnonzero(part.stands == b)
        between = fuzzy[np.ix_(these, those)].sum() / max(len(these), len(those))
        assert found[a, b] == pytest.approx(min(between, 1), rel=1e-5)


def test_the_rest_lie_among_their_neighbors(space: Space) -> None:
    part = part_of(space, 0.1)
    place = np.random.default_rng(0).normal(size=(len(part.rows), 2)).astype(np.float32)
    found = placed(place, part, space.graph)
    np.testing.assert_array_equal(found[part.rows], place)
    held = np.zeros(N, dtype=bool)
    held[part.rows] = True
    for row in np.flatnonzero(~held & held[space.graph.indices].any(axis=1))[::50]:
        near = found[[i for i in space.graph.indices[row] if held[i]]]
        assert (found[row] >= near.min(axis=0) - 1e-5).all()
        assert (found[row] <= near.max(axis=0) + 1e-5).all()


def test_a_neighbor_that_stands_for_more_counts_more() -> None:
    """Row 0 is as near to 1, which stands for three others, as to 2, which stands for none."""
    part = Part(np.array([1, 2]), np.array([0, 0, 1, 0, 0]))
    graph = NeighborGraph(
        np.array([[1, 2], [2, 0], [1, 0], [1, 2], [1, 2]], dtype=np.int32),
        np.ones((5, 2), dtype=np.float32),
    )
    found = placed(np.array([[0.0], [1.0]], dtype=np.float32), part, graph)
    assert found[:, 0] == pytest.approx([1 / 5, 0, 1, 1 / 5, 1 / 5])


def test_who_has_no_neighbor_in_its_place_waits_for_one() -> None:
    """A chain: each but the first knows the one before it."""
    before = np.array([1, 0, 1, 2, 3], dtype=np.int32)[:, None]
    graph = NeighborGraph(before, np.ones((5, 1), dtype=np.float32))
    part = Part(np.array([0]), np.zeros(5, dtype=np.int64))
    found = placed(np.array([[7.0, -2.0]], dtype=np.float32), part, graph)
    np.testing.assert_array_equal(found, np.tile(np.float32([7, -2]), (5, 1)))


def test_up_to_the_bound_nothing_changes(space: Space) -> None:
    whole = embed(space, CONFIG)
    at = embed(space, replace(CONFIG, whole_below=N))
    assert whole.placed == at.placed == 0
    assert whole.coordinates.tobytes() == at.coordinates.tobytes()
    assert whole.map.tobytes() == at.map.tobytes()


def test_above_it_every_source_has_a_place(space: Space) -> None:
    found = embed(space, SHARED)
    assert found.coordinates.shape == (N, 3) and found.map.shape == (N, 2)
    assert np.isfinite(found.coordinates).all() and np.isfinite(found.map).all()
    assert N - found.placed == len(part_of(space, 0.1).rows)
    alone = coordinates_of(space, SHARED)
    assert alone.tobytes() == found.coordinates.tobytes()


def test_neither_order_nor_threads_change_a_byte() -> None:
    x, _ = drawn(3)

    def by_source(rows: np.ndarray) -> bytes:
        order = distinct_rows(x[rows])
        space = space_of(x[rows][order], NeighborsConfig(k=20))
        found = embed(space, SHARED)
        back = np.argsort(rows[order])
        return found.coordinates[back].tobytes() + found.map[back].tobytes()

    before = numba.get_num_threads()
    first = by_source(np.arange(N))
    try:
        numba.set_num_threads(1)
        assert by_source(np.random.default_rng(1).permutation(N)) == first
    finally:
        numba.set_num_threads(before)


def test_epochs_are_those_of_all_sources(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    whole = cpu.layout
    monkeypatch.setattr(cpu, "layout", lambda *g: asked.append(g[-1]) or whole(*g[:-1], 5))
    for epochs in (0, 7):
        coordinates_of(space, replace(SHARED, epochs=epochs))
    assert asked == [500, 7]


def test_on_a_gpu_all_are_fitted(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    """cuML is given neighbors, which cannot be folded; the CPU stands in for it here."""
    monkeypatch.setattr(reduce, "backend_of", lambda device: cpu)
    found = embed(space, replace(SHARED, device="cuda"))
    assert found.placed == 0
    assert found.coordinates.tobytes() == embed(space, CONFIG).coordinates.tobytes()


def test_a_part_that_is_too_small_is_refused(space: Space) -> None:
    few = len(part_of(space, 0.1).rows)
    with pytest.raises(InputError, match=rf"{few} sources are too few .*n_components = 500"):
        embed(space, replace(SHARED, n_components=500))


def test_the_share_is_the_same_of_fewer_sources() -> None:
    config = from_mapping({"embedding": {"whole_below": 1000}})
    assert at_same_share(config, 200, 2000).embedding.whole_below == 100
    assert at_same_share(config, 200, 1000) is config


def test_nulls_are_compressed_as_the_survey_is(space: Space) -> None:
    config = from_mapping(
        {"embedding": {"whole_below": 400}, "nulls": {"sources": 500}, "neighbors": {"k": 20}}
    )
    seen: list[int] = []

    def route(space: Space, config: Config) -> list[Candidate]:
        seen.append(config.embedding.whole_below)
        return []

    null_search(Surrogates(space, config, []), "shuffled", 0, route, config)
    null_search(Surrogates(space, Config(), []), "shuffled", 0, route, Config())
    assert seen == [100, 100_000]


def test_so_are_random_parts() -> None:
    config = from_mapping({"embedding": {"whole_below": 1000}})
    by_name = {plan.name: plan.config.embedding.whole_below for plan in variants(5000, config)}
    assert by_name["subsample-1"] == 800 and by_name["size-7"] == 1000
