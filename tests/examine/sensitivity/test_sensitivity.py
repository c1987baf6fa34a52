from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from skerry.answer import Answer
from skerry.config import Config, EmbeddingConfig, from_mapping
from skerry.discover import Space, route_of, space_of
from skerry.discover.communities import Communities, communities
from skerry.errors import CannotAnswerError
from skerry.examine import ExamineConfig
from skerry.examine.searching.sweeps import (
    VALUES,
    Setting,
    other_settings,
    own_settings,
    sweep,
)
from skerry.examine.sensitivity import sensitivity
from skerry.examine.sensitivity.lineages import fate, lineage, lineage_plot, links
from skerry.examine.sensitivity.regions import regions
from skerry.examine.sensitivity.survival import lifetimes, null_shares
from skerry.types import FloatArray, NeighborGraph
from tests.examine.searched import bytes_of, clumps, normal, overlap, searched, with_groups


def config(route: str = "graph", **classes: float) -> Config:
    return from_mapping(
        {
            "neighbors": {"k": 20},
            "embedding": {"n_components": 3, "epochs": 60},
            "nulls": {"n": 0, "scales": "1"},
            "clusters": {"route": route},
            "classes": {"max_share": 0.1, **classes},
        }
    )


def clumped(space: Space, embedding: EmbeddingConfig) -> FloatArray:
    """Another embedding is another scale: what is made of ``min_dist`` is of no importance."""
    return clumps(space) * np.float32(1 + embedding.min_dist)


def rows_of(answer: Answer, table: str = "sensitivity") -> list[dict[str, Any]]:
    return answer.tables[table].to_pylist()


def rows(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


@contextmanager
def few_values() -> Iterator[None]:
    """Grids of few values: each is another set of partitions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(VALUES, "k", (10, 13, 16, 20))
        patch.setitem(VALUES, "min_size", (5, 12))
        yield


def test_planted_groups_live_longer_than_chance_groups() -> None:
    planted, by_chance = [], []
    for seed in range(2):
        vectors, truth = with_groups(normal(500, seed), 3, 25, 0.1, seed)
        subject = searched(vectors, config(min_size=5))
        with few_values():
            answer = sensitivity(subject, ExamineConfig(nulls=4, umap_sources=0))
        for row, members in zip(rows_of(answer), subject.members, strict=True):
            own = bytes_of(subject.space.vectors, members)
            if max(overlap(own, kind) for kind in truth) >= 0.5:
                planted.append(row["share"])
                assert 0 < row["null_share"] < 0.7
        by_chance += [row["share_median"] for row in rows_of(answer, "nulls")]
    assert len(planted) >= 5
    assert np.mean(by_chance) < 0.9 < min(planted)


def test_groups_of_chance_are_not_said_to_live_longer_than_chance() -> None:
    shares: list[float] = []
    for seed in range(40):
        subject = searched(normal(400, seed), config(min_size=5))
        if subject.classes and len(shares) < 12:
            with few_values():
                answer = sensitivity(subject, ExamineConfig(nulls=4, umap_sources=0))
            shares += [row["null_share"] for row in rows_of(answer)]
    assert len(shares) >= 9
    assert sum(share <= 0.1 for share in shares) <= binom.ppf(0.999, len(shares), 0.1)
    assert np.mean(shares) > 0.3


def test_the_own_setting_finds_every_class_and_numbers_agree() -> None:
    vectors, _ = with_groups(normal(400, 1), 2, 20, 0.2, 1)
    subject = searched(vectors, config())
    with few_values():
        answer = sensitivity(subject, ExamineConfig(nulls=1), clumped)
    tried, overlaps = rows_of(answer, "settings"), rows_of(answer, "overlaps")
    assert tried[0]["changed"] == "" and tried[0]["route"] == "graph"
    assert tried[0]["candidates"] == len(subject.classes) == tried[0]["classes_kept"]
    assert {o["overlap"] for o in overlaps if o["setting"] == 0} == {1.0}
    own = [t["setting"] for t in tried if t["route"] == "graph"][1:]
    for row in rows_of(answer):
        mine = {o["setting"]: o["fate"] for o in overlaps if o["class_id"] == row["class_id"]}
        kept = [j for j in own if mine[j] == "kept"]
        assert len(kept) >= row["kept"]
        assert row["share"] == row["kept"] / row["settings"]
        said = answer.of_class[row["class_id"]]
        assert said.startswith(f"Found in {row['kept']} of the {row['settings']} other settings")
        plot = answer.class_plots[row["class_id"]]
        assert plot.series[0].y.max() == 1
        assert plot.x_ticks == ("5", "10", "12") and plot.y_ticks == ("10", "13", "16", "20")
        assert plot.x.startswith("min_size") and plot.y.startswith("k ")
        assert "The run's own: k 20, min_size 10." in plot.caption
    assert {r["along"] for r in rows_of(answer, "lineage")} == {"k", "min_size"}
    for t in tried:
        assert (t["min_samples"] is None) == (t["route"] == "graph") == (t["k"] is not None)
    assert f"finds {len(subject.classes)} candidates" in answer.sentence


def test_a_class_is_found_by_its_core_or_by_all_its_members() -> None:
    vectors, truth = with_groups(normal(400, 1), 1, 24, 0.1, 1)
    subject = searched(
        vectors, config(), chosen=lambda c, v: overlap(bytes_of(v, c.members), truth[0]) > 0.8
    )
    (rare,), (found,) = subject.classes, subject.members
    half = replace(subject, classes=(replace(rare, core=11),), members=(found,))
    with few_values():
        answer = sensitivity(half, ExamineConfig(nulls=0, umap_sources=0))
    assert rows_of(answer)[0]["share"] > 0.8
    # without the others no candidate is the half of the group
    alone = replace(half, members=(found[:11],))
    with few_values():
        answer = sensitivity(alone, ExamineConfig(nulls=0, umap_sources=0))
    assert rows_of(answer)[0]["share"] < 0.2
    assert {o["fate"] for o in rows_of(answer, "overlaps") if o["setting"] == 0} == {"merged"}


def test_settings_are_searches_like_any_other() -> None:
    vectors, _ = with_groups(normal(300, 2), 2, 20, 0.2, 2)
    set_up = config()
    subject = searched(vectors, set_up)
    with few_values():
        own = own_settings(subject.space, set_up)
    found = sweep(subject.space, vectors[:, :0], set_up.embedding, own, clumped)
    for setting, there in zip(own, found, strict=True):
        changed = setting.config
        space = space_of(subject.space.vectors, changed.neighbors)
        expected = route_of("graph")(space, changed)
        assert {frozenset(c.members.tolist()) for c in expected} == {
            frozenset(members.tolist()) for members in there
        }


def test_settings_that_differ_in_the_sizes_of_classes_alone_share_their_communities(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_up = config(min_size=5)
    space = space_of(normal(300, 0), set_up.neighbors)
    made: list[int] = []

    def counted(graph: NeighborGraph) -> Communities:
        made.append(graph.indices.shape[1])
        return communities(graph)

    monkeypatch.setattr("skerry.discover.space.communities", counted)
    with few_values():
        own = own_settings(space, set_up)
    found = sweep(space, space.vectors[:, :0], set_up.embedding, own, clumped)
    assert len(found) == len(own) == 8 + 3
    assert sorted(made) == [10, 13, 16, 20]


def test_which_settings_are_tried() -> None:
    set_up = config(min_size=8)
    space = space_of(normal(300, 0), set_up.neighbors)
    own = own_settings(space, set_up)
    assert own[0] == Setting(set_up) and len(set(own)) == len(own)
    assert {s.value("k") for s in own} == {10, 15, 20}
    assert {s.value("min_size") for s in own} == {5, 7, 8, 10, 15, 20, 30}
    both = {(s.value("k"), s.value("min_size")) for s in own}
    assert len(both) == 3 * 7
    # of the neighbor graph's communities it changes nothing
    assert {s.value("min_samples") for s in own} == {5}
    # of 300 sources 1% are 3, fewer than the smallest class
    assert {s.value("max_share") for s in own} == {0.05, 0.1, 0.2}
    others = other_settings(space, set_up, True)
    assert {s.route for s in others} == {"umap-hdbscan"} and others[0].changed == ()
    assert [len([s for s in others if s.changed == (name,)]) for name in
            ("n_neighbors", "n_components", "min_dist", "seed")] == [2, 3, 3, 3]  # fmt: skip
    assert other_settings(space, set_up, False) == others[:1]
    by_umap = own_settings(space, config("umap-hdbscan"))
    both = {(s.value("min_samples"), s.value("min_size")) for s in by_umap}
    assert {pair[0] for pair in both} == {3, 5, 8, 12, 20} and len(both) == 5 * 6
    assert {s.value("k") for s in by_umap} == {20}


def test_few_neighbors_are_tried_whatever_another_route_asks_of_them() -> None:
    set_up = config()
    set_up = replace(set_up, clusters=replace(set_up.clusters, min_samples=15))
    space = space_of(normal(300, 0), set_up.neighbors)
    assert {s.value("k") for s in own_settings(space, set_up)} == {10, 15, 20}


def test_of_the_other_route_umap_runs_only_up_to_so_many_sources() -> None:
    subject = searched(normal(300, 0), config("umap-hdbscan"), clumps)
    calls: list[EmbeddingConfig] = []

    def counted(space: Space, embedding: EmbeddingConfig) -> FloatArray:
        calls.append(embedding)
        return clumped(space, embedding)

    answer = sensitivity(subject, ExamineConfig(umap_sources=299, nulls=1), counted)
    assert not calls
    assert any("299" in note for note in answer.notes)
    assert np.isnan([row["null_share"] for row in rows_of(answer)]).all()
    tried = rows_of(answer, "settings")
    assert [t["route"] for t in tried if t["route"] != "umap-hdbscan"] == ["graph"]

    answer = sensitivity(subject, ExamineConfig(umap_sources=300, nulls=1), counted)
    # eleven other embeddings, and that of one draw of each of two kinds
    assert len(calls) == 13
    assert len({*calls}) == 12
    seeds = [r for r in rows_of(answer, "regions") if r["along"] == "seed"]
    assert {r["kept"] for r in seeds} == {4} and {r["low"] for r in seeds} == {None}
    assert not any("was not run again" in note for note in answer.notes)


def test_what_is_expected_of_featureless_data_is_the_runs() -> None:
    vectors, _ = with_groups(normal(300, 1), 1, 20, 0.15, 1)
    subject = searched(vectors, config(min_size=8))
    measures = replace_sizes(7)
    subject = replace(
        subject,
        config=replace(subject.config, nulls=replace(subject.config.nulls, n=2)),
        null_measures={"shuffled": measures},
    )
    with few_values():
        answer = sensitivity(subject, ExamineConfig(nulls=0, umap_sources=0))
    (row,) = rows_of(answer, "nulls")
    assert (row["kind"], row["searches"], row["candidates"]) == ("shuffled", 2, 3.5)
    assert "(in featureless data 4 to 4)" in answer.sentence
    assert any("No featureless data" in note for note in answer.notes)


def replace_sizes(n: int) -> Any:
    from skerry.types import Measures

    return Measures(*(np.ones(n) for _ in range(6)))


def test_links_and_fates_by_hand() -> None:
    group = rows(*range(10))
    assert [
        (k.one, k.other, k.shared) for k in links([group], [rows(8, 9, 20), rows(0, 30, 31)], 40)
    ] == [(0, 0, 2)]
    n = 60

    def became(found: list[np.ndarray], best: float, allowed: bool = True) -> str:
        return fate(group, found, best, allowed, n)

    assert became([rows(*range(5))], 0.5) == "kept"
    assert became([], 0.0, allowed=False) == "not allowed"
    assert became([rows(*range(4)), rows(*range(4, 8))], 0.4) == "split"
    assert became([rows(*range(4))], 0.4) == "shrunk"
    assert became([rows(0, 1), rows(2, 3)], 0.2) == "shrunk"
    assert became([rows(*range(30))], 1 / 3) == "merged"
    assert became([rows(0, 1, *range(20, 40))], 2 / 30) == "lost"
    assert became([], 0.0) == "lost"


def test_regions_end_at_the_first_gap() -> None:
    own = Setting(config())
    line = [own, *(own.with_value("min_samples", v) for v in (3, 8, 12, 20))]
    fates = [["kept", "split", "kept", "lost", "kept"]]
    (region,) = regions(["SKR-1"], line, fates)
    assert (region.low, region.high, region.own) == (5, 8, 5)
    assert (region.below, region.next_below) == ("split", 3)
    assert (region.above, region.next_above) == ("lost", 12)
    assert (region.kept, region.tried) == (3, 5)
    (region,) = regions(["SKR-1"], line, [["lost", "kept", "kept", "kept", "kept"]])
    assert region.low is None and region.kept == 4


def test_lifetimes_and_their_shares_by_hand() -> None:
    allowed = np.array([[True, True, False], [True, True, True], [False, False, False]])
    overlap_ = np.array([[0.5, 0.4, 0.9], [1.0, 0.6, 0.5], [1.0, 1.0, 1.0]])
    np.testing.assert_allclose(lifetimes(overlap_, allowed), [0.5, 1.0, 0.0])
    many = np.linspace(0, 1, 20)
    found = null_shares(np.array([0.0, 1.0]), {"a": [many[:10], many[10:]], "b": [np.zeros(19)]})
    np.testing.assert_allclose(found, [1.0, 2 / 21])
    # too few of each kind: together
    found = null_shares(np.array([0.7]), {"a": [np.full(3, 0.8)], "b": [np.full(6, 0.1)]})
    np.testing.assert_allclose(found, [4 / 10])
    assert np.isnan(null_shares(np.array([0.7]), {})).all()


def test_a_lineage_shows_a_split_and_a_merger() -> None:
    one, two = rows(*range(10)), rows(*range(10, 20))
    found = [[rows(*range(20))], [one, two], [rows(*range(5)), rows(*range(5, 10)), rows(30, 31)]]
    made = lineage("min_samples", [3, 5, 8], 5, found, [one, two], 40)
    assert [[(k.one, k.other) for k in linked] for linked in made.links] == [
        [(0, 0), (0, 1)],
        [(0, 0), (0, 1)],
    ]
    assert [(n.column, n.lane) for n in made.nodes] == [
        (0, 0), (1, 0), (1, 1), (2, 0), (2, 0), (2, -1)
    ]  # fmt: skip
    plot = lineage_plot(made, ["SKR-1", "SKR-2"])
    segments, first, second = plot.series
    assert segments.mark == "segments" and len(segments.x) == 4
    assert segments.low is not None and segments.high is not None
    np.testing.assert_array_equal(segments.low - segments.x, 1)
    assert first.text == ("20", "10", "5", "5") and second.text == ("10",)
    # lane 0 on top, and what splits lies around it
    np.testing.assert_allclose(first.y[:2], 1)
    assert first.y[2] > 1 > first.y[3] and second.y[0] == 0
    assert plot.y_ticks == ("SKR-2", "SKR-1") and plot.at_x == (1.0,)
    assert plot.x_ticks == ("3 (1)", "5 (2)", "8 (3)")


def test_no_class() -> None:
    subject = searched(normal(200, 0), config(), chosen=lambda c, v: False)
    with pytest.raises(CannotAnswerError, match="no class"):
        sensitivity(subject, ExamineConfig())


@settings(max_examples=2)
@given(st.integers(0, 2**16))
def test_the_order_of_the_sources_changes_nothing(seed: int) -> None:
    vectors, _ = with_groups(normal(300, 1), 1, 20, 0.15, 1)
    few = ExamineConfig(nulls=1, umap_sources=0)
    order = np.random.default_rng(seed).permutation(len(vectors))
    with few_values():
        one, other = (
            sensitivity(searched(v, config(min_size=8)), few) for v in (vectors, vectors[order])
        )
    assert one.sentence == other.sentence and one.of_class == other.of_class
    for name, table in one.tables.items():
        assert table.equals(other.tables[name])
