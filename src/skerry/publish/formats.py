"""A table's bytes as FITS, VOTable and ECSV, free of dates and hosts.

What a column means is read from the metadata of its field: ``description``, ``ucd`` and ``unit``
(``publish.columns``).
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from skerry.store.votable import votable_bytes

_Array = npt.NDArray[Any]

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_ECSV = re.compile(
    "[^\t\n\u0020-\u007e\u00a0-\u2027\u202a-\ud7ff\ue000-\U0010ffff]|\n(?=\\s*#)"
)
"""What a reader of ECSV takes for the end of a line or for a comment, and what no text file can
hold."""
_COMMENT = re.compile(r"^[^\S\n]*#[^ \n]*", re.MULTILINE)
"""The first cell of a row that a reader would take for a comment."""


def to_fits(name: str, table: pa.Table) -> bytes:
    """The table as a FITS binary table, its name as ``EXTNAME``.

    Descriptions are in ``TCOMMn``, UCDs in ``TUCDn``. A null number is NaN, a null string
    empty. FITS text is printable ASCII: a value with anything else is written with Python's
    escapes, as ``\\xe9``.
    """
    from astropy.io import fits

    columns = [_fits_column(fits, field.name, table) for field in table.schema]
    hdu = fits.BinTableHDU.from_columns(fits.ColDefs(columns), nrows=len(table), name=name)
    for number, field in enumerate(table.schema, start=1):
        hdu.header[f"TCOMM{number}"] = _meant(field, "description")
        hdu.header[f"TUCD{number}"] = _meant(field, "ucd")
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(buffer)
    return buffer.getvalue()


def _fits_column(fits: Any, name: str, table: pa.Table) -> Any:
    values = _numpy(table[name])
    if values.dtype == object:
        text = [_ascii(v) for v in values]
        width = max((len(t) for t in text), default=0) or 1
        values, code = np.array(text, dtype=f"S{width}"), f"{width}A"
    else:
        code = {"bool": "L", "int32": "J", "int64": "K", "float64": "D"}[values.dtype.name]
    unit = _meant(table.schema.field(name), "unit")
    return fits.Column(name=name, format=code, array=values, unit=unit or None)


def _ascii(text: str) -> bytes:
    plain = text.isascii() and text.isprintable()
    return text.encode("ascii" if plain else "unicode_escape")


def to_votable(name: str, table: pa.Table) -> bytes:
    """The table as a VOTable, values as text, positions tied to ICRS.

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
        out.fields.append(_votable_field(tree, file, field))
    out.create_arrays(len(table))
    for field in table.schema:
        values = _numpy(table[field.name])
        if values.dtype == object:
            values = np.array([_NOT_XML.sub("\ufffd", str(v)) for v in values], dtype=object)
        elif values.dtype.kind == "f":
            out.array.mask[field.name] = np.isnan(values)
        out.array[field.name].data[:] = values
    return votable_bytes(file)


def _votable_field(tree: Any, file: Any, field: pa.Field) -> Any:
    datatype, size = {
        "string": ("unicodeChar", "*"),
        "bool": ("boolean", None),
        "int32": ("int", None),
        "int64": ("long", None),
        "double": ("double", None),
    }[str(field.type)]
    ucd = _meant(field, "ucd")
    made = tree.Field(
        file,
        ID=field.name,
        name=field.name,
        datatype=datatype,
        arraysize=size,
        ucd=ucd or None,
        unit=_meant(field, "unit") or None,
        ref="icrs" if ucd.startswith("pos.eq") else None,
    )
    made.description = _meant(field, "description")
    return made


def to_ecsv(name: str, table: pa.Table) -> bytes:
    """The table as ECSV (Astropy Proposal for Enhancement 6), UTF-8, values between spaces.

    Units, descriptions and UCDs (as ``meta``) are in its YAML header. A null number is an empty
    cell. Control characters and the line ends of Unicode but for the newline become U+FFFD, and a
    newline before ``#`` too.
    """
    from astropy.table import MaskedColumn, Table

    columns = {}
    for field in table.schema:
        values = _numpy(table[field.name])
        mask = np.isnan(values) if values.dtype.kind == "f" else None
        if values.dtype == object:
            values = np.array([_NOT_ECSV.sub("\ufffd", v) for v in values], dtype=np.str_)
        columns[field.name] = MaskedColumn(
            values,
            mask=mask,
            unit=_meant(field, "unit") or None,
            description=_meant(field, "description"),
            meta={"ucd": _meant(field, "ucd")},
        )
    out = io.StringIO()
    Table(columns, meta={"name": name}).write(out, format="ascii.ecsv")
    # the column names are the first line of no comment; astropy quotes no # that begins a row
    head, names, rows = re.split(r"^([^#\n].*\n)", out.getvalue(), maxsplit=1, flags=re.MULTILINE)
    return (head + names + _COMMENT.sub(r'"\g<0>"', rows)).encode("utf-8")


def _meant(field: pa.Field, key: str) -> str:
    metadata: Mapping[bytes, bytes] = field.metadata or {}
    return metadata.get(key.encode(), b"").decode()


def _numpy(column: pa.ChunkedArray) -> _Array:
    """A column as an array: NaN for a null number, an empty string for a null string."""
    if pa.types.is_string(column.type):
        return np.array([v or "" for v in column.to_pylist()], dtype=object)
    if pa.types.is_floating(column.type):
        return np.array(column.to_numpy(), dtype=np.float64)
    kind = {"bool": np.bool_, "int32": np.int32, "int64": np.int64}[str(column.type)]
    return np.asarray(column.to_numpy(), dtype=kind)


ENCODERS: Mapping[str, Callable[[str, pa.Table], bytes]] = {
    "fits": to_fits,
    "vot": to_votable,
    "ecsv": to_ecsv,
}
"""How each format beside Parquet, named by its suffix, encodes a table of text, numbers and
truths under a name."""
