"""A finished run is examined, its answers kept and shown."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from skerry import examining, pipeline
from skerry.answered import answers
from skerry.cli import app
from skerry.config import Config
from skerry.errors import ConfigError, InputError, RunError
from skerry.examine import QUESTIONS, ExamineConfig, Question, from_settings
from skerry.examining import examine
from tests.conftest import N_PLANTED, N_SEA, contents

QUICK = ["unclustered", "properties", "encoders"]


@pytest.fixture
def run(judged: Path, tmp_path: Path) -> Path:
    output = tmp_path / "run"
    shutil.copytree(judged, output)
    return output


def test_answers_are_kept_and_shown(run: Path) -> None:
    before = (run / "report.html").read_text()
    found = examine(run, QUICK)
    # in the order of the questions, and what cannot be answered is said
    assert [a.question for a in found] == ["unclustered", "encoders", "properties"]
    assert [a.answered for a in found] == [True, False, False]
    assert "no second encoder" in found[1].sentence and "table=FILE" in found[2].sentence
    page = (run / "report.html").read_text()
    assert "question-unclustered" in page and "question-unclustered" not in before
    assert pq.read_table(run / "examine" / "unclustered" / "reasons.parquet").num_rows >= 1
    assert all(s["state"] == "done" for s in pipeline.status(run)["stages"].values())


def test_what_the_run_has_is_not_computed_again(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examine(run, ["unclustered"])
    kept = contents(run)

    def never(*_: object) -> None:
        raise AssertionError("asked again")

    asked = [Question(q.name, q.title, never, q.uses) for q in QUESTIONS]  # type: ignore[arg-type]
    monkeypatch.setattr(examining, "QUESTIONS", tuple(asked))
    examine(run, ["unclustered"])
    assert contents(run) == kept
    # a setting of another question is none of this one's
    examine(run, ["unclustered"], ExamineConfig(matched="mass"))
    with pytest.raises(AssertionError, match="asked again"):
        examine(run, ["unclustered"], ExamineConfig(seed=1))


def test_the_same_questions_give_the_same_bytes(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(run, other)
    examine(run, ["unclustered"])
    examine(other, ["unclustered"])
    assert contents(run) == contents(other)


def test_a_damaged_answer_is_made_again(run: Path) -> None:
    examine(run, ["unclustered"])
    whole = contents(run)
    (run / "examine" / "unclustered" / "reasons.parquet").write_bytes(b"x")
    examine(run, ["unclustered"])
    assert contents(run) == whole


def test_answers_of_an_earlier_search_are_not_shown(
    run: Path, planted_table: Path, planted_config: Config
) -> None:
    examine(run, ["unclustered"])
    assert [a.question for a in answers(run)] == ["unclustered"]
    from skerry.config import from_mapping

    other = from_mapping({"classes": {"min_size": 9}}, planted_config)
    pipeline.run(planted_table, run, other)
    assert answers(run) == () and "question-unclustered" not in (run / "report.html").read_text()


def test_a_table_by_id_adds_columns(run: Path, tmp_path: Path) -> None:
    table = tmp_path / "more.csv"
    rows = [f"s{i:03d},{5 if i >= N_SEA else i % 7}" for i in range(N_PLANTED)]
    table.write_text("\n".join(["id_str,mass", *rows]) + "\n")
    [answer] = examine(run, ["properties"], ExamineConfig(table=str(table)))
    assert answer.answered and {r["column"] for r in answer.tables["properties"].to_pylist()} == {
        "mass"
    }
    # another content of the same table is asked about again
    table.write_text("\n".join(["id_str,size", *rows]) + "\n")
    [answer] = examine(run, ["properties"], ExamineConfig(table=str(table)))
    assert answer.tables["properties"]["column"][0].as_py() == "size"
    with pytest.raises(ConfigError, match="expected a file"):
        examine(run, ["properties"], ExamineConfig(table=str(tmp_path / "none.csv")))


def test_sources_that_a_table_lacks_are_said(run: Path, tmp_path: Path) -> None:
    table = tmp_path / "part.csv"
    rows = [f"s{i:03d},{i % 7}" for i in range(100, N_PLANTED)]
    table.write_text("\n".join(["id_str,mass", *rows, "t1,1", "t2,2"]) + "\n")
    [answer] = examine(run, ["properties"], ExamineConfig(table=str(table)))
    said = "part.csv has 1,100 of the 1,200 sources that were searched; 2 of its rows are of none"
    assert any(said in note for note in answer.notes)


def test_an_answer_stays_until_there_is_another(run: Path, tmp_path: Path) -> None:
    table = tmp_path / "more.csv"
    rows = [f"s{i:03d},{5 if i >= N_SEA else i % 7}" for i in range(N_PLANTED)]
    table.write_text("\n".join(["id_str,mass", *rows]) + "\n")
    examine(run, ["properties"], ExamineConfig(table=str(table)))
    kept = contents(run / "examine")
    with pytest.raises(ConfigError, match="no column 'mas'; it has 'mass'"):
        examine(run, ["properties"], ExamineConfig(table=str(table), columns="mas"))
    assert contents(run / "examine") == kept


def test_one_class_alone(run: Path) -> None:
    class_id = json.loads((run / "classes" / "classes.json").read_text())[1]["class_id"]
    [answer] = examine(run, ["unclustered"], ExamineConfig(classes=class_id))
    assert list(answer.of_class) == [class_id]
    with pytest.raises(ConfigError, match="no class SKR-none"):
        examine(run, ["unclustered"], ExamineConfig(classes="SKR-none"))


def test_what_cannot_be_examined_is_an_error_before_work(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no question 'why'"):
        examine(run, ["why"])
    with pytest.raises(RunError, match="no folder of a run"):
        examine(tmp_path / "none")
    config = run / "config.toml"
    table = tmp_path / "moved.parquet"
    text = config.read_text()
    lines = text.splitlines()
    config.write_text("\n".join([f'input = "{table}"', *lines[1:]]) + "\n")
    with pytest.raises(InputError, match="put it back"):
        examine(run, ["unclustered"])


def test_settings_of_the_command_line() -> None:
    found = from_settings(["matched=mass, z", "alpha=0.1", "seed=3"])
    assert (found.matched, found.alpha, found.seed) == ("mass, z", 0.1, 3)
    for text, match in (
        ("alpha=2", "between 0 and 1"),
        ("seed=x", "expected int"),
        ("nothing=1", "no setting of examine"),
        ("encoder=maxvit_pico", "no setting of examine"),
        ("radius=3600", "above 0 and at most 60 arcsec"),
        ("alpha", "no setting of examine"),
    ):
        with pytest.raises(ConfigError, match=match):
            from_settings([text])


def test_the_command_answers_lists_and_fails_in_words(run: Path) -> None:
    runner = CliRunner()
    result = runner.invoke(app, ["examine", str(run), "unclustered", "--json"])
    told = json.loads(result.stdout)
    assert told["answers"][0]["answered"] and "reasons" in told["answers"][0]["tables"]
    result = runner.invoke(app, ["examine", str(run), "unclustered", "encoders"])
    assert "sources are in no class" in " ".join(result.stdout.split())
    assert "report.html" in result.stdout and result.exit_code == 0
    listed = json.loads(runner.invoke(app, ["examine", str(run), "--list", "--json"]).stdout)
    assert list(listed["questions"]) == [q.name for q in QUESTIONS]
    result = runner.invoke(app, ["examine", str(run), "why"])
    assert result.exit_code == 1 and "expected one of" in result.output


def test_every_question_stands_in_the_order_of_the_documents() -> None:
    expected = ["label_independence", "compression", "sensitivity", "unclustered", "encoders",
                "shredded", "artifacts", "properties", "crossmatch", "subtle"]  # fmt: skip
    assert [q.name for q in QUESTIONS] == expected
    settings = set(ExamineConfig.__dataclass_fields__)
    assert all(set(q.uses) <= settings for q in QUESTIONS)
