from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from skerry.backends import card, cuml
from skerry.cli import app
from skerry.config import Config, to_toml
from skerry.pipeline import STAGES
from tests.conftest import contents


def call(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_run_prints_a_closing_table(
    finished: Path, survey_folder: Path, config: Config, tmp_path: Path
) -> None:
    (tmp_path / "c.toml").write_text(to_toml(config))
    code, out, _ = call("run", survey_folder, "-o", finished, "-c", tmp_path / "c.toml")
    assert code == 0
    assert "150 sources" in out
    assert "are in none" in out
    assert "report.html" in out
    assert "Rejected: " in out
    assert all(stage in out for stage in ("nulls", "replication", "as it was"))


def test_the_settings_of_a_run_can_be_given_back(finished: Path, survey_folder: Path) -> None:
    before = contents(finished)
    code, out, _ = call(
        "run", survey_folder, "-o", finished, "-c", finished / "config.toml", "--json"
    )
    assert code == 0
    assert len(json.loads(out)["skipped"]) == len(STAGES)
    assert contents(finished) == before


def test_status_tells_where_a_run_stands(finished: Path) -> None:
    code, out, _ = call("status", finished, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["complete"]
    assert found["stages"]["products"]["state"] == "done"
    assert {c["verdict"] for c in found["classes"]} <= {"confirmed", "tentative", "rejected"}
    assert call("status", finished)[0] == 0


def test_classes_are_shown_with_what_was_measured(judged: Path) -> None:
    code, out, _ = call("status", judged)
    assert code == 0
    first = json.loads(call("status", judged, "--json")[1])["classes"][0]
    assert first["class_id"] in out and "confirmed" in out
    assert f"{first['containment']:.1f}" in out and f"{first['q_value']:.2g}" in out
    assert "Four confirmed classes among 1,200 sources" in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["status", "nowhere"], "no folder of a run"),
        (["run", "nowhere", "-o", "x"], "does not exist"),
        (["run", ".", "-o", "x", "--set", "neighbors.q=3"], "did you mean"),
        (["run", ".", "-o", "x", "--preset", "walmsly"], "walmsley2023"),
        (["run", ".", "-o", "x", "-c", "none.toml"], "no configuration file"),
    ],
)
def test_errors_are_one_line_and_json_when_asked(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = call(*arguments)
    assert code == 1
    assert words in err
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("skerry: ")
    assert not out
    code, out, _ = call(*arguments, "--json")
    assert code == 1
    assert words in json.loads(out)["message"]
    assert not list(tmp_path.iterdir())


def test_settings_of_the_command_line_win(survey_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[neighbors]\nk = 1200\n")
    code, _, err = call("run", survey_folder, "-o", tmp_path / "r", "-c", tmp_path / "c.toml")
    assert code == 1
    assert "at least 1201" in err
    code, _, err = call(
        "run", survey_folder, "-o", tmp_path / "r", "-c", tmp_path / "c.toml",
        "-s", "neighbors.k=300", "-s", "neighbors.exact_below=5",
    )  # fmt: skip
    assert code == 1
    assert "301" in err


def test_ids_that_look_like_markup_are_shown(judged: Path, tmp_path: Path) -> None:
    shutil.copytree(judged, tmp_path / "run")
    path = tmp_path / "run" / "classes" / "classes.json"
    first = json.loads(path.read_text())[0]["class_id"]
    path.write_text(path.read_text().replace(first, "[/x]"))
    code, out, _ = call("status", tmp_path / "run")
    assert code == 0
    assert "[/x]" in out


def test_demo_draws_and_searches(tmp_path: Path) -> None:
    few = ["-s", "nulls.n=1", "-s", "replication.subsamples=1", "-s", "replication.seeds=0"]
    code, out, _ = call("demo", "-o", tmp_path / "d", "--n", 320, *few, "--json")
    assert code == 0, out
    found = json.loads(out)
    assert found["complete"]
    assert (tmp_path / "d" / "run" / "report.html").is_file()
    again = json.loads(call("demo", "-o", tmp_path / "d", "--n", 320, *few, "--json")[1])
    assert len(again["skipped"]) == len(STAGES)


@pytest.mark.parametrize(("code", "limit"), [("import skerry", 0.5), ("import skerry.cli", 1.0)])
def test_it_starts_quickly(code: str, limit: float) -> None:
    def seconds(code: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - began

    bare = min(seconds("pass") for _ in range(3))
    assert min(seconds(code) for _ in range(3)) - bare < limit


def test_nothing_heavy_is_imported_by_the_command_line() -> None:
    code = (
        "import sys, skerry.cli; "
        "heavy = {'torch', 'umap', 'numba', 'astropy', 'pyarrow', 'onnxruntime', 'cv2', 'scipy'}; "
        "sys.exit(', '.join(heavy & set(sys.modules)) or None)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_gpu_is_asked_for_by_one_option(
    survey_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card, "lacking", lambda *packages: "torch is not installed")
    run = ("run", survey_folder, "-o", tmp_path / "run", "--json", "--device")
    code, out, _ = call(*run, "cuda", "-s", "representations.device=cpu")
    assert (code, json.loads(out)["error"]) == (1, "ConfigError")
    assert json.loads(out)["message"].startswith("neighbors.device = cuda asks for a GPU, but")
    # cuML is asked for by a setting of its own, as it makes another embedding
    monkeypatch.setattr(cuml, "lacking", lambda: "cuml is not installed")
    code, out, _ = call(*run, "cpu", "-s", "embedding.device=cuda")
    assert json.loads(out)["message"].startswith("embedding.device = cuda asks for cuML on a GPU")
    code, out, _ = call(*run, "gpu")
    assert json.loads(out)["message"] == "representations.device is gpu; expected one of cpu, cuda"
    encode = ("encode", survey_folder, "-o", tmp_path / "run", "--json", "--device", "cuda")
    assert json.loads(call(*encode)[1])["message"].startswith("representations.device = cuda asks")
    assert not (tmp_path / "run").exists()
