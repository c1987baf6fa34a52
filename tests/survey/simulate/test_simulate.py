"""The laws of the drawn survey: same seed same bytes, whole or not at all."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from skerry.errors import ConfigError, DiskError, InputError
from skerry.survey.simulate import CLASSES, simulate
from skerry.survey.simulate.survey import SEA, draw_cutout, plan

N = 60


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("survey")
    simulate(folder, n=N, seed=3)
    return folder


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "catalogue.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _bytes(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_same_seed_same_bytes(survey: Path, tmp_path: Path) -> None:
    simulate(tmp_path, n=N, seed=3)
    assert _bytes(tmp_path) == _bytes(survey)


def test_other_seed_other_images(survey: Path, tmp_path: Path) -> None:
    simulate(tmp_path, n=N, seed=4)
    here, there = _bytes(tmp_path), _bytes(survey)
    images = [name for name in here if name.endswith(".jpg")]
    assert len(images) == N
    assert all(here[name] != there[name] for name in images)


def test_no_two_images_of_a_survey_are_the_same(survey: Path) -> None:
    contents = [path.read_bytes() for path in (survey / "images").iterdir()]
    assert len(set(contents)) == N


def test_catalog_lists_exactly_the_images_written(survey: Path) -> None:
    rows = _rows(survey)
    assert list(rows[0]) == ["id_str", "file_loc", "ra", "dec", "truth"]
    assert all(row["file_loc"] == f"images/{row['id_str']}.jpg" for row in rows)
    assert {row["file_loc"] for row in rows} == {
        f"images/{path.name}" for path in (survey / "images").iterdir()
    }


def test_images_are_color_and_of_128_pixels(survey: Path) -> None:
    for row in _rows(survey):
        image = cv2.imread(str(survey / row["file_loc"]), cv2.IMREAD_UNCHANGED)
        assert image is not None
        assert image.shape == (128, 128, 3)
        assert np.ptp(image.astype(int), axis=2).max() > 5


def test_each_image_is_the_cutout_of_its_row_in_rgb(survey: Path) -> None:
    children = np.random.SeedSequence(3).spawn(N)
    for row, child in zip(_rows(survey), children, strict=True):
        stored = cv2.imread(str(survey / row["file_loc"]), cv2.IMREAD_COLOR_RGB)
        assert stored is not None
        drawn = draw_cutout(row["truth"], np.random.default_rng(child))
        # JPEG halves the resolution of color, so both are compared averaged over 4 pixels.
        here, there = (cv2.blur(image.astype(np.float32), (4, 4)) for image in (stored, drawn))
        assert np.abs(here - there).mean() < 2.5  # two sea galaxies differ by 3.7 or more
        assert np.abs(here - there).mean() < np.abs(here[..., ::-1] - there).mean()


@pytest.mark.parametrize("n", [200, 2000, 20000])
def test_planted_counts_scale_with_n(n: int) -> None:
    counts = Counter(row["truth"] for row in plan(n, seed=1))
    assert set(counts) == {SEA, *CLASSES}
    for kind, share in CLASSES.items():
        assert counts[kind] == round(share * n)
        assert share <= 0.015
    assert counts.total() == n


def test_order_does_not_give_the_truth_away() -> None:
    truth = [row["truth"] for row in plan(2000, seed=1)]
    for kind in CLASSES:
        places = np.flatnonzero([name == kind for name in truth])
        # Uniform draws of this many miss a quarter of the catalog about once in 300.
        assert len(set(places // 500)) == 4
        assert np.diff(places).max() > 1
    assert truth != [row["truth"] for row in plan(2000, seed=2)]


def test_positions_are_uniform_over_the_patch() -> None:
    rows = plan(4000, seed=0)
    ra, dec = (np.array([float(row[name]) for row in rows]) for name in ("ra", "dec"))
    assert ra.min() >= 150
    assert ra.max() <= 160
    assert dec.min() >= 0
    assert dec.max() <= 8
    # Five standard errors of a uniform mean.
    assert abs(ra.mean() - 155) < 5 * 10 / math.sqrt(12 * 4000)
    assert abs(dec.mean() - 4) < 5 * 8 / math.sqrt(12 * 4000)


def test_reuse_draws_nothing(survey: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in survey.rglob("*.jpg")}
    events: list[tuple[int, int]] = []
    catalog = simulate(
        survey, n=N, seed=3, on_event=lambda done, total: events.append((done, total))
    )
    assert catalog == survey / "catalogue.csv"
    assert events == [(N, N)]
    assert {path: path.stat().st_mtime_ns for path in survey.rglob("*.jpg")} == before


@pytest.mark.parametrize(("n", "seed"), [(N, 4), (N + 1, 3)])
def test_another_survey_in_the_folder_is_refused(survey: Path, n: int, seed: int) -> None:
    with pytest.raises(InputError, match=r"'n': 60, 'seed': 3.*[Nn]ame another folder"):
        simulate(survey, n=n, seed=seed)


@pytest.mark.parametrize("manifest", [None, "{", json.dumps({"n": 1, "seed": 0})])
def test_a_catalog_of_unknown_origin_is_left_alone(tmp_path: Path, manifest: str | None) -> None:
    (tmp_path / "catalogue.csv").write_text("mine\n")
    if manifest is not None:
        (tmp_path / "simulate.json").write_text(manifest)
    with pytest.raises(InputError):
        simulate(tmp_path, n=1)
    assert (tmp_path / "catalogue.csv").read_text() == "mine\n"


def test_a_survey_that_lost_an_image_is_not_reused(tmp_path: Path) -> None:
    simulate(tmp_path, n=3)
    (tmp_path / "images" / "DEMO-000001.jpg").unlink()
    with pytest.raises(InputError, match=r"DEMO-000001\.jpg"):
        simulate(tmp_path, n=3)


def test_killed_halfway_leaves_no_catalog_and_can_be_run_again(tmp_path: Path) -> None:
    def kill(done: int, total: int) -> None:
        if done == total // 2:
            raise KeyboardInterrupt

    killed, whole = tmp_path / "killed", tmp_path / "whole"
    with pytest.raises(KeyboardInterrupt):
        simulate(killed, n=20, on_event=kill)
    assert len(list((killed / "images").iterdir())) == 10
    assert not (killed / "catalogue.csv").exists()
    simulate(killed, n=6, seed=1)
    simulate(whole, n=6, seed=1)
    assert _bytes(killed) == _bytes(whole)


def test_progress_counts_every_image(tmp_path: Path) -> None:
    events: list[tuple[int, int]] = []
    simulate(tmp_path, n=4, on_event=lambda done, total: events.append((done, total)))
    assert events == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(("n", "seed"), [(0, 0), (5, -1)])
def test_settings_out_of_range_are_refused(tmp_path: Path, n: int, seed: int) -> None:
    with pytest.raises(ConfigError, match=f"n = {n} and seed = {seed}"):
        simulate(tmp_path, n=n, seed=seed)


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "images").write_text("a file where the folder should be")
    with pytest.raises(DiskError, match="name another folder"):
        simulate(tmp_path, n=1)


@pytest.mark.parametrize("kind", [SEA, *CLASSES])
def test_a_cutout_of_every_kind_shows_something_on_a_dark_sky(kind: str) -> None:
    for seed in range(5):
        image = draw_cutout(kind, np.random.default_rng(seed))
        assert image.shape == (128, 128, 3)
        assert image.dtype == np.uint8
        assert image[48:80, 48:80].max() > 60
        assert np.median(image) < 60
