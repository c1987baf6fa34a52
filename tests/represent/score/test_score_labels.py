from __future__ import annotations

import csv
import io
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skerry.errors import CatalogError, InputError
from skerry.represent.score.labels import (
    fractions,
    incomplete,
    kinds,
    read_columns,
    schema_of,
    voted,
)
from skerry.represent.score.notes import on_labels
from skerry.represent.trees.schema import GZ2, GZ2_TRAINED
from skerry.survey import open_survey


def png(value: int) -> bytes:
    pixels = np.full((16, 16, 3), value, np.uint8)
    pixels[4:8] = 255 - value
    return bytes(cv2.imencode(".png", pixels)[1].tobytes())


def folder_with(path: Path, rows: list[dict[str, str]]) -> Path:
    path.mkdir()
    for i, row in enumerate(rows):
        (path / f"{row['id_str']}.png").write_bytes(png(i))
        row["file_loc"] = f"{row['id_str']}.png"
    with (path / "catalogue.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def votes(n: int, **columns: list[float]) -> pa.Table:
    """A table of fractions, 0 but for the columns given, dashes and all."""
    zeros = {f"{c}_fraction": [0.0] * n for c in GZ2.columns}
    return pa.table(zeros | {f"{k}_fraction": v for k, v in columns.items()})


def test_columns_follow_the_survey_whatever_the_order_of_the_catalog(tmp_path: Path) -> None:
    rows = [{"id_str": i, "label": f"of {i}"} for i in ("007", "b", "a", "12")]
    survey = open_survey(folder_with(tmp_path / "f", rows))
    table = read_columns(survey)
    expected = [f"of {i}" for i in survey.sources["id_str"].to_pylist()]
    assert table["label"].to_pylist() == expected
    by_path = read_columns(open_survey(tmp_path / "f" / "catalogue.csv"))
    assert by_path["label"].to_pylist() == expected


def test_columns_of_parquet_come_without_the_images(tmp_path: Path) -> None:
    images = [{"bytes": png(i), "path": f"{i}.png"} for i in range(3)]
    for part, ids in enumerate((["z", "y", "x"], ["c", "b", "a"])):
        table = pa.table({"id_str": ids, "image": images, "ring": [0, 1, 1], "ok": [True] * 3})
        pq.write_table(table, tmp_path / f"{part}.parquet")
    survey = open_survey(tmp_path)
    table = read_columns(survey)
    assert table.column_names == ["id_str", "ring", "ok"]
    assert table["id_str"].to_pylist() == survey.sources["id_str"].to_pylist()
    assert table["ring"].to_pylist() == [0, 1, 1, 0, 1, 1]


def test_images_without_a_catalog_are_not_labeled(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(3))
    with pytest.raises(InputError, match="no catalog with their ids and labels"):
        read_columns(open_survey(tmp_path))


def test_a_tree_is_known_by_its_columns() -> None:
    names = votes(1).column_names
    found = schema_of(names)
    assert found is not None and found.columns == GZ2.columns
    assert schema_of(names[1:]) is None
    assert schema_of(names, [GZ2_TRAINED]) is GZ2_TRAINED


def test_odd_features_need_half_of_the_votes_twice() -> None:
    table = votes(
        5,
        **{
            "something-odd-gz2_yes": [0.6, 0.5, 0.9, 0.8, 0.7],
            "odd-feature-gz2_ring": [0.5, 0.4, 0.45, 0.0, 0.0],
            "odd-feature-gz2_merger": [0.1, 0.1, 0.45, 0.0, 0.6],
            "odd-feature-gz2_other": [0.0, 0.0, 0.0, 0.8, 0.1],
        },
    )
    found = kinds(table)
    assert found["ring"].tolist() == [True, False, False, False, False]
    assert found["merger"].tolist() == [False, False, False, False, True]
    assert set(found) == {"ring", "merger", "irregular", "disturbed", "dust-lane", "lens-or-arc"}


def test_labels_and_columns_of_zeros_and_ones_are_kinds() -> None:
    table = pa.csv.read_csv(
        io.BytesIO(b"id_str,label,ring,count,always,mixed_fraction\na,x,1,2,1,0\nb,y,0,1,1,1\n")
    )
    found = kinds(table.append_column("lens", pa.array([True, False])))
    assert {k: v.tolist() for k, v in found.items()} == {
        "x": [True, False], "y": [False, True], "ring": [True, False], "lens": [True, False]
    }  # fmt: skip


@pytest.mark.parametrize("none", ["", "nan", "NaN", None])
def test_a_missing_label_is_no_kind(none: str | None) -> None:
    table = pa.table({"label": ["ring", none, "disk"]})
    assert set(kinds(table)) == {"ring", "disk"}


def test_columns_of_one_name_are_all_kept() -> None:
    table = votes(
        2,
        **{"something-odd-gz2_yes": [0.8, 0.1], "odd-feature-gz2_ring": [0.7, 0.0]},
    )
    table = table.append_column("label", pa.array(["x", "ring"]))
    table = table.append_column("ring", pa.array([1, 0]))
    found = {k: mask.tolist() for k, mask in kinds(table).items() if "ring" in k}
    assert found == {
        "ring": [True, False],
        "ring (column label)": [False, True],
        "ring (column)": [True, False],
    }


@pytest.mark.parametrize("values", [[1.0, 0.0], ["1.0", "0.0"], ["1", "0"], ["True", "False"]])
def test_zeros_and_ones_may_be_written_in_any_way(values: list[object]) -> None:
    found = kinds(pa.table({"ring": values}))
    assert found["ring"].tolist() == [True, False]


@pytest.mark.parametrize("none", [None, "", "nan"])
def test_a_column_that_lacks_some_is_no_kind_and_is_told(none: str | None) -> None:
    table = pa.table(
        {"ring": ["1.0", none, "0.0"], "label": ["1", none, "0"], "x": ["1", none, "2"]}
    )
    assert set(kinds(table)) == {"0", "1"}
    assert incomplete(table) == {"ring": 1}
    [note] = on_labels({"a": np.arange(20) < 10}, {"ring": 1}, GZ2, True)
    assert "ring 1" in note


def test_galaxies_without_votes_are_nan() -> None:
    table = votes(2)
    table = table.take(pa.array([0, None]))
    found = fractions(table, GZ2)
    assert np.isnan(found).all(1).tolist() == [False, True]
    assert not any(mask.any() for mask in kinds(table).values())


def test_a_fit_needs_enough_voted_galaxies_and_knows_their_rows(tmp_path: Path) -> None:
    images = [{"bytes": png(i), "path": f"{i}.png"} for i in range(60)]
    ids = pa.array([str(i) for i in range(60)])
    for n_voted in (52, 49):
        has = [i if i >= 60 - n_voted else None for i in range(60)]
        table = votes(60).take(pa.array(has)).append_column("id_str", ids)
        pq.write_table(table.append_column("image", pa.array(images)), tmp_path / "a.parquet")
        if n_voted == 52:
            found = voted(open_survey(tmp_path), GZ2)
            assert found.rows == tuple(range(8, 60))
            assert found.fractions.shape == (60, 37)
    with pytest.raises(InputError, match="49 galaxies with votes; expected at least 50"):
        voted(open_survey(tmp_path), GZ2)


@pytest.mark.parametrize(
    "column, value, words",
    [
        ("smooth-or-featured-gz2_smooth", 1.2, "row 2 has 1.2 in smooth-or-featured-gz2_smooth"),
        ("smooth-or-featured-gz2_smooth", -0.1, "expected a fraction of the volunteers"),
        ("smooth-or-featured-gz2_smooth", None, "1 galaxies lack some of their votes, as row 2"),
        ("smooth-or-featured-gz2_smooth", "many", "not a number throughout"),
        ("bar-gz2_yes", 0.5, "row 2: the answers to bar-gz2 add up to more"),
    ],
)
def test_fractions_that_cannot_be(column: str, value: object, words: str) -> None:
    table = votes(2)
    at = table.column_names.index(f"{column}_fraction")
    cells = ["0", value] if isinstance(value, str) else [0.0, value]
    table = table.set_column(at, f"{column}_fraction", pa.array(cells))
    with pytest.raises(CatalogError, match=words):
        fractions(table, GZ2)
