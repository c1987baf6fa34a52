"""Tables as Parquet, FITS and VOTable, their columns described by the metadata of the schema."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from skerry.errors import ConfigError
from skerry.review.log import open_reviews
from skerry.review.tables import as_tables
from skerry.store import write_bytes, write_table

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def export(run: Path, folder: Path) -> list[Path]:
    """Write what was reviewed of a run: ``reviews``, ``classes`` and ``members``
    (``as_tables``), each as ``.parquet``, ``.fits`` and ``.vot``; the files written.

    The same reviews give the same bytes.

    Raises
    ------
    ConfigError
        ``folder`` is in the run's own.
    RunError
        The run's products or its reviews are missing or damaged.
    DiskError
        The folder cannot be written.
    """
    if folder.resolve().is_relative_to(run.resolve()):
        raise ConfigError(f"--export {folder} is part of {run}; choose a folder outside it")
    if folder.is_file():
        raise ConfigError(f"--export {folder} is a file; give a folder")
    written = []
    for name, table in as_tables(open_reviews(run).state(), run).items():
        write_table(folder / f"{name}.parquet", table)
        write_bytes(folder / f"{name}.fits", to_fits(name, table))
        write_bytes(folder / f"{name}.vot", to_votable(name, table))
        written += [folder / f"{name}.{suffix}" for suffix in ("parquet", "fits", "vot")]
    return written


def to_fits(name: str, table: pa.Table) -> bytes:
    """A table of text, whole numbers, numbers and truths as FITS, its name as ``EXTNAME``.

    A null number is NaN, a null text empty. FITS text is printable ASCII: all else is written with
    Python's escapes, as ``\\xe9``. Descriptions are in ``TCOMMn``, UCDs in ``TUCDn``.
    """
    from astropy.io import fits

    columns = []
    for field in table.schema:
        values, code = _fits_values(table[field.name])
        unit = _words(field, "unit") or None
        columns.append(fits.Column(name=field.name, format=code, array=values, unit=unit))
    hdu = fits.BinTableHDU.from_columns(fits.ColDefs(columns), nrows=len(table), name=name)
    for number, field in enumerate(table.schema, start=1):
        hdu.header[f"TCOMM{number}"] = _words(field, "description")
        hdu.header[f"TUCD{number}"] = _words(field, "ucd")
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(buffer)
    return buffer.getvalue()


def _fits_values(column: pa.ChunkedArray) -> tuple[np.ndarray, str]:
    if pa.types.is_string(column.type):
        text = [_ascii(v or "") for v in column.to_pylist()]
        width = max((len(t) for t in text), default=0) or 1
        return np.array(text, dtype=f"S{width}"), f"{width}A"
    values = np.array(column.to_numpy())
    return values, {"b": "L", "i": f"{'J' if values.itemsize == 4 else 'K'}", "f": "D"}[
        values.dtype.kind
    ]


def _ascii(text: str) -> bytes:
    plain = text.isascii() and text.isprintable()
    return text.encode("ascii" if plain else "unicode_escape")


def to_votable(name: str, table: pa.Table) -> bytes:
    """A table of text, whole numbers, numbers and truths as VOTable, positions tied to ICRS.

    A null number is an empty cell. Characters that XML cannot hold become U+FFFD.
    """
    from astropy.io.votable import tree

    file = tree.VOTableFile()
    resource = tree.Resource()
    file.resources.append(resource)
    resource.coordinate_systems.append(tree.CooSys(ID="icrs", system="ICRS"))
    out = tree.TableElement(file, name=name, ID=name)
    resource.tables.append(out)
    for field in table.schema:
        kind, size = _VOTABLE[str(field.type)]
        ucd = _words(field, "ucd")
        made = tree.Field(
            file,
            ID=field.name,
            name=field.name,
            datatype=kind,
            arraysize=size,
            ucd=ucd or None,
            unit=_words(field, "unit") or None,
            ref="icrs" if ucd.startswith("pos.eq") else None,
        )
        made.description = _words(field, "description")
        out.fields.append(made)
    out.create_arrays(len(table))
    for field in table.schema:
        column = table[field.name]
        if pa.types.is_string(field.type):
            text = [_NOT_XML.sub("\ufffd", v or "") for v in column.to_pylist()]
            values = np.array(text, dtype=object)
        else:
            values = np.array(column.to_numpy())
            if values.dtype.kind == "f":
                out.array.mask[field.name] = np.isnan(values)
        out.array[field.name].data[:] = values
    buffer = io.BytesIO()
    file.to_xml(buffer, tabledata_format="tabledata")
    return buffer.getvalue()


_VOTABLE = {
    "string": ("unicodeChar", "*"),
    "bool": ("boolean", None),
    "int32": ("int", None),
    "int64": ("long", None),
    "double": ("double", None),
}


def _words(field: pa.Field, key: str) -> str:
    metadata: Mapping[bytes, bytes] = field.metadata or {}
    return metadata.get(key.encode(), b"").decode()
