"""Tables of the command line: printed, or written to a file that --output names."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skerry.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow as pa

TableFile = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="File for the table: .csv, .parquet, .fits or .vot."),
]

SUFFIXES = (".csv", ".parquet", ".fits", ".vot")


def cells(*values: object) -> tuple[str, ...]:
    return tuple(f"{v:.3f}" if isinstance(v, float) else str(v) for v in values)


def check_output(
    output: Path | None,
    *taken: Path,
    suffixes: Sequence[str] = SUFFIXES,
    option: str = "--output",
) -> None:
    """That a file can be written, and is none of a run's or an input's.

    A table left among the images of a survey would be read as its catalog.
    """
    if output is None:
        return
    if output.suffix not in suffixes:
        listed = f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"
        raise ConfigError(f"{option} {output}; expected a {listed} file")
    from skerry.store.runfolder import require_outside

    require_outside(output, *taken, option=option, what="file")
    full = output.resolve()
    folder = next(p for p in full.parents if p.exists())
    if full.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ConfigError(f"{option} {output} cannot be written there; choose another file")


def write_output(output: Path | None, table: pa.Table, name: str) -> None:
    """Write a table under a name, with what its fields' metadata say of units and meaning."""
    if output is None:
        return
    from pyarrow import csv

    from skerry.publish.formats import write
    from skerry.store import write_bytes

    if output.suffix == ".csv":
        buffer = io.BytesIO()
        csv.write_csv(table, buffer)
        write_bytes(output, buffer.getvalue())
    else:
        write(output, name, table)


def print_table(
    title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], most: int = 40
) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table as Shown

    shown = Shown(title=escape(title), title_justify="left")
    for head in heads:
        shown.add_column(head)
    for row in rows[:most]:
        shown.add_row(*(escape(cell) for cell in row))
    Console().print(shown)
    if len(rows) > most:
        typer.echo(f"and {len(rows) - most} more: write them to a file with -o")
