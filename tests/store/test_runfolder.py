from __future__ import annotations

import json
from pathlib import Path

import pytest

from skerry.config import Config, from_mapping
from skerry.errors import RunError
from skerry.store.runfolder import claim, clear, open_folder, read_config


def test_a_new_folder_keeps_its_input_and_settings(tmp_path: Path) -> None:
    folder = claim(tmp_path / "run", tmp_path / "in put")
    config = from_mapping({"neighbors": {"k": 20}})
    with folder.locked():
        folder.start(config)
    assert open_folder(tmp_path / "run").input == str((tmp_path / "in put").resolve())
    assert read_config(tmp_path / "run") == config


def test_a_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    folder = claim(tmp_path / "run", tmp_path / "a")
    with folder.locked():
        folder.start(Config())
    claim(tmp_path / "run", tmp_path / "a")
    with pytest.raises(RunError, match="belongs to a run on"):
        claim(tmp_path / "run", tmp_path / "b")


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(RunError, match="no folder of a run"):
        claim(tmp_path, tmp_path / "a")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_start_that_was_killed_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    for name in (".lock", ".config.toml.part", "log.jsonl"):
        (tmp_path / "run" / name).touch()
    claim(tmp_path / "run", tmp_path / "a")


def test_paths_that_are_no_text_are_refused(tmp_path: Path) -> None:
    for run, survey in (("run", "b\udcff"), ("r\udcff", "b")):
        with pytest.raises(RunError, match="not UTF-8"):
            claim(tmp_path / run, tmp_path / survey)
    assert not list(tmp_path.iterdir())


def test_clearing_keeps_what_is_asked(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("keep", "stray"):
        (tmp_path / name).touch()
    clear(tmp_path, keep={tmp_path / "keep"})
    assert [p.name for p in tmp_path.iterdir()] == ["keep"]


def test_any_name_of_an_input_comes_back(tmp_path: Path) -> None:
    for name in ("a\U0001f52d", 'q"uote', "back\\slash", "del\x7f"):
        folder = claim(tmp_path / name / "run", tmp_path / name)
        with folder.locked():
            folder.start(Config())
        assert open_folder(folder.path).input == str(tmp_path / name)


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    with pytest.raises(RunError, match="is a file"):
        claim(tmp_path / "f", tmp_path)


def test_two_processes_cannot_share_a_folder(tmp_path: Path) -> None:
    folder = claim(tmp_path / "run", tmp_path)
    with folder.locked(), pytest.raises(RunError, match="another process"), folder.locked():
        pass


def test_leftovers_of_a_killed_process_go(tmp_path: Path) -> None:
    folder = claim(tmp_path / "run", tmp_path)
    (folder.path / "sub").mkdir(parents=True)
    (folder.path / "sub" / ".x.parquet.part").touch()
    folder.start(Config())
    assert not list(folder.path.rglob(".*.part"))
    assert json.loads((folder.path / "log.jsonl").read_text())["event"] == "start"
