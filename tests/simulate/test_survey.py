from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry import pipeline
from skerry.config import Config, from_mapping
from skerry.errors import ConfigError, RunError
from skerry.simulate import SEA, Sky, folder, sky_of, survey
from skerry.simulate.footprint import Footprint
from skerry.simulate.plan import plan
from skerry.simulate.survey import Simulated, simulate
from skerry.store.runfolder import RunFolder
from skerry.survey import decode, open_survey
from tests.conftest import contents

KINDS = {"ring": 0.1, "shredded": 0.1, "satellite-trail": 0.05}
SKY = sky_of("sdss", n=60, size=48, width=4.0, kinds=KINDS)


@pytest.fixture(scope="module", autouse=True)
def small_shards() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder, "SHARD", 20)
        patch.setattr(survey, "_BATCH", 5)
        yield


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    return simulate(tmp_path_factory.mktemp("simulated") / "survey", SKY, threads=1)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def without_lock(path: Path) -> dict[str, bytes]:
    return {name: data for name, data in contents(path).items() if name != ".lock"}


class Stop(Exception):
    """What ends a call in the midst."""


def stop_at(limit: int) -> Any:
    def on_event(what: str, done: int, total: int) -> None:
        if done >= limit:
            raise Stop

    return on_event


def test_a_survey_is_written_whole(written: Simulated) -> None:
    path = written.catalog.parent
    assert sorted(p.name for p in path.iterdir() if p.name != ".lock") == [
        "catalogue.csv", "images", "sheet.jpg", "simulate.json", "sky.toml",
    ]  # fmt: skip
    assert sorted(p.name for p in (path / "images").iterdir()) == ["0000", "0001", "0002"]
    assert sky_of(str(path / "sky.toml")) == SKY
    rows = rows_of(written.catalog)
    assert [row["id_str"] for row in rows] == [f"SIM-{i:06d}" for i in range(60)]
    for row in rows:
        image = (path / row["file_loc"]).read_bytes()
        assert decode(image, row["file_loc"]).shape == (48, 48, 3)
    assert sum(1 for _ in (path / "images").rglob("*.jpg")) == 60
    assert written.drawn == 60
    assert json.loads((path / "simulate.json").read_text())["counts"] == written.counts


def test_every_planted_source_is_in_the_truth(written: Simulated) -> None:
    rows = rows_of(written.catalog)
    planned = [(s.id_str, s.kind, s.parent) for s in plan(SKY)]
    assert [(r["id_str"], r["truth_kind"], r["truth_parent"]) for r in rows] == planned
    counts = Counter(row["truth_kind"] for row in rows)
    assert counts == written.counts
    assert (counts["ring"], counts["satellite-trail"]) == (6, 3)
    assert counts["shredded"] >= 6 and counts[SEA] == 60 - 9 - counts["shredded"]


def test_the_folder_and_its_catalog_are_one_survey(written: Simulated) -> None:
    by_folder, by_catalog = open_survey(written.catalog.parent), open_survey(written.catalog)
    assert by_folder.sources.equals(by_catalog.sources)
    assert by_folder.fingerprint() == by_catalog.fingerprint()
    assert by_folder.choices == {"id": "id_str", "image": "file_loc", "ra": "ra", "dec": "dec"}
    assert not by_folder.notes


def test_processes_change_no_byte(
    written: Simulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "_WORTH", 30)
    simulate(tmp_path, SKY, threads=2)
    assert without_lock(tmp_path) == without_lock(written.catalog.parent)


def test_a_stopped_survey_is_gone_on_with(written: Simulated, tmp_path: Path) -> None:
    with pytest.raises(Stop):
        simulate(tmp_path, SKY, threads=1, on_event=stop_at(35))
    assert not (tmp_path / "catalogue.csv").exists()
    assert (tmp_path / "images" / "0000").is_dir()
    first = next((tmp_path / "images" / "0000").iterdir()).stat().st_mtime_ns
    (tmp_path / ".catalogue.csv.0123.part").write_text("half")
    again = simulate(tmp_path, SKY, threads=1)
    assert again.drawn == 40
    assert next((tmp_path / "images" / "0000").iterdir()).stat().st_mtime_ns == first
    assert without_lock(tmp_path) == without_lock(written.catalog.parent)


def test_a_folder_of_images_without_its_part_is_drawn_again(
    written: Simulated, tmp_path: Path
) -> None:
    with pytest.raises(Stop):
        simulate(tmp_path, SKY, threads=1, on_event=stop_at(45))
    (tmp_path / ".parts" / "0001.csv").unlink()
    assert simulate(tmp_path, SKY, threads=1).drawn == 40
    assert without_lock(tmp_path) == without_lock(written.catalog.parent)


def test_a_complete_survey_is_kept(written: Simulated) -> None:
    path = written.catalog.parent
    before = {p: p.stat().st_mtime_ns for p in path.rglob("*") if p.is_file()}
    again = simulate(path, SKY)
    assert (again.drawn, again.counts) == (0, written.counts)
    assert {p: p.stat().st_mtime_ns for p in path.rglob("*") if p.name != ".lock" and p.is_file()} \
        == {p: t for p, t in before.items() if p.name != ".lock"}  # fmt: skip


def test_another_surveys_folder_is_refused(written: Simulated, tmp_path: Path) -> None:
    path = written.catalog.parent
    with pytest.raises(RunError, match="a survey with seed 0, not 1"):
        simulate(path, sky_of("sdss", n=60, size=48, width=4.0, kinds=KINDS, seed=1))
    with pytest.raises(RunError, match="another footprint"):
        simulate(path, SKY, footprint=Footprint((10.0, 12.0), (0.0, 2.0)))
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(RunError, match=r"holds 'letter.txt' and no readable simulate.json"):
        simulate(tmp_path, SKY)
    with pytest.raises(RunError, match="is a file"):
        simulate(tmp_path / "letter.txt", SKY)
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


def test_a_folder_at_work_is_refused(tmp_path: Path) -> None:
    with (
        RunFolder(tmp_path / "survey", "").locked(),
        pytest.raises(RunError, match="another process is at work"),
    ):
        simulate(tmp_path / "survey", SKY)


def test_a_missing_image_is_told_and_drawn_anew(written: Simulated, tmp_path: Path) -> None:
    sky = sky_of("sdss", n=6, size=32, width=4.0)
    found = simulate(tmp_path, sky)
    whole = without_lock(tmp_path)
    (tmp_path / "images" / "0000" / "SIM-000003.jpg").unlink()
    with pytest.raises(RunError, match=r"1 images of .* the first SIM-000003.jpg"):
        simulate(tmp_path, sky)
    found.catalog.unlink()
    assert simulate(tmp_path, sky).drawn == 6
    assert without_lock(tmp_path) == whole


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scaling": "r90"}, "format is fits and scaling r90"),
        (
            {"bands": {"β": {"wavelength": 600.0, "psf_fwhm": 1.0, "depth": 23.0}},
             "color": ["β"], "balance": [1.0]},
            "the band 'β' cannot be named",
        ),
    ],
)  # fmt: skip
def test_what_fits_cannot_hold_is_refused(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        simulate(tmp_path / "survey", sky_of("decals", **changes))
    assert not (tmp_path / "survey").exists()


def test_nothing_of_the_truth_reaches_the_search(tmp_path: Path, config: Config) -> None:
    quick = from_mapping({"replication": {"subsamples": 0}}, config)
    sky: Sky = sky_of("sdss", n=120, size=64, kinds={"ring": 0.1, "shredded": 0.1})
    told = simulate(tmp_path / "survey", sky).catalog
    rows = rows_of(told)
    runs = {
        "told": told,
        "blind": told.with_name("blind.csv"),
        "false": told.with_name("false.csv"),
    }
    kinds = [row["truth_kind"] for row in rows]
    write(runs["blind"], [{k: v for k, v in r.items() if not k.startswith("truth_")} for r in rows])
    write(runs["false"], [{**r, "truth_kind": k} for r, k in zip(rows, kinds[::-1], strict=True)])
    found = {}
    for name, path in runs.items():
        pipeline.run(path, tmp_path / name, quick)
        found[name] = {
            stage: contents(tmp_path / name / stage) for stage in ("representations", "classes")
        }
        assert all(found[name].values())
    assert kinds != kinds[::-1]
    assert found["told"] == found["blind"] == found["false"]


def write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
