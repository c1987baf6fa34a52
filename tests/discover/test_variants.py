from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skerry.config import Config, from_mapping
from skerry.discover import largest_size
from skerry.discover.variants import HALF, every_variant, half_variants, halves, variants
from skerry.errors import InputError

N = 1000


def of_kind(kind: str, config: Config, n: int = N) -> list[Config]:
    return [v.config for v in variants(n, config) if v.kind == kind]


def test_subsamples_are_shares_without_repeats_each_its_own() -> None:
    config = from_mapping({"replication": {"subsamples": 4, "share": 0.6}})
    found = [v for v in variants(N, config) if v.kind == "subsample"]
    assert [v.name for v in found] == [f"subsample-{i}" for i in (1, 2, 3, 4)]
    for v in found:
        assert v.rows is not None and v.rows.dtype == np.int64
        assert len(v.rows) == 600 and (np.diff(v.rows) > 0).all()
        assert v.rows[0] >= 0 and v.rows[-1] < N
    assert len({v.rows.tobytes() for v in found if v.rows is not None}) == 4


def test_the_seed_chooses_the_subsamples() -> None:
    def first(seed: int) -> bytes:
        config = from_mapping({"replication": {"seed": seed}})
        rows = variants(N, config)[0].rows
        assert rows is not None
        return rows.tobytes()

    assert first(0) == first(0) != first(1)


def test_classes_of_a_part_are_as_many_times_smaller() -> None:
    for config in of_kind("subsample", Config()):
        assert config.classes.min_size == 8
        assert config.classes.max_size == 800
        assert config.classes.max_share == Config().classes.max_share


def test_settings_at_two_thirds_and_three_halves() -> None:
    assert [c.neighbors.k for c in of_kind("neighbors", Config())] == [20, 45]
    assert [c.classes.min_size for c in of_kind("size", Config())] == [7, 15]
    umap = from_mapping({"clusters": {"route": "umap-hdbscan"}})
    assert [c.classes.min_size for c in of_kind("size", umap)] == [7, 15]
    assert [c.clusters.min_samples for c in of_kind("samples", umap)] == [3, 8]
    # the graph has communities, and no hierarchy that this would change
    assert of_kind("samples", Config()) == []


def test_settings_stay_within_what_the_search_can_run_with() -> None:
    tight = from_mapping(
        {
            "neighbors": {"k": 12},
            "embedding": {"n_neighbors": 12},
            "clusters": {"min_samples": 12},
            "classes": {"min_size": 2, "max_size": 2, "max_share": 0.5},
        }
    )
    assert [c.neighbors.k for c in of_kind("neighbors", tight, n=41)] == [18]
    assert [c.neighbors.k for c in of_kind("neighbors", tight, n=13)] == []
    assert of_kind("size", tight, n=41) == []
    umap = from_mapping({"clusters": {"route": "umap-hdbscan"}}, tight)
    assert [c.clusters.min_samples for c in of_kind("samples", umap, n=41)] == [8]


def test_the_other_route_and_seeds_where_umap_is_the_route() -> None:
    graph = Config()
    umap = replace(graph, clusters=replace(graph.clusters, route="umap-hdbscan"))
    assert [c.clusters.route for c in of_kind("route", graph)] == ["umap-hdbscan"]
    assert [c.clusters.route for c in of_kind("route", umap)] == ["graph"]
    assert of_kind("seed", graph) == []
    assert [c.embedding.seed for c in of_kind("seed", umap)] == [1, 2, 3]
    for v in variants(N, umap):
        assert v.route == v.config.clusters.route


def test_every_variant_differs_from_the_original_and_the_others() -> None:
    found = variants(N, Config())
    assert all(v.rows is not None or v.config != Config() for v in found)
    assert len({v.name for v in found}) == len(found)


def test_none_where_none_is_asked_for() -> None:
    assert variants(N, from_mapping({"replication": {"subsamples": 0, "seeds": 0}})) == []
    assert variants(N, from_mapping({"replication": {"subsamples": 0, "seeds": 1}}))


def test_too_few_sources_for_a_subsample_are_refused_beforehand() -> None:
    config = from_mapping({"classes": {"min_size": 2}, "neighbors": {"k": 20}})
    with pytest.raises(InputError, match="of 32 sources a class may hold at most 1"):
        variants(40, config)


def test_halves_part_the_rows() -> None:
    a, b = halves(11, seed=3)
    assert (len(a), len(b)) == (5, 6)
    assert (np.diff(a) > 0).all() and (np.diff(b) > 0).all()
    np.testing.assert_array_equal(np.sort(np.concatenate([a, b])), np.arange(11))
    assert halves(N, 0)[0].tobytes() != halves(N, 1)[0].tobytes()


def test_the_searches_of_the_halves() -> None:
    a, b = half_variants(N, Config())
    assert (a.name, b.name) == ("half-a", "half-b")
    for v, rows in zip((a, b), halves(N, 0), strict=True):
        np.testing.assert_array_equal(v.rows, rows)
        assert v.config.classes.min_size == 5
    subsample = variants(N, Config())[0].rows
    assert subsample is not None and a.rows is not None
    assert not np.isin(a.rows, subsample).all()


def test_all_repeated_searches_have_the_halves_last() -> None:
    config = Config()
    found = every_variant(N, config)
    expected = [*variants(N, config), *half_variants(N, config)]
    assert [(v.name, v.config) for v in found] == [(v.name, v.config) for v in expected]
    assert [v.kind for v in found[-2:]] == [HALF, HALF]
    none = from_mapping({"replication": {"subsamples": 0, "seeds": 0}})
    assert every_variant(N, none) == [] == every_variant(N, config, np.empty(0, np.int64))


def test_confined_searches_see_what_they_are_confined_to_and_classes_as_large() -> None:
    config = from_mapping({"classes": {"max_share": 0.2}})
    around = np.arange(0, N, 2)
    found = every_variant(N, config, around)
    plain = every_variant(len(around), config)
    assert [v.name for v in found] == [v.name for v in plain]
    for v, p in zip(found, plain, strict=True):
        assert v.rows is not None
        expected = around if p.rows is None else around[p.rows]
        np.testing.assert_array_equal(v.rows, expected)
        assert largest_size(len(v.rows), v.config.classes) == 200 * len(v.rows) // len(around)
    a, b = (v.rows for v in found[-2:])
    assert a is not None and b is not None
    np.testing.assert_array_equal(np.sort(np.concatenate([a, b])), around)


def test_a_part_with_fewer_sources_than_neighbors_is_searched_with_what_it_has() -> None:
    config = from_mapping(
        {
            "neighbors": {"k": 35},
            "embedding": {"n_neighbors": 36},
            "clusters": {"min_samples": 35},
            "classes": {"min_size": 4, "max_share": 0.5},
        }
    )
    for plan in variants(40, config):
        if plan.rows is not None:
            k = plan.config.neighbors.k
            assert k < len(plan.rows)
            assert plan.config.embedding.n_neighbors <= k + 1
            assert plan.config.clusters.min_samples <= k
