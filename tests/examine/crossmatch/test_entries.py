"""Entries of another catalog's file: positions as a run reads its own, in a canonical order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.table import Table

from skerry.errors import CannotAnswerError, CatalogError
from skerry.examine.crossmatch.entries import entries_of
from tests.examine.crossmatch.placed import field, write


@pytest.mark.parametrize(
    ("suffix", "unit"), [(".ecsv", "rad"), (".ecsv", "hourangle"), (".fits", "rad")]
)
def test_positions_in_another_unit_are_refused(tmp_path: Path, suffix: str, unit: str) -> None:
    places = np.radians(field(5, 0)) if unit == "rad" else field(5, 0) / 15
    path = tmp_path / f"known{suffix}"
    Table(places, names=["ra", "dec"], units=[units.Unit(unit)] * 2).write(path)
    with pytest.raises(CatalogError, match=rf"'ra' is in {unit}; convert it to degrees"):
        entries_of(path)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("10 33 26.3,2.0", "'ra' is not in decimal degrees"),
        ("150.1,95", "1 of 2 values of dec are outside .* as 95 of 'row 2'; correct them$"),
        ("400,2.0", "1 of 2 values of ra are outside"),
    ],
)
def test_what_is_no_position_in_degrees_is_refused(tmp_path: Path, row: str, said: str) -> None:
    path = tmp_path / "known.csv"
    path.write_text(f"ra,dec\n150.0,2.0\n{row}\n")
    with pytest.raises(CatalogError, match=said):
        entries_of(path)


def test_a_catalog_without_a_position_is_refused_and_rows_without_one_are_counted(
    tmp_path: Path,
) -> None:
    path = tmp_path / "known.csv"
    for text in ("ra,dec,type\n", "ra,dec,type\n,,lens\n150,,lens\n"):
        path.write_text(text)
        with pytest.raises(CannotAnswerError, match=r"none of the \d rows of .* has a position"):
            entries_of(path)
    path.write_text("ra,dec,type\n150,2,lens\n,,ring\n-10,,ring\n-20,1,merger\n")
    entries = entries_of(path)
    assert entries.places.tolist() == [[150.0, 2.0], [340.0, 1.0]]
    assert entries.rows["type"].to_pylist() == ["lens", "merger"]
    assert "known.csv: 2 of 4 rows have no position." in entries.notes


def test_the_order_of_the_rows_is_that_of_positions_and_then_of_texts(tmp_path: Path) -> None:
    places = np.repeat(field(10, 1), 3, axis=0)
    kinds = ["ring", "lens", "merger"] * 10
    orders = [np.arange(30), np.random.default_rng(0).permutation(30)]
    files = [
        write(tmp_path / f"{i}.csv", places[order], type=[kinds[j] for j in order])
        for i, order in enumerate(orders)
    ]
    one, other = map(entries_of, files)
    assert one.rows.equals(other.rows) and np.array_equal(one.places, other.places)
    assert one.rows["type"].to_pylist() == ["lens", "merger", "ring"] * 10
    assert one.ambiguous(np.array([0, 4, 5]), ["type"]) == 2
    assert one.ambiguous(np.array([0, 4, 5]), ["ra"]) == one.ambiguous(np.array([0]), []) == 0
