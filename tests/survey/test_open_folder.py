"""A folder is read as what it holds: images, a catalog beside them, or Parquet."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skerry.config import SourcesConfig
from skerry.errors import CatalogError, InputError
from skerry.survey import open_survey
from tests.survey.forms import write_tar


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


def packed(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": [path.stem], "blob": [b"1"]}), path)
    return path


def test_images_beside_others_in_tars_or_parquet_are_refused(tmp_path: Path) -> None:
    """As of a dataset with some previews: either may be the survey."""
    touch(tmp_path, "assets/preview.png")
    packed(tmp_path / "data" / "0.parquet")
    with pytest.raises(InputError, match=r"1 image files, as assets/preview.png, .* data/0.parq"):
        open_survey(tmp_path)
    assert len(open_survey(tmp_path / "data")) == 1
    packed(tmp_path / "0.parquet")
    with pytest.raises(InputError, match=r"others in 0.parquet; give the folder of one kind"):
        open_survey(tmp_path)
    # a catalog says which
    touch(tmp_path, "catalog.csv", content=b"id,file\nfirst,assets/preview.png\n")
    survey = open_survey(tmp_path)
    assert survey.sources["id_str"].to_pylist() == ["first"]
    assert "2 Parquet files were left out: give them in a folder of their own" in survey.notes


@pytest.mark.parametrize("odd", ["damaged", "two columns of bytes", "other columns"])
def test_a_catalog_decides_whatever_parquet_lies_beside(tmp_path: Path, odd: str) -> None:
    touch(tmp_path, "a.png")
    touch(tmp_path, "catalog.csv", content=b"id,shown\nfirst,a.png\n")
    columns = {"id": ["x"], "blob": [b"1"], **({"more": [b"2"]} if odd.startswith("two") else {})}
    path = tmp_path / "notes" / "z.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table(columns), path)
    if odd == "damaged":
        path.write_bytes(b"none")
    survey = open_survey(tmp_path, SourcesConfig(image_column="shown"))
    assert survey.sources["id_str"].to_pylist() == ["first"]


def test_a_parquet_catalog_may_have_bytes_beside_the_names(tmp_path: Path) -> None:
    """As astropy writes columns of text."""
    touch(tmp_path, "a.png")
    table = pa.table({"id": ["first"], "file_loc": ["a.png"], "detector": [b"VIS"]})
    pq.write_table(table, tmp_path / "galaxies.parquet")
    assert open_survey(tmp_path).sources["id_str"].to_pylist() == ["first"]


def test_what_lies_beside_tars_and_parquet_is_told(tmp_path: Path) -> None:
    packed(tmp_path / "parquet" / "deep" / "0.parquet")
    touch(tmp_path, "parquet/list.csv", "parquet/1.tar.gz")
    assert open_survey(tmp_path / "parquet").notes == (
        "none of the tables 'list.csv' was used, only the Parquet: to use one, give its path",
        "1 compressed tars were left out: unpack them",
    )
    write_tar(tmp_path / "tars" / "0.tar", {"a.png": b"1"})
    touch(tmp_path, "tars/1.TGZ", "tars/catalog.csv")
    packed(tmp_path / "tars" / "0.parquet")
    assert open_survey(tmp_path / "tars").notes == (
        "none of the tables 'catalog.csv' was used, only the tars: to use one, give its path",
        "1 Parquet files were left out: give them in a folder of their own",
        "1 compressed tars were left out: unpack them",
    )


def test_compressed_tars_are_to_be_unpacked(tmp_path: Path) -> None:
    touch(tmp_path, "0.tar.gz")
    with pytest.raises(InputError, match=r"compressed tars, to be unpacked: 1"):
        open_survey(tmp_path)
    with pytest.raises(InputError, match=r"0.tar.gz is a compressed tar.*unpack it"):
        open_survey(tmp_path / "0.tar.gz")


def test_several_parquet_files_by_a_pattern(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a/0", "a/1", "b/2"):
        packed(tmp_path / f"{name}.parquet")
    survey = open_survey(tmp_path / "?" / "*.parquet")
    assert survey.sources["location"].to_pylist() == [
        "a/0.parquet#0", "a/1.parquet#0", "b/2.parquet#0"
    ]  # fmt: skip
    assert len(open_survey(tmp_path / "a" / "{0..1}.parquet")) == 2
    monkeypatch.chdir(tmp_path / "a")
    here = open_survey(Path("*.parquet"))
    assert here.sources["location"].to_pylist() == ["0.parquet#0", "1.parquet#0"]
    assert here.fingerprint() == open_survey(tmp_path / "a" / "*.parquet").fingerprint()
    with pytest.raises(InputError, match=r"counts down in \{1..0\}"):
        open_survey(tmp_path / "a" / "{1..0}.parquet")


def test_a_pattern_of_images_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "b.png")
    with pytest.raises(InputError, match=r"names 2 files, as a.png; expected tars or Parquet"):
        open_survey(tmp_path / "*.png")


@pytest.mark.parametrize("first", [True, False])
def test_a_name_that_no_file_can_have_is_a_failure_wherever_it_stands(
    tmp_path: Path, first: bool
) -> None:
    touch(tmp_path, "images/a.png")
    rows = [f"long,{'n' * 300}.png", "a,a.png"]
    text = "\n".join(["id,file", *(rows if first else rows[::-1])])
    touch(tmp_path, "c.csv", content=text.encode())
    found = open_survey(tmp_path / "c.csv").images([0, 1])
    assert [isinstance(image, bytes) for image in found] == [True, False]
