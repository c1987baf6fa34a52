"""A finished run as a chart."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import skerry
from skerry.atlas import chart_of
from skerry.atlas.cutouts import KEPT, SIDE, Cutouts
from skerry.cli.main import app
from skerry.config import Config
from skerry.errors import InputError, RunError


def test_a_run_of_representations(judged: Path) -> None:
    chart, run = chart_of(judged), skerry.open(judged)
    assert chart.ids == run.ids and np.array_equal(chart.points, run.embedding.map)
    assert [c.rank for c in chart.classes] == list(range(1, len(chart.classes) + 1))
    label = {chart.ids[i]: chart.label[i] for i in range(len(chart))}
    for i, rare in enumerate(chart.classes):
        assert {label[m] for m in rare.members} <= set(range(i + 1))
    assert (chart.label < 0).sum() > 0
    assert chart.cutout is None and "representations" in chart.no_images
    assert chart.columns.names() == {} and chart.positions is None
    facts = dict(chart.facts[chart.classes[0].class_id])
    assert facts["Verdict"] == chart.classes[0].verdict and "%" in facts["Prevalence"]
    assert chart.similar is not None
    similar = chart.similar(chart.ids[3], 4)
    assert len(similar) == 4 and similar == sorted(similar, key=lambda pair: pair[1])


def test_a_run_of_images(finished: Path) -> None:
    chart, run = chart_of(finished), skerry.open(finished)
    assert chart.cutout is not None and chart.positions is not None
    image = Image.open(io.BytesIO(chart.cutout(chart.ids[0])))
    assert image.size == (SIDE, SIDE) and np.ptp(np.asarray(image)) > 0
    row = chart.source(0)
    assert 0 <= row["ra"] <= 360 and row["id"] == run.ids[0]
    with pytest.raises(InputError, match="no source"):
        chart.cutout("no such")


def test_columns_are_aligned_and_no_truth(finished: Path, survey_folder: Path) -> None:
    chart = chart_of(finished)
    names = chart.columns.names()
    assert set(names) == {"votes", "catalog"} and "mag_r" in names["catalog"]
    header = (survey_folder / "catalog.csv").read_text() if (
        survey_folder / "catalog.csv"
    ).exists() else next(survey_folder.glob("*.csv")).read_text()  # fmt: skip
    lines = [line.split(",") for line in header.splitlines()]
    at, own = lines[0].index("mag_r"), lines[0].index("id_str")
    expected = {line[own]: float(line[at]) for line in lines[1:]}
    found = chart.columns.values("catalog", "mag_r")
    assert [expected[name] for name in chart.ids] == pytest.approx(list(found))
    votes = np.asarray(chart.columns.values("votes", names["votes"][0]), float)
    assert len(votes) == len(chart) and ((votes >= 0) & (votes <= 1)).all()
    assert not [n for group in names.values() for n in group if n.startswith("truth_")]
    truth = next((n for n in lines[0] if n.startswith("truth_")), "truth_kind")
    for group, name in (("catalog", truth), ("votes", "no"), ("no", "mag_r")):
        with pytest.raises(InputError, match="no column"):
            chart.columns.values(group, name)


def test_a_run_whose_input_is_gone_can_still_be_looked_at(
    survey_folder: Path, finished: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished, tmp_path / "run"))
    text = (run / "config.toml").read_text().splitlines()
    gone = f'input = "{tmp_path / "gone"}"'
    (run / "config.toml").write_text("\n".join([gone, *text[1:]]))
    chart = chart_of(run)
    assert set(chart.columns.names()) == {"votes"}
    assert chart.cutout is not None
    with pytest.raises(InputError, match=r"cannot be read now.*gone"):
        chart.cutout(chart.ids[0])
    assert "gone" in chart.why_gone()


def test_no_other_images_and_values_are_shown_where_the_input_changed(
    moved_run: tuple[Path, Path], tmp_path: Path
) -> None:
    run, survey = moved_run
    assert chart_of(run).why_gone() == ""
    catalog = next(survey.glob("*.csv"))
    head, *rows = (line.split(",") for line in catalog.read_text().splitlines())
    at = head.index("file_loc")
    for row, name in zip(rows, [rows[-1][at], *(r[at] for r in rows[:-1])], strict=True):
        row[at] = name
    catalog.write_text("\n".join(map(",".join, [head, *rows])) + "\n")
    chart = chart_of(run)
    assert set(chart.columns.names()) == {"votes"} and chart.cutout is not None
    assert "is not what it was" in chart.why_gone()
    with pytest.raises(InputError, match="is not what it was"):
        chart.cutout(chart.ids[0])
    result = CliRunner().invoke(app, ["atlas", str(run), "-o", str(tmp_path / "atlas")])
    assert result.exit_code == 0 and "is not what it was" in " ".join(result.output.split())
    text = (tmp_path / "atlas" / "data.js").read_text()
    assert "is not what it was" in text and not (tmp_path / "atlas" / "cutouts").exists()


def test_cutouts_are_read_once_and_not_all_are_kept(
    finished: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    chart = chart_of(finished)
    assert isinstance(chart.cutout, Cutouts)
    read: list[str] = []
    monkeypatch.setattr(chart.cutout, "_read", lambda i: read.append(i) or i.encode())
    for name in ("a", "b", "a", *map(str, range(KEPT - 1)), "a", "b"):
        assert chart.cutout(name) == name.encode()
    assert read[:2] == ["a", "b"] and read.count("a") == 1 and read.count("b") == 2


def test_what_is_no_finished_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no folder of a run"):
        chart_of(tmp_path)
