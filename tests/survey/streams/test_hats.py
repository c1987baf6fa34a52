"""HATS catalogs are surveys: by images in a column, or by names of images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skerry.errors import CatalogError
from skerry.survey import attributes, open_survey
from tests.survey.forms import as_table, drawn, write_hats

SOURCES = drawn(20)
IMAGES = {s.id_str: s.image for s in SOURCES}


def images(path: Path) -> dict[str, object]:
    survey = open_survey(path)
    ids = survey.sources["id_str"].to_pylist()
    return dict(zip(ids, survey.images(range(len(survey))), strict=True))


def test_positions_are_those_that_the_catalog_names(tmp_path: Path) -> None:
    survey = open_survey(write_hats(tmp_path, SOURCES))
    assert images(tmp_path) == IMAGES
    assert survey.choices["ra"] == "RAJ" and survey.choices["dec"] == "DEJ"
    by_id = dict(zip(*(survey.sources[c].to_pylist() for c in ("id_str", "ra")), strict=True))
    assert by_id == {s.id_str: s.ra for s in SOURCES}
    assert survey.sources["location"][0].as_py() == "dataset/Norder=0/Dir=0/Npix=0.parquet#0"


def test_older_properties_collections_and_folders_of_partitions(tmp_path: Path) -> None:
    main = write_hats(tmp_path / "main", SOURCES)
    (main / "hats.properties").rename(main / "properties")
    (tmp_path / "collection.properties").write_text("hats_primary_table_url=main\n")
    assert images(tmp_path) == IMAGES
    text = (main / "properties").read_text() + "hats_npix_suffix=/\n"
    (main / "properties").write_text(text)
    for path in (main / "dataset/Norder=0/Dir=0").iterdir():
        table = pq.read_table(path, partitioning=None)
        path.unlink()
        path.with_suffix("").mkdir()
        pq.write_table(table.slice(0, 3), path.with_suffix("") / "a.parquet")
        pq.write_table(table.slice(3), path.with_suffix("") / "b.parquet")
    assert images(main) == IMAGES


def test_names_of_images_are_relative_to_the_catalog(tmp_path: Path) -> None:
    catalog = write_hats(tmp_path, SOURCES)
    (catalog / "cutouts").mkdir()
    for name, data in IMAGES.items():
        (catalog / f"cutouts/{name}").write_bytes(data)
    for path in (catalog / "dataset/Norder=0/Dir=0").iterdir():
        table = pq.read_table(path, partitioning=None).drop_columns(["image"])
        names = pa.array([f"cutouts/{i}" for i in table["id_str"].to_pylist()])
        pq.write_table(table.append_column("file_loc", names), path)
    survey = open_survey(catalog)
    assert survey.kind == "files" and images(catalog) == IMAGES
    assert attributes(survey, ["g0003"]).numbers["_healpix_29"][0] == 3


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    catalog = write_hats(tmp_path / "a", SOURCES)
    (catalog / "dataset/Norder=0/Dir=0/Npix=1.parquet").unlink()
    with pytest.raises(CatalogError, match=r"lacks 1 of the 3 partitions .*Npix=1"):
        open_survey(catalog)
    (catalog / "partition_info.csv").unlink()
    with pytest.raises(CatalogError, match=r"has 13 rows; its properties say 20"):
        open_survey(catalog)
    with pytest.raises(CatalogError, match=r"'margin'; expected one of 'object', 'source'"):
        open_survey(write_hats(tmp_path / "b", SOURCES, dataproduct_type="margin"))
    for path in (catalog / "dataset/Norder=0/Dir=0").iterdir():
        path.unlink()
    with pytest.raises(CatalogError, match="without partitions"):
        open_survey(catalog)
    write_hats(tmp_path / "c" / "main", SOURCES)
    (tmp_path / "c" / "collection.properties").write_text("hats_primary_table_url=gone\n")
    with pytest.raises(CatalogError, match=r"gone, the main catalog of the collection, has no"):
        open_survey(tmp_path / "c")


def test_properties_as_java_writes_them(tmp_path: Path) -> None:
    catalog = write_hats(tmp_path / "a", SOURCES)
    path = catalog / "hats.properties"
    path.write_bytes(path.read_bytes() + "creator=caf\xe9\n".encode("latin-1"))
    assert images(catalog) == IMAGES


def test_a_catalog_that_the_package_wrote(tmp_path: Path) -> None:
    hats = pytest.importorskip("hats")
    from hats.catalog import PartitionInfo, TableProperties
    from hats.io import paths
    from hats.io.parquet_metadata import write_parquet_metadata
    from hats.pixel_math import HealpixPixel, spatial_index
    from hats.pixel_math.healpix_shim import radec2pix

    ra, dec = (np.array([getattr(s, c) for s in SOURCES]) for c in ("ra", "dec"))
    order = 1
    pixels = radec2pix(order, ra, dec)
    index = spatial_index.compute_spatial_index(ra, dec)
    table = as_table(SOURCES).append_column("_healpix_29", pa.array(index))
    for pixel in np.unique(pixels):
        rows = np.flatnonzero(pixels == pixel)
        rows = rows[np.argsort(index[rows])]
        path = Path(str(paths.pixel_catalog_file(tmp_path, HealpixPixel(order, pixel))))
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.take(rows), path)
    write_parquet_metadata(str(tmp_path))
    counted = [HealpixPixel(order, int(p)) for p in np.unique(pixels)]
    PartitionInfo.from_healpix(counted).write_to_file(tmp_path / "partition_info.csv")
    TableProperties(
        catalog_name="drawn", catalog_type="object", total_rows=20, ra_column="ra",
        dec_column="dec", hats_col_healpix="_healpix_29",
    ).to_properties_file(tmp_path)  # fmt: skip
    assert len(hats.read_hats(tmp_path).get_healpix_pixels()) == len(counted)
    survey = open_survey(tmp_path)
    assert images(tmp_path) == IMAGES
    places = zip(*(survey.sources[c].to_pylist() for c in ("id_str", "ra", "dec")), strict=True)
    assert sorted(places) == [(s.id_str, s.ra, s.dec) for s in SOURCES]
    along = spatial_index.compute_spatial_index(survey.sources["ra"], survey.sources["dec"])
    assert (np.diff(along.astype(np.int64)) > 0).all()  # rows follow the sky
