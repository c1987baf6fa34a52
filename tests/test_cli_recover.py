from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from skerry.cli.recover import recover

app = typer.Typer()
app.command()(recover)
OPTIONS = ("--prevalences", "0.003,0.04", "--visibilities", "1", "--realizations", "1")


def call(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_recover_prints_a_table_and_sentences(judged: Path, tmp_path: Path) -> None:
    code, out, _ = call(judged, "--copies", *OPTIONS, "-o", tmp_path / "out")
    assert code == 0
    plain = " ".join(out.split())
    assert "Found of shifted copies of representations (optimistic bound)" in plain
    assert "not planted" in plain
    assert "1 of 1" in plain or "0 of 1" in plain
    assert "No prevalence planted is shown to reach a probability of 90%" in plain
    assert "Warning: Realizations made: 1." in plain
    assert "a linear probe tells the planted class at visibility 1" in plain
    assert (tmp_path / "out" / "recovery.png").is_file()


def test_recover_answers_in_json(judged: Path, tmp_path: Path) -> None:
    code, out, _ = call(judged, "--copies", *OPTIONS, "-o", tmp_path / "out", "--json")
    assert code == 0
    found = json.loads(out)
    stored = json.loads((tmp_path / "out" / "recovery.json").read_text())
    assert found == {"results": str(tmp_path / "out"), **stored}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "0 classes to plant were given"),
        (("--copies", "--kind", "ring"), "2 classes to plant were given"),
        (("--kind", "rings"), "no kind 'rings'"),
        (("--kind", "ring", "--sky", "sds"), "no sky 'sds'"),
        (("--kind", "ring"), "simulated images cannot be planted"),
        (("--images", "a.jpg", "--images", "b.jpg"), "images cannot be planted"),
        (("--copies", "--prevalences", "0.1;0.2"), "expected numbers joined by commas"),
    ],
)
def test_what_cannot_be_done_is_said(
    judged: Path, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    code, _, err = call(judged, *OPTIONS, *options, "-o", tmp_path / "out")
    assert code == 1
    assert said in err
    assert not (tmp_path / "out").exists()
