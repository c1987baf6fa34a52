"""Tables of any usual format as Arrow columns: CSV, ECSV, FITS, VOTable, Parquet."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from skerry.errors import CatalogError
from skerry.survey.streams.place import Place, opened, size_of

SUFFIXES = {
    ".csv": "CSV", ".tsv": "CSV", ".ecsv": "ECSV", ".fits": "FITS", ".fit": "FITS",
    ".vot": "VOTable", ".votable": "VOTable", ".xml": "VOTable", ".parquet": "Parquet",
    ".pq": "Parquet",
}  # fmt: skip
"""Format of a catalog by its file's suffix."""


@dataclass(frozen=True)
class Catalog:
    """An opened table: its columns are known, their values are read when asked for.

    ``types`` are the Arrow types of ``columns`` (text throughout for CSV, so that no digit of
    an id is lost); ``units`` only where the format records them.
    """

    path: Place
    columns: tuple[str, ...]
    types: tuple[pa.DataType, ...]
    load: Callable[[Sequence[str]], pa.Table]
    units: dict[str, str] = field(default_factory=dict)

    def of_type(self, *tests: Callable[[pa.DataType], bool]) -> list[str]:
        """Names of the columns whose type passes any of the tests."""
        pairs = zip(self.columns, self.types, strict=True)
        return [name for name, kind in pairs if any(test(kind) for test in tests)]


def open_catalog(path: Place) -> Catalog:
    """Open a table by its suffix, without reading its values where the format allows.

    Raises
    ------
    CatalogError
        The suffix is unknown, or the file is empty or not what its suffix says.
    """
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise CatalogError(
            f"{path} is no table that can be read; expected one of {', '.join(SUFFIXES)}"
        )
    try:
        if size_of(path) == 0:
            raise CatalogError(f"{path} is empty: 0 bytes")
        if kind == "CSV":
            return _open_csv(path)
        if kind == "Parquet":
            return _open_parquet(path)
        return _open_astropy(path, kind)
    except CatalogError:
        raise
    except Exception as error:  # each library raises its own kinds for a damaged file
        raise CatalogError(f"{path} cannot be read as {kind}: {_brief(error)}") from error


def _brief(error: Exception) -> str:
    text = " ".join(str(error).split())
    return (text[:300] + "...") if len(text) > 300 else text or type(error).__name__


def _guarded(path: Place, load: Callable[[list[str]], pa.Table]) -> Callable[..., pa.Table]:
    def guarded(names: Sequence[str]) -> pa.Table:
        try:
            return load(list(dict.fromkeys(names)))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise CatalogError(f"{path} cannot be read: {_brief(error)}") from error

    return guarded


def _open_csv(path: Place) -> Catalog:
    data = None if isinstance(path, Path) else path.read_bytes()
    with path.open("rb") if data is None else BytesIO(data) as file:
        first = str(file.readline(), "utf-8-sig")
    if first.startswith("# %ECSV"):
        return _open_astropy(path, "ECSV")
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    header = next(csv.reader([first], delimiter=delimiter), [])
    if not any(header):
        raise CatalogError(f"{path} has no header line: the first line is blank")
    text = pa.string()

    def load(names: list[str]) -> pa.Table:
        # Own names for the columns: a file may repeat one that is not asked for.
        keys = [str(i) for i in range(len(header))]
        wanted = {keys[header.index(name)]: name for name in names}
        table = pyarrow.csv.read_csv(
            path if data is None else BytesIO(data),
            read_options=pyarrow.csv.ReadOptions(column_names=keys, skip_rows=1),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(wanted, text),
                include_columns=list(wanted),
                strings_can_be_null=False,
            ),
        )
        return table.rename_columns(list(wanted.values()))

    return Catalog(path, tuple(header), (text,) * len(header), _guarded(path, load))


def _open_parquet(path: Place) -> Catalog:
    schema = pq.read_schema(opened(path))

    def load(names: list[str]) -> pa.Table:
        return pq.ParquetFile(opened(path)).read(columns=names).select(names)

    return Catalog(path, tuple(schema.names), tuple(schema.types), _guarded(path, load))


def _open_astropy(path: Place, kind: str) -> Catalog:
    from astropy.table import Table  # slow to import, and only these formats need it

    if kind == "ECSV":
        table = Table.read(_whole(path), format="ascii.ecsv")
    elif kind == "VOTable":
        table = _first_votable(path)
    else:
        table = _first_fits_table(path)
    # astropy's own kinds of columns, as SkyCoord, have no dtype
    plain = [name for name in table.colnames if hasattr(table[name], "dtype")]
    flat = [name for name in plain if table[name].ndim == 1]
    units = {n: str(table[n].unit) for n in flat if getattr(table[n], "unit", None) is not None}

    def load(names: list[str]) -> pa.Table:
        return pa.table({name: _to_arrow(table[name]) for name in names})

    kinds = tuple(_arrow_type(table[name].dtype) for name in flat)
    return Catalog(path, tuple(flat), kinds, _guarded(path, load), units)


def _whole(path: Place) -> Any:
    """What astropy reads: it takes no ranges of a file."""
    return path if isinstance(path, Path) else BytesIO(path.read_bytes())


def _first_fits_table(path: Place) -> Any:
    from astropy.io import fits
    from astropy.table import Table

    source = _whole(path)
    with fits.open(source) as hdus:
        tables = [i for i, hdu in enumerate(hdus) if isinstance(hdu, fits.BinTableHDU)]
        tables += [i for i, hdu in enumerate(hdus) if isinstance(hdu, fits.TableHDU)]
    if not tables:
        raise CatalogError(
            f"{path} holds no table, only images; give the folder of the images instead"
        )
    if source is not path:
        source = _whole(path)  # astropy closes what it has read
    return Table.read(source, format="fits", hdu=tables[0], character_as_bytes=False)


def _first_votable(path: Place) -> Any:
    from astropy.io import votable

    # By name, not by the ID that VOTable makes of it: 'Right Ascension' stays as it is.
    source = str(path) if isinstance(path, Path) else _whole(path)
    return votable.parse(source).get_first_table().to_table(use_names_over_ids=True)


def _arrow_type(dtype: np.dtype[Any]) -> pa.DataType:
    if dtype.kind in "OUS":
        return pa.string()
    return pa.from_numpy_dtype(dtype.newbyteorder("="))


def _to_arrow(column: Any) -> pa.Array:
    """A column of an astropy table, masked values as nulls."""
    mask = np.asarray(getattr(column, "mask", np.zeros(len(column), bool)), bool)
    mask = np.broadcast_to(mask, (len(column),))
    values = np.asarray(getattr(column, "data", column))
    if values.dtype.kind in "OSU":
        text = [v.decode("utf-8") if isinstance(v, bytes) else str(v) for v in values.tolist()]
        return pa.array(
            [None if hidden else t for t, hidden in zip(text, mask, strict=True)], pa.string()
        )
    native = values.astype(values.dtype.newbyteorder("="), copy=False)
    return pa.array(np.ascontiguousarray(native), mask=mask)
