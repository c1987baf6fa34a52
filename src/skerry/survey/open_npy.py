"""Surveys of vectors in an ``.npy``, with their ids in a file beside it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path, PurePath

import numpy as np
import pyarrow as pa

from skerry.config import SourcesConfig
from skerry.errors import CatalogError
from skerry.survey.catalog import open_catalog
from skerry.survey.columns import choose, listed
from skerry.survey.found import Found
from skerry.survey.open_parquet import rows_of
from skerry.survey.readers import ArrayVectors, Rows
from skerry.survey.sources import ids_as_text, make_sources, require_unique
from skerry.survey.streams.array import RemoteArray
from skerry.survey.streams.place import Place

_IDS_BESIDE = ("{stem}_ids{suffix}", "ids{suffix}")
_IDS_SUFFIXES = (".txt", ".csv", ".npy", ".parquet")


def from_npy(path: Place, config: SourcesConfig) -> Found:
    """A survey of vectors in an ``.npy``, its ids in a file beside it.

    The ids are looked for as ``STEM_ids`` and then as ``ids``, each as .txt (one a line), .csv,
    .npy and .parquet in this order; the first found is used.

    Raises
    ------
    CatalogError
        The array is unreadable, not (n, d) of floats or empty; there are no ids, or not n.
    """
    try:
        array: Rows = (
            np.load(path, mmap_mode="r", allow_pickle=False)
            if isinstance(path, Path)
            else RemoteArray(path)
        )
    except (ValueError, OSError, EOFError) as error:
        raise CatalogError(f"{path} cannot be read as .npy: {error}") from error
    if array.ndim != 2 or array.dtype.kind != "f" or 0 in array.shape:
        raise CatalogError(
            f"{path} is {array.dtype} of shape {array.shape}; expected floats of shape (n, d)"
        )
    names = [f.format(stem=path.stem, suffix=s) for f in _IDS_BESIDE for s in _IDS_SUFFIXES]
    beside = [path.parent / name for name in names if (path.parent / name).is_file()]
    if not beside:
        raise CatalogError(f"{path} has no ids beside it; expected one of {', '.join(names)}")
    ids, column = _read_ids(beside[0], config)
    if len(ids) != len(array):
        raise CatalogError(f"{beside[0]} has {len(ids)} ids, but {path} has {len(array)} vectors")
    require_unique(ids, str(beside[0]), "correct the file of ids")
    sources = make_sources(ids, rows_of(PurePath(path.name), len(ids)))
    others = listed(p.name for p in beside[1:])
    notes = (f"ids were read from {beside[0].name!r}, not from {others}",) if beside[1:] else ()
    choices = {"id": f"{beside[0].name}{column}", "vectors": path.name}
    return Found("vectors", sources, choices, notes, ArrayVectors(path, array))


def _read_ids(path: Place, config: SourcesConfig) -> tuple[pa.Array, str]:
    """The ids and, for a table, the column they are in."""
    if path.suffix == ".txt":
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        return ids_as_text(pa.array(lines, pa.string()), "", str(path)), ""
    if path.suffix == ".npy":
        try:
            values = np.load(BytesIO(path.read_bytes()), allow_pickle=False)
            column = pa.array(values.astype(str) if values.dtype.kind == "S" else values)
        except (ValueError, OSError, EOFError, pa.ArrowException) as error:
            raise CatalogError(f"{path} cannot be read as ids: {error}") from error
        return ids_as_text(column, "", str(path)), ""
    catalog = open_catalog(path)
    name = choose("id", catalog.columns, config.id_column, str(path)).column
    if name is None and len(catalog.columns) == 1:
        name = catalog.columns[0]
    if name is None:
        raise CatalogError(f"{path} has no column of ids; set sources.id_column")
    return ids_as_text(catalog.load([name])[name], name, str(path)), f", column {name!r}"
