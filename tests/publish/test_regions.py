"""Region files: what DS9 would read of them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.publish.regions import region_name, region_text, regions, write_regions
from skerry.publish.sheets import sheet_name

STRING = re.compile(r"\{([^}\n]*)\}|\"([^\"\n]*)\"|'([^'\n]*)'")
"""The strings of DS9's region files."""
POINT = re.compile(rf"point\(([\d.]+),(-?[\d.]+)\) # point=(box|circle) text=({STRING.pattern})")


def text_of(quoted: str) -> str:
    match = STRING.fullmatch(quoted)
    assert match, quoted
    return next(group for group in match.groups() if group is not None)


@given(st.text())
def test_any_id_is_one_text_on_one_line(id_str: str) -> None:
    read = text_of(region_text(id_str))
    shown = "".join(c if c.isprintable() else " " for c in id_str)
    if not (set("{}") & set(shown) and '"' in shown and "'" in shown):
        assert read == shown
    else:
        assert read == shown.replace("{", "(").replace("}", ")")


def test_each_class_has_its_members_with_positions(judged, tmp_path: Path) -> None:
    written = write_regions(judged, tmp_path)
    assert [p.name for p in written] == [region_name(c) for c in judged.ranked]
    assert [p.stem for p in written] == [Path(sheet_name(c)).stem for c in judged.ranked]
    where = {r["id_str"]: r for r in judged.sources.to_pylist()}
    for found, path in zip(judged.ranked, written, strict=True):
        head, *points = path.read_text(encoding="utf-8").split("icrs\n")
        assert head.startswith("# Region file format: DS9")
        assert all(line[0] == "#" or line.startswith("global ") for line in head.splitlines())
        assert found.verdict in head and f"of {found.size} members" in head
        rows = [POINT.fullmatch(line) for line in points[0].splitlines()]
        known = [m for m in found.members if where[m]["ra"] is not None]
        assert [text_of(row[4]) for row in rows if row] == known
        for row, member in zip(rows, known, strict=True):
            assert row and float(row[1]) == pytest.approx(where[member]["ra"], abs=1e-8)
            assert float(row[2]) == pytest.approx(where[member]["dec"], abs=1e-8)
            assert (row[3] == "box") == (member in found.exemplars)


def test_ids_of_classes_cannot_escape_folder_or_comment(findings, tmp_path: Path) -> None:
    evil = replace(findings.classes[1], class_id="../../x\nimage; circle(1,2,3)")
    made = write_regions(replace(findings, classes=(evil,)), tmp_path / "regions")
    assert [p.parent for p in made] == [tmp_path / "regions"]
    assert re.fullmatch(r"002-[a-z0-9_-]+\.reg", made[0].name)
    assert list(tmp_path.iterdir()) == [tmp_path / "regions"]
    lines = regions(evil, []).splitlines()
    assert len(lines) == 4 and lines[1].startswith("# class ../../x image")


def test_no_positions_no_files(findings, tmp_path: Path) -> None:
    bare = findings.sources.set_column(
        1, "ra", pc.if_else(True, None, findings.sources["ra"]).cast("double")
    )
    assert write_regions(replace(findings, sources=bare), tmp_path) == []
    once = write_regions(findings, tmp_path / "a")
    again = write_regions(replace(findings, classes=findings.classes[::-1]), tmp_path / "b")
    assert [p.read_bytes() for p in once] == [p.read_bytes() for p in again]
