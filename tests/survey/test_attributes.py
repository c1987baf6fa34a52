"""Laws of what a catalog says beside positions and images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.time import Time

from skerry.config import SourcesConfig
from skerry.errors import CatalogError
from skerry.survey import Attributes, attributes, attributes_of, open_survey


def folder(tmp_path: Path, header: str, *rows: str) -> Path:
    (tmp_path / "images").mkdir(exist_ok=True)
    path = tmp_path / "catalogue.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_numbers_and_words_in_the_order_asked_for(tmp_path: Path) -> None:
    path = folder(
        tmp_path,
        "id_str,file_loc,ra,dec,mass,kind,bad,flag",
        "b,b.jpg,1,2,10.5, ring ,x,1",
        "a,a.jpg,3,4,,,,0",
        "c,c.jpg,5,6,NaN,bar,7,1",
    )
    survey = open_survey(path, SourcesConfig())
    found = attributes(survey, ["a", "c", "b"])
    np.testing.assert_array_equal(found.numbers["mass"], [np.nan, np.nan, 10.5])
    np.testing.assert_array_equal(found.numbers["flag"], [0, 1, 1])
    assert found.words["kind"].tolist() == ["", "bar", "ring"]
    # half of what is filled is no number: words
    assert found.words["bad"].tolist() == ["", "7", "x"]
    assert not {"id_str", "file_loc", "ra", "dec"} & {*found.numbers, *found.words}


def test_parquet_of_vectors_keeps_its_other_columns(tmp_path: Path) -> None:
    table = {f"feat_{i}": np.arange(3, dtype=np.float32) for i in range(16)}
    flags = pa.array([True, False, None])
    pq.write_table(
        pa.table({"id_str": ["x", "y", "z"], **table, "snr": [1, 2, None], "seen": flags}),
        tmp_path / "v.parquet",
    )
    found = attributes(open_survey(tmp_path / "v.parquet"), ["z", "x"])
    assert set(found.numbers) == {"snr", "seen"} and not found.words
    np.testing.assert_array_equal(found.numbers["snr"], [np.nan, 1])
    np.testing.assert_array_equal(found.numbers["seen"], [np.nan, 1])


def test_files_of_other_types_are_joined(tmp_path: Path) -> None:
    for i, snr in enumerate(([1, 2], ["3", "x"])):
        ids = [f"s{i}{j}" for j in range(2)]
        vectors = {f"feat_{k}": np.zeros(2, np.float32) + i for k in range(16)}
        pq.write_table(pa.table({"id_str": ids, **vectors, "snr": snr}), tmp_path / f"{i}.parquet")
    found = attributes(open_survey(tmp_path), ["s11", "s00", "s10"])
    assert found.words["snr"].tolist() == ["x", "1", "3"]


def test_ids_of_image_names(tmp_path: Path) -> None:
    path = folder(tmp_path, "file_loc,mass", "images/a.jpg,1", "images/b.jpg,2")
    config = SourcesConfig(id_column="file_loc")
    found = attributes(open_survey(path, config), ["b", "a"])
    np.testing.assert_array_equal(found.numbers["mass"], [2, 1])


def test_another_table_by_id(tmp_path: Path) -> None:
    path = tmp_path / "more.csv"
    path.write_text("objid,z\na,0.1\nother,0.2\n")
    found = attributes_of(path, ["b", "a"])
    np.testing.assert_array_equal(found.numbers["z"], [np.nan, 0.1])
    with pytest.raises(CatalogError, match="none of the run's sources"):
        attributes_of(path, ["q"])
    path.write_text("objid,z\na,0.1\na,0.2\n")
    with pytest.raises(CatalogError, match="repeats ids"):
        attributes_of(path, ["a"])
    path.write_text("mass,z\n1,0.1\n")
    with pytest.raises(CatalogError, match="no column of ids"):
        attributes_of(path, ["a"])


def test_sky_coordinates_of_astropy_beside_plain_columns_are_left_out(tmp_path: Path) -> None:
    coord = SkyCoord([1.0, 2.0], [3.0, 4.0], unit="deg")
    table = Table({"id_str": ["a", "b"], "coord": coord, "time": Time([50000, 50001], format="mjd"),
                   "ra": [1.0, 2.0], "dec": [3.0, 4.0]})  # fmt: skip
    table.write(tmp_path / "more.ecsv")
    found = attributes_of(tmp_path / "more.ecsv", ["a", "b"])
    assert set(found.numbers) == {"ra", "dec"} and not found.words


def test_of_two_the_later_holds() -> None:
    one = Attributes({"a": np.zeros(1), "b": np.zeros(1)}, {}, {"a": "Jy"})
    other = Attributes({"a": np.ones(1)}, {"b": np.array(["x"], dtype=object)}, {"a": "mag"})
    found = one.joined(other)
    assert found.numbers["a"][0] == 1 and "b" not in found.numbers and found.words["b"][0] == "x"
    assert found.units == {"a": "mag"}


def test_images_without_a_catalog_have_none(tmp_path: Path, survey_folder: Path) -> None:
    survey = open_survey(survey_folder / "images")
    assert attributes(survey, survey.sources["id_str"].to_pylist()[:2]) == Attributes()
