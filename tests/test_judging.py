"""Laws of the searches, their nulls and their repeats, on planted groups of vectors."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from skerry import pipeline, searching
from skerry.config import Config, from_mapping
from skerry.dependencies import part_settings_of
from skerry.discover import Space
from skerry.errors import ConfigError, RunError
from skerry.progress import OnEvent
from skerry.results import open as open_run
from skerry.store import nouns
from skerry.types import FloatArray, RareClass
from tests.conftest import GROUP, N_SEA, PLANTED, contents, write_vectors
from tests.executors.apart import Apart


@pytest.fixture
def unpublished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs end with their classes, for laws that products add nothing to."""
    monkeypatch.setattr(pipeline, "STAGES", pipeline.STAGES[:-1])


def searched(table: Path, output: Path, config: Config) -> tuple[RareClass, ...]:
    pipeline.run(table, output, config)
    return nouns.read_classes(output / "classes" / "classes.json")


def changed(config: Config, **sections: dict[str, Any]) -> Config:
    return from_mapping(sections, config)


def test_planted_groups_are_confirmed_and_every_other_candidate_is_listed(judged: Path) -> None:
    found = open_run(judged).rare_classes
    confirmed = [set(c.members) for c in found if c.verdict == "confirmed"]
    assert len(confirmed) == len(PLANTED)
    for group in PLANTED:
        assert any(group <= members and len(members) <= GROUP + 3 for members in confirmed)
    rejected = [c for c in found if c.verdict == "rejected"]
    assert rejected
    assert [c.rank for c in found] == list(range(1, len(found) + 1))
    counts = pipeline.status(judged)["stages"]
    assert len(found) == counts["clusters"]["counts"]["candidates"]
    assert counts["classes"]["counts"]["rejected"] == len(rejected)
    inside = sum(len(members) for members in confirmed)
    assert counts["classes"]["counts"]["members"] == inside
    # rejected ones stay in every product, with their members, checks and reasons
    table = {name: pq.read_table(judged / "products" / f"{name}.parquet").to_pylist()
             for name in ("classes", "members", "checks")}  # fmt: skip
    verdicts = {row["class_id"]: row["verdict"] for row in table["classes"]}
    assert verdicts == {c.class_id: c.verdict for c in found}
    for rare in rejected:
        members = [r["id_str"] for r in table["members"] if r["class_id"] == rare.class_id]
        assert members == list(rare.members)
        failed = [r for r in table["checks"] if r["class_id"] == rare.class_id and not r["passed"]]
        assert failed and rare.reasons


def test_status_tells_each_class_in_numbers(judged: Path) -> None:
    first = pipeline.status(judged)["classes"][0]
    assert list(first) == [
        "class_id", "rank", "size", "containment", "q_value", "replication", "verdict",
    ]  # fmt: skip
    assert (first["rank"], first["verdict"], first["replication"]) == (1, "confirmed", 1.0)
    assert 0 < first["q_value"] < 0.05 and first["containment"] > 8


@pytest.mark.parametrize(
    ("stage", "writer", "total"),
    [("nulls", "write_measures", 10), ("replication", "write_replicate", 9)],
)
def test_a_search_stopped_midway_goes_on_to_the_same_bytes(
    judged: Path, planted_table: Path, planted_config: Config, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, stage: str, writer: str, total: int,
) -> None:  # fmt: skip
    output = tmp_path / "run"
    written: list[str] = []
    write: Callable[..., None] = getattr(nouns, writer)

    def dies_after_three(path: Path, *rest: Any) -> None:
        if len(written) >= 3:
            raise KeyboardInterrupt
        write(path, *rest)
        written.append(path.name)

    shutil.copytree(judged, output)
    shutil.rmtree(output / stage)
    monkeypatch.setattr(nouns, writer, dies_after_three)
    with pytest.raises(KeyboardInterrupt):
        pipeline.run(planted_table, output, planted_config)
    assert pipeline.status(output)["stages"][stage]["state"] == "partial"
    monkeypatch.setattr(nouns, writer, lambda p, *r: (write(p, *r), written.append(p.name)))
    pipeline.run(planted_table, output, planted_config)
    assert len(written) == len(set(written)) == total
    assert contents(output) == contents(judged)


@pytest.mark.usefixtures("unpublished")
def test_partitions_are_made_at_a_time_on_as_many_threads_as_are_given(
    judged: Path, planted_table: Path, planted_config: Config, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    asked: list[int] = []
    look_for = Space.find_communities

    def found(space: Space, at_once: int, on_event: OnEvent) -> None:
        asked.append(at_once)
        look_for(space, at_once, on_event)

    monkeypatch.setattr(Space, "find_communities", found)
    pipeline.run(planted_table, tmp_path / "run", planted_config, threads=3)
    assert asked and set(asked) == {3}
    for stage in ("clusters", "nulls", "replication", "classes"):
        assert contents(tmp_path / "run" / stage) == contents(judged / stage)


def test_searches_made_elsewhere_are_those_made_here(
    judged: Path, planted_table: Path, planted_config: Config, tmp_path: Path
) -> None:
    output, events = tmp_path / "run", []

    def run(executor: Apart) -> None:
        pipeline.run(
            planted_table, output, planted_config, executor=executor,
            on_event=lambda *event: events.append(event),
        )  # fmt: skip

    # lost after eight of ten nulls, of which those that had come are kept
    with pytest.raises(RunError, match="every machine is gone"):
        run(Apart(lives=8))
    assert len(list((output / "nulls").glob("*.parquet"))) == 6
    rest = Apart()
    run(rest)
    assert len(rest.items) == 4 + 9 and len(rest.tasks) == 2
    assert contents(output) == contents(judged)
    nulls = [(done, total) for what, done, total in events if what == "searching featureless data"]
    assert nulls == [(i, 10) for i in (*range(7), *range(6, 11))]
    repeats = [(done, total) for what, done, total in events if what == "repeating the search"]
    assert repeats == [(i, 9) for i in range(10)]


def test_more_searches_keep_those_that_are_there(
    judged: Path, planted_table: Path, planted_config: Config, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, unpublished: None,
) -> None:  # fmt: skip
    output, fresh = tmp_path / "run", tmp_path / "fresh"
    more = changed(planted_config, nulls={"n": 6}, replication={"subsamples": 3})
    searched(planted_table, fresh, more)
    shutil.copytree(judged, output)
    # a part that is damaged, its key still legible, is not among those kept
    damaged = output / "nulls" / "shuffled-002.parquet"
    damaged.write_bytes(damaged.read_bytes().replace(b"PAR1", b"PARx", 1))
    written: list[str] = []
    for writer in ("write_measures", "write_replicate"):
        write: Callable[..., None] = getattr(nouns, writer)
        monkeypatch.setattr(
            nouns, writer, lambda p, *r, w=write: (w(p, *r), written.append(p.stem))
        )
    searched(planted_table, output, more)
    # in the order in which threads ended
    assert sorted(written) == ["shuffled-002", "shuffled-005", "smooth-2-005", "subsample-3"]
    for stage in ("nulls", "replication", "classes"):
        assert contents(output / stage) == contents(fresh / stage)
    written.clear()
    searched(planted_table, output, planted_config)
    assert not written
    for stage in ("nulls", "replication", "classes"):
        assert contents(output / stage) == contents(judged / stage)


@pytest.mark.parametrize(
    ("stage", "section", "change", "kept"),
    [
        ("nulls", "nulls", {"n": 200}, True),
        ("nulls", "nulls", {"scales": "3"}, False),
        ("nulls", "nulls", {"seed": 1}, False),
        ("nulls", "replication", {"share": 0.7}, True),
        ("nulls", "clusters", {"min_samples": 4}, False),
        ("replication", "replication", {"subsamples": 200, "seeds": 9}, True),
        ("replication", "replication", {"share": 0.7}, False),
        ("replication", "replication", {"seed": 1}, False),
        ("replication", "replication", {"encoder": "default"}, True),
        ("replication", "nulls", {"n": 200}, True),
        ("replication", "classes", {"min_size": 9}, False),
        ("replication", "classes", {"area": 3.0, "exemplars": 2, "previous": "x"}, True),
    ],
)
def test_a_part_depends_on_what_is_in_it_alone(
    planted_config: Config, stage: str, section: str, change: dict[str, Any], kept: bool
) -> None:
    other = changed(planted_config, **{section: change})
    same = part_settings_of(stage, other) == part_settings_of(stage, planted_config)
    assert same is kept


def test_order_of_rows_and_shards_changes_no_class(
    judged: Path, planted: FloatArray, planted_config: Config, tmp_path: Path, unpublished: None
) -> None:
    order = np.random.default_rng(5).permutation(len(planted))
    table = write_vectors(tmp_path / "t.parquet", planted[order], [f"s{i:03d}" for i in order])
    split = changed(planted_config, representations={"shard_size": 61})
    searched(table, tmp_path / "run", split)
    assert len(list((tmp_path / "run" / "representations").glob("shard-*"))) == 20
    for name in ("neighbors/graph.safetensors", "neighbors/ids.parquet", "classes/classes.json",
                 "clusters/candidates.parquet", "embedding/embedding.parquet"):  # fmt: skip
        assert (tmp_path / "run" / name).read_bytes() == (judged / name).read_bytes(), name


def test_other_names_change_nothing_but_names(
    judged: Path, planted: FloatArray, planted_config: Config, tmp_path: Path, unpublished: None
) -> None:
    n = len(planted)
    ids = [f"r{n - i}" for i in range(n)]
    old = {new: f"s{i:03d}" for i, new in enumerate(ids)}
    found = searched(write_vectors(tmp_path / "t.parquet", planted, ids), tmp_path / "run",
                     planted_config)  # fmt: skip
    renamed = [
        replace(
            c,
            class_id=f"SKR-{old[c.members[0]]}",
            members=tuple(old[m] for m in c.members),
            exemplars=tuple(old[m] for m in c.exemplars),
        )
        for c in found
    ]
    assert renamed == list(open_run(judged).rare_classes)


def test_copies_are_listed_and_follow_their_original(
    judged: Path, planted: FloatArray, planted_config: Config, tmp_path: Path, unpublished: None
) -> None:
    member, other = N_SEA, 0
    rows = [*range(len(planted)), member, member, other]
    # of identical vectors the first by id is searched: here a copy, there the original
    ids = [f"s{i:03d}" for i in range(len(planted))] + ["a-copy", "z-copy", "z-other"]
    table = write_vectors(tmp_path / "t.parquet", planted[rows], ids)
    found = pipeline.run(table, tmp_path / "run", planted_config)
    assert found["stages"]["neighbors"]["counts"]["copies"] == 3
    assert any("3 sources have the very vector of another" in w for w in found["warnings"])
    copies = pq.read_table(tmp_path / "run" / "neighbors" / "copies.parquet").to_pylist()
    same_as = {row["id_str"]: row["same_as"] for row in copies}
    assert same_as == {f"s{member:03d}": "a-copy", "z-copy": "a-copy", "z-other": "s000"}

    mine = nouns.read_classes(tmp_path / "run" / "classes" / "classes.json")
    theirs = open_run(judged).rare_classes
    originals = [[m for m in c.members if not m.endswith(("-copy", "-other"))] for c in mine]
    assert originals == [list(c.members) for c in theirs]
    for name in ("containment", "overdensity", "q_value", "replication", "verdict"):
        assert [getattr(c, name) for c in mine] == [getattr(c, name) for c in theirs]
    [home] = [c for c in mine if f"s{member:03d}" in c.members]
    chances = dict(zip(home.members, home.probability, strict=True))
    at = home.members.index("a-copy")
    assert home.members[at : at + 3] == ("a-copy", f"s{member:03d}", "z-copy")
    assert chances["a-copy"] == chances["z-copy"] == chances[f"s{member:03d}"]
    total = found["stages"]["classes"]["counts"]
    assert total["members"] + total["unclustered"] == len(rows)


def test_classes_of_the_previous_run_keep_their_ids(
    judged: Path, planted: FloatArray, planted_table: Path, planted_config: Config,
    tmp_path: Path, unpublished: None,
) -> None:  # fmt: skip
    again = changed(planted_config, classes={"previous": str(judged)})
    before = {c.class_id: c for c in open_run(judged).rare_classes}
    for rare in searched(planted_table, tmp_path / "same", again):
        assert rare.history == "kept its id (overlap 1.00)"
        assert rare.members == before[rare.class_id].members

    # 1% more: three of the sea, and one that is now the most central of the first group; and
    # copies of the second group that are searched in place of their originals
    rng = np.random.default_rng(9)
    center = planted[N_SEA : N_SEA + GROUP].mean(axis=0, keepdims=True)
    second = planted[N_SEA + GROUP : N_SEA + 2 * GROUP]
    vectors = np.vstack([planted, rng.normal(size=(3, 8)), center, second]).astype(np.float32)
    ids = [f"s{i:03d}" for i in range(len(planted) + 4)] + [f"a{i:03d}" for i in range(GROUP)]
    found = searched(write_vectors(tmp_path / "t.parquet", vectors, ids), tmp_path / "more", again)
    confirmed = [c for c in found if c.verdict == "confirmed"]
    assert {c.class_id for c in confirmed} == {
        name for name, c in before.items() if c.verdict == "confirmed"
    }
    assert all(c.history.startswith("kept its id (overlap ") for c in confirmed)
    renamed = [c for c in confirmed if c.class_id != f"SKR-{c.members[0]}"]
    assert {c.members[0] for c in renamed} >= {f"s{len(planted) + 3:03d}"} and len(renamed) >= 2


def test_classes_of_the_previous_run_that_are_gone_are_told_of(
    judged: Path, planted: FloatArray, planted_config: Config, tmp_path: Path
) -> None:
    before = open_run(judged).rare_classes
    gone = next(c for c in before if PLANTED[0] <= set(c.members))
    strays = sorted(set(gone.members) - PLANTED[0])
    # a member of the class stays, alone, and its others are not in this run
    stays = f"s{N_SEA:03d}"
    rows = [i for i in range(len(planted)) if f"s{i:03d}" not in PLANTED[0] - {stays}]
    table = write_vectors(tmp_path / "t.parquet", planted[rows], [f"s{i:03d}" for i in rows])
    again = changed(planted_config, classes={"previous": str(judged)})
    warnings = pipeline.run(table, tmp_path / "run", again)["warnings"]
    [said] = [w for w in warnings if "not found again" in w]
    now = open_run(tmp_path / "run").rare_classes
    inside = {m for c in now for m in c.members}
    assert f"{gone.class_id} was not found again: of its {gone.size} members" in said
    assert said.endswith(f"{GROUP - 1} not in this run.")
    out = sum(m not in inside for m in (stays, *strays))
    assert (f"{out} in no class" in said) == bool(out)
    # and the report says it too
    assert said in unescape((tmp_path / "run" / "report.html").read_text())
    # had it been rejected there, nothing would be said
    known = tmp_path / "known"
    shutil.copytree(judged, known)
    path = known / "classes" / "classes.json"
    records = json.loads(path.read_text())
    for record in records:
        if record["class_id"] == gone.class_id:
            record["verdict"] = "rejected"
    path.write_text(json.dumps(records))
    again = changed(planted_config, classes={"previous": str(known)})
    warnings = pipeline.run(table, tmp_path / "run", again)["warnings"]
    assert not [w for w in warnings if "not found again" in w]
    assert not any("not found" in w for w in pipeline.run(table, tmp_path / "run", changed(
        again, classes={"previous": ""}))["warnings"])  # fmt: skip


def test_a_previous_run_that_is_none_is_an_error_before_anything_is_written(
    judged: Path, planted_table: Path, planted_config: Config, tmp_path: Path
) -> None:
    output = tmp_path / "run"

    def refused(previous: Path, kind: type[Exception], words: str) -> None:
        again = changed(planted_config, classes={"previous": str(previous)})
        with pytest.raises(kind, match=words):
            pipeline.run(planted_table, output, again)

    refused(tmp_path / "none", ConfigError, "classes.previous = .*expected the folder of a finish")
    refused(tmp_path, ConfigError, "classes.previous = .*expected the folder of a finish")
    shutil.copytree(judged, tmp_path / "bad")
    (tmp_path / "bad" / "classes" / "classes.json").write_text("[")
    refused(tmp_path / "bad", RunError, "missing or damaged")
    assert not output.exists()
    shutil.copytree(judged, output)
    refused(output / ".." / "run", ConfigError, "this very run")
    assert contents(output) == contents(judged)


def test_without_nulls_classes_are_unjudged_and_without_repeats_not_confirmed(
    judged: Path, planted_table: Path, planted_config: Config, tmp_path: Path
) -> None:
    output = tmp_path / "run"
    shutil.copytree(judged, output)
    bare = changed(planted_config, nulls={"n": 0}, replication={"subsamples": 0})
    pipeline.run(planted_table, output, bare)
    run = open_run(output)
    assert len(run.rare_classes) == len(open_run(judged).rare_classes)
    for rare in run.rare_classes:
        assert (rare.verdict, rare.p_value, rare.q_value) == ("unjudged", None, None)
        assert rare.replication is None and rare.reasons
    assert np.ma.getmaskarray(run.classes["q_value"]).all()
    assert not list((output / "nulls").glob("*.parquet"))
    assert not list((output / "replication").glob("*.parquet"))
    alone = changed(planted_config, replication={"subsamples": 0})
    verdicts = [c.verdict for c in searched(planted_table, output, alone)]
    assert verdicts.count("tentative") == len(PLANTED) and "confirmed" not in verdicts


def test_the_route_of_the_paper_goes_all_the_way(
    planted_table: Path, planted_config: Config, tmp_path: Path
) -> None:
    paper = changed(planted_config, clusters={"route": "umap-hdbscan"}, nulls={"n": 1},
                    replication={"subsamples": 1, "seeds": 1})  # fmt: skip
    found = pipeline.run(planted_table, tmp_path / "run", paper)
    assert found["complete"]
    assert found["stages"]["clusters"]["counts"]["route"] == "umap-hdbscan"
    classes = open_run(tmp_path / "run").rare_classes
    assert {c.route for c in classes} == {"umap-hdbscan"}
    for group in PLANTED:
        assert any(group <= set(c.members) and c.size <= GROUP + 5 for c in classes)
    names = {p.stem for p in (tmp_path / "run" / "replication").glob("*.parquet")}
    assert {"route-graph", "seed-1", "subsample-1", "half-a", "half-b"} <= names


def test_a_run_reads_without_skerry(judged: Path, planted: FloatArray) -> None:
    from safetensors.numpy import load_file

    ids = pq.read_table(judged / "neighbors" / "ids.parquet")["id_str"].to_pylist()
    graph = load_file(judged / "neighbors" / "graph.safetensors")
    assert graph["indices"].shape == graph["distances"].shape == (len(planted), 15)
    row = {name: i for i, name in enumerate(ids)}
    vectors = planted[[int(name[1:]) for name in ids]]
    apart = np.linalg.norm(vectors[:, None] - vectors[graph["indices"]], axis=2)
    np.testing.assert_allclose(graph["distances"], apart, rtol=1e-5)
    candidates = pq.read_table(judged / "clusters" / "candidates.parquet").to_pandas()
    found = [set(rows) for _, rows in candidates.groupby("candidate")["row"]]
    # every group that was planted is among those that were looked at
    for group in PLANTED:
        assert any({row[name] for name in group} <= rows for rows in found)
    null = pq.read_table(judged / "nulls" / "smooth-2-000.parquet")
    assert null.column_names == [
        "size", "isolation", "overdensity", "coherence", "spread", "containment",
    ]  # fmt: skip
    half = pq.read_table(judged / "replication" / "half-a.parquet").to_pylist()
    assert half and all(row[r["id_str"]] == r["row"] for r in half)
    classes = json.loads((judged / "classes" / "classes.json").read_text())
    assert classes == json.loads(json.dumps([asdict(c) for c in open_run(judged).rare_classes]))
    members = pq.read_table(judged / "products" / "members.parquet")
    listed = [m for c in classes for m in c["members"]]
    assert members["id_str"].to_pylist() == listed


LARGE: dict[str, dict[str, Any]] = {
    "nulls": {"n": 12, "sources": 700},
    "replication": {"whole_below": 700},
}


def test_a_large_survey_is_judged_by_parts_and_says_so(
    planted_table: Path, planted_config: Config, tmp_path: Path
) -> None:
    config = changed(planted_config, **LARGE)
    done = pipeline.run(planted_table, tmp_path / "run", config)
    [note] = [w for w in done["warnings"] if "featureless" in w]
    assert "700 of 1,200 sources" in note and "1.71 times" in note and "unless 3 candidates" in note
    found = nouns.read_classes(tmp_path / "run" / "classes" / "classes.json")
    kept = [rare for rare in found if rare.verdict == "confirmed"]
    assert len(kept) == 4 and all(rare.core >= 0.8 * GROUP for rare in kept)
    assert all(rare.replication is not None for rare in kept)
    page = unescape((tmp_path / "run" / "report.html").read_text())
    assert "each of 700 sources" in page and "(700 sources each)" in page

    before = contents(tmp_path / "run")
    (tmp_path / "run" / "replication" / "half-a.parquet").unlink()
    again = pipeline.run(planted_table, tmp_path / "run", config)
    assert contents(tmp_path / "run") == before
    assert "neighbors" in again["skipped"] and "nulls" in again["skipped"]


def test_of_a_large_survey_umap_is_fitted_on_a_part_and_the_report_says_so(
    planted_table: Path, planted_config: Config, tmp_path: Path
) -> None:
    config = changed(
        planted_config,
        embedding={"whole_below": 300, "epochs": 50},
        clusters={"route": "umap-hdbscan"},
        nulls={"n": 2, "scales": "2"},
        replication={"subsamples": 0, "seeds": 0},
    )
    done = pipeline.run(planted_table, tmp_path / "run", config)
    counts = done["stages"]["embedding"]["counts"]
    assert counts["fitted"] + counts["placed"] == 1200 and 300 <= counts["fitted"] < 800
    [said] = [w for w in done["warnings"] if "UMAP was fitted" in w]
    assert f"{counts['fitted']:,} of 1,200 sources" in said and "embedding.whole_below" in said
    assert said in unescape((tmp_path / "run" / "report.html").read_text())
    held = nouns.read_embedding(tmp_path / "run" / "embedding" / "embedding.parquet")
    assert held.placed == counts["placed"] and np.isfinite(held.coordinates).all()
    found = nouns.read_classes(tmp_path / "run" / "classes" / "classes.json")
    assert sum(rare.core >= 0.5 * GROUP for rare in found) >= 3


def test_searches_of_a_large_survey_follow_what_the_nulls_leave(
    planted_table: Path, planted_config: Config, tmp_path: Path, unpublished: None
) -> None:
    """More nulls that leave the same candidates leave them as they are, others do not."""
    config = changed(planted_config, **LARGE)
    searched(planted_table, tmp_path / "run", config)
    more = changed(config, nulls={"n": 14})
    assert "replication" in pipeline.run(planted_table, tmp_path / "run", more)["skipped"]
    # of two searches nothing can pass, and nothing is to be looked for again
    few = changed(config, nulls={"n": 2})
    done = pipeline.run(planted_table, tmp_path / "run", few)
    assert "replication" not in done["skipped"]
    assert done["stages"]["replication"]["counts"] == {"searches": 0}
    assert {rare["verdict"] for rare in done["classes"]} == {"rejected"}


@pytest.mark.parametrize(
    ("settings", "nulls", "replication"),
    [
        ({}, (), ()),
        ({"neighbors": {"device": "cuda"}}, ("torch",), ("torch",)),
        # one repeated search goes by the other route
        ({"embedding": {"device": "cuda"}}, (), ("cuml",)),
        (
            {"embedding": {"device": "cuda"}, "clusters": {"route": "umap-hdbscan"}},
            ("cuml",),
            ("cuml",),
        ),
    ],
)
def test_what_searches_need_a_gpu_by(
    settings: dict[str, Any], nulls: tuple[str, ...], replication: tuple[str, ...]
) -> None:
    config = from_mapping(settings)
    assert searching._on_gpu("nulls", config) == nulls
    assert searching._on_gpu("replication", config) == replication
