"""Images of two releases: what is encoded, and what is looked at again in the run on both."""

from __future__ import annotations

import csv
import os
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from skerry import pipeline
from skerry.adding import fitting
from skerry.adding.add import add
from skerry.atlas.cutouts import Cutouts, Opened
from skerry.config import Config, from_mapping
from skerry.errors import ContractError, InputError
from skerry.executors.local import Local
from skerry.handoff.zooniverse import subject_set
from skerry.recovering.opened import open_run as opened_to_plant
from skerry.recovering.real import real_cutouts
from skerry.reopening import reopened
from skerry.represent.encoder import Encoder
from skerry.results import open as open_run
from skerry.survey import attributes
from skerry.survey.facts import facts
from skerry.types import ByteArray
from tests.conftest import N, contents


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "catalogue.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def release(survey: Path, folder: Path, rows: list[dict[str, str]]) -> Path:
    """Some sources of a survey as a survey of their own."""
    (folder / "images").mkdir(parents=True)
    for row in rows:
        shutil.copy2(survey / row["file_loc"], folder / row["file_loc"])
    with (folder / "catalogue.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.fixture(scope="module")
def releases(survey_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder, rows = tmp_path_factory.mktemp("releases"), rows_of(survey_folder)
    first = [row for i, row in enumerate(rows) if i % 3]
    second = [row for i, row in enumerate(rows) if not i % 3]
    return (
        release(survey_folder, folder / "dr1", first),
        release(survey_folder, folder / "dr2", second),
    )


@pytest.fixture(scope="module")
def dr1_run(
    releases: tuple[Path, Path], config: Config, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    output = tmp_path_factory.mktemp("dr1") / "run"
    pipeline.run(releases[0], output, config)
    return output


ENCODED: list[int] = []


@pytest.fixture(scope="module")
def both_run(
    dr1_run: Path, releases: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    output = tmp_path_factory.mktemp("dr2") / "run"
    encode = Encoder.encode

    def counts(self: Encoder, pixels: ByteArray) -> object:
        ENCODED.append(len(pixels))
        return encode(self, pixels)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Encoder, "encode", counts)
        add(dr1_run, releases[1], output)
    return output


def test_only_new_images_are_encoded_and_the_search_is_that_of_both(
    both_run: Path, finished: Path
) -> None:
    assert sum(ENCODED) == N // 3
    mine, theirs = contents(both_run), contents(finished)
    for name, data in theirs.items():
        if name.startswith(("neighbors/", "embedding/", "clusters/")):
            assert name.endswith("manifest.json") or mine[name] == data, name
    members = [c.members for c in open_run(both_run).rare_classes]
    assert members == [c.members for c in open_run(finished).rare_classes]


def test_a_run_of_two_inputs_is_opened_with_both(
    both_run: Path, releases: tuple[Path, Path], survey_folder: Path, tmp_path: Path
) -> None:
    context = reopened(both_run, threads=1)
    ids = [row["id_str"] for row in rows_of(survey_folder)]
    views = context.views(ids[:6])
    assert sorted(views) == sorted(ids[:6])
    columns = attributes(context.survey, ids).numbers
    expected = {row["id_str"]: float(row["ra"]) for row in rows_of(survey_folder)}
    ra = dict(zip(*(context.survey.sources[c].to_pylist() for c in ("id_str", "ra")), strict=True))
    assert ra == pytest.approx(expected)
    assert columns and all(len(column) == N for column in columns.values())
    images = {row["id_str"]: survey_folder / row["file_loc"] for row in rows_of(survey_folder)}
    cutouts = Cutouts(Opened(both_run, open_run(both_run).config))
    assert all(cutouts(name) for name in ids[:4])
    for name in ids[:2]:  # one of each release
        near = open_run(both_run).similar(image=images[name], limit=1)
        assert near["id_str"][0] == name
    for rare in open_run(both_run).rare_classes[:1]:  # where any is found in so few
        made = subject_set(both_run, rare.class_id, tmp_path / "set", controls=2)
        assert made.members == len(rare.members)
    real = real_cutouts(opened_to_plant(both_run))
    assert sorted(real.rows) == list(range(N))
    report = (both_run / "report.html").read_text()
    assert "dr1, dr2" in report


def test_a_change_of_either_input_is_seen(
    both_run: Path, releases: tuple[Path, Path], tmp_path: Path
) -> None:
    run = Path(shutil.copytree(both_run, tmp_path / "run"))
    moved = [Path(shutil.copytree(one, tmp_path / one.name)) for one in releases]
    text = (run / "config.toml").read_text()
    for old, new in zip(releases, moved, strict=True):
        text = text.replace(f'"{old}"', f'"{new}"')
    (run / "config.toml").write_text(text)
    assert reopened(run).survey.path == moved[0]
    for one in moved:
        image = next((one / "images").iterdir())
        kept, state = image.read_bytes(), image.stat()
        image.write_bytes(kept + b"\0")
        with pytest.raises(InputError, match=r"dr1 \+ .*dr2 is not what it was .*'skerry add'"):
            reopened(run)
        image.write_bytes(kept)
        os.utime(image, ns=(state.st_atime_ns, state.st_mtime_ns))
    reopened(run)


def test_an_executor_elsewhere_encodes_the_new(
    dr1_run: Path, both_run: Path, releases: tuple[Path, Path], tmp_path: Path
) -> None:
    add(dr1_run, releases[1], tmp_path / "run", executor=Local(1, here=False))
    for path in (both_run / "representations").glob("shard-*"):
        assert (tmp_path / "run" / "representations" / path.name).read_bytes() == path.read_bytes()


def test_images_that_cannot_be_read_stay_failures(
    survey_folder: Path, config: Config, tmp_path: Path
) -> None:
    rows = rows_of(survey_folder)
    one = release(survey_folder, tmp_path / "one", rows[:90])
    two = release(survey_folder, tmp_path / "two", rows[90:])
    bad = [rows[3], rows[95]]
    for folder, row in ((one, bad[0]), (two, bad[1])):
        (folder / row["file_loc"]).write_bytes(b"")
    unjudged = from_mapping({"nulls": {"n": 0}, "replication": {"subsamples": 0}}, config)
    pipeline.run(one, tmp_path / "run", unjudged)
    found = add(tmp_path / "run", two, tmp_path / "both")
    assert found["stages"]["representations"]["counts"]["failed"] == 2
    failures = open_run(tmp_path / "both").failures
    assert sorted(f.id_str for f in failures) == sorted(row["id_str"] for row in bad)


def test_another_kind_of_image_or_column_ends_it_before_any_work(
    dr1_run: Path, releases: tuple[Path, Path], planted_table: Path, tmp_path: Path
) -> None:
    gray = Path(shutil.copytree(releases[1], tmp_path / "gray"))
    for path in (gray / "images").iterdir():
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    renamed = Path(shutil.copytree(releases[1], tmp_path / "renamed"))
    text = (renamed / "catalogue.csv").read_text()
    (renamed / "catalogue.csv").write_text(text.replace("id_str", "objid", 1))
    without = Path(shutil.copytree(releases[1], tmp_path / "without"))
    text = (without / "catalogue.csv").read_text()
    (without / "catalogue.csv").write_text(text.replace("ra,", "x,", 1).replace("dec,", "y,", 1))
    for new, words in (
        (gray, r"color: the images of .* have gray, those of the run .* color"),
        (renamed, r"has 'objid' for id, the run in .* has 'id_str'; expected the same columns"),
        (without, r"has no column for dec, the run in .* has 'dec'"),
        (planted_table, r"holds representations, the run in .* was made from images; give images"),
        (tmp_path / "nothing", "does not exist"),
    ):
        with pytest.raises(InputError, match=words):
            add(dr1_run, new, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pixel_scale": 0.396}, "pixel_scale: .* have 0.396 arcsec, .* none that is said"),
        ({"stretch": "lupton"}, "stretch: .* have lupton, those of the run in .* not said"),
        ({"bands": ("i", "r", "g")}, "bands: .* have i, r, g"),
    ],
)
def test_images_of_another_scale_bands_or_stretch_end_it(
    dr1_run: Path, releases: tuple[Path, Path], tmp_path: Path, change: dict[str, object],
    words: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(fitting, "facts", lambda *a: replace(facts(*a), **change))
    with pytest.raises((InputError, ContractError), match=words):
        add(dr1_run, releases[1], tmp_path / "out")
    assert not (tmp_path / "out").exists()
