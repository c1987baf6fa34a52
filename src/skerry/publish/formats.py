"""Tables as files: Parquet, FITS, VOTable and ECSV, free of dates and hosts.

What a column means is read from the metadata of its field: ``description``, ``ucd`` and ``unit``
(``publish.columns``). All but Parquet are encoded a block of rows at a time, so that memory does
not grow with a table of every source; the bytes are those of the table in one.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from skerry.store import write_pieces, write_table
from skerry.store.votable import votable_bytes

_Array = npt.NDArray[Any]

_ROWS = 2**16
_UNIT = 2880

_NOT_XML = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold, and the carriage return, which its readers take for a newline."""
_NOT_ECSV = re.compile(
    "[^\t\n\u0020-\u007e\u00a0-\u2027\u202a-\ud7ff\ue000-\U0010ffff]|\n(?=\\s*#)"
)
"""What a reader of ECSV takes for the end of a line or for a comment, and what no text file can
hold."""
_COMMENT = re.compile(r"^[^\S\n]*#[^ \n]*", re.MULTILINE)
"""The first cell of a row that a reader would take for a comment."""


def write(path: Path, name: str, table: pa.Table) -> None:
    """Write a table of text, numbers and truths, called ``name``, in the format of the suffix:
    ``.parquet`` or one of ``ENCODERS``.

    Raises
    ------
    DiskError
        The file cannot be written.
    """
    if path.suffix == ".parquet":
        write_table(path, table)
    else:
        write_pieces(path, ENCODERS[path.suffix.removeprefix(".")](name, table))


def _blocks(table: pa.Table) -> Iterator[pa.Table]:
    """The rows, so many at a time; of an empty table one block."""
    for start in range(0, max(len(table), 1), _ROWS):
        yield table.slice(start, _ROWS)


def to_fits(name: str, table: pa.Table) -> Iterator[bytes]:
    """The table as a FITS binary table, its name as ``EXTNAME``.

    Descriptions are in ``TCOMMn``, UCDs in ``TUCDn``. A null number is NaN, a null string
    empty. FITS text is printable ASCII: a value with anything else is written with Python's
    escapes, as ``\\xe9``.
    """
    from astropy.io import fits

    codes = [_fits_code(table[field.name]) for field in table.schema]
    head = _fits_block(fits, name, table.slice(0, 0), codes).header
    head["NAXIS2"] = len(table)
    for number, field in enumerate(table.schema, start=1):
        head[f"TCOMM{number}"] = _meant(field, "description")
        head[f"TUCD{number}"] = _meant(field, "ucd")
    yield (fits.PrimaryHDU().header.tostring() + head.tostring()).encode("ascii")
    for block in _blocks(table):
        buffer = io.BytesIO()
        hdu = _fits_block(fits, name, block, codes)
        hdu.writeto(buffer)
        size = hdu.header["NAXIS1"] * len(block)
        start = len(buffer.getbuffer()) - size - -size % _UNIT
        yield buffer.getvalue()[start : start + size]
    yield bytes(-head["NAXIS1"] * len(table) % _UNIT)


def _fits_code(column: pa.ChunkedArray) -> str:
    """The format of a column, of text as wide as its longest."""
    if pa.types.is_string(column.type):
        blocks = (column.slice(start, _ROWS) for start in range(0, len(column), _ROWS))
        widths = (max(len(_ascii(v or "")) for v in block.to_pylist()) for block in blocks)
        return f"{max(widths, default=0) or 1}A"
    return {"bool": "L", "int32": "J", "int64": "K", "double": "D"}[str(column.type)]


def _fits_block(fits: Any, name: str, block: pa.Table, codes: list[str]) -> Any:
    columns = []
    for field, code in zip(block.schema, codes, strict=True):
        values = _numpy(block[field.name])
        if values.dtype == object:
            values = np.array([_ascii(v) for v in values], dtype=f"S{code[:-1]}")
        unit = _meant(field, "unit") or None
        columns.append(fits.Column(name=field.name, format=code, array=values, unit=unit))
    return fits.BinTableHDU.from_columns(fits.ColDefs(columns), nrows=len(block), name=name)


def _ascii(text: str) -> bytes:
    plain = text.isascii() and text.isprintable()
    return text.encode("ascii" if plain else "unicode_escape")


def to_votable(name: str, table: pa.Table) -> Iterator[bytes]:
    """The table as a VOTable, values as text, positions tied to ICRS.

    A null number is an empty cell. Characters that XML cannot hold become U+FFFD, and so does the
    carriage return, which is read back as a newline.
    """
    tail = b""
    for number, block in enumerate(_blocks(table)):
        head, mark, rest = _votable_block(name, block).partition(b"<TABLEDATA>\n")
        # no cell has such a mark: it would be escaped
        end = rest.rfind(b"\n", 0, rest.find(b"</TABLEDATA>")) + 1
        rows, tail = rest[:end], rest[end:]
        yield head + mark + rows if number == 0 else rows
    yield tail


def _votable_block(name: str, table: pa.Table) -> bytes:
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


def to_ecsv(name: str, table: pa.Table) -> Iterator[bytes]:
    """The table as ECSV (Astropy Proposal for Enhancement 6), UTF-8, values between spaces.

    Units, descriptions and UCDs (as ``meta``) are in its YAML header. A null number is an empty
    cell. Control characters and the line ends of Unicode but for the newline become U+FFFD, and a
    newline before ``#`` too.
    """
    for number, block in enumerate(_blocks(table)):
        # the column names are the first line of no comment; astropy quotes no # that begins a row
        head, names, rows = re.split(
            r"^([^#\n].*\n)", _ecsv_block(name, block), maxsplit=1, flags=re.MULTILINE
        )
        rows = _COMMENT.sub(r'"\g<0>"', rows)
        yield (head + names + rows if number == 0 else rows).encode("utf-8")


def _ecsv_block(name: str, table: pa.Table) -> str:
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
    return out.getvalue()


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


ENCODERS: Mapping[str, Callable[[str, pa.Table], Iterator[bytes]]] = {
    "fits": to_fits,
    "vot": to_votable,
    "ecsv": to_ecsv,
}
"""How each format beside Parquet, named by its suffix, encodes a table of text, numbers and
truths under a name, in pieces."""

SUFFIXES = ("parquet", *ENCODERS)
"""Of the files of each product."""
