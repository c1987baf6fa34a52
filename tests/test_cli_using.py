from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table

from skerry.cli.common import report
from skerry.cli.tables import SUFFIXES, print_table
from skerry.errors import InputError
from skerry.publish import formats
from skerry.types import FloatArray
from skerry.using import Finished
from tests.conftest import N_SEA, contents, write_vectors
from tests.test_cli import call

IDS = ["plain", "Größe 7", 'a, "b"', "007", "bell\x07"]
"""Ids that one format or another cannot hold as they are."""


@pytest.fixture
def new(planted: FloatArray, tmp_path: Path) -> Path:
    """Members of a class, sources of the sea, and one that cannot be read."""
    vectors = planted[[N_SEA, N_SEA + 1, 0, 1, 2]].copy()
    vectors[3, 0] = np.nan
    return write_vectors(tmp_path / "new.parquet", vectors, IDS)


def answer(*arguments: object) -> Any:
    code, out, _ = call(*arguments, "--json")
    assert code == 0, out
    return json.loads(out)


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a written table, text as text; None where there is no number."""
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    kinds = {".csv": "ascii.csv", ".fits": "fits", ".vot": "votable", ".ecsv": "ascii.ecsv"}
    more = {"converters": {"id_str": str}} if path.suffix == ".csv" else {}
    table = Table.read(path, format=kinds[path.suffix], **more)
    return [{name: _plain(row[name]) for name in table.colnames} for row in table]


def _plain(value: Any) -> Any:
    if value is np.ma.masked or (isinstance(value, float) and np.isnan(value)):
        return None
    return value.decode() if isinstance(value, bytes) else getattr(value, "item", lambda: value)()


@pytest.mark.parametrize("suffix", ["csv", "parquet", "fits", "vot", "ecsv"])
def test_placed_is_written_and_reads_back(
    judged: Path, new: Path, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / "made" / f"placed.{suffix}"
    found = answer("assign", judged, new, "-o", path)
    assert [r["id_str"] for r in found["sources"]] == IDS
    assert [bool(r["class_id"]) for r in found["sources"]] == [True, True, False, False, False]
    assert [r["p_value"] is None for r in found["sources"]] == [False, False, False, True, False]
    expected = found["sources"]
    if suffix == "fits":
        expected[1]["id_str"], expected[4]["id_str"] = r"Gr\xf6\xdfe 7", r"bell\x07"
    if suffix in ("vot", "ecsv"):
        expected[4]["id_str"] = "bell\ufffd"
    rows = read(path)
    for row in [*rows, *expected]:
        row["class_id"], row["failure"] = row["class_id"] or "", row["failure"] or ""
        row["nearest_class"] = row["nearest_class"] or ""
    assert rows == expected
    before = path.read_bytes()
    answer("assign", judged, new, "-o", path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("suffix", ["csv", "parquet", "fits", "vot", "ecsv"])
def test_grown_is_written_and_reads_back(judged: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"grown.{suffix}"
    name = Finished(judged).classes[0].class_id
    found = answer("grow", judged, name, "--limit", 300, "-o", path)
    assert (found["class_id"], found["verdict"]) == (name, "confirmed")
    assert len(found["candidates"]) == 300
    rows = read(path)
    assert [{**r, "class_id": r["class_id"] or ""} for r in rows] == found["candidates"]


def test_tables_can_be_in_each_format_of_the_products() -> None:
    assert sorted(SUFFIXES) == sorted([".csv", *(f".{suffix}" for suffix in formats.SUFFIXES)])


@pytest.mark.parametrize("suffix", ["parquet", "fits", "vot", "ecsv"])
def test_columns_say_what_they_mean(finished: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"similar.{suffix}"
    name = pq.read_table(finished / "products" / "members.parquet")["id_str"][0].as_py()
    answer("similar", finished, "--id", name, "-n", 3, "-o", path)
    if suffix == "parquet":
        fields = pq.read_schema(path)
        assert all(f.metadata[b"description"] and f.metadata[b"ucd"] for f in fields)
        assert fields.field("ra").metadata[b"unit"] == b"deg"
        return
    table = Table.read(path)
    assert str(table["ra"].unit) == str(table["dec"].unit) == "deg"
    if suffix == "fits":
        header = fits.getheader(path, 1)
        assert header["EXTNAME"] == "SIMILAR" and header["TUCD5"] == "pos.eq.ra;meta.main"
    else:
        assert all(table[column].description for column in table.colnames)
        assert table["ra"].meta["ucd"] == "pos.eq.ra;meta.main"


def test_tables_are_shown(judged: Path, new: Path) -> None:
    name = Finished(judged).classes[0].class_id
    code, out, _ = call("grow", judged, name)
    assert code == 0
    assert f"Most like {name}, confirmed" in out and "and 60 more: write" in out
    code, out, _ = call("assign", judged, new)
    assert code == 0
    assert "2 placed, 2 in none of them, 1 could not be read." in out
    assert "Größe 7" in out and "007" in out and "NaN" in out
    assert "members kept" in out and "confirmed" in out


def test_what_was_written_is_told(judged: Path, new: Path, tmp_path: Path) -> None:
    name, path = Finished(judged).classes[0].class_id, tmp_path / "made" / "t.csv"
    member = Finished(judged).classes[0].members[0]
    for command in (
        ("grow", judged, name),
        ("similar", judged, "--id", member, "-n", 100),
        ("assign", judged, new),
    ):
        code, out, _ = call(*command, "-o", path)
        assert code == 0 and f"Written: {path}\n" in out and "with -o" not in out
        assert ("and 60 more\n" in out) == (command[0] != "assign")


def test_a_position_may_be_negative(judged: Path) -> None:
    code, out, _ = call("similar", judged, "--position", -10, -5, "--json")
    # the run has no positions: this one was not refused
    assert code == 1 and "no source of the run has a position" in json.loads(out)["message"]


def test_ids_are_whole_in_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    source, held = "s" + "0123456789" * 5, "SKR-" + "9876543210" * 4
    heads = ("rank", "source", "distance", "nth", "ra", "dec", "in class")
    row = ("1", source, "12345.678", "4321", "359.123456", "-89.123456", held)
    print_table("Most like", heads, [row])
    lines = [line.split("│")[1:-1] for line in capsys.readouterr().out.splitlines() if "│" in line]
    assert tuple("".join(c.strip() for c in column) for column in zip(*lines, strict=True)) == row
    assert [c.strip() for c in lines[0]][2:6] == list(row[2:6])


def test_control_characters_are_not_sent_to_the_terminal(
    judged: Path, planted: FloatArray, tmp_path: Path
) -> None:
    vectors, raw = planted[[N_SEA, 0]].copy(), ["a\x1b[2Jb", "c\r\x9b\u202ed"]
    vectors[1, 0] = np.nan
    placed = call("assign", judged, write_vectors(tmp_path / "t.parquet", vectors, raw))
    twice = call("assign", judged, write_vectors(tmp_path / "u.parquet", vectors, raw[:1] * 2))
    asked = call("similar", judged, "--id", raw[1])
    for (_, out, err), names in ((placed, raw), (twice, raw[:1]), (asked, raw[1:])):
        assert all(c.isprintable() for line in (out + err).split("\n") for c in line)
        for name in names:
            assert name.encode("unicode_escape").decode() in out + err


def test_errors_send_no_control_characters_either(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> dict[str, Any]:
        raise InputError("é\x07 could not be read:\nnot \x9b2J")

    for as_json in (False, True):
        with pytest.raises(SystemExit):
            report(work, print, as_json)
    told = capsys.readouterr()
    assert told.err == "skerry: é\\x07 could not be read:\nnot \\x9b2J\n"
    assert json.loads(told.out)["message"] == "é\x07 could not be read:\nnot \x9b2J"


def test_nothing_is_written_where_it_would_harm(judged: Path, new: Path, tmp_path: Path) -> None:
    before, kept = contents(judged), new.read_bytes()
    name = Finished(judged).classes[0].class_id

    grow, assign = ("grow", judged, name), ("assign", judged, new)
    (tmp_path / "folder.csv").mkdir()
    for command, output, words in (
        (grow, tmp_path / "t.txt", "expected a .csv, .parquet, .fits, .vot or .ecsv"),
        (assign, tmp_path / "t.txt", "expected a .csv, .parquet, .fits, .vot or .ecsv"),
        (grow, judged / "products" / "members.parquet", "choose a file outside it"),
        (assign, judged / "placed.csv", "choose a file outside it"),
        (assign, new, "choose a file outside it"),
        # among images a table would be taken for their catalog
        (("assign", judged, tmp_path), tmp_path / "placed.csv", "choose a file outside it"),
        (grow, tmp_path / "folder.csv", "cannot be written there"),
        (grow, new / "t.csv", "cannot be written there"),
    ):
        code, out, _ = call(*command, "-o", output, "--json")
        found = json.loads(out)
        assert (code, found["error"]) == (1, "ConfigError") and words in found["message"]
    assert contents(judged) == before and new.read_bytes() == kept
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.csv", "new.parquet"]


def test_how_new_sources_are_read_can_be_set(judged: Path, new: Path) -> None:
    table = pq.read_table(new)
    pq.write_table(table.rename_columns(["nummer", *table.column_names[1:]]), new)
    code, out, err = call("assign", judged, new)
    assert code == 1 and not out and "set sources.id_column" in err
    options = ("-s", "sources.id_column=nummer", "-s", "sources.vector_prefix=feat_")
    assert [r["id_str"] for r in answer("assign", judged, new, *options)["sources"]] == IDS
    code, out, _ = call("assign", judged, new, "-s", "neighbors.k=16", "--json")
    assert code == 1 and json.loads(out)["error"] == "ConfigError"


def test_errors_are_json_too(judged: Path, new: Path, tmp_path: Path) -> None:
    for command, kind in (
        (("grow", judged, "SKR-0"), "InputError"),
        (("grow", tmp_path, "SKR-0"), "RunError"),
        (("assign", new, judged), "RunError"),
        (("assign", judged, tmp_path / "none"), "InputError"),
    ):
        code, out, _ = call(*command, "--json")
        assert code == 1 and json.loads(out)["error"] == kind
    assert call("grow", judged, "SKR-0", "--limit", 0)[0] == 2
