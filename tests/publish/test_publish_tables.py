"""The catalogs read back equal from all four formats, and their bytes never change."""

from __future__ import annotations

import gc
import io
import json
import re
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits, votable
from astropy.table import Table
from astropy.units import Unit
from scipy.stats import binomtest, poisson

from skerry.publish import tables
from skerry.publish.columns import described
from skerry.publish.findings import Findings
from skerry.publish.formats import ENCODERS, SUFFIXES, to_ecsv, to_votable
from skerry.types import CHECKS_SCHEMA, CLASSES_SCHEMA, MEMBERS_SCHEMA, UNCLUSTERED_SCHEMA

SCHEMAS = {
    "classes": CLASSES_SCHEMA,
    "members": MEMBERS_SCHEMA,
    "checks": CHECKS_SCHEMA,
    "unclustered": UNCLUSTERED_SCHEMA,
}
VERDICTS = [[], ["confirmed", "tentative", "rejected"]]


def plain(table: pa.Table) -> dict[str, list[object]]:
    """Columns as lists, nulls as NaN's stand-in."""
    return {name: table[name].to_pylist() for name in table.column_names}


def from_astropy(table: Table) -> dict[str, list[object]]:
    """Columns as lists; masked and NaN are None."""
    out: dict[str, list[object]] = {}
    for name in table.colnames:
        values = np.ma.asarray(table[name]).tolist()
        out[name] = [None if v is None or v != v else v for v in values]
    return out


@pytest.fixture(scope="module", params=VERDICTS)
def written(request: pytest.FixtureRequest, make, judge, tmp_path_factory) -> tuple[Findings, Path]:
    found = make(len(request.param), n=300)
    if request.param:
        found = judge(found, request.param)
    else:
        nowhere = {"id_str": ["a"], "nearest_class": [""], "reason": ["in the sea"]}
        alone = {**nowhere, "distance_ratio": [np.nan], "membership": [0.0]}
        found = replace(found, unclustered=pa.table(alone))
    folder = tmp_path_factory.mktemp("products")
    paths = tables.write_products(found, folder)
    assert [p.name for p in paths] == [f"{n}.{s}" for n in SCHEMAS for s in SUFFIXES]
    return found, folder


@pytest.mark.parametrize("name", SCHEMAS)
def test_four_formats_read_back_equal(written, name: str) -> None:
    found, folder = written
    expected = getattr(tables, f"{name}_table")(found)
    assert expected.schema.equals(SCHEMAS[name], check_metadata=False)
    assert pq.read_table(folder / f"{name}.parquet").equals(expected, check_metadata=True)
    values = plain(expected)
    with fits.open(folder / f"{name}.fits") as hdus:
        read = Table(hdus[name.upper()].data)
    assert read.colnames == list(values)
    read.convert_bytestring_to_unicode()
    assert from_astropy(read) == values
    assert b"NaN" not in (folder / f"{name}.vot").read_bytes()
    parsed = votable.parse(folder / f"{name}.vot", verify="exception")
    assert from_astropy(parsed.get_first_table().to_table()) == values
    ecsv = Table.read(folder / f"{name}.ecsv", format="ascii.ecsv")
    assert ecsv.meta == {"name": name} and ecsv.colnames == list(values)
    read = from_astropy(ecsv)
    # astropy reads an empty text as a masked one
    text = [f.name for f in expected.schema if pa.types.is_string(f.type)]
    assert read == values | {c: [v or None for v in values[c]] for c in text}


@pytest.mark.parametrize("name", SCHEMAS)
def test_votable_is_valid(written, name: str) -> None:
    _, folder = written
    report = io.StringIO()
    assert votable.validate(folder / f"{name}.vot", output=report, xmllint=False), report.getvalue()


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_column_says_what_it_is(written, name: str) -> None:
    _, folder = written
    header = fits.getheader(folder / f"{name}.fits", name.upper())
    fields = votable.parse(folder / f"{name}.vot").get_first_table().fields
    schema = pq.read_schema(folder / f"{name}.parquet")
    ecsv = Table.read(folder / f"{name}.ecsv", format="ascii.ecsv")
    for number, (column, meant) in enumerate(described(name).items(), start=1):
        assert header[f"TTYPE{number}"] == column
        assert header[f"TCOMM{number}"] == meant.description
        assert header.get(f"TUNIT{number}", "") == meant.unit
        assert header[f"TUCD{number}"] == meant.ucd
        field = fields[number - 1]
        assert (field.name, field.description, field.ucd) == (column, meant.description, meant.ucd)
        assert Unit(field.unit or "") == Unit(meant.unit)
        metadata = schema.field(column).metadata
        assert metadata[b"description"].decode() == meant.description
        assert metadata.get(b"unit", b"").decode() == meant.unit
        told = ecsv[column].info
        assert (told.description, told.meta["ucd"]) == (meant.description, meant.ucd)
        assert Unit(told.unit or "") == Unit(meant.unit)


def test_same_findings_give_the_same_bytes_without_dates(findings, tmp_path: Path) -> None:
    once = tables.write_products(findings, tmp_path / "a")
    again = tables.write_products(findings, tmp_path / "b")
    for first, second in zip(once, again, strict=True):
        data = first.read_bytes()
        assert data == second.read_bytes()
        assert not re.search(rb"DATE|20\d\d-\d\d-\d\dT|CHECKSUM", data), first.name


def test_exemplars_are_a_json_list_whatever_the_ids(findings, tmp_path: Path) -> None:
    awkward = ("J12 05", 'a "b"', "é, c", "d\\e")
    odd = replace(findings, classes=(replace(findings.classes[0], exemplars=awkward),))
    tables.write_products(odd, tmp_path)
    cell = pq.read_table(tmp_path / "classes.parquet")["exemplars"][0].as_py()
    assert tuple(json.loads(cell)) == awkward and "é" in cell
    assert (
        pq.read_schema(tmp_path / "classes.parquet")
        .field("exemplars")
        .metadata[b"description"]
        .endswith(b"as a JSON list")
    )
    parsed = votable.parse(tmp_path / "classes.vot", verify="exception").get_first_table()
    assert parsed.array["exemplars"][0] == cell
    with fits.open(tmp_path / "classes.fits") as hdus:
        escaped = hdus[1].data["exemplars"][0]
    assert escaped.encode("ascii").decode("unicode_escape") == cell


def test_order_of_classes_does_not_matter(findings, tmp_path: Path) -> None:
    turned = replace(findings, classes=findings.classes[::-1])
    assert tables.members_table(turned).equals(tables.members_table(findings))
    assert tables.classes_table(turned)["rank"].to_pylist() == [1, 2, 3]


def test_prevalence_is_the_exact_binomial_interval(findings) -> None:
    table = tables.classes_table(findings)
    size, n = table["size"][0].as_py(), findings.n_searched
    exact = binomtest(size, n).proportion_ci(method="exact")
    assert table["prevalence"][0].as_py() == size / n
    assert table["prevalence_low"][0].as_py() == pytest.approx(exact.low, rel=1e-9)
    assert table["prevalence_high"][0].as_py() == pytest.approx(exact.high, rel=1e-9)
    low, high = tables.prevalence_interval([0, 5], 5)
    assert (low[0], high[1]) == (0, 1) and high[0] < 0.53 and low[1] > 0.47


def test_surface_density_is_the_exact_poisson_interval(judged) -> None:
    row = tables.classes_table(judged).to_pylist()[0]
    low, high = row["surface_density_low"], row["surface_density_high"]
    assert row["surface_density"] == row["size"] / 79.5
    assert poisson.sf(row["size"] - 1, low * 79.5) == pytest.approx(0.025)
    assert poisson.cdf(row["size"], high * 79.5) == pytest.approx(0.025)
    unknown = tables.classes_table(replace(judged, area=None))
    assert all(unknown[n].null_count == 6 for n in unknown.column_names if "surface" in n)


def test_a_judged_class_says_why(judged, findings) -> None:
    row = tables.classes_table(judged).to_pylist()[2]
    assert (row["verdict"], row["q_value"], row["replication"]) == ("tentative", 0.04, 0.75)
    assert row["isolation"] == pytest.approx(1.2 / 3**0.5)
    assert row["overdensity"] == pytest.approx(8 / 3**0.5)
    assert row["containment"] == pytest.approx(12 / 3**0.5)
    assert row["reasons"] == "It is tentative <so>. And & more."
    assert row["history"] == "split from SKR-9"
    assert (row["n_checks"], row["n_checks_passed"]) == (2, 1)
    bare = tables.classes_table(findings)
    assert bare["q_value"].null_count == bare["replication"].null_count == 3


def test_every_source_in_no_class_has_a_row(judged, findings, tmp_path: Path) -> None:
    turned = replace(judged, unclustered=judged.unclustered[::-1])
    table = tables.unclustered_table(judged)
    assert table.equals(tables.unclustered_table(turned))
    assert len(table) + judged.n_in_classes == judged.n_searched
    rejected = judged.rejected[0].members[0]
    assert rejected in table["id_str"].to_pylist()
    names = {p.name for p in tables.write_products(findings, tmp_path)}
    assert "unclustered.parquet" not in names and len(names) == 12


def test_members_carry_position_order_and_exemplar(findings) -> None:
    table = tables.members_table(findings)
    first = findings.classes[0]
    row = table.slice(2, 1).to_pylist()[0]
    assert (row["id_str"], row["order"], row["exemplar"]) == (first.members[2], 3, True)
    assert row["ra"] == pytest.approx(180.002)
    assert table["ra"][1].as_py() is None
    assert sum(table["exemplar"].to_pylist()) == sum(len(c.exemplars) for c in findings.classes)


def test_a_member_that_the_catalog_lacks_has_no_position(findings) -> None:
    ra, _ = tables.positions(findings, pa.array(["nowhere", "S000002"]))
    assert ra.to_pylist()[0] is None and ra.to_pylist()[1] == pytest.approx(180.002)


def test_text_beyond_ascii_and_xml_survives_as_escapes(findings, tmp_path: Path) -> None:
    odd = replace(findings, distinctive={findings.classes[0].class_id: "é \x07 ≥ 1"})
    tables.write_products(odd, tmp_path)
    with fits.open(tmp_path / "classes.fits") as hdus:
        assert hdus[1].data["distinctive"][0] == "\\xe9 \\x07 \\u2265 1"
    parsed = votable.parse(tmp_path / "classes.vot", verify="exception").get_first_table()
    assert parsed.array["distinctive"][0] == "é \ufffd ≥ 1"


def test_ids_that_differ_in_a_line_end_stay_two_in_a_votable() -> None:
    table = pa.table({"id_str": ["a\rb", "a\nb", "a\r\nb"]})
    read = Table.read(io.BytesIO(b"".join(to_votable("members", table))), format="votable")
    assert list(read["id_str"]) == ["a\ufffdb", "a\nb", "a\ufffd\nb"]


def test_text_that_ecsv_would_break_on_survives(findings, tmp_path: Path) -> None:
    whole = 'é "a", {b}  # c\nd\te \\ 007'
    for text, expected in (
        (whole, whole),
        ("a\x85b\u2028c\rd\x00", "a\ufffdb\ufffdc\ufffdd\ufffd"),
    ):
        odd = replace(findings, distinctive={c.class_id: text for c in findings.classes})
        tables.write_products(odd, tmp_path)
        read = Table.read(tmp_path / "classes.ecsv", format="ascii.ecsv")
        assert list(read["distinctive"]) == [expected] * 3
        assert list(read["rank"]) == [1, 2, 3]


def test_no_row_of_ecsv_is_taken_for_a_comment() -> None:
    ids = ["#hash", "# a b", '#"q"', "\u3000#wide", "", "plain", "#", "a\n#b", "#c\n  #d"]
    table = pa.table({"id_str": ids, "note": ids[::-1], "n": list(range(len(ids)))})
    read = Table.read(b"".join(to_ecsv("members", table)).decode(), format="ascii.ecsv")
    expected = [*ids[:-2], "a\ufffd#b", "#c\ufffd  #d"]
    assert list(read["n"]) == list(range(len(ids)))
    assert list(read["id_str"].filled("")) == expected
    assert list(read["note"].filled("")) == expected[::-1]


@pytest.mark.parametrize("rows", [0, 1, 7])
@pytest.mark.parametrize("suffix", ENCODERS)
def test_a_block_at_a_time_is_all_at_once(
    suffix: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the longest text, the null and the one that has to be escaped lie apart."""
    columns = {
        "id_str": ["a", "#b", "a longer one", "", "é", "<TABLEDATA>\n</TABLEDATA>", "\n #c"],
        "z": [0.1, None, 1e-300, float("nan"), -2.5, 3.0, 1.0],
        "seen": [True, False, True, True, False, False, True],
        "n": list(range(7)),
    }
    table = pa.table(columns).slice(0, rows)
    whole = b"".join(ENCODERS[suffix]("things", table))
    monkeypatch.setattr("skerry.publish.formats._ROWS", 2)
    pieces = list(ENCODERS[suffix]("things", table))
    assert len(pieces) > rows // 2
    assert b"".join(pieces) == whole
    form = {"fits": "fits", "vot": "votable", "ecsv": "ascii.ecsv"}[suffix]
    read = Table.read(io.BytesIO(whole), format=form)
    assert list(read["n"]) == columns["n"][:rows]


@pytest.mark.parametrize("suffix", ENCODERS)
def test_memory_does_not_grow_with_the_rows(suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skerry.publish.formats._ROWS", 2_000)
    peaks = []
    for n in (4_000, 40_000):
        table = pa.table({"id_str": [f"source-{i:05d}" for i in range(n)]})
        tracemalloc.start()
        for _ in ENCODERS[suffix]("things", table):
            gc.collect()  # tables of astropy hold each other
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]
