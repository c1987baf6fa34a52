from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn.manifold import trustworthiness as of_sklearn

from skerry.answer import Answer
from skerry.config import Config, EmbeddingConfig, from_mapping
from skerry.discover import Space, measure, space_of
from skerry.errors import CannotAnswerError
from skerry.examine import ExamineConfig, Subject
from skerry.examine.compression import compression
from skerry.examine.compression.answer import _q_before
from skerry.examine.compression.neighborhoods import centers, neighborhoods, shares_as_isolated
from skerry.examine.compression.rank_preservation import trustworthiness
from skerry.examine.compression.words import (
    AFTER,
    BEFORE,
    CHANCE,
    NEITHER,
    PART,
    UNTESTED,
    of_class,
)
from skerry.examine.searching.null_embeddings import NullEmbedding
from skerry.examine.searching.searches import as_candidates, by_umap
from skerry.types import FloatArray, Measures
from tests.examine.searched import bytes_of, clumps, normal, overlap, searched, with_groups


def config(route: str, **classes: float) -> Config:
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
    return clumps(space)


def rows_of(answer: Answer) -> list[dict[str, Any]]:
    return answer.tables["compression"].to_pylist()


def with_q(subject: Subject, q: float) -> Subject:
    """The subject of a run that has nulls, in which each class has this q."""
    classes = tuple(replace(rare, q_value=q) for rare in subject.classes)
    return replace(subject, classes=classes)


def of_planted(
    subject: Subject, rows: list[dict[str, Any]], truth: list[set[bytes]]
) -> list[dict[str, Any]]:
    """The rows of classes that are planted groups."""
    return [
        row
        for row, members in zip(rows, subject.members, strict=True)
        if any(overlap(bytes_of(subject.space.vectors, members), kind) >= 0.5 for kind in truth)
    ]


def test_groups_that_compression_makes_of_none_are_called_so() -> None:
    exists: Counter[str] = Counter()
    for seed in range(3):
        subject = searched(normal(300, seed), config("umap-hdbscan"), clumps)
        answer = compression(subject, ExamineConfig(nulls=5), clumped)
        exists.update(row["exists"] for row in rows_of(answer))
    total = sum(exists.values())
    assert total >= 15
    # of what chance makes no more than alpha may be held to be there before
    assert exists[BEFORE] <= binom.ppf(0.999, total, 0.05)
    assert exists[AFTER] >= 0.9 * total


def test_planted_groups_are_there_before_and_found_by_both_routes() -> None:
    for n, groups, route in ((400, 4, "umap-hdbscan"), (500, 3, "graph")):
        vectors, truth = with_groups(normal(n, 1), groups, 20, 0.1, 1)
        subject = searched(vectors, config(route), clumps)
        answer = compression(subject, ExamineConfig(nulls=9, alpha=0.1), clumped)
        planted = of_planted(subject, rows_of(answer), truth)
        assert len(planted) >= 3
        assert [row["exists"] for row in planted] == [BEFORE] * len(planted)
        assert sum(min(r["overlap_graph"], r["overlap_umap"]) >= 0.5 for r in planted) >= 2
        said = answer.of_class[planted[0]["class_id"]]
        assert said.startswith("Exists before compression")


def test_umap_itself() -> None:
    vectors, truth = with_groups(normal(400, 1), 2, 22, 0.15, 1)
    set_up = config("umap-hdbscan")
    subject = searched(vectors, set_up, lambda space: by_umap(space, set_up.embedding))
    # with alpha 0.3 three searches of each kind can tell two groups from chance
    answer = compression(subject, ExamineConfig(nulls=3, alpha=0.3))
    rows = rows_of(answer)
    planted = of_planted(subject, rows, truth)
    others = [row for row in rows if row not in planted]
    assert [row["exists"] for row in planted] == [BEFORE, BEFORE]
    assert len(others) >= 3
    assert BEFORE not in {row["exists"] for row in others}
    assert all(row["exists"] == AFTER for row in others if row["within_graph"] < 0.5)
    assert sum(row["exists"] == AFTER for row in others) >= len(others) / 2
    null = answer.tables["null_candidates"].to_pydict()
    assert np.median(null["overdensity_after"]) > 1.2 * np.median(null["overdensity_before"])
    assert f"{len(planted)} exist before compression" in answer.sentence
    assert f"{sum(row['exists'] == AFTER for row in rows)} are there only after" in answer.sentence


def test_the_q_of_the_run_decides() -> None:
    subject = searched(normal(300, 0), config("umap-hdbscan"), clumps)
    few = ExamineConfig(nulls=1)
    low = rows_of(compression(with_q(subject, 0.01), few, clumped))
    high = rows_of(compression(with_q(subject, 0.05), few, clumped))
    assert {row["exists"] for row in low} == {BEFORE}
    assert {row["q_before"] for row in high} == {0.05}
    assert BEFORE not in {row["exists"] for row in high}


def test_chance_groups_of_the_graph_are_no_artifact_of_umap() -> None:
    subject = with_q(searched(normal(400, 2), config("graph", min_size=5), clumps), 1.0)
    rows = rows_of(compression(subject, ExamineConfig(nulls=0), clumped))
    assert {row["exists"] for row in rows} == {CHANCE}
    assert all(row["overlap_graph"] == 1 for row in rows)


def test_sources_that_are_no_group_stand_apart_on_neither_side() -> None:
    subject = with_q(searched(normal(400, 2), config("graph", min_size=5), clumps), 1.0)
    some = np.arange(0, 300, 20)
    names = tuple(subject.ids[i] for i in some)
    rare = replace(subject.classes[0], members=names, core=len(names))
    subject = replace(subject, classes=(rare,), members=(some,))
    (row,) = rows_of(compression(subject, ExamineConfig(nulls=0), clumped))
    assert row["exists"] == NEITHER
    assert max(row["overlap_graph"], row["overlap_umap"]) < 0.3


def test_a_piece_of_a_group_is_no_artifact() -> None:
    vectors, truth = with_groups(normal(300, 1), 1, 28, 0.15, 1)
    subject = with_q(searched(vectors, config("umap-hdbscan"), clumps), 1.0)
    inside = [i for i, row in enumerate(subject.space.vectors) if row.tobytes() in truth[0]]
    piece = np.array(inside[:12])
    names = tuple(subject.ids[i] for i in piece)
    rare = replace(subject.classes[0], members=names, core=len(names))
    subject = replace(subject, classes=(rare,), members=(piece,))
    answer = compression(subject, ExamineConfig(nulls=0), clumped)
    (row,) = rows_of(answer)
    assert row["exists"] == PART and row["within_graph"] == 1
    assert "100% of it lies in one candidate of the graph" in answer.of_class[rare.class_id]


def test_a_group_that_compression_scatters_is_said_to_stand_out_no_more() -> None:
    vectors, truth = with_groups(normal(300, 1), 2, 20, 0.15, 1)

    def scattered(space: Space) -> FloatArray:
        return np.random.default_rng(0).normal(size=(len(space), 3)).astype(np.float32)

    subject = with_q(searched(vectors, config("graph"), scattered), 0.01)
    answer = compression(subject, ExamineConfig(nulls=0), clumped)
    planted = of_planted(subject, rows_of(answer), truth)
    assert len(planted) == 2
    for row in planted:
        assert row["random_before"] <= 0.05 < row["random_after"]
        assert row["trustworthiness"] < 0.7
        assert "stands out no more than" in answer.of_class[row["class_id"]]


def test_what_a_class_was_judged_by_and_all_of_it_are_told_apart() -> None:
    vectors, truth = with_groups(normal(300, 1), 1, 24, 0.1, 1)
    subject = with_q(searched(vectors, config("graph"), clumps), 0.01)
    (at,) = [
        i
        for i, members in enumerate(subject.members)
        if overlap(bytes_of(subject.space.vectors, members), truth[0]) >= 0.5
    ]
    rare = replace(subject.classes[at], core=12)
    half = replace(subject, classes=(rare,), members=(subject.members[at],))
    answer = compression(half, ExamineConfig(nulls=0), clumped)
    (row,) = rows_of(answer)
    assert (row["core"], row["members"]) == (12, len(subject.members[at]))
    assert row["overdensity_core_before"] < row["overdensity_before"] / 1.5
    said = answer.of_class[rare.class_id]
    assert f"with the {row['members'] - 12} that complete it" in said
    assert "leads out of the 12 members that it was judged by is" in said
    # the core alone would be no candidate of the graph
    assert row["overlap_graph"] == 1


def test_q_is_of_the_containment_and_said_of_it() -> None:
    vectors, truth = with_groups(normal(300, 1), 1, 20, 0.15, 1)
    subject = searched(vectors, config("graph", min_size=8), clumps)
    own = measure(as_candidates(subject.members), subject.space)
    answer = compression(with_q(subject, 0.01), ExamineConfig(nulls=0), clumped)
    rows = rows_of(answer)
    np.testing.assert_array_equal([r["containment_core_before"] for r in rows], own.containment)
    (row,) = of_planted(subject, rows, truth)
    assert (
        f"is {row['containment_core_before']:.1f} standard deviations below what is usual of "
        "groups of that size (q = 0.01)."
    ) in answer.of_class[row["class_id"]]
    low = {**row, "containment_core_before": -1.2}
    assert "1.2 standard deviations above what is usual" in of_class(low, 0.05)

    # of a run without nulls: searches made here, of which only the overdensity is large
    v = np.full(1, 3.0)
    chance = Measures(10 * v, v, 1000 * v, v, v, v)
    nulls = [NullEmbedding("shuffled", i, chance, chance, chance) for i in range(39)]
    q = _q_before(subject, own.containment, np.empty(0), nulls, 0.05)
    assert own.containment.max() > 3 and q.min() <= 1 / 40


def test_without_nulls_nothing_is_tested_and_notes_say_so() -> None:
    subject = searched(normal(300, 0), config("umap-hdbscan"), clumps)
    answer = compression(subject, ExamineConfig(nulls=0), clumped)
    assert {row["exists"] for row in rows_of(answer)} == {UNTESTED}
    assert any("nulls = 0" in note for note in answer.notes)
    assert answer.tables["null_candidates"].num_rows == 0


def test_what_more_nulls_could_tell_is_not_tested() -> None:
    vectors, truth = with_groups(normal(300, 2), 1, 20, 0.1, 2)
    subject = searched(vectors, config("umap-hdbscan"), clumps)
    rows = rows_of(compression(subject, ExamineConfig(nulls=2), clumped))
    (planted,) = of_planted(subject, rows, truth)
    # of two searches the smallest q of one class is 1 / 3
    assert planted["exists"] == UNTESTED and np.isnan(planted["q_before"])
    assert {row["exists"] for row in rows} <= {UNTESTED, AFTER, CHANCE, PART, NEITHER}


def test_no_class() -> None:
    subject = searched(normal(200, 0), config("graph"), clumps, chosen=lambda c, v: False)
    with pytest.raises(CannotAnswerError, match="no class"):
        compression(subject, ExamineConfig())


@pytest.mark.parametrize("k", [1, 5, 14])
def test_trustworthiness_is_venna_and_kaskis(k: int) -> None:
    rng = np.random.default_rng(0)
    before = rng.normal(size=(90, 6)).astype(np.float32)
    after = before[:, :2] + rng.normal(size=(90, 2)).astype(np.float32)
    set_up = from_mapping({"neighbors": {"k": 20}}).neighbors
    near = [space_of(x, set_up).graph.indices[:, :k] for x in (before, after)]
    rows = np.arange(90)
    trust = trustworthiness(before, *near, rows)
    continuity = trustworthiness(after, *near[::-1], rows)
    assert trust.mean() == pytest.approx(of_sklearn(before, after, n_neighbors=k))
    assert continuity.mean() == pytest.approx(of_sklearn(after, before, n_neighbors=k))
    np.testing.assert_array_equal(trustworthiness(before, *near, rows[7:9]), trust[7:9])
    assert trustworthiness(before, near[0], near[0], rows).min() == 1


def test_too_many_neighbors_for_trustworthiness() -> None:
    near = np.zeros((10, 5), np.int64)
    with pytest.raises(ValueError, match="half"):
        trustworthiness(np.zeros((10, 2), np.float32), near, near, np.arange(3))


def test_neighborhoods_are_nearest_and_of_each_size_once() -> None:
    vectors = normal(300, 0)
    space = space_of(vectors, config("graph").neighbors)
    around = centers(vectors, np.arange(100), 7, seed=0)
    assert len(set(around.tolist())) == 7 and around.max() < 100
    found = neighborhoods(space, around, [19, 20, 20, 60])
    assert len(found) == 2
    for size, groups in found.items():
        assert size in (17, 58)
        for center, rows in zip(around, groups, strict=True):
            distance = np.linalg.norm(vectors - vectors[center], axis=1)
            assert set(rows.tolist()) == set(np.argsort(distance)[:size].tolist())


def test_shares_of_neighborhoods_are_uniform_for_neighborhoods() -> None:
    space = space_of(normal(400, 1), config("graph").neighbors)
    around = centers(space.vectors, np.arange(400), 80, seed=0)
    others = centers(space.vectors, np.arange(400), 400, seed=1)[:60]
    (groups,) = neighborhoods(space, others, [26]).values()
    own = measure(as_candidates(groups), space).isolation
    shares = shares_as_isolated(space, around, [26] * 60, own)
    assert 0.35 < shares.mean() < 0.65
    assert (shares <= 0.1).sum() <= binom.ppf(0.999, 60, 0.1)


@settings(max_examples=3)
@given(st.integers(0, 2**16))
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    vectors, _ = with_groups(normal(300, 1), 1, 20, 0.15, 1)
    subject = with_q(searched(vectors, config("graph", min_size=8), clumps), 0.01)
    n = len(subject)
    order = np.random.default_rng(seed).permutation(n)
    place = np.argsort(order)
    changed = replace(
        subject,
        ids=tuple(subject.ids[i] for i in order),
        space=space_of(subject.space.vectors[order], subject.config.neighbors),
        members=tuple(place[rows] for rows in subject.members),
        embedding=replace(
            subject.embedding,
            coordinates=subject.embedding.coordinates[order],
            map=subject.embedding.map[order],
        ),
    )
    few = ExamineConfig(nulls=0)
    one, other = (rows_of(compression(s, few, clumped)) for s in (subject, changed))
    for a, b in zip(one, other, strict=True):
        assert a.keys() == b.keys()
        assert a.pop("class_id") == b.pop("class_id") and a.pop("exists") == b.pop("exists")
        for name, value in a.items():
            # communities and a hierarchy may fall otherwise in another order, which no run has
            if not name.startswith(("overlap_", "containment_")):
                assert b[name] == pytest.approx(value, nan_ok=True)
