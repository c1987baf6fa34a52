"""Tables of the command line: printed, or written to a file that --output names."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from skerry.cli.printed import printable
from skerry.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.table import Table

SUFFIXES = (".csv", ".parquet", ".fits", ".vot", ".ecsv")
"""CSV, and those of ``publish.formats``."""


def _listed(suffixes: Sequence[str]) -> str:
    return f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"


TableFile = Annotated[
    Path | None,
    typer.Option("--output", "-o", help=f"File for the table: {_listed(SUFFIXES)}."),
]

_FOLDED = ("source", "class", "in class", "reason")
"""Columns of ids and sentences."""
_NARROW = 12
"""To how many characters they fold at most."""


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
        raise ConfigError(f"{option} {output}; expected a {_listed(suffixes)} file")
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


def show_rows(
    shown: Table, heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()
) -> None:
    """Print a table with these columns and rows; ids fold where it is narrow, all else is whole.

    An id that is cut cannot be typed, and a number that is cut is another number: where even
    folding is not enough, the table is wider than the terminal.
    """
    from rich.cells import cell_len
    from rich.console import Console
    from rich.markup import escape

    shown_rows = [tuple(map(printable, row)) for row in rows]
    least = 1
    for head, *values in zip(heads, *shown_rows, strict=True):
        folds = head in _FOLDED
        justify: Literal["right", "left"] = "right" if head in right else "left"
        shown.add_column(head, justify=justify, no_wrap=not folds, overflow="fold")
        wide = max(cell_len(value) for value in (head, *values))
        least += 3 + (min(wide, _NARROW) if folds else wide)
    for row in shown_rows:
        shown.add_row(*(escape(cell) for cell in row))
    console = Console()
    if least > console.width:
        shown.width = least
    console.print(shown, crop=False)


def print_table(
    title: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    output: Path | None = None,
    most: int = 40,
) -> None:
    """Print the first rows of a table, all of which are in ``output`` if that is given."""
    from rich.markup import escape
    from rich.table import Table as Shown

    show_rows(Shown(title=escape(printable(title)), title_justify="left"), heads, rows[:most])
    if len(rows) > most:
        hint = "" if output else ": write them to a file with -o"
        typer.echo(f"and {len(rows) - most} more{hint}")


def tell_written(*files: Path | None) -> None:
    for file in files:
        if file is not None:
            typer.echo(f"Written: {printable(str(file))}")
