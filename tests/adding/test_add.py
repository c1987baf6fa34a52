from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import skerry
from skerry import pipeline, sharing, stages
from skerry.adding.add import add
from skerry.adding.earlier import Earlier
from skerry.adding.joint import parts_of
from skerry.backends import cuml
from skerry.config import Config, from_mapping
from skerry.errors import ConfigError, InputError, RunError
from skerry.reopening import reopened
from skerry.results import open as open_run
from skerry.store import nouns, read_table
from skerry.store.runfolder import open_folder, read_config
from skerry.survey import Survey
from skerry.types import FloatArray
from tests.adding.conftest import FIRST, IDS, NEW
from tests.conftest import contents, write_vectors

SEARCHED = ("neighbors", "embedding", "clusters", "nulls", "replication", "classes", "products")
TOLD = ("manifest.json", "CITATION.txt")
"""Files that name the inputs."""


def searched(run: Path) -> dict[str, bytes]:
    """What a run found, without what names its inputs."""
    return {
        name: data
        for name, data in contents(run).items()
        if name.startswith(SEARCHED) and not name.endswith(TOLD)
    }


def test_it_is_the_run_on_both(
    first_run: Path, added_run: Path, tables: dict[str, Path], adding_config: Config, tmp_path: Path
) -> None:
    previous = from_mapping({"classes": {"previous": str(first_run)}}, adding_config)
    pipeline.run(tables["both"], tmp_path / "whole", previous, threads=1)
    mine, theirs = searched(added_run), searched(tmp_path / "whole")
    assert sorted(mine) == sorted(theirs)
    assert [name for name in theirs if mine[name] != theirs[name]] == []
    assert {"neighbors/graph.safetensors", "classes/classes.json"} < set(mine)
    kept = [c.class_id for c in open_run(added_run).rare_classes if "kept its id" in c.history]
    assert kept and set(kept) <= {c.class_id for c in open_run(first_run).rare_classes}
    assert pipeline.status(added_run)["complete"]


def test_sources_with_the_vector_of_another_are_copies_as_in_the_run_on_both(
    planted: FloatArray, adding_config: Config, tmp_path: Path
) -> None:
    """Old ones of new ones, too: the smaller id is the one that is searched."""
    rng, cut = np.random.default_rng(0), 120
    x = planted[-600:][rng.permutation(600)[:200]]
    x[rng.permutation(200)[:40]] = x[rng.permutation(200)[:40]]
    ids = rng.permutation(IDS[:200])
    unjudged = from_mapping({"nulls": {"n": 0}, "replication": {"subsamples": 0}}, adding_config)
    parts = {"a": slice(0, cut), "b": slice(cut, None), "all": slice(None)}
    paths = {n: write_vectors(tmp_path / f"{n}.parquet", x[p], ids[p]) for n, p in parts.items()}
    pipeline.run(paths["a"], tmp_path / "run", unjudged, threads=1)
    add(tmp_path / "run", paths["b"], tmp_path / "added", threads=1)
    previous = from_mapping({"classes": {"previous": str(tmp_path / "run")}}, unjudged)
    pipeline.run(paths["all"], tmp_path / "whole", previous, threads=1)
    assert '"event": "graph", "known": ' in (tmp_path / "added" / "log.jsonl").read_text()
    assert len(nouns.read_graph(tmp_path / "added" / "neighbors").indices) < 180
    assert searched(tmp_path / "added") == searched(tmp_path / "whole")


def states(run: Path) -> dict[Path, tuple[bytes, int]]:
    return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in run.rglob("*") if p.is_file()}


def test_only_the_new_are_read_and_compared(
    first_run: Path, added_run: Path, tables: dict[str, Path], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    asked: list[tuple[str, int, int]] = []
    vectors: Callable[..., Any] = Survey.vectors

    def asks(self: Survey, rows: slice) -> Any:
        asked.append((self.path.name, rows.start, rows.stop))
        return vectors(self, rows)

    monkeypatch.setattr(Survey, "vectors", asks)
    monkeypatch.setattr(stages, "neighbor_graph", None)  # no search of all
    before = states(first_run)
    add(first_run, tables["new"], tmp_path / "run", threads=1)
    assert states(first_run) == before  # the run added to is left as it was
    looked_at = {("first.parquet", 0, 1), ("new.parquet", 0, 1)}  # how many dimensions
    assert [one for one in asked if one not in looked_at] == [("new.parquet", 0, 100)]
    assert contents(tmp_path / "run") == contents(added_run)


def test_what_is_taken_is_what_would_be_made(
    first_run: Path, added_run: Path, tables: dict[str, Path], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(Earlier, "shards", lambda *a: [])
    monkeypatch.setattr(Earlier, "graph", lambda *a: None)
    add(first_run, tables["new"], tmp_path / "run", threads=1)
    assert contents(tmp_path / "run") == contents(added_run)


@pytest.mark.parametrize("at", ["shard-00002", "classes.json"])
def test_a_stopped_one_goes_on_with_the_same_command(
    first_run: Path, added_run: Path, tables: dict[str, Path], tmp_path: Path, at: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from skerry.store import atomic

    replace_file = atomic.os.replace

    def dies(source: Any, target: Any) -> None:
        if at in str(target):
            raise KeyboardInterrupt
        replace_file(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, "replace", dies)
        with pytest.raises(KeyboardInterrupt):
            add(first_run, tables["new"], tmp_path / "run", threads=1)
    add(first_run, tables["new"], tmp_path / "run", threads=1)
    assert contents(tmp_path / "run") == contents(added_run)
    found = add(first_run, tables["new"], tmp_path / "run", threads=1)
    assert found["skipped"] == [stage.name for stage in pipeline.STAGES]


def test_more_is_added_to_what_was_added_to(
    added_run: Path, tables: dict[str, Path], adding_config: Config, tmp_path: Path
) -> None:
    found = skerry.add(added_run, tables["newest"], tmp_path / "run", threads=1)
    assert found["sources"] == {"before": 550, "new": 50}
    assert found["input"] == str(tables["first"])
    assert found["added"] == [str(tables["new"]), str(tables["newest"])]
    previous = from_mapping({"classes": {"previous": str(added_run)}}, adding_config)
    pipeline.run(tables["all"], tmp_path / "whole", previous, threads=1)
    assert searched(tmp_path / "run") == searched(tmp_path / "whole")
    assert len(open_run(tmp_path / "run").similar("s000", limit=5)) == 5


def test_a_run_of_several_inputs_is_gathered_and_published_as_any(
    added_run: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(added_run, tmp_path / "run"))
    assert sharing.gather(run, threads=1)["skipped"] == [stage.name for stage in pipeline.STAGES]
    (run / "products" / "manifest.json").unlink()
    pipeline.publish(run, threads=1)
    assert contents(run) == contents(added_run)
    assert read_config(run) == read_config(added_run)
    assert open_folder(run).inputs == (str(context_input(run, 0)), str(context_input(run, 1)))


def context_input(run: Path, number: int) -> Path:
    """An input as it was opened again."""
    return Path(str(parts_of(reopened(run).survey)[number].path))


def test_settings_of_the_search_may_be_others_those_of_representations_not(
    first_run: Path, tables: dict[str, Path], adding_config: Config, tmp_path: Path
) -> None:
    more = from_mapping({"nulls": {"n": 3}, "neighbors": {"k": 12}}, adding_config)
    assert more.neighbors.k < adding_config.neighbors.k  # the first columns of what is there
    add(first_run, tables["new"], tmp_path / "run", more, threads=1)
    assert '"event": "graph", "known": ' in (tmp_path / "run" / "log.jsonl").read_text()
    whole = from_mapping({"classes": {"previous": str(first_run)}}, more)
    pipeline.run(tables["both"], tmp_path / "whole", whole, threads=1)
    assert searched(tmp_path / "run") == searched(tmp_path / "whole")
    for section, change in (
        ("representations", {"encoder": "maxvit_pico"}),
        ("representations", {"shard_size": 50}),
        ("sources", {"pixel_scale": 0.3}),
    ):
        other = from_mapping({section: change}, adding_config)
        (key,) = change
        with pytest.raises(ConfigError, match=rf"^{section}\.{key} is .*leave it out"):
            add(first_run, tables["new"], tmp_path / "other", other)
    assert not (tmp_path / "other").exists()


def test_a_gpu_that_is_not_there_is_told_before_any_work(
    first_run: Path, tables: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuml, "lacking", lambda: "cuml is not installed")
    there = from_mapping({"embedding": {"device": "cuda"}}, read_config(first_run))
    with pytest.raises(ConfigError, match=r"^embedding\.device = cuda asks for cuML on a GPU"):
        add(first_run, tables["new"], tmp_path / "out", there)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("why", ["more neighbors", "not exact"])
def test_a_graph_that_cannot_be_added_to_is_not(
    first_run: Path, adding_config: Config, tmp_path: Path, why: str
) -> None:
    run = Path(shutil.copytree(first_run, tmp_path / "run"))
    k, path = adding_config.neighbors.k, run / "neighbors" / "manifest.json"
    stored = json.loads(path.read_text())
    assert stored["counts"]["exact"] is True
    asked = replace(adding_config.neighbors, k=k + (why == "more neighbors"))
    stored["counts"]["exact"] = why != "not exact"
    path.write_text(json.dumps(stored))
    names = read_table(run / "neighbors" / "ids.parquet")["id_str"].to_pylist()
    same, n = adding_config.neighbors, len(names)
    assert (known := Earlier(first_run).graph(names, range(n), same)) is not None
    assert known.indices.shape == known.distances.shape == (n, k)
    assert Earlier(run).graph(names, range(n), asked) is None


def test_the_same_sources_are_an_error(
    first_run: Path, tables: dict[str, Path], planted: FloatArray, tmp_path: Path
) -> None:
    some = np.concatenate([NEW, FIRST[:7]])
    mixed = write_vectors(tmp_path / "mixed.parquet", planted[some], IDS[some])
    named = ", ".join(sorted(IDS[FIRST[:7]])[:5])
    for new, words in (
        (tables["first"], "nothing is new: all 450 sources"),
        (write_vectors(tmp_path / "few.parquet", planted[FIRST[:3]], IDS[FIRST[:3]]), "all 3 sour"),
        (mixed, rf"7 of the 107 sources .* {named}, \.\.\.; expected ids .* Leave these out of"),
    ):
        with pytest.raises(InputError, match=words):
            add(first_run, new, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_that_has_not_ended_or_is_of_another_format_is_an_error(
    first_run: Path, tables: dict[str, Path], tmp_path: Path
) -> None:
    run = Path(shutil.copytree(first_run, tmp_path / "run"))
    manifest = run / "embedding" / "manifest.json"
    kept = manifest.read_text()
    manifest.unlink()
    with pytest.raises(RunError, match=r"has not ended \(embedding.* 'skerry run .* again"):
        add(run, tables["new"], tmp_path / "out")
    manifest.write_text(kept)
    old = run / "representations" / "manifest.json"
    stored = json.loads(old.read_text())
    stored["inputs"]["format"] = "3"
    old.write_text(json.dumps(stored))
    words = rf"made in format 3.*expected format {pipeline.FORMAT}: start 'skerry run"
    with pytest.raises(RunError, match=words):
        add(run, tables["new"], tmp_path / "out")
    with pytest.raises(RunError, match="no folder of a run"):
        add(tables["first"].parent, tables["new"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_run_is_an_error(
    first_run: Path, tables: dict[str, Path], tmp_path: Path
) -> None:
    run = Path(shutil.copytree(first_run, tmp_path / "run"))
    path = run / "representations" / "shard-00001.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(RunError, match=r"shard-00001\.parquet is not what the run wrote"):
        add(run, tables["new"], tmp_path / "out")


def test_a_changed_input_of_the_run_is_an_error(
    first_run: Path, tables: dict[str, Path], tmp_path: Path
) -> None:
    run = Path(shutil.copytree(first_run, tmp_path / "run"))
    table = Path(shutil.copy(tables["first"], tmp_path / "first.parquet"))
    text = (run / "config.toml").read_text()
    (run / "config.toml").write_text(text.replace(str(tables["first"]), str(table)))
    with pytest.raises(InputError, match="is not what it was when"):
        add(run, tables["new"], tmp_path / "out")


def test_the_folder_is_a_new_one(first_run: Path, tables: dict[str, Path], tmp_path: Path) -> None:
    for output, words in ((first_run, "choose a new folder"), (first_run / "x", "is part of")):
        with pytest.raises(ConfigError, match=words):
            add(first_run, tables["new"], output)
    shutil.copytree(first_run, tmp_path / "other")
    with pytest.raises(RunError, match=r"belongs to a run on .*, not on .*new\.parquet"):
        add(first_run, tables["new"], tmp_path / "other")


def test_a_run_on_the_first_input_does_not_take_its_folder(
    added_run: Path, tables: dict[str, Path], adding_config: Config
) -> None:
    before = contents(added_run)
    with pytest.raises(RunError, match=r"belongs to a run on .* \+ .*made by 'skerry add'"):
        pipeline.run(tables["first"], added_run, adding_config)
    assert contents(added_run) == before


def test_another_encoder_is_an_error(
    first_run: Path, tables: dict[str, Path], tmp_path: Path
) -> None:
    run = Path(shutil.copytree(first_run, tmp_path / "run"))
    path = run / "representations" / "manifest.json"
    stored = json.loads(path.read_text())
    stored["inputs"]["encoder"] = "0123"
    path.write_text(json.dumps(stored))
    with pytest.raises(InputError, match="encoder 0123, now given"):
        add(run, tables["new"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
