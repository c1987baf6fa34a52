"""skerry serve and skerry atlas."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from skerry.cli.main import app

RUNNER = CliRunner()


def test_atlas_writes_a_folder(judged: Path, tmp_path: Path) -> None:
    result = RUNNER.invoke(app, ["atlas", str(judged), "-o", str(tmp_path / "a"), "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    assert Path(found["atlas"]).is_file() and found["files"] >= 9 and found["bytes"] > 1e6
    result = RUNNER.invoke(app, ["atlas", str(judged), "-o", str(tmp_path / "a")])
    assert result.exit_code == 0 and "index.html" in result.output


def test_the_terminal_says_why_there_are_no_images(judged: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(judged, tmp_path / "run"))
    result = RUNNER.invoke(app, ["atlas", str(run), "-o", str(tmp_path / "a")])
    assert "began with representations" in " ".join(result.output.split())
    config = run / "config.toml"
    text = config.read_text().splitlines()
    config.write_text("\n".join([f'input = "{tmp_path / "gone"}"', *text[1:]]))
    command = [sys.executable, "-m", "skerry", "serve", str(run), "--no-browser"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "the run's input cannot be read now" in process.stderr.readline()
        process.send_signal(signal.SIGINT)


def test_atlas_is_not_written_into_the_run(judged: Path) -> None:
    for inside in (judged / "at", judged / "products" / ".." / "reviews"):
        result = RUNNER.invoke(app, ["atlas", str(judged), "-o", str(inside), "--json"])
        assert result.exit_code == 1 and not inside.resolve().exists()
        assert "outside it" in json.loads(result.output)["message"]


def test_atlas_says_what_is_wrong(tmp_path: Path) -> None:
    result = RUNNER.invoke(
        app, ["atlas", str(tmp_path / "no"), "-o", str(tmp_path / "a"), "--json"]
    )
    assert result.exit_code == 1
    assert json.loads(result.output)["error"] == "RunError"
    result = RUNNER.invoke(app, ["serve", str(tmp_path), "--no-browser"])
    assert result.exit_code == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_serve_until_interrupted(judged: Path, host: str) -> None:
    command = [sys.executable, "-m", "skerry", "serve", str(judged), "--no-browser", "--json"]
    process = subprocess.Popen(
        [*command, "--host", host], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout and process.stderr
        url = json.loads(process.stdout.readline())["url"]
        with urllib.request.urlopen(url.replace("0.0.0.0", "127.0.0.1"), timeout=10) as page:
            assert b"skerry atlas" in page.read()
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=20)[1]
        assert process.returncode == 0
        assert ("other machines" in said) == (host == "0.0.0.0")
    finally:
        process.kill()
