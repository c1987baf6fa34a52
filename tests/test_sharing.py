"""One run by several processes on one folder."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from skerry import pipeline, sharing
from skerry.backends import cuml
from skerry.cli import app
from skerry.config import Config, from_mapping, to_toml
from skerry.errors import ConfigError, DiskError, RunError
from skerry.store.runfolder import RunFolder
from tests.conftest import contents


@pytest.fixture
def part(survey_folder: Path, config: Config, tmp_path: Path) -> Path:
    """A run of four shards, of which the first is encoded."""
    found = sharing.encode(survey_folder, tmp_path / "run", config, shards=":1")
    assert found == {
        "run": str(tmp_path / "run"), "shards": 4, "encoded": 1, "kept": 0, "failed": 0,
        "changed": False,
    }  # fmt: skip
    return tmp_path / "run"


def shards(run: Path) -> list[str]:
    return sorted(p.name for p in (run / "representations").glob("shard-*"))


def test_shards_side_by_side_then_gathered_are_a_run(
    survey_folder: Path, config: Config, finished: Path, tmp_path: Path
) -> None:
    (tmp_path / "c.toml").write_text(to_toml(config))
    run = tmp_path / "run"
    command = [sys.executable, "-m", "skerry", "encode", str(survey_folder), "-o", str(run)]
    command += ["-c", str(tmp_path / "c.toml"), "--threads", "1", "--json", "--shards"]
    both = [
        subprocess.Popen([*command, part], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for part in ("0:2", "2:9")
    ]
    found = [json.loads(process.communicate()[0]) for process in both]
    assert [(one["shards"], one["encoded"]) for one in found] == [(4, 2), (4, 2)]
    assert len(shards(run)) == 4
    (run / "representations" / ".shard-00000.parquet.0.part").touch()  # as one killed leaves it
    gathered = sharing.gather(run)
    assert gathered["complete"]
    assert contents(run) == contents(finished)
    assert sharing.gather(run)["skipped"] == [stage.name for stage in pipeline.STAGES]


def test_encoding_needs_no_cuml_and_gathering_does(
    survey_folder: Path, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuml, "lacking", lambda: "cuml is not installed")
    there = from_mapping({"embedding": {"device": "cuda"}}, config)
    sharing.encode(survey_folder, tmp_path / "run", there, shards=":1")
    with pytest.raises(ConfigError, match=r"^embedding\.device = cuda asks for cuML on a GPU"):
        sharing.gather(tmp_path / "run")


def test_only_the_shards_asked_for_and_missing_are_encoded(
    part: Path, survey_folder: Path, config: Config
) -> None:
    assert shards(part) == ["shard-00000.parquet"]
    first = (part / "representations" / "shard-00000.parquet").stat().st_mtime_ns
    found = sharing.encode(survey_folder, part, config, shards="0:3")
    assert (found["encoded"], found["kept"]) == (2, 1)
    assert (part / "representations" / "shard-00000.parquet").stat().st_mtime_ns == first


def test_missing_shards_are_named_and_nothing_is_searched(
    part: Path, survey_folder: Path, config: Config
) -> None:
    sharing.encode(survey_folder, part, config, shards="2:3")
    with pytest.raises(RunError, match=r"2 of 4 shards .*: 1:2, 3:4; .*--shards 1:2'"):
        sharing.gather(part)
    assert pipeline.status(part)["stages"]["representations"]["state"] == "partial"
    code = CliRunner().invoke(app, ["gather", str(part), "--json"])
    assert code.exit_code == 1 and "2 of 4 shards" in json.loads(code.stdout)["message"]


def test_a_run_goes_on_from_what_is_encoded(
    part: Path, survey_folder: Path, config: Config, finished: Path
) -> None:
    first = (part / "representations" / "shard-00000.parquet").stat().st_mtime_ns
    pipeline.run(survey_folder, part, config)
    assert (part / "representations" / "shard-00000.parquet").stat().st_mtime_ns == first
    assert contents(part) == contents(finished)


def test_a_changed_image_makes_every_shard_missing(
    survey_folder: Path, config: Config, tmp_path: Path
) -> None:
    survey = Path(shutil.copytree(survey_folder, tmp_path / "survey"))
    sharing.encode(survey, tmp_path / "run", config, shards=":")
    image = next((survey / "images").iterdir())
    image.write_bytes(image.read_bytes() + b"\0")
    with pytest.raises(
        RunError, match=r"4 of 4 .* \(4 of them are there, of another state.*: 0:4;"
    ):
        sharing.gather(tmp_path / "run")


def test_calls_after_a_change_of_the_input_are_told(
    survey_folder: Path, config: Config, tmp_path: Path
) -> None:
    survey, run = Path(shutil.copytree(survey_folder, tmp_path / "survey")), tmp_path / "run"
    (tmp_path / "c.toml").write_text(to_toml(config))
    told = ["encode", str(survey), "-o", str(run), "-c", str(tmp_path / "c.toml"), "--shards"]
    sharing.encode(survey, run, config, shards="0:1")
    image = next((survey / "images").iterdir())
    image.write_bytes(image.read_bytes() + b"\0")
    found = CliRunner().invoke(app, [*told, "1:2"])
    assert found.exit_code == 0 and "Warning: the input is not what it was" in found.output
    assert pipeline.status(run)["stages"]["representations"]["counts"] == {"shards": 2}
    # jobs beyond the last shard have nothing to do
    found = CliRunner().invoke(app, [*told, "7:9"])
    assert found.exit_code == 0 and "Encoded 0 shards, 0 were there" in found.output


@pytest.fixture
def changed(survey_folder: Path, finished: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A finished run and its survey, of which an image was changed since."""
    survey = Path(shutil.copytree(survey_folder, tmp_path / "survey"))
    run = Path(shutil.copytree(finished, tmp_path / "run"))
    text = (run / "config.toml").read_text()
    (run / "config.toml").write_text(text.replace(str(survey_folder), str(survey)))
    image = next((survey / "images").iterdir())
    image.write_bytes(image.read_bytes() + b"\0")
    return run, survey


def test_a_run_whose_input_changed_is_not_whole_whatever_failed_since(
    changed: tuple[Path, Path],
) -> None:
    run, _ = changed
    with pytest.raises(RunError, match="4 of 4 shards"):
        sharing.gather(run)
    state = pipeline.status(run)
    assert state["stages"]["representations"]["state"] == "stale" and not state["complete"]


def test_shards_made_again_in_an_ended_run_are_not_taken_for_damage(
    changed: tuple[Path, Path], config: Config
) -> None:
    run, survey = changed
    assert sharing.encode(survey, run, config)["encoded"] == 4
    sharing.gather(run)
    events = [json.loads(line)["event"] for line in (run / "log.jsonl").read_text().splitlines()]
    assert "damaged" not in events


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("3", "expected START:STOP"),
        ("3:3", "above START"),
        ("a:b", "expected START:STOP"),
    ],
)
def test_a_range_that_is_none_is_told(
    part: Path, survey_folder: Path, config: Config, text: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        sharing.encode(survey_folder, part, config, shards=text)


def test_all_must_have_the_same_settings(part: Path, survey_folder: Path, config: Config) -> None:
    other = from_mapping({"representations": {"crop": 0.9}}, config)
    with pytest.raises(ConfigError, match="begun with other settings"):
        sharing.encode(survey_folder, part, other, shards="1:2")
    assert shards(part) == ["shard-00000.parquet"]


def test_several_encode_but_one_runs(part: Path, survey_folder: Path, config: Config) -> None:
    folder = RunFolder(part, "")
    with folder.locked(shared=True):
        with folder.locked(shared=True):
            pass
        for work in (
            lambda: pipeline.run(survey_folder, part, config),
            lambda: sharing.gather(part),
        ):
            with pytest.raises(RunError, match="another process is at work"):
                work()
        assert sharing.encode(survey_folder, part, config, shards="0:1")["kept"] == 1
    with folder.locked(), pytest.raises(RunError, match="another process is at work"):
        sharing.encode(survey_folder, part, config, shards="1:2")


def test_a_file_system_without_locks_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", none)
    with (
        pytest.raises(DiskError, match="cannot be locked: Function not implemented"),
        RunFolder(tmp_path, "").locked(),
    ):
        pass


def test_vectors_are_shards_too(
    planted_table: Path, planted_config: Config, tmp_path: Path
) -> None:
    config = from_mapping({"representations": {"shard_size": 300}}, planted_config)
    found = sharing.encode(planted_table, tmp_path / "run", config, shards="1:")
    assert (found["shards"], found["encoded"]) == (4, 3)
    assert shards(tmp_path / "run") == [f"shard-0000{i}.parquet" for i in (1, 2, 3)]


def test_the_command_tells_what_comes_next(survey_folder: Path, tmp_path: Path) -> None:
    args = ["encode", str(survey_folder), "-o", str(tmp_path / "run"), "--shards", "0:1"]
    args += ["-s", "classes.max_share=0.2"]
    done = CliRunner().invoke(app, args)
    assert done.exit_code == 0, done.stderr
    assert "Encoded 1 shards, 0 were there" in done.stdout
    assert f"skerry gather {tmp_path / 'run'}" in " ".join(done.stdout.split("\n"))
