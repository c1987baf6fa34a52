from __future__ import annotations

import csv
import functools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skerry import context, encoding, pipeline
from skerry.backends import card
from skerry.config import Config, from_mapping, to_toml
from skerry.dependencies import outside_of, settings_of
from skerry.errors import (
    CatalogError,
    ConfigError,
    ContractError,
    DiskError,
    EncoderError,
    InputError,
    RunError,
    SkerryError,
    TooManyFailuresError,
)
from skerry.notices import provenance
from skerry.pipeline import STAGES
from skerry.planning import plan
from skerry.reopening import reopened
from skerry.represent import encode
from skerry.represent.decoding import ready_on_processes
from skerry.represent.encoder import load
from skerry.represent.ready import Ready
from skerry.results import open as open_run
from skerry.store import encoded, nouns
from skerry.types import FloatArray
from tests.conftest import N, contents
from tests.cuml_stand_in import install

NAMES = [stage.name for stage in STAGES]


def test_a_run_has_its_products(finished: Path) -> None:
    assert pipeline.status(finished)["complete"]
    assert (finished / "report.html").stat().st_size > 10_000
    for name in ("classes", "members", "checks"):
        for suffix in ("parquet", "fits", "vot"):
            assert (finished / "products" / f"{name}.{suffix}").is_file()
    run = open_run(finished)
    assert len(run.classes) == len(run.rare_classes) > 0
    assert len(run.members) == sum(c.size for c in run.rare_classes)
    assert [str(v) for v in run.classes["verdict"]] == [c.verdict for c in run.rare_classes]
    sheets = [p for p in (finished / "products" / "sheets").iterdir() if p.is_file()]
    assert len(sheets) == len(run.classes)
    inside = {m for c in run.rare_classes if c.verdict != "rejected" for m in c.members}
    outside = pq.read_table(finished / "products" / "unclustered.parquet")["id_str"].to_pylist()
    assert sorted(inside | set(outside)) == sorted(run.ids) and not inside & set(outside)


def test_the_same_call_again_does_nothing(
    finished: Path, survey_folder: Path, config: Config
) -> None:
    before = contents(finished)
    found = pipeline.run(survey_folder, finished, config)
    assert found["skipped"] == NAMES
    assert contents(finished) == before


@pytest.mark.parametrize(
    ("section", "change", "redone"),
    [
        ("sources", {"max_failed": 0.1}, ["sources", "products"]),
        ("neighbors", {"k": 16}, [n for n in NAMES[2:] if n != "second"]),
        # the graph's own hierarchy does not hang on UMAP: its bytes and what follows are spared
        ("embedding", {"map_min_dist": 0.3}, ["embedding", "clusters", "products"]),
        ("clusters", {"min_samples": 4}, [n for n in NAMES[4:] if n != "second"]),
        ("nulls", {"n": 4}, ["nulls", "classes", "products"]),
        ("replication", {"subsamples": 1}, ["replication", "classes", "products"]),
        ("classes", {"exemplars": 3}, ["classes", "products"]),
        ("classes", {"area": 2.0}, ["classes", "products"]),
    ],
)
def test_a_changed_setting_redoes_what_depends_on_it_and_no_more(
    judged: Path, planted_table: Path, planted_config: Config, tmp_path: Path, section: str,
    change: dict[str, Any], redone: list[str],
) -> None:  # fmt: skip
    output = tmp_path / "run"
    shutil.copytree(judged, output)
    changed = from_mapping({section: change}, planted_config)
    found = pipeline.run(planted_table, output, changed)
    assert [name for name in NAMES if name not in found["skipped"]] == redone
    if section not in ("sources", "classes"):
        pipeline.run(planted_table, tmp_path / "fresh", changed)
        assert contents(output) == contents(tmp_path / "fresh")


@pytest.mark.parametrize(
    "name",
    [
        "representations/shard-00001.parquet",
        "nulls/shuffled-000.parquet",
        "replication/subsample-1.parquet",
        "classes/classes.json",
        "report.html",
    ],
)
def test_a_damaged_file_is_made_again(
    finished: Path, survey_folder: Path, config: Config, tmp_path: Path, name: str
) -> None:
    output = tmp_path / "run"
    shutil.copytree(finished, output)
    path = output / name
    path.write_bytes(path.read_bytes()[:-9])
    found = pipeline.run(survey_folder, output, config)
    assert len(found["skipped"]) == len(NAMES) - 1
    assert contents(output) == contents(finished)


def test_the_number_of_threads_changes_nothing(
    finished: Path, survey_folder: Path, config: Config, tmp_path: Path
) -> None:
    assert pipeline.run(survey_folder, finished, config, threads=1)["skipped"] == NAMES
    pipeline.run(survey_folder, tmp_path / "run", config, threads=3)
    assert contents(tmp_path / "run") == contents(finished)


def test_a_changed_image_is_encoded_again(
    finished: Path, survey_folder: Path, config: Config, tmp_path: Path
) -> None:
    survey, output = tmp_path / "survey", tmp_path / "run"
    bad = spoiled(survey_folder, survey, 1)[0]
    pipeline.run(survey, output, config)
    assert [f.id_str for f in open_run(output).failures] == [bad]
    shutil.copy2(survey_folder / "images" / f"{bad}.jpg", survey / "images" / f"{bad}.jpg")
    found = pipeline.run(survey, output, config)
    assert found["stages"]["representations"]["counts"]["failed"] == 0
    mine = encoded.read_representations(output / "representations")
    theirs = encoded.read_representations(finished / "representations")
    np.testing.assert_array_equal(mine.vectors, theirs.vectors)


def test_a_run_inside_the_survey_is_not_searched(
    survey_folder: Path, config: Config, tmp_path: Path
) -> None:
    shutil.copytree(survey_folder / "images", tmp_path / "survey")
    output = tmp_path / "survey" / "run"
    first = pipeline.run(tmp_path / "survey", output, config)
    again = pipeline.run(tmp_path / "survey", output, config)
    assert first["stages"]["sources"]["counts"]["sources"] == N
    assert again["stages"]["sources"]["counts"]["sources"] == N


def test_a_changed_setting_makes_status_stale(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "run")
    path = tmp_path / "run" / "config.toml"
    path.write_text(path.read_text().replace("min_samples = 2", "min_samples = 4"))
    found = pipeline.status(tmp_path / "run")
    states = {name: stage["state"] for name, stage in found["stages"].items()}
    assert states["embedding"] == "done"
    for name in ("clusters", "nulls", "replication", "classes", "products"):
        assert states[name] == "stale", name
    assert not found["complete"]
    assert not found["classes"]


def test_the_example_of_the_readme_runs(
    finished: Path, survey_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    example = readme.split("```python")[1].split("```")[0]
    shutil.copytree(survey_folder, tmp_path / "survey")
    monkeypatch.chdir(tmp_path)
    shutil.copytree(finished, tmp_path / "RUN")
    called: list[tuple[str, str]] = []
    monkeypatch.setattr(pipeline, "run", lambda *given: called.append(given))
    exec(example, {})
    assert called == [("survey/", "RUN")]
    assert (tmp_path / "first.fits").stat().st_size > 2880
    monkeypatch.undo()
    pipeline.run(str(survey_folder), str(finished), open_run(finished).config)


@pytest.mark.parametrize("stage", NAMES)
def test_a_run_stopped_in_any_stage_ends_with_the_same_bytes(
    judged: Path, planted_table: Path, planted_config: Config, tmp_path: Path, stage: str
) -> None:
    output = tmp_path / "run"
    shutil.copytree(judged, output)
    for later in NAMES[NAMES.index(stage) :]:
        (output / later / "manifest.json").unlink()
    (output / stage / ".half.parquet.part").touch()
    # what a stage left before it was stopped must not leak into what it writes when redone
    (output / stage / "stray.parquet").write_bytes(b"stray")
    pipeline.run(planted_table, output, planted_config)
    assert contents(output) == contents(judged)


def test_finished_shards_are_kept(
    finished: Path, survey_folder: Path, config: Config, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    output = tmp_path / "run"
    written: list[str] = []
    write: Callable[..., None] = encoded.write_shard

    def dies_at_the_third(path: Path, *rest: Any) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        write(path, *rest)
        written.append(path.name)

    monkeypatch.setattr(encoded, "write_shard", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        pipeline.run(survey_folder, output, config)
    assert pipeline.status(output)["stages"]["representations"]["state"] == "partial"
    monkeypatch.setattr(
        encoded, "write_shard", lambda p, *r: (write(p, *r), written.append(p.name))
    )
    pipeline.run(survey_folder, output, config)
    assert written == [f"shard-{i:05d}.parquet" for i in range(4)]
    assert contents(output) == contents(finished)


def test_a_killed_process_resumes_to_the_same_bytes(
    finished: Path, survey_folder: Path, config: Config, tmp_path: Path
) -> None:
    output = tmp_path / "run"
    (tmp_path / "c.toml").write_text(to_toml(config))
    command = [
        sys.executable, "-m", "skerry", "run", str(survey_folder), "-o", str(output),
        "-c", str(tmp_path / "c.toml"),
    ]  # fmt: skip
    for landmark in ("representations/shard-00000.parquet", "nulls/shuffled-000.parquet"):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not (output / landmark).exists() and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not pipeline.status(output)["complete"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert contents(output) == contents(finished)


def test_the_order_of_rows_changes_no_product(
    finished: Path, survey_folder: Path, config: Config, tmp_path: Path
) -> None:
    shuffled = tmp_path / "survey"
    shutil.copytree(survey_folder, shuffled)
    with (shuffled / "catalogue.csv").open(newline="") as file:
        header, *rows = list(csv.reader(file))
    random.Random(0).shuffle(rows)
    with (shuffled / "catalogue.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    pipeline.run(shuffled, tmp_path / "run", config)
    mine, theirs = contents(tmp_path / "run"), contents(finished)
    same = [n for n in theirs if not n.endswith(("manifest.json", "config.toml", "report.html"))]
    assert len(same) > 20
    assert all(mine[name] == theirs[name] for name in same)


def test_parquet_with_images_gives_the_same_classes(
    finished: Path, survey_folder: Path, config: Config, tmp_path: Path
) -> None:
    with (survey_folder / "catalogue.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    random.Random(1).shuffle(rows)
    image = [
        {"bytes": (survey_folder / r["file_loc"]).read_bytes(), "path": r["file_loc"]} for r in rows
    ]
    columns = {"id_str": [r["id_str"] for r in rows], "image": image}
    columns |= {c: [float(r[c]) for r in rows] for c in ("ra", "dec")}
    pq.write_table(pa.table(columns), tmp_path / "train.parquet", row_group_size=37)
    pipeline.run(tmp_path / "train.parquet", tmp_path / "run", config)
    mine, theirs = contents(tmp_path / "run"), contents(finished)
    for name in ("members.parquet", "classes.fits", "members.vot"):
        assert mine[f"products/{name}"] == theirs[f"products/{name}"]


def test_given_representations_need_no_images(
    finished: Path, config: Config, tmp_path: Path
) -> None:
    found = encoded.read_representations(finished / "representations")
    columns = {f"feat_{i}": found.vectors[:, i] for i in range(found.vectors.shape[1])}
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"dr8_id": list(found.id_str), **columns}), path)
    pipeline.run(path, tmp_path / "run", config)
    mine = open_run(tmp_path / "run").rare_classes
    theirs = open_run(finished).rare_classes
    assert [c.members for c in mine] == [c.members for c in theirs]
    assert (tmp_path / "run" / "report.html").is_file()


def spoiled(survey_folder: Path, folder: Path, how_many: int) -> list[str]:
    shutil.copytree(survey_folder, folder)
    images = sorted((folder / "images").iterdir())[:how_many]
    pixels = cv2.imread(str(images[0]))
    spoilers: list[Callable[[Path], Any]] = [
        lambda p: p.write_bytes(p.read_bytes()[:900]),
        lambda p: p.write_bytes(b""),
        lambda p: p.unlink(),
        lambda p: p.write_bytes(b"no image at all"),
        lambda p: cv2.imwrite(str(p), np.zeros_like(pixels)),
        lambda p: p.write_bytes(cv2.imencode(".png", pixels)[1].tobytes()),
    ]
    for i, path in enumerate(images):
        spoilers[i % len(spoilers)](path)
    return [p.stem for p in images]


def test_bad_images_are_rows_of_failures_and_the_run_goes_on(
    survey_folder: Path, config: Config, tmp_path: Path
) -> None:
    bad = spoiled(survey_folder, tmp_path / "survey", 6)
    found = pipeline.run(tmp_path / "survey", tmp_path / "run", config)
    failures = open_run(tmp_path / "run").failures
    assert sorted(f.id_str for f in failures) == sorted(bad)
    assert len({f.reason for f in failures}) >= 5
    counts = found["stages"]["representations"]["counts"]
    assert counts["failed"] == 6
    assert counts["represented"] == N - 6
    report = (tmp_path / "run" / "report.html").read_text()
    assert all(b in report for b in bad)


def test_too_many_bad_images_stop_the_run(
    survey_folder: Path, config: Config, tmp_path: Path
) -> None:
    spoiled(survey_folder, tmp_path / "survey", 40)
    with pytest.raises(TooManyFailuresError, match=r"more than the allowed share 0\.2"):
        pipeline.run(tmp_path / "survey", tmp_path / "run", config)
    failures = encoded.read_failures(tmp_path / "run" / "representations" / "failures.parquet")
    assert len(failures) > 30


def test_a_full_disk_is_explained_and_the_run_goes_on_after(
    finished: Path, survey_folder: Path, config: Config, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def full(*args: Any) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(DiskError, match="disk is full"):
            pipeline.run(survey_folder, tmp_path / "run", config)
    pipeline.run(survey_folder, tmp_path / "run", config)
    assert contents(tmp_path / "run") == contents(finished)


def errors(survey_folder: Path, config: Config, tmp_path: Path) -> list[tuple[Any, ...]]:
    header = "id_str,file_loc\n"
    files = [p.name for p in sorted((survey_folder / "images").iterdir())]

    def catalog(name: str, text: str) -> Path:
        shutil.copytree(survey_folder / "images", tmp_path / name / "images")
        (tmp_path / name / "catalogue.csv").write_text(text)
        return tmp_path / name

    rows = [f"{i},images/{f}\n" for i, f in enumerate(files)]
    return [
        (tmp_path / "none", InputError, "does not exist"),
        (catalog("empty", header), CatalogError, "empty|no rows|no sources"),
        (catalog("twice", header + rows[0] + "".join(rows)), CatalogError, "twice|duplicate|more"),
        (catalog("column", "id_str,nothing\n1,2\n"), CatalogError, "column"),
        (catalog("few", header + "".join(rows[:8])), InputError, "neighbors"),
    ]


@pytest.mark.parametrize("case", range(5))
def test_bad_input_is_an_error_before_anything_is_written(
    survey_folder: Path, config: Config, tmp_path: Path, case: int
) -> None:
    path, kind, words = errors(survey_folder, config, tmp_path)[case]
    with pytest.raises(kind, match=words):
        pipeline.run(path, tmp_path / "run", config)
    assert not (tmp_path / "run").exists()


def test_a_folder_of_another_run_is_an_error(
    finished: Path, survey_folder: Path, config: Config, tmp_path: Path
) -> None:
    before = contents(finished)
    other = tmp_path / "other"
    shutil.copytree(survey_folder, other)
    with pytest.raises(RunError, match="belongs to a run on"):
        pipeline.run(other, finished, config)
    assert contents(finished) == before


def test_open_refuses_a_run_that_has_not_ended(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "run")
    (tmp_path / "run" / "embedding" / "manifest.json").unlink()
    with pytest.raises(RunError, match="has not ended"):
        open_run(tmp_path / "run")
    with pytest.raises(SkerryError, match="no folder of a run"):
        open_run(tmp_path)


def test_an_unknown_field_of_view_is_a_warning(
    survey_folder: Path, config: Config, finished: Path, tmp_path: Path
) -> None:
    whole = replace(config, representations=replace(config.representations, crop=0.0))
    found = pipeline.run(survey_folder, tmp_path / "run", whole)
    assert any("field of view" in w and "128 px" in w for w in found["warnings"])


def test_a_search_that_finds_nothing_says_so(
    planted_table: Path, planted_config: Config, tmp_path: Path
) -> None:
    # a class must have 40 members, no more and no less; the planted ones have 15
    strict = from_mapping({"classes": {"min_size": 40}}, planted_config)
    found = pipeline.run(planted_table, tmp_path / "run", strict)
    assert found["classes"] == []
    run = open_run(tmp_path / "run")
    assert len(run.classes) == len(run.members) == 0
    assert (tmp_path / "run" / "report.html").is_file()


def test_what_stands_in_the_way_is_cleared(
    finished: Path, survey_folder: Path, config: Config, tmp_path: Path
) -> None:
    output = tmp_path / "run"
    shutil.copytree(finished, output)
    shutil.rmtree(output / "clusters")
    (output / "clusters").write_text("a file")
    (output / "report.html").unlink()
    (output / "report.html").mkdir()
    pipeline.run(survey_folder, output, config)
    assert contents(output) == contents(finished)


def test_too_few_sources_left_for_a_class_stops_early(
    survey_folder: Path, config: Config, tmp_path: Path
) -> None:
    spoiled(survey_folder, tmp_path / "survey", 12)
    tight = replace(config, classes=replace(config.classes, min_size=29, max_size=29))
    with pytest.raises(InputError, match=r"classes\.max_share"):
        pipeline.run(tmp_path / "survey", tmp_path / "run", tight)
    assert not (tmp_path / "run" / "neighbors").exists()


def test_parts_that_leave_room_for_no_class_end_the_run_before_any_work(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.random.default_rng(1).normal(size=(60, 5)).astype("f4"))
    (tmp_path / "ids.txt").write_text("\n".join(f"s{i}" for i in range(60)))
    small = from_mapping({"neighbors": {"k": 20}, "classes": {"min_size": 3}})
    with pytest.raises(InputError, match=r"of (30|48) sources a class may hold at most"):
        pipeline.run(tmp_path / "t.npy", tmp_path / "run", small)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("begin", [pipeline.run, plan])
def test_more_dimensions_than_sources_allow_end_it_before_any_work(
    survey_folder: Path, config: Config, tmp_path: Path, begin: Callable[..., object]
) -> None:
    wide = from_mapping({"embedding": {"n_components": 74}}, config)
    told: list[str] = []
    with pytest.raises(InputError, match=r"150 sources are too few .* at least 151 are needed"):
        begin(survey_folder, tmp_path / "run", wide, on_event=lambda what, *_: told.append(what))
    assert not (tmp_path / "run").exists() and {*told} == {"reading the catalog"}


def test_images_that_the_encoder_does_not_expect_end_the_run_before_any_work(
    survey_folder: Path, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = load()
    contract = replace(encoder.contract, bands=("z", "r", "g"), pixel_scale=0.5)
    monkeypatch.setattr(context, "load", lambda identifier: replace(encoder, contract=contract))
    declared = replace(config, sources=replace(config.sources, bands="g,r,z"))
    with pytest.raises(ContractError, match=r"bands: encoder .* expects z, r, g; .* another order"):
        pipeline.run(survey_folder, tmp_path / "run", declared)
    assert not (tmp_path / "run" / "sources").exists()
    allowed = replace(
        declared,
        sources=replace(declared.sources, pixel_scale=0.5),
        representations=replace(declared.representations, accept="bands", crop=0.0),
    )
    found = pipeline.run(survey_folder, tmp_path / "run", allowed)
    assert any("were accepted: bands" in w for w in found["warnings"])
    report = (tmp_path / "run" / "report.html").read_text()
    assert "encoder: z, r, g; images: g, r, z" in report
    # the same images at half the scale: another part is kept, so they are encoded again
    finer = replace(allowed, sources=replace(allowed.sources, pixel_scale=0.4))
    again = pipeline.run(survey_folder, tmp_path / "run", finer)
    assert "representations" not in again["skipped"]


def test_a_second_encoder_looks_at_each_class_and_redoes_no_search(
    finished: Path, survey_folder: Path, config: Config, tmp_path: Path
) -> None:
    output = tmp_path / "run"
    shutil.copytree(finished, output)
    # what chance explains is rejected unseen: without nulls each class is looked at
    two = from_mapping({"replication": {"encoder": "default"}, "nulls": {"n": 0}}, config)
    found = pipeline.run(survey_folder, output, two)
    redone = [name for name in NAMES if name not in found["skipped"]]
    assert redone == ["nulls", "second", "classes", "products"]
    assert found["stages"]["second"]["counts"]["represented"] == N
    # it is the first over again
    mine = encoded.read_representations(output / "second")
    theirs = encoded.read_representations(output / "representations")
    np.testing.assert_array_equal(mine.vectors, theirs.vectors)
    for rare in open_run(output).rare_classes:
        assert "second encoder" in {check.name for check in rare.checks}
    assert pipeline.run(survey_folder, output, two)["skipped"] == NAMES
    pipeline.run(survey_folder, output, config)
    assert contents(output) == contents(finished)


def test_a_second_encoder_that_cannot_be_used_ends_the_run_before_any_work(
    survey_folder: Path, planted_table: Path, config: Config, tmp_path: Path
) -> None:
    for table, name, kind in (
        (planted_table, "default", ConfigError),
        (survey_folder, "nothing", EncoderError),
    ):
        two = from_mapping({"replication": {"encoder": name}}, config)
        with pytest.raises(kind, match=name):
            pipeline.run(table, tmp_path / "run", two)
    assert not (tmp_path / "run").exists()


def test_without_a_gpu_a_run_on_one_ends_before_any_work(
    survey_folder: Path, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card, "lacking", lambda *packages: "torch is not installed")
    monkeypatch.setattr(pipeline, "open_inputs", None)  # a catalog may take minutes to read
    with pytest.raises(ConfigError, match=r"representations.device = cuda .* 'skerry\[gpu\]'"):
        pipeline.run(survey_folder, tmp_path / "run", config, device="cuda")
    for section in ("representations", "neighbors"):
        one = from_mapping({section: {"device": "cuda"}}, config)
        with pytest.raises(ConfigError, match=f"^{section}.device = cuda asks for a GPU"):
            pipeline.run(survey_folder, tmp_path / "run", one)
    one = from_mapping({"embedding": {"device": "cuda"}}, config)
    with pytest.raises(ConfigError, match=r"^embedding.device = cuda asks .* 'skerry\[cuml\]'"):
        pipeline.run(survey_folder, tmp_path / "run", one)
    with pytest.raises(ConfigError, match="device is tpu; expected one of cpu, cuda"):
        pipeline.run(survey_folder, tmp_path / "run", config, device="tpu")
    with pytest.raises(ConfigError, match=r"embedding.device is tpu; expected one of cpu, cuda"):
        from_mapping({"embedding": {"device": "tpu"}})
    assert not (tmp_path / "run").exists()


def test_what_the_cpu_made_before_there_was_a_choice_stands() -> None:
    on_gpu = from_mapping({s: {"device": "cuda"} for s in ("representations", "neighbors")})
    for stage in pipeline.STAGES:
        assert "device" not in str(settings_of(stage.name, Config()))
    differ = [s.name for s in pipeline.STAGES if "device" in str(settings_of(s.name, on_gpu))]
    searches = ["neighbors", "clusters", "nulls", "replication"]
    assert differ == ["representations", *searches, "products"]


@pytest.mark.parametrize(
    ("route", "depend"),
    [
        ("graph", ["embedding", "replication"]),  # one repeated search is by the other route
        ("umap-hdbscan", ["embedding", "clusters", "nulls", "replication"]),
    ],
)
def test_what_cuml_computes_depends_on_it_and_nothing_else_does(
    route: str, depend: list[str]
) -> None:
    made = {
        device: from_mapping({"clusters": {"route": route}, "embedding": {"device": device}})
        for device in ("cpu", "cuda")
    }
    keys = [{s.name: settings_of(s.name, c) for s in pipeline.STAGES} for c in made.values()]
    assert [name for name in keys[0] if keys[0][name] != keys[1][name]] == [*depend, "products"]
    assert "device" not in str(keys[0])


def members(run: Path) -> list[list[int]]:
    """Those of each candidate."""
    found = nouns.read_candidates(run / "clusters" / "candidates.parquet")
    return sorted(sorted(c.members.tolist()) for c in found)


@pytest.mark.parametrize("route", ["graph", "umap-hdbscan"])
def test_a_run_by_cuml(
    planted_table: Path,
    planted_config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    route: str,
) -> None:
    """All that is by UMAP or HDBSCAN goes through it, one at a time, and the rest stays."""
    asked = install(monkeypatch)
    settings = {"clusters": {"route": route}, "nulls": {"n": 1}, "replication": {"subsamples": 1}}
    base = from_mapping(settings, planted_config)
    there = from_mapping({"embedding": {"device": "cuda"}}, base)
    run = tmp_path / "run"
    pipeline.run(planted_table, run, base)
    before, groups = contents(run), members(run)
    assert asked.made == []
    found = pipeline.run(planted_table, run, there, threads=2)
    redone = {s.name for s in STAGES if s.name not in found["skipped"]}
    assert {"embedding", "replication"} <= redone and "neighbors" not in redone
    # candidates and what judges them by chance are those of the graph alone, where it is the route
    assert ({"clusters", "nulls"} & redone) == (
        set() if route == "graph" else {"clusters", "nulls"}
    )

    of = [settings["of"] for settings in asked.made]
    searches = sum(1 for p in (run / "replication").glob("*.parquet"))
    repeated = 1 if route == "graph" else searches - 1
    nulls, own = (0, 0) if route == "graph" else (2, 1)
    # the map and what is clustered; each null; each repeated search that goes that way
    assert of.count("UMAP") == 2 + nulls + repeated
    assert of.count("HDBSCAN") == own + nulls + repeated
    assert asked.at_once == 1

    mine = contents(run)
    # the stand-in has the coordinates of the CPU, and densities in float32
    assert mine["embedding/embedding.parquet"] == before["embedding/embedding.parquet"]
    assert members(run) == groups
    versions = json.loads(mine["embedding/manifest.json"])["versions"]
    assert versions["cuml"] == "26.10.00" and "umap-learn" not in versions
    assert ("cuml" in json.loads(mine["nulls/manifest.json"])["versions"]) == (route != "graph")
    assert '"event": "cuml", "gpu": "A card"' in (run / "log.jsonl").read_text()
    assert "cuml 26.10.00" in (run / "products" / "CITATION.txt").read_text()
    assert len(pipeline.run(planted_table, run, there)["skipped"]) == len(STAGES)


def test_the_device_is_part_of_what_vectors_depend_on(finished: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished, tmp_path / "run"))
    opened = reopened(run)
    opened.config = from_mapping({"representations": {"device": "cuda"}}, opened.config)
    assert outside_of("representations", opened)["computed"] == "cuda, float16"
    assert "computed by cuda, float16" in provenance(opened, ())["encoder"]
    text = (run / "config.toml").read_text()
    (run / "config.toml").write_text(text.replace('device = "cpu"', 'device = "cuda"', 1))
    assert pipeline.status(run)["stages"]["representations"]["state"] == "stale"


@pytest.mark.train
@pytest.mark.parametrize(("exact_below", "threads"), [(0, 2), (30_000, 3)])
def test_a_run_that_looks_for_neighbors_on_a_gpu_finds_the_same(
    exact_below: int,
    threads: int,
    planted_table: Path,
    planted_config: Config,
    judged: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Torch's CPU stands for the GPU.

    Searches beside each other are made on it too, or where the CPU finds the same on processes.
    """
    pytest.importorskip("torch")
    monkeypatch.setattr(card, "DEVICE", "cpu")
    monkeypatch.setattr(card, "lacking", lambda *packages: "")
    there = from_mapping({"neighbors": {"exact_below": exact_below}}, planted_config)
    on_gpu: list[int] = []
    held = card.Held

    def noted(vectors: FloatArray) -> card.Held:
        on_gpu.append(len(vectors))
        return held(vectors)

    monkeypatch.setattr(card, "Held", noted)
    pipeline.run(planted_table, tmp_path / "run", there, threads=threads, device="cuda")
    assert (len(on_gpu) > 10) == (exact_below == 0)
    mine, theirs = contents(tmp_path / "run"), contents(judged)
    for name, data in theirs.items():
        if not name.endswith("manifest.json") and name.split("/")[0] in (
            "neighbors", "embedding", "clusters", "classes",
        ):  # fmt: skip
            assert mine[name] == data, name
    for path in sorted((judged / "nulls").glob("*.parquet")):
        found, expected = (nouns.read_measures(r / "nulls" / path.name) for r in
                           (tmp_path / "run", judged))  # fmt: skip
        assert found.containment.tobytes() == expected.containment.tobytes()
        assert found.isolation.tobytes() == expected.isolation.tobytes()
    assert "torch" in json.loads(mine["neighbors/manifest.json"])["versions"]
    assert "torch" not in json.loads(mine["embedding/manifest.json"])["versions"]
    assert '"event": "gpu", "name": "cpu"' in (tmp_path / "run" / "log.jsonl").read_text()
    # without a GPU it can still be looked at
    monkeypatch.setattr(card, "lacking", lambda *packages: "torch is not installed")
    run = open_run(tmp_path / "run")
    first = run.rare_classes[0]
    ids = run.grow(first.class_id, 5)["id_str"].tolist()
    assert ids == open_run(judged).grow(first.class_id, 5)["id_str"].tolist()
    assert len(run.similar(first.members[0], limit=30)) == 30


@pytest.mark.train
def test_a_run_encoded_on_a_gpu_has_nearly_the_same_vectors(
    survey_folder: Path, config: Config, finished: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Torch's CPU stands for the GPU."""
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from skerry.represent import gpu

    monkeypatch.setattr(card, "DEVICE", "cpu")
    monkeypatch.setattr(card, "lacking", lambda *packages: "")
    monkeypatch.setattr(gpu, "on_device", functools.partial(gpu.on_device, batch=32))
    monkeypatch.setattr(encoding, "_IMAGES_A_PROCESS", 1)
    decoded: list[int] = []

    def noted(*args: Any) -> Iterator[Ready]:
        decoded.append(args[-1])
        return ready_on_processes(*args)

    monkeypatch.setattr(encode, "ready_on_processes", noted)
    there = from_mapping({"representations": {"device": "cuda"}}, config)
    run = shutil.copytree(finished, tmp_path / "run")
    found = pipeline.run(survey_folder, run, there, threads=2)
    assert "representations" not in found["skipped"] and "sources" in found["skipped"]
    assert decoded == [2]
    mine, theirs = (encoded.read_representations(r / "representations") for r in (run, finished))
    assert mine.id_str == theirs.id_str and (mine.vectors != theirs.vectors).any()
    moved = np.linalg.norm(mine.vectors - theirs.vectors, axis=1)
    assert (moved < 0.005 * np.linalg.norm(theirs.vectors, axis=1)).all()
    manifest = json.loads((run / "representations" / "manifest.json").read_text())
    assert manifest["inputs"]["computed"] == "cuda, float16" and "torch" in manifest["versions"]
    assert "computed by cuda, float16" in (run / "report.html").read_text()
    assert len(pipeline.run(survey_folder, run, there)["skipped"]) == len(STAGES)
