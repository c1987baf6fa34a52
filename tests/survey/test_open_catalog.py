"""A catalog gives the same sources in any format and order, and every fault a clear error."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Column, MaskedColumn, Table
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.config import SourcesConfig
from skerry.errors import CatalogError, InputError
from skerry.survey import Survey, open_survey
from skerry.types import Failure

# No leading "#": astropy writes it unquoted to ECSV, where it makes the row a comment.
WORDS = st.from_regex(r"[A-Za-z0-9.+_-][A-Za-z0-9.+_#-]{0,11}", fullmatch=True)
ROWS = st.lists(
    st.tuples(
        WORDS | st.integers(10**17, 2**63 - 1).map(str) | st.integers(0, 99).map("{:05d}".format),
        st.floats(0, 360, exclude_max=True),
        st.floats(-90, 90),
        WORDS,
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda row: row[0],
)
Row = tuple[str, float, float, str]


def write(path: Path, rows: list[Row]) -> Path:
    columns = [list(c) for c in zip(*rows, strict=True)]
    table = Table(columns, names=["id_str", "ra", "dec", "file_loc"])
    if path.suffix == ".csv":
        lines = ["id_str,ra,dec,file_loc", *(f"{i},{r!r},{d!r},{f}" for i, r, d, f in rows)]
        path.write_text("\n".join(lines) + "\n")
    elif path.suffix == ".parquet":
        pq.write_table(pa.table(dict(zip(table.colnames, columns, strict=True))), path)
    else:
        kinds = {".fits": "fits", ".ecsv": "ascii.ecsv", ".vot": "votable"}
        table.write(path, format=kinds[path.suffix], overwrite=True)
    return path


def text(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


def opened(folder: Path, content: str, **config: str) -> Survey:
    return open_survey(text(folder / "cat.csv", content), SourcesConfig(**config))  # type: ignore[arg-type]


@settings(max_examples=15, deadline=None, derandomize=True)
@given(ROWS)
def test_every_format_gives_the_same_sources(rows: list[Row]) -> None:
    with TemporaryDirectory() as name:
        found = {
            suffix: open_survey(write(Path(name) / f"t{suffix}", rows))
            for suffix in (".csv", ".ecsv", ".fits", ".vot", ".parquet")
        }
    first = found[".csv"]
    assert first.sources.num_rows == len(rows)
    assert first.sources.to_pylist() == sorted(
        ({"id_str": i, "ra": r, "dec": d, "location": f} for i, r, d, f in rows),
        key=lambda row: str(row["id_str"]).encode(),
    )
    for survey in found.values():
        assert survey.kind == "files"
        assert survey.sources.equals(first.sources)
        assert survey.fingerprint() == first.fingerprint()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(ROWS, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(rows: list[Row], random: Any) -> None:
    shuffled = rows.copy()
    random.shuffle(shuffled)
    with TemporaryDirectory() as name:
        one = open_survey(write(Path(name) / "one.csv", rows))
        two = open_survey(write(Path(name) / "two.csv", shuffled))
        assert one.sources.equals(two.sources)
        assert one.fingerprint() == two.fingerprint()


def test_ids_keep_every_digit(tmp_path: Path) -> None:
    survey = opened(tmp_path, "objid,file\n00123,a\n 1237648720693755918 ,b\n9007199254740993,c\n")
    assert survey.sources["id_str"].to_pylist() == [
        "00123", "1237648720693755918", "9007199254740993",
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", [".fits", ".ecsv", ".vot", ".parquet"])
def test_integer_ids_keep_every_digit(tmp_path: Path, suffix: str) -> None:
    ids = np.array([1237648720693755918, 9007199254740993], np.int64)
    table = Table([ids, ["a", "b"]], names=["objid", "file"])
    path = tmp_path / f"t{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.table({"objid": ids, "file": ["a", "b"]}), path)
    else:
        table.write(path, format={".vot": "votable", ".ecsv": "ascii.ecsv"}.get(suffix, "fits"))
    assert open_survey(path).sources["id_str"].to_pylist() == [
        "1237648720693755918", "9007199254740993",
    ]  # fmt: skip


def test_dictionary_and_large_text_are_text(tmp_path: Path) -> None:
    columns = {
        "id": pa.array(["b", "a"], pa.large_string()),
        "file": pa.array(["x", "y"]).dictionary_encode(),
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    sources = open_survey(tmp_path / "t.parquet").sources
    assert sources["id_str"].to_pylist() == ["a", "b"]
    assert sources["location"].to_pylist() == ["y", "x"]


def test_choices_and_notes_are_recorded(tmp_path: Path) -> None:
    survey = opened(tmp_path, "name,OBJID,RA,Dec,file,label\na,1,10,-5,x.png,0\n")
    assert survey.choices == {"id": "OBJID", "image": "file", "ra": "RA", "dec": "Dec"}
    assert any("'OBJID' was taken, not 'name'" in note for note in survey.notes)
    assert survey.sources.to_pylist() == [
        {"id_str": "1", "ra": 10.0, "dec": -5.0, "location": "x.png"}
    ]


def test_configured_columns_win(tmp_path: Path) -> None:
    content = "id_str,other,ra,alpha,dec,file,png\na,b,1,2,3,x,y\n"
    survey = opened(tmp_path, content, id_column="other", ra_column="alpha", image_column="png")
    assert survey.sources.to_pylist() == [{"id_str": "b", "ra": 2.0, "dec": 3.0, "location": "y"}]


def test_ids_from_the_names_of_images(tmp_path: Path) -> None:
    survey = opened(tmp_path, "file\nimages/b.jpg\nimages/a.jpg\n", id_column="file")
    assert survey.sources["id_str"].to_pylist() == ["a", "b"]


def test_quoted_commas_and_byte_order_mark(tmp_path: Path) -> None:
    survey = opened(tmp_path, '\ufeffid,file\n"a,1",x.png\n')
    assert survey.sources["id_str"].to_pylist() == ["a,1"]


def test_ecsv_is_known_by_its_first_line(tmp_path: Path) -> None:
    rows: list[Row] = [("1", 1.0, 2.0, "a")]
    ecsv = write(tmp_path / "t.ecsv", rows).read_text()
    assert opened(tmp_path, ecsv).sources["id_str"].to_pylist() == ["1"]


def test_no_position_is_null(tmp_path: Path) -> None:
    survey = opened(tmp_path, "id,file,ra,dec\na,x,,\nb,y,nan,NaN\nc,z,1,\n")
    assert survey.sources["ra"].null_count == 3
    assert survey.sources["dec"].null_count == 3
    assert any("1 sources have only one of ra and dec" in note for note in survey.notes)
    assert opened(tmp_path, "id,file,ra\na,x,1\n").sources["ra"].null_count == 1


def test_masked_values_are_null(tmp_path: Path) -> None:
    table = Table([["a", "b"], ["x", "y"]], names=["id", "file"])
    for name in ("ra", "dec"):
        table[name] = MaskedColumn([1.0, 2.0], mask=[False, True], unit="deg")
    table.write(tmp_path / "t.vot", format="votable")
    assert open_survey(tmp_path / "t.vot").sources["ra"].to_pylist() == [1.0, None]


def test_negative_ra_is_wrapped(tmp_path: Path) -> None:
    survey = opened(tmp_path, "id,file,ra,dec\na,x,-10,0\nb,y,-1e-20,0\nc,z,-180,0\n")
    assert survey.sources["ra"].to_pylist() == [350.0, 0.0, 180.0]
    assert any("3 negative" in note for note in survey.notes)


FAULTS: dict[str, tuple[str, dict[str, str], str]] = {
    "no rows": ("id,file\n", {}, "header but no rows"),
    "no bytes": ("", {}, "0 bytes"),
    "blank header": ("\n\n", {}, "first line is blank"),
    "repeated ids": ("id,file\na,x\nb,y\na,z\n", {}, "1 ids stand for more than one source: 'a'"),
    "no id": ("x,file\n1,a\n", {}, "no column of ids.*Columns: 'x', 'file'"),
    "no image": ("id,x\n1,a\n", {}, "no column that names images"),
    "empty id": ("id,file\na,x\n  ,y\n", {}, r"1 of 2 ids .* are empty \(row 2\)"),
    "ra too large": ("id,file,ra,dec\na,x,360,0\n", {}, r"1 of 1 values of ra .* 360 of 'a'"),
    "dec too large": ("id,file,ra,dec\na,x,0,90.1\n", {}, "dec are outside"),
    "infinite": ("id,file,ra,dec\na,x,inf,0\n", {}, "ra are outside"),
    "hours": ("id,file,ra,dec\na,x,12:30:00,0\n", {}, "not in decimal degrees.*12:30:00"),
    "ragged": ("id,file\na,x,extra\n", {}, "cannot be read"),
    "configured, missing": ("id,file\na,x\n", {"ra_column": "alpha"}, "sources.ra_column"),
    "dec missing": ("id,file,alpha\na,x,1\n", {"ra_column": "alpha"}, "set sources.dec_column"),
    "one column twice": (
        "id,file,p\na,x,1\n", {"ra_column": "p", "dec_column": "p"}, "both set to the column 'p'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_faulty_catalog_is_refused_with_its_reason(tmp_path: Path, case: str) -> None:
    content, config, reason = FAULTS[case]
    with pytest.raises(CatalogError, match=reason):
        opened(tmp_path, content, **config)


@pytest.mark.parametrize("suffix", [".fits", ".vot", ".ecsv", ".parquet"])
def test_damaged_table_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    path.write_bytes(b"\x01nonsense" * 50)
    with pytest.raises(CatalogError, match="cannot be read as"):
        open_survey(path)


def test_float_ids_and_other_units_are_refused(tmp_path: Path) -> None:
    def table(**columns: Any) -> Path:
        Table(columns).write(tmp_path / "t.fits", overwrite=True)
        return tmp_path / "t.fits"

    with pytest.raises(CatalogError, match="loses digits"):
        open_survey(table(id=[1.0, 2.0], file=["a", "b"]))
    with pytest.raises(CatalogError, match="is in rad; convert"):
        radians = Column([0.1, 0.2], unit="rad")
        open_survey(table(id=["1", "2"], file=["a", "b"], ra=radians, dec=[1.0, 2.0]))


def test_what_is_no_survey_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        open_survey(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no images"):
        open_survey(tmp_path)
    with pytest.raises(CatalogError, match="no table that can be read"):
        open_survey(text(tmp_path / "notes.txt", "hello"))


def test_missing_and_empty_images_are_failures(tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(b"")
    (tmp_path / "c.png").write_bytes(b"content")
    (tmp_path / "d.png").mkdir()
    survey = opened(tmp_path, "id,file\na,gone.png\nb,b.png\nc,c.png\nd,d.png\ne,\n")
    found = list(survey.images([4, 2, 0, 1, 3]))
    assert found[1] == b"content"
    failures = [f for f in found if isinstance(f, Failure)]
    assert [f.id_str for f in failures] == ["e", "a", "b", "d"]
    assert [f.location for f in failures] == ["", "gone.png", "b.png", "d.png"]
    for failure, part in zip(
        failures, ["names no image", "no such file", "0 bytes", "cannot be read"], strict=True
    ):
        assert part in failure.reason
    with pytest.raises(InputError, match="no vectors"):
        survey.vectors(slice(0, 1))


def test_bare_names_are_found_in_the_folder_beside(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(b"a")
    survey = opened(tmp_path, "id,file\na,a.png\nb,\n")
    assert survey.sources["location"].to_pylist() == ["images/a.png", ""]
    assert next(survey.images([0])) == b"a"
    assert any("'images'" in note for note in survey.notes)


def change_nothing(folder: Path) -> None:
    pass


def change_content(folder: Path) -> None:
    (folder / "a.png").write_bytes(b"longer")


def change_time(folder: Path) -> None:
    os.utime(folder / "a.png", ns=(1, 1))


def remove(folder: Path) -> None:
    (folder / "a.png").unlink()


def change_position(folder: Path) -> None:
    (folder / "cat.csv").write_text("id,file,ra,dec\na,a.png,1,3\n")


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (change_nothing, True), (change_content, False), (change_time, False), (remove, False),
        (change_position, False),
    ],
)  # fmt: skip
def test_fingerprint_follows_content(
    tmp_path: Path, change: Callable[[Path], None], same: bool
) -> None:
    prints = []
    for name in ("here", "there"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "a.png").write_bytes(b"image")
        os.utime(folder / "a.png", ns=(10**18, 10**18))
        (folder / "cat.csv").write_text("id,file,ra,dec\na,a.png,1,2\n")
        if name == "there":
            change(folder)
        prints.append(open_survey(folder / "cat.csv").fingerprint())
    assert (prints[0] == prints[1]) is same


def test_fingerprint_does_not_hang_on_how_the_input_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A catalog that names its images by absolute paths, opened relatively, fully, by a link."""
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    image = tmp_path / "there" / "a.png"
    image.write_bytes(b"image")
    (tmp_path / "there" / "cat.csv").write_text(f"id,file,ra,dec\na,{image},1,2\n")
    monkeypatch.chdir(tmp_path / "there")
    ways = ("cat.csv", tmp_path / "there" / "cat.csv", tmp_path / "link" / "cat.csv")
    assert len({open_survey(Path(way)).fingerprint() for way in ways}) == 1
