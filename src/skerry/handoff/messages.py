"""The messages of SAMP (IVOA, version 1.3) that a finished run has for other tools."""

from __future__ import annotations

import hashlib
import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from skerry.errors import InputError
from skerry.publish.formats import write
from skerry.publish.sheets import sheet_name
from skerry.using import Finished


@dataclass(frozen=True)
class Message:
    """An MType and its parameters, all of them text."""

    mtype: str
    parameters: Mapping[str, str]


def table_of(run: Finished, class_id: str = "") -> Message:
    """``table.load.votable`` for the members of all classes, or of one.

    All of them are RUN's own ``products/members.vot``. Those of one class are written to a new
    folder of the system's temporary one, and left there: who receives the message reads the
    file when it likes.

    Raises
    ------
    InputError
        The run has no such class.
    """
    path = run.path / "products" / "members.vot"
    name = f"{run.path.resolve().name} members"
    if class_id:
        found = run.class_of(class_id)
        members = pq.read_table(run.path / "products" / "members.parquet")
        mine = members.filter(pc.equal(members["class_id"], class_id))
        folder = Path(tempfile.mkdtemp(prefix="skerry-"))
        path = folder / f"{Path(sheet_name(found)).stem}.vot"
        write(path, "members", mine)
        name = f"{run.path.resolve().name} {class_id}"
    full = path.resolve()
    key = hashlib.sha256(f"{run.path.resolve()}\0{class_id}".encode()).hexdigest()[:12]
    return Message(
        "table.load.votable",
        {"url": full.as_uri(), "table-id": f"skerry-{key}", "name": _printable(name)},
    )


def _printable(text: str) -> str:
    """SAMP's text is ASCII, tabs and newlines and what lies between space and tilde."""
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in text)


def pointing(run: Finished, id_str: str) -> Message:
    """``coord.pointAt.sky`` for one source, in decimal degrees.

    Raises
    ------
    InputError
        The run has no such source, or does not know where it is.
    """
    sources = pq.read_table(run.path / "sources" / "sources.parquet")
    row = pc.index(sources["id_str"], pa.scalar(id_str, sources["id_str"].type)).as_py()
    if row < 0:
        raise InputError(
            f"{run.path} has no source {id_str!r}; give an id_str of sources/sources.parquet"
        )
    at = {name: sources[name][row].as_py() for name in ("ra", "dec")}
    if any(value is None or not math.isfinite(value) for value in at.values()):
        raise InputError(
            f"the position of {id_str} is not known: {run.path}'s input gives no ra and dec for "
            "it; name their columns with sources.ra_column and sources.dec_column"
        )
    return Message("coord.pointAt.sky", {name: repr(float(v)) for name, v in at.items()})
