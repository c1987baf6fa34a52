from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from skerry.cli.encoders import encoders_app
from skerry.represent.encoder import load, shipped


def call(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(encoders_app, [str(a) for a in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_list_tells_what_ships() -> None:
    code, out, _ = call("list", "--json")
    assert code == 0
    found = {e["name"]: e for e in json.loads(out)["encoders"]}
    assert tuple(found) == shipped()
    assert [e["sha256"] for e in found.values() if e["default"]] == [load().sha256]
    assert "(default)" in call("list")[1]


def test_show_tells_what_the_default_is() -> None:
    code, out, _ = call("show", "default", "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["kind"], found["dimensions"], len(found["votes"])) == ("skerry", 128, 28)
    assert found["sha256"] == load().sha256
    assert found["contract"]["size"] == load().contract.size
    code, out, _ = call("show", "default")
    assert code == 0
    assert "contract size: " in out


@pytest.mark.train
def test_an_imported_encoder_is_shown(survey_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    code, out, err = call(
        "import", "timm:test_efficientnet", "-o", tmp_path / "e", "--fit", survey_folder,
        "--dimensions", 6, "--size", 32, "--crop", 0.5, "--json",
    )  # fmt: skip
    assert code == 0, err
    found = json.loads(out)
    assert found["source"] == "timm:test_efficientnet (untrained)"
    assert (found["dimensions"], found["contract"]["size"]) == (6, 32)
    assert set(found["contract"]["crops"].values()) == {0.5}
    assert json.loads(call("show", tmp_path / "e", "--json")[1]) == found


@pytest.mark.train
def test_an_encoder_keeps_its_own_dimensions_if_asked(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    out = call(
        "import", "timm:test_efficientnet", "-o", tmp_path / "e", "--bottleneck", "none",
        "--size", 32, "--json",
    )[1]  # fmt: skip
    assert json.loads(out)["dimensions"] == 256
    code, text, _ = call("show", "timm:test_efficientnet")
    assert code == 0
    assert "note: untrained" in text
    assert "votes: none" in text


@pytest.mark.train
def test_where_nothing_can_be_written_nothing_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    from skerry.represent.foreign import network

    monkeypatch.setattr(network, "build", lambda *_, **__: pytest.fail("a network was built"))
    (tmp_path / "e").write_text("mine")
    code, _, err = call(
        "import", "timm:test_efficientnet", "-o", tmp_path / "e", "--bottleneck", "none"
    )
    assert code == 1
    assert "is a file; expected a folder" in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "give --fit SURVEY"),
        (["--bottleneck", "lda"], "expected pca or none"),
        (["--bottleneck", "none", "--fit", "x"], "leave --fit out"),
        (["--bottleneck", "none", "--crop", "0.5"], "give that too"),
    ],
)
def test_options_that_contradict_are_refused_at_once(
    tmp_path: Path, options: list[str], words: str
) -> None:
    code, _, err = call("import", "default", "-o", tmp_path / "e", *options)
    assert code == 1
    assert words in err
    assert not (tmp_path / "e").exists()


def test_nothing_heavy_is_imported_by_the_commands() -> None:
    code = (
        "import sys, skerry.cli.encoders; "
        "heavy = {'torch', 'timm', 'pyarrow', 'onnxruntime', 'cv2', 'numpy', 'huggingface_hub'}; "
        "sys.exit(', '.join(heavy & set(sys.modules)) or None)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
