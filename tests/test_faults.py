"""What a run does when what it stands on fails: the disk, an image, the clock."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skerry import pipeline
from skerry.config import Config, to_toml
from skerry.errors import DiskError, InputError
from skerry.reopening import reopened
from skerry.results import open as open_run
from skerry.store import atomic, encoded
from skerry.store.runfolder import LOG, RunFolder
from tests.conftest import contents


@pytest.mark.parametrize(
    ("stage", "code"),
    [
        ("sources", errno.EROFS),
        ("representations", errno.ENOSPC),
        ("neighbors", errno.ENOSPC),
        ("nulls", errno.EFBIG),
        ("classes", errno.EDQUOT),
        ("products", errno.ENOSPC),
    ],
)
def test_a_disk_that_fails_in_any_stage_is_explained_and_nothing_is_lost(
    judged: Path, planted_table: Path, planted_config: Config, tmp_path: Path, stage: str,
    code: int, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    output = Path(shutil.copytree(judged, tmp_path / "run"))
    for path in (output / stage).rglob("*"):
        if path.is_file():
            path.unlink()  # all of it is to be made again
    replace: Callable[..., None] = os.replace

    def fails(source: Any, target: Any) -> None:
        if f"/{stage}/" in str(target):
            raise OSError(code, os.strerror(code))
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, "replace", fails)
        remedy = "the same command again|choose another folder"
        with pytest.raises(DiskError, match=remedy):
            pipeline.run(planted_table, output, planted_config, threads=1)
    assert not list(output.rglob("*.part"))
    monkeypatch.undo()
    pipeline.run(planted_table, output, planted_config, threads=1)
    assert contents(output) == contents(judged)


def test_a_log_that_does_not_fit_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(tmp_path, "somewhere")
    folder.log("one")

    def full(*args: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        with pytest.raises(DiskError, match=r"disk is full: .*free some space"):
            folder.log("two")


def test_a_log_whose_last_line_was_cut_off_goes_on_in_a_line_of_its_own(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "somewhere")
    folder.log("one")
    folder.log("two", name="Größe")
    with (tmp_path / LOG).open("a") as file:
        file.write('{"time": "20')
    folder.log("three")
    lines = (tmp_path / LOG).read_text().splitlines()
    assert [json.loads(line)["event"] for line in (*lines[:2], lines[3])] == ["one", "two", "three"]
    assert len(lines) == 4


def test_a_limit_on_the_size_of_files_is_explained(
    planted_table: Path, planted_config: Config, tmp_path: Path
) -> None:
    (tmp_path / "c.toml").write_text(to_toml(planted_config))
    command = [sys.executable, "-m", "skerry", "run", str(planted_table), "-c"]
    command += [str(tmp_path / "c.toml"), "-o", str(tmp_path / "run"), "--json"]
    limited = subprocess.run(
        command,
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
        check=False,
    )
    found = json.loads(limited.stdout)
    assert limited.returncode == 1 and found["error"] == "DiskError", found
    assert "ulimit -f" in found["message"]
    assert not list((tmp_path / "run").rglob("*.part"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes where it may not")
def test_a_folder_that_may_not_be_written_ends_the_run_before_any_work(
    planted_table: Path, planted_config: Config, tmp_path: Path
) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(DiskError, match="choose another folder with -o"):
        pipeline.run(planted_table, tmp_path / "closed" / "run", planted_config)


@pytest.mark.parametrize("what", ["mkdir", "open"])
def test_a_read_only_folder_ends_the_run_before_any_work(
    planted_table: Path, planted_config: Config, tmp_path: Path, what: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    output = tmp_path / "run"
    real = getattr(Path, what)

    def refuses(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self.is_relative_to(output):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Path, what, refuses)
    monkeypatch.setattr(pipeline, "carry_through", None)
    with pytest.raises(DiskError, match="choose another folder with -o"):
        pipeline.run(planted_table, output, planted_config)


def test_an_image_that_vanishes_before_it_is_encoded_is_a_failure(
    survey_folder: Path, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    survey = Path(shutil.copytree(survey_folder, tmp_path / "survey"))
    gone = sorted((survey / "images").iterdir())[70]
    image = gone.read_bytes(), gone.stat()
    write: Callable[..., None] = encoded.write_shard

    def vanishes(path: Path, *rest: Any) -> None:
        gone.unlink(missing_ok=True)
        write(path, *rest)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(encoded, "write_shard", vanishes)
        with pytest.raises(KeyboardInterrupt):
            pipeline.run(survey, tmp_path / "run", config, threads=1)
    pipeline.run(survey, tmp_path / "run", config, threads=1)
    (failure,) = open_run(tmp_path / "run").failures
    assert failure.id_str == gone.stem and "no such file" in failure.reason
    # put back as it was it is a source like any other
    gone.write_bytes(image[0])
    os.utime(gone, ns=(image[1].st_atime_ns, image[1].st_mtime_ns))
    found = pipeline.run(survey, tmp_path / "run", config, threads=1)
    assert found["stages"]["representations"]["counts"]["failed"] == 0


def test_an_image_that_vanishes_after_it_was_encoded_says_what_to_do(
    moved_run: tuple[Path, Path],
) -> None:
    run, survey = moved_run
    context = reopened(run)
    shown = context.searched[0]
    (survey / "images" / f"{shown}.jpg").unlink()
    with pytest.raises(InputError, match=r"now it is not: no such file; put it back .*, or start"):
        context.views([shown])


def test_a_clock_that_jumps_back_changes_nothing(
    judged: Path, planted_table: Path, planted_config: Config, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    hours = iter(range(10**6))

    def backward(seconds: float | None = None) -> time.struct_time:
        return time.localtime(1_700_000_000 - 3600 * next(hours))

    monkeypatch.setattr(time, "gmtime", backward)
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.0 - 3600 * next(hours))
    pipeline.run(planted_table, tmp_path / "run", planted_config, threads=1)
    assert contents(tmp_path / "run") == contents(judged)
    assert (
        len(pipeline.run(planted_table, tmp_path / "run", planted_config, threads=1)["skipped"])
        == len(pipeline.STAGES)
    )  # fmt: skip


def test_a_run_that_is_killed_after_every_few_files_ends_with_the_same_bytes(
    judged: Path, planted_table: Path, planted_config: Config, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """As far as a process can kill itself and be looked at after; benchmarks/kills.py sends
    SIGKILL."""
    output = tmp_path / "run"
    replace: Callable[..., None] = os.replace
    left = 0

    def dies(source: Any, target: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            shutil.copy(source, f"{source}.part")  # what nobody tidies up then
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(atomic.os, "replace", dies)
    kills = 0
    while not (output / "products" / "manifest.json").exists():
        left = 5
        try:
            pipeline.run(planted_table, output, planted_config, threads=1)
        except KeyboardInterrupt:
            kills += 1
        if kills > 10:
            left = 10**6
            monkeypatch.undo()
    assert kills > 5
    assert contents(output) == contents(judged)
