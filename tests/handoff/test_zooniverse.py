"""Subject sets: what volunteers see tells nothing of what is a control."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from skerry import pipeline
from skerry.errors import ConfigError, InputError
from skerry.handoff import subject_set, zooniverse
from skerry.handoff.zooniverse import below_limit
from skerry.survey import open_survey
from skerry.types import ByteArray
from skerry.using import Finished
from tests.conftest import contents
from tests.test_cli import call


def rows_of(manifest: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(manifest.read_text())))


@pytest.fixture(scope="module")
def class_id(finished: Path) -> str:
    return Finished(finished).classes[0].class_id


def test_a_set_has_members_and_controls(finished: Path, class_id: str, tmp_path: Path) -> None:
    code, out, _ = call(
        "zooniverse", finished, class_id, "-o", tmp_path / "set", "--controls", 9, "--json"
    )
    found = json.loads(out)
    rare = Finished(finished).class_of(class_id)
    assert (code, found["members"], found["controls"]) == (0, rare.size, 9)
    assert found["unreadable"] == []
    rows = rows_of(Path(found["manifest"]))
    assert list(rows[0]) == ["image", "id", "ra", "dec", "#class", "#control"]
    mine = {r["id"] for r in rows if r["#control"] == "false"}
    controls = {r["id"] for r in rows if r["#control"] == "true"}
    assert mine == set(rare.members)
    sea = pq.read_table(finished / "products" / "unclustered.parquet")["id_str"].to_pylist()
    assert len(controls) == 9 and controls <= set(sea) and not controls & mine
    assert all((r["#class"] == class_id) == (r["#control"] == "false") for r in rows)
    # the images named and no other file, as the uploader asks; each under the limit
    files = {p.name for p in (tmp_path / "set").iterdir()}
    assert files == {"manifest.csv", *(r["image"] for r in rows)}
    at = {r["id_str"]: r for r in pq.read_table(finished / "sources/sources.parquet").to_pylist()}
    for row in rows:
        with Image.open(tmp_path / "set" / row["image"]) as image:
            assert image.format == "JPEG"
        assert (tmp_path / "set" / row["image"]).stat().st_size < 1_000_000
        assert float(row["ra"]) == at[row["id"]]["ra"]


def test_an_image_is_that_of_its_row(finished: Path, class_id: str, tmp_path: Path) -> None:
    made = subject_set(finished, class_id, tmp_path / "set", controls=3)
    survey = open_survey(Path(pipeline.status(finished)["input"]))
    ids = survey.sources["id_str"].to_pylist()
    for row in rows_of(made.manifest):
        raw = next(survey.images([ids.index(row["id"])]))
        assert isinstance(raw, bytes)
        with Image.open(io.BytesIO(raw)) as a, Image.open(tmp_path / "set" / row["image"]) as b:
            apart = np.abs(np.asarray(a.convert("RGB"), float) - np.asarray(b, float))
        assert apart.mean() < 3


def test_the_order_tells_nothing_and_is_seeded(
    finished: Path, class_id: str, tmp_path: Path
) -> None:
    size = Finished(finished).class_of(class_id).size
    sets = {
        name: subject_set(finished, class_id, tmp_path / name, controls=40, seed=seed)
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    }
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    rows = {name: rows_of(made.manifest) for name, made in sets.items()}
    assert rows["a"] != rows["c"]
    places = [i for i, r in enumerate(rows["a"]) if r["#control"] == "false"]
    middle = (len(rows["a"]) - 1) / 2
    sigma = np.sqrt(40 * (size + 41) / (12 * size))  # of the mean rank of a random draw
    assert abs(np.mean(places) - middle) < 3 * sigma
    assert [r["image"] for r in rows["a"]] == [f"{i:06d}.jpg" for i in range(1, size + 41)]


def test_unreadable_members_are_named_and_controls_replaced(
    finished: Path, class_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rare = Finished(finished).class_of(class_id)
    sea = pq.read_table(finished / "products" / "unclustered.parquet")["id_str"].to_pylist()
    broken = {rare.members[0], *sorted(set(sea) - set(rare.members))[::3]}
    survey = open_survey(Path(pipeline.status(finished)["input"]))
    torn = {s["location"] for s in survey.sources.to_pylist() if s["id_str"] in broken}
    decode = zooniverse.decode

    def reading(data: bytes, name: str) -> ByteArray:
        return decode(data[: len(data) // 2] if name in torn else data, name)

    monkeypatch.setattr(zooniverse, "decode", reading)
    made = subject_set(finished, class_id, tmp_path / "set", controls=10)
    assert (made.members, made.controls) == (rare.size - 1, 10)
    told = dict(made.unreadable)
    assert rare.members[0] in told and set(told) <= broken and all(told.values())
    assert not broken & {r["id"] for r in rows_of(made.manifest)}


def test_what_no_set_can_be_made_of(
    finished: Path, judged: Path, survey_folder: Path, class_id: str, tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").write_text("a")
    for folder, told in (
        (tmp_path / "full", "not empty"),
        (finished / "set", "is part of"),
        (survey_folder / "images", "is part of"),
    ):
        with pytest.raises(ConfigError, match=told):
            subject_set(finished, class_id, folder)
    with pytest.raises(ConfigError, match="controls are 5000; only"):
        subject_set(finished, class_id, tmp_path / "new", controls=5000)
    with pytest.raises(InputError, match="has no class"):
        subject_set(finished, "X", tmp_path / "new")
    with pytest.raises(InputError, match="no images"):
        subject_set(judged, Finished(judged).classes[0].class_id, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_an_image_that_is_too_large_is_made_smaller() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (900, 1100, 3), dtype=np.uint8)
    data = below_limit(noise, 400_000)
    assert len(data) < 400_000
    tiny = below_limit(noise, 20_000)
    with Image.open(io.BytesIO(tiny)) as image:
        assert len(tiny) < 20_000 and image.width < 1100
        assert image.width / image.height == pytest.approx(11 / 9, rel=0.05)
