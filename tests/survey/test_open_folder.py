"""A folder is read as what it holds: images, a catalog beside them, or Parquet."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skerry.errors import CatalogError, InputError
from skerry.survey import open_survey


def touch(folder: Path, *names: str, content: bytes = b"x") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def test_images_at_any_depth_by_their_names(tmp_path: Path) -> None:
    touch(tmp_path, "b.JPG", "deep/er/a.png", "c.fits", ".hidden.png", ".git/d.png", "notes.txt")
    survey = open_survey(tmp_path)
    assert survey.kind == "files"
    assert survey.sources["id_str"].to_pylist() == ["a", "b", "c"]
    assert survey.sources["location"].to_pylist() == ["deep/er/a.png", "b.JPG", "c.fits"]
    assert survey.sources["ra"].null_count == 3
    assert any("1 files" in note for note in survey.notes)
    assert list(survey.images([0])) == [b"x"]


def test_unreadable_formats_are_kept_to_become_failures(tmp_path: Path) -> None:
    touch(tmp_path, "a.gif", "b.webp", "c.tif")
    assert len(open_survey(tmp_path)) == 3


def test_one_catalog_beside_images_is_used(tmp_path: Path) -> None:
    touch(tmp_path, "images/a.png", "images/b.png")
    touch(tmp_path, "stars.csv", content=b"id,file\nfirst,images/a.png\n")
    assert open_survey(tmp_path).sources["id_str"].to_pylist() == ["first"]


@pytest.mark.parametrize("name", ["catalog.csv", "Catalogue.csv"])
def test_a_table_called_catalog_is_preferred(tmp_path: Path, name: str) -> None:
    touch(tmp_path, "a.png", "other.csv")
    touch(tmp_path, name, content=b"id,file\nfirst,a.png\n")
    assert open_survey(tmp_path).sources["id_str"].to_pylist() == ["first"]


def test_several_tables_are_left_out_and_named(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "one.csv", "two.csv")
    survey = open_survey(tmp_path)
    assert survey.sources["id_str"].to_pylist() == ["a"]
    assert any("'one.csv', 'two.csv'" in note for note in survey.notes)


def test_a_catalog_without_images_beside_it_is_used(tmp_path: Path) -> None:
    touch(tmp_path, "stars.csv", content=b"id,file\nfirst,elsewhere/a.png\n")
    assert len(open_survey(tmp_path)) == 1


RUN = ("config.toml", "log.jsonl", "products/sheets/001-a.jpg", "sources/sources.parquet")


def test_runs_within_a_folder_of_images_are_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", *(f"deep/run/{name}" for name in RUN), "logs/config.toml")
    survey = open_survey(tmp_path)
    assert survey.sources["location"].to_pylist() == ["a.png"]
    assert any("1 files" in note for note in survey.notes)


def test_runs_within_a_folder_of_parquet_are_left_out(tmp_path: Path) -> None:
    touch(tmp_path, *(f"run/{name}" for name in RUN))
    pq.write_table(pa.table({"id": ["b"], "blob": [b"1"]}), tmp_path / "b.parquet")
    survey = open_survey(tmp_path)
    assert survey.sources["location"].to_pylist() == ["b.parquet#0"]
    # a note would tell a first run within the folder from a second
    assert survey.notes == ()


def test_the_folder_of_a_run_is_no_survey(tmp_path: Path) -> None:
    touch(tmp_path, *RUN)
    with pytest.raises(InputError, match="is the folder of a run"):
        open_survey(tmp_path)


def test_an_image_whose_name_is_not_utf8_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", os.fsdecode(b"caf\xe9.txt"))
    assert len(open_survey(tmp_path)) == 1
    touch(tmp_path, os.fsdecode(b"caf\xe9/b.png"))
    with pytest.raises(InputError, match=r"'caf\\udce9/b.png' is not UTF-8 text; rename"):
        open_survey(tmp_path)


def test_a_folder_of_images_whose_name_is_not_utf8_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "cat.csv", content=b"id,file\nfirst,a.png\n")
    touch(tmp_path, os.fsdecode(b"caf\xe9/a.png"))
    with pytest.raises(InputError, match=r"'caf\\udce9' is not UTF-8 text; rename"):
        open_survey(tmp_path / "cat.csv")


def test_same_name_twice_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "one/a.png", "two/a.png", "b.png")
    with pytest.raises(CatalogError, match="1 ids stand for more than one source: 'a'; rename"):
        open_survey(tmp_path)


def test_folder_without_images_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "one.csv", "two.csv", "notes.txt")
    with pytest.raises(InputError, match=r"no images.*'one.csv', 'two.csv'; other files: 1"):
        open_survey(tmp_path)


def test_parquet_catalog_beside_images(tmp_path: Path) -> None:
    touch(tmp_path, "a.png")
    pq.write_table(pa.table({"id": ["first"], "file": ["a.png"]}), tmp_path / "catalog.parquet")
    survey = open_survey(tmp_path)
    assert (survey.kind, survey.sources["id_str"].to_pylist()) == ("files", ["first"])


def test_order_and_place_of_files_do_not_change_the_fingerprint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "b.png", "a.png")
    assert open_survey(tmp_path).fingerprint() == open_survey(tmp_path).fingerprint()
    before = open_survey(tmp_path).fingerprint()
    monkeypatch.chdir(tmp_path)
    assert open_survey(Path(".")).fingerprint() == before
    touch(tmp_path, "c.png")
    assert open_survey(tmp_path).fingerprint() != before
