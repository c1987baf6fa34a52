"""Surveys in Parquet files: images, vectors, or the names of images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import PurePath

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from skerry.config import SourcesConfig
from skerry.errors import CatalogError
from skerry.survey.catalog import Catalog, open_catalog
from skerry.survey.columns import ALIASES, choose, choose_vectors, listed, normalized, vector_sets
from skerry.survey.found import Found
from skerry.survey.open_files import from_table
from skerry.survey.readers import ParquetImages, ParquetVectors
from skerry.survey.row_groups import RowGroups
from skerry.survey.sources import (
    as_location,
    checked_position,
    choose_position,
    degrees,
    ids_as_text,
    make_sources,
    require_unique,
    textual,
)
from skerry.survey.streams.place import Place, of_each, opened, relative


def from_parquet(
    paths: Sequence[Place], root: Place, config: SourcesConfig, images: Place | None = None
) -> Found:
    """A survey in Parquet files of one schema: images' bytes, vectors, or names of images.

    Named images lie relative to ``images``; None: to their one file's folder, or to ``root``.

    Which it is, is decided in this order: ``sources.vector_prefix`` is set: vectors; a column
    of bytes: images; a column that names images: a catalog of files; else vectors.

    Raises
    ------
    CatalogError
        The files are unreadable, empty, differ in their columns, or have no usable column.
    InputError
        A file's name is not UTF-8.
    """
    for path in paths:
        as_location(relative(path, root))
    catalog = open_catalog(paths[0])
    where = str(paths[0]) if len(paths) == 1 else str(root)
    if not config.vector_prefix:
        held = _bytes_column(catalog, config, where)
        if held is not None:
            return _images(catalog, held, paths, root, config, where)
        named = choose(
            "image", catalog.columns, config.image_column, where, catalog.of_type(textual) or [""]
        )
        if named.column is not None:
            images = images or (root if len(paths) > 1 else paths[0].parent)
            return _catalog_of(catalog, paths, images, config, where)
    columns = choose_vectors(
        catalog.of_type(pa.types.is_floating),
        catalog.of_type(_float_list),
        config.vector_prefix,
        catalog.columns,
        where,
    )
    if columns is None:
        raise CatalogError(
            f"{where} has no column of image bytes, none that names images and none of vectors; "
            f"set sources.image_column or sources.vector_prefix. Columns: {listed(catalog.columns)}"
        )
    return _vectors(catalog, columns, paths, root, config, where)


def _catalog_of(
    catalog: Catalog, paths: Sequence[Place], root: Place, config: SourcesConfig, where: str
) -> Found:
    found = from_table(_joined(catalog, paths, where), root, where, tuple(paths), config)
    floats, lists = catalog.of_type(pa.types.is_floating), catalog.of_type(_float_list)
    sets = vector_sets(floats, lists)
    if not sets:
        return found
    note = (
        f"the images were taken, not the numbers in {listed(sets)}: if one of them holds "
        "representations, set sources.vector_prefix to it"
    )
    return replace(found, notes=(*found.notes, note))


def _images(
    catalog: Catalog,
    column: str,
    paths: Sequence[Place],
    root: Place,
    config: SourcesConfig,
    where: str,
) -> Found:
    kind = catalog.types[catalog.columns.index(column)]
    is_struct = pa.types.is_struct(kind)
    stems = column if is_struct and kind.get_field_index("path") >= 0 else ""
    _require_same(catalog, paths, [column], where)
    sources, choices, notes = _sources(catalog, paths, root, config, where, stems)
    groups = RowGroups(paths, [f"{column}.bytes" if is_struct else column])
    choices["image"] = column
    images = ParquetImages(groups, column)
    return Found("parquet", sources, choices, tuple(notes), images, tuple(paths))


def _vectors(
    catalog: Catalog,
    columns: list[str],
    paths: Sequence[Place],
    root: Place,
    config: SourcesConfig,
    where: str,
) -> Found:
    _require_same(catalog, paths, columns, where)
    sources, choices, notes = _sources(catalog, paths, root, config, where)
    reader = ParquetVectors(RowGroups(paths, columns), columns)
    if not reader.dimensions:
        raise CatalogError(f"{where}: the vectors in column {columns[0]!r} have no values")
    choices["vectors"] = columns[0] if len(columns) == 1 else f"{columns[0]}..{columns[-1]}"
    return Found("vectors", sources, choices, tuple(notes), reader, tuple(paths))


def _float_list(kind: pa.DataType) -> bool:
    is_list = (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )
    return bool(is_list and pa.types.is_floating(kind.value_type))


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        i = kind.get_field_index("bytes")
        return i >= 0 and _holds_bytes(kind.field(i).type)
    tests: tuple[Callable[[pa.DataType], bool], ...] = (
        pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view
    )  # fmt: skip
    return any(test(kind) for test in tests)


def holds_images(path: Place) -> bool:
    """Whether a Parquet file has images in a column, and names none in another; what cannot be
    read has none."""
    try:
        catalog = open_catalog(path)
        names = catalog.of_type(textual) or [""]
        if choose("image", catalog.columns, "", str(path), names).column is not None:
            return False
        return _bytes_column(catalog, SourcesConfig(), str(path)) is not None
    except CatalogError:
        return False


def _bytes_column(catalog: Catalog, config: SourcesConfig, where: str) -> str | None:
    """The column of image bytes: the configured, the one usually named, or the only one."""
    holding = [c for c in catalog.of_type(_holds_bytes) if normalized(c) not in ALIASES["id"]]
    if config.image_column:
        column = choose("image", catalog.columns, config.image_column, where).column
        return column if column in holding else None
    if not holding:
        return None
    column = choose("image", catalog.columns, "", where, holding).column
    if column is None and len(holding) > 1:
        raise CatalogError(
            f"{where} has several columns of bytes: {listed(holding)}; set sources.image_column"
        )
    return column or holding[0]


def _sources(
    catalog: Catalog,
    paths: Sequence[Place],
    root: Place,
    config: SourcesConfig,
    where: str,
    stems_of: str = "",
) -> tuple[pa.Table, dict[str, str], list[str]]:
    """Sources of all files in the files' order.

    ``stems_of`` is the struct column whose ``path`` gives ids where there is no column of ids.
    """
    usable = [c for c in catalog.columns if c != stems_of]
    id_choice = choose("id", catalog.columns, config.id_column, where, usable)
    ra_choice, dec_choice, notes = choose_position(catalog, config, where)
    picked = {"id": id_choice, "ra": ra_choice, "dec": dec_choice}
    choices = {role: c.column for role, c in picked.items() if c.column is not None}
    if "id" not in choices and not stems_of:
        raise CatalogError(
            f"{where} has no column of ids; set sources.id_column. "
            f"Columns: {listed(catalog.columns)}"
        )
    _require_same(catalog, paths, list(choices.values()), where)
    load = list(choices.values()) + ([] if "id" in choices else [f"{stems_of}.path"])
    tables = list(of_each(lambda path: _load(path, load), paths))
    if sum(t.num_rows for t in tables) == 0:
        raise CatalogError(f"{where} has no rows; expected one row a source")
    table = pa.concat_tables(tables)
    if "id" in choices:
        ids = ids_as_text(table[choices["id"]], choices["id"], where)
    else:
        choices["id"] = f"{stems_of}.path, without folder and suffix"
        ids = _stems(table[stems_of], choices["id"], where)
    require_unique(ids, where, "remove the repeated rows, or set sources.id_column to another")
    notes = [*id_choice.note("id"), *notes]
    ra = dec = None
    if "ra" in choices:
        ra, dec = (degrees(table[choices[c]], choices[c], where) for c in ("ra", "dec"))
        notes += checked_position(ra, dec, ids, where)
    location = pa.concat_arrays(
        [rows_of(relative(p, root), t.num_rows) for p, t in zip(paths, tables, strict=True)]
    )
    return make_sources(ids, location, ra, dec), choices, notes


def _joined(catalog: Catalog, paths: Sequence[Place], where: str) -> Catalog:
    """The rows of several files, one after the other, as one catalog."""

    def load(names: Sequence[str]) -> pa.Table:
        _require_same(catalog, paths, names, where)
        tables = of_each(lambda path: _load(path, list(names)), paths)
        return pa.concat_tables([table.select(list(names)) for table in tables])

    return replace(catalog, load=load)


def _load(path: Place, columns: list[str]) -> pa.Table:
    try:
        return pq.ParquetFile(opened(path)).read(columns=columns).replace_schema_metadata(None)
    except (pa.ArrowException, OSError) as error:
        raise CatalogError(f"{path} cannot be read as Parquet: {error}") from error


def _require_same(
    catalog: Catalog, paths: Sequence[Place], columns: Sequence[str], where: str
) -> None:
    """Check that every file has the columns of the first, of the same types."""
    expected = {c: catalog.types[catalog.columns.index(c)] for c in columns}
    for path, other in zip(paths[1:], of_each(open_catalog, paths[1:]), strict=True):
        types = dict(zip(other.columns, other.types, strict=True))
        for column, kind in expected.items():
            if types.get(column) != kind:
                raise CatalogError(
                    f"{where}: the files differ: column {column!r} is {kind} in "
                    f"{paths[0].name}, but {types.get(column, 'missing')} in {path.name}; "
                    f"move files of another kind elsewhere"
                )


def rows_of(name: PurePath, n: int) -> pa.Array:
    """Locations of the n rows of a file: ``name#0``, ``name#1``...

    Raises
    ------
    InputError
        The name is not UTF-8.
    """
    numbers = pa.array(np.arange(n), pa.int64()).cast(pa.string())
    return pc.binary_join_element_wise(as_location(name), numbers, "#")


def _stems(column: pa.ChunkedArray, name: str, where: str) -> pa.Array:
    paths = pc.struct_field(column, "path").to_pylist()
    stems = pa.array([None if p is None else PurePath(p).stem for p in paths], pa.string())
    return ids_as_text(stems, name, where)
