"""Laws of growing a class of a finished run and of placing new sources into its classes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry import context, pipeline
from skerry.config import Config, from_mapping
from skerry.discover.assign import Assigner
from skerry.errors import CatalogError, ConfigError, InputError, RunError
from skerry.represent.encoder import Encoder, load
from skerry.types import FloatArray, RareClass
from skerry.using import ASSIGNED_SCHEMA, GROWN_SCHEMA, Finished, placing
from tests.conftest import GROUP, N_GROUPS, N_PLANTED, N_SEA, PLANTED, write_vectors


@pytest.fixture(scope="module")
def run(judged: Path) -> Finished:
    return Finished(judged)


@pytest.fixture(scope="module")
def new(planted: FloatArray) -> FloatArray:
    """Ten new sources of each planted group, and twenty far from all."""
    rng = np.random.default_rng(3)
    groups = planted[N_SEA:].reshape(N_GROUPS, GROUP, 8).mean(axis=1)
    parts = [center + 0.15 * rng.normal(size=(10, 8)) for center in groups]
    return np.vstack([*parts, -6 + rng.normal(size=(20, 8))]).astype(np.float32)


def confirmed(run: Finished) -> list[RareClass]:
    return [rare for rare in run.classes if rare.verdict == "confirmed"]


def rewritten(judged: Path, output: Path, change: Callable[[dict[str, Any]], None]) -> Finished:
    """A copy of a run whose classes are others."""
    shutil.copytree(judged, output)
    path = output / "classes" / "classes.json"
    records = json.loads(path.read_text())
    for record in records:
        change(record)
    path.write_text(json.dumps(records))
    return Finished(output)


# growing


def test_withheld_members_come_first(run: Finished, judged: Path, tmp_path: Path) -> None:
    target = confirmed(run)[0]

    def withhold(record: dict[str, Any]) -> None:
        if record["class_id"] == target.class_id:
            record["members"] = record["members"][::2]
            record["probability"] = record["probability"][::2]

    found = rewritten(judged, tmp_path / "run", withhold).grow(target.class_id)
    withheld = set(target.members[1::2])
    planted_there = max(PLANTED, key=lambda group: len(group & withheld)) & withheld
    assert len(planted_there) >= 7
    assert planted_there == set(found["id_str"].to_pylist()[: len(planted_there)])


def test_grown_is_ranked_and_says_whose_each_source_is(run: Finished) -> None:
    target, rejected = confirmed(run)[0], [c for c in run.classes if c.verdict == "rejected"]
    found = run.grow(target.class_id, limit=9999)
    assert found.schema == GROWN_SCHEMA
    assert found["order"].to_pylist() == list(range(1, len(found) + 1))
    score = found["score"].to_numpy()
    assert ((score > 0) & (score <= 1)).all() and (np.diff(score) <= 0).all()
    names = found["id_str"].to_pylist()
    everything = [f"s{i:03d}" for i in range(N_PLANTED)]
    assert sorted([*names, *target.members]) == sorted(everything)
    owner = {m: c.class_id for c in confirmed(run) for m in c.members}
    assert found["class_id"].to_pylist() == [owner.get(name, "") for name in names]
    assert len(set(found["class_id"].to_pylist())) == N_GROUPS
    assert run.grow(target.class_id, limit=7).equals(found.slice(0, 7))
    # a rejected candidate can be looked at as well; its members are in no class
    other = run.grow(rejected[0].class_id, limit=9999)
    assert not set(other["id_str"].to_pylist()) & set(rejected[0].members)
    assert len(other) == N_PLANTED - rejected[0].size


def test_copies_are_grown_with_their_original(
    planted: FloatArray, planted_config: Config, tmp_path: Path
) -> None:
    bare = from_mapping({"nulls": {"n": 0}, "replication": {"subsamples": 0}}, planted_config)
    rows = [*range(len(planted)), 5, 5, N_SEA]
    ids = [f"s{i:03d}" for i in range(len(planted))] + ["a-copy", "z-copy", "member-copy"]
    table = write_vectors(tmp_path / "t.parquet", planted[rows], ids)
    pipeline.run(table, tmp_path / "run", bare)
    run = Finished(tmp_path / "run")
    target = next(c for c in run.classes if f"s{N_SEA:03d}" in c.members)
    assert "s005" not in target.members and "member-copy" in target.members
    found = run.grow(target.class_id, limit=9999)
    names = found["id_str"].to_pylist()
    assert len(names) == len(set(names)) == len(ids) - target.size
    at = names.index("a-copy")
    assert names[at : at + 3] == ["a-copy", "s005", "z-copy"]
    assert len(set(found["score"].to_pylist()[at : at + 3])) == 1
    assert run.grow(target.class_id, limit=at + 2)["id_str"].to_pylist() == names[: at + 2]
    # each copy is placed as its original
    told = run.assign(table).sources.to_pylist()
    by_id = {r.pop("id_str"): r for r in told}
    assert by_id["s005"] == by_id["a-copy"] == by_id["z-copy"]
    assert by_id[f"s{N_SEA:03d}"] == by_id["member-copy"]
    assert by_id["member-copy"]["class_id"] == target.class_id


def test_a_class_that_is_not_there_lists_those_that_are(
    run: Finished, judged: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=rf"no class 'SKR-9'; its classes: {', '.join(ids(run))}$"):
        run.grow("SKR-9")
    with pytest.raises(ConfigError, match="limit is 0"):
        run.grow(run.classes[0].class_id, 0)
    shutil.copytree(judged, tmp_path / "run")
    path = tmp_path / "run" / "classes" / "classes.json"
    one = json.loads(path.read_text())[0]
    path.write_text(json.dumps([{**one, "class_id": f"SKR-{i}"} for i in range(13)]))
    with pytest.raises(InputError, match=r"SKR-8, SKR-9 and 3 more$"):
        Finished(tmp_path / "run").grow("SKR-13")


def ids(run: Finished) -> list[str]:
    return [rare.class_id for rare in run.classes]


# placing


def test_a_run_s_own_sources_keep_what_it_said(run: Finished, planted_table: Path) -> None:
    placed = run.assign(planted_table)
    assert placed.sources.schema == ASSIGNED_SCHEMA and not placed.warnings
    owner = {m: c.class_id for c in confirmed(run) for m in c.members}
    told = placed.sources.to_pylist()
    assert [r["id_str"] for r in told] == [f"s{i:03d}" for i in range(N_PLANTED)]
    assert [r["class_id"] for r in told] == [owner.get(r["id_str"], "") for r in told]
    assert all(0 < r["p_value"] <= 1 and r["distance_ratio"] > 0 for r in told)
    assert {r["nearest_class"] for r in told} == {c.class_id for c in confirmed(run)}
    assert all(r["failure"] is None for r in told)
    sizes = {c.class_id: c.size for c in confirmed(run)}
    assert {c["class_id"]: c["placed"] for c in placed.classes} == sizes
    assert all(c["kept"] > 0.8 and c["false_rate"] <= 0.05 for c in placed.classes)


def test_new_sources_go_where_they_belong(run: Finished, new: FloatArray, tmp_path: Path) -> None:
    told = run.assign(write_vectors(tmp_path / "t.parquet", new)).sources["class_id"].to_pylist()
    home = [next(c.class_id for c in confirmed(run) if len(g & set(c.members)) > 5)
            for g in PLANTED]  # fmt: skip
    for i, class_id in enumerate(home):
        part = told[10 * i : 10 * (i + 1)]
        assert part.count(class_id) >= 8 and set(part) <= {class_id, ""}
    assert set(told[40:]) == {""}


@settings(max_examples=8)
@given(st.data())
def test_a_part_gets_what_it_got_in_the_whole(
    run: Finished, new: FloatArray, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("part")
    rows = data.draw(st.permutations(range(len(new))))[: data.draw(st.integers(1, len(new)))]
    whole = run.assign(write_vectors(folder / "whole.parquet", new)).sources
    names = [f"s{i:03d}" for i in rows]
    part = run.assign(write_vectors(folder / "part.parquet", new[rows], names)).sources
    assert part.equals(whole.take(pa.array(rows)))
    again = Finished(run.path).assign(folder / "part.parquet").sources
    assert written(again, folder / "a") == written(part, folder / "b")


def written(table: pa.Table, path: Path) -> bytes:
    pq.write_table(table, path)
    return path.read_bytes()


def test_what_cannot_be_read_stays_a_row_where_it_stood(
    run: Finished, new: FloatArray, tmp_path: Path
) -> None:
    whole = run.assign(write_vectors(tmp_path / "w.parquet", new)).sources
    spoiled = new.copy()
    spoiled[[0, 7, 59]] = np.nan
    spoiled[7, 1:] = 0
    told = run.assign(write_vectors(tmp_path / "t.parquet", spoiled)).sources
    assert told["id_str"].equals(whole["id_str"])
    bad = pc.is_valid(told["failure"])
    assert [i for i, b in enumerate(bad.to_pylist()) if b] == [0, 7, 59]
    assert told.filter(pc.invert(bad)).equals(whole.filter(pc.invert(bad)))
    for row in told.filter(bad).to_pylist():
        assert "NaN" in row["failure"] or "missing" in row["failure"]
        assert (row["class_id"], row["nearest_class"]) == ("", "")
        assert row["p_value"] is None and row["distance_ratio"] is None
    none = run.assign(write_vectors(tmp_path / "n.parquet", np.full_like(new[:3], np.nan)))
    assert len(none.sources) == none.sources["failure"].drop_null().__len__() == 3
    assert [c["placed"] for c in none.classes] == [0] * N_GROUPS


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails where something long begins."""

    def begun(*_: object, **__: object) -> None:
        raise AssertionError("work has begun")

    for module, name in ((Assigner, "fit"), (placing, "encode"), (placing, "given")):
        monkeypatch.setattr(module, name, begun)
    yield


def test_what_cannot_be_compared_is_an_error_before_work(
    run: Finished, new: FloatArray, survey_folder: Path, finished: Path, judged: Path,
    tmp_path: Path, no_work: None,
) -> None:  # fmt: skip
    with pytest.raises(InputError, match="have 5 dimensions; expected 8"):
        run.assign(write_vectors(tmp_path / "t.parquet", new[:, :5]))
    with pytest.raises(InputError, match=r"made from given .*images by the encoder"):
        run.assign(survey_folder)
    with pytest.raises(InputError, match="does not exist"):
        run.assign(tmp_path / "none.parquet")
    none = rewritten(judged, tmp_path / "run", lambda record: record.update(verdict="rejected"))
    with pytest.raises(InputError, match="no class that was not rejected"):
        none.assign(tmp_path / "t.parquet")


def test_settings_are_the_runs_but_for_how_new_sources_are_read(
    run: Finished, new: FloatArray, tmp_path: Path, no_work: None
) -> None:
    table = write_vectors(tmp_path / "t.parquet", new)
    for section, change in (("neighbors", {"k": 16}), ("representations", {"encoder": "x"})):
        with pytest.raises(ConfigError, match="only sources"):
            run.assign(table, from_mapping({section: change}, run.config))


def test_another_catalog_is_read_with_its_own_columns(
    run: Finished, new: FloatArray, tmp_path: Path
) -> None:
    whole = run.assign(write_vectors(tmp_path / "w.parquet", new)).sources
    table = pq.read_table(tmp_path / "w.parquet").rename_columns(
        ["nummer", *(f"z_{i}" for i in range(8))]
    )
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(CatalogError, match=r"set sources\.id_column"):
        run.assign(tmp_path / "t.parquet")
    own = from_mapping({"sources": {"id_column": "nummer"}}, run.config)
    assert run.assign(tmp_path / "t.parquet", own).sources.equals(whole)


# images


@pytest.fixture(scope="module")
def of_images(
    finished: Path, survey_folder: Path, config: Config, tmp_path_factory: pytest.TempPathFactory
) -> Finished:
    """A run on images; without nulls every candidate stays a class."""
    output = tmp_path_factory.mktemp("images") / "run"
    shutil.copytree(finished, output)
    pipeline.run(survey_folder, output, from_mapping({"nulls": {"n": 0}}, config))
    return Finished(output)


def largest(run: Finished) -> RareClass:
    """Its class with the most members; how many these are differs between processors."""
    return max(run.classes, key=lambda rare: len(rare.members))


@pytest.fixture
def few(survey_folder: Path, of_images: Finished, tmp_path: Path) -> Path:
    """A folder with the images of one class's members and some others'."""
    folder = tmp_path / "few"
    folder.mkdir()
    inside = {m for c in of_images.classes for m in c.members}
    images = sorted((survey_folder / "images").iterdir())
    outside = [p for p in images if p.stem not in inside][:4]
    for path in [p for p in images if p.stem in largest(of_images).members[:5]] + outside:
        shutil.copy(path, folder / path.name)
    return folder


def test_images_are_placed_as_the_run_placed_them(of_images: Finished, few: Path) -> None:
    target = largest(of_images)
    unread = few / f"{target.members[0]}.jpg"
    unread.write_bytes(unread.read_bytes()[:50])
    placed = of_images.assign(few, threads=1)
    told = {r["id_str"]: r for r in placed.sources.to_pylist()}
    assert list(told) == sorted(p.stem for p in few.iterdir())
    assert told[unread.stem]["failure"] and told[unread.stem]["class_id"] == ""
    assert [told[m]["class_id"] for m in target.members[1:5]] == [target.class_id] * 4
    assert [r["class_id"] for n, r in told.items() if n not in target.members] == [""] * 4
    assert of_images.assign(few, threads=2).sources.equals(placed.sources)


def test_what_is_taken_to_be_as_in_the_run_is_said(of_images: Finished, few: Path) -> None:
    [said] = of_images.assign(few).warnings
    assert "as the run's: representations.crop = 1.0" in said
    # without it, images of a size that the encoder does not know are not taken whole in silence
    for path in few.iterdir():
        image = cv2.imread(str(path))
        assert image is not None
        cv2.imwrite(str(path), cv2.resize(image, (91, 91)))
    own = from_mapping({"representations": {"crop": 0.0}}, of_images.config)
    said = " ".join(of_images.assign(few, own).warnings)
    assert "The field of view of 9 images (9 of 91 px) is not known" in said


def test_another_encoder_is_an_error_before_work(
    of_images: Finished, few: Path, new: FloatArray, tmp_path: Path, no_work: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with pytest.raises(InputError, match=r"made from images .*would be from given represent"):
        of_images.assign(write_vectors(tmp_path / "t.parquet", new))

    def other(name: str) -> Encoder:
        return replace(load(name), sha256="0ther")

    monkeypatch.setattr(context, "load", other)
    with pytest.raises(InputError, match=r"would be from images by the encoder 0ther"):
        of_images.assign(few)


def test_only_a_run_that_has_ended_is_used(judged: Path, tmp_path: Path) -> None:
    shutil.copytree(judged, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "products")
    with pytest.raises(RunError, match=r"has not ended \(products missing or out of date\)"):
        Finished(tmp_path / "run")
    with pytest.raises(RunError, match="no folder of a run"):
        Finished(tmp_path)
