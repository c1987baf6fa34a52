"""skerry grow and skerry assign: what a finished run is used for."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skerry.cli.common import AsJson, Settings, Threads, report
from skerry.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow as pa

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")]
Table = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="File for the table: .csv, .parquet, .fits or .vot."),
]

_SUFFIXES = (".csv", ".parquet", ".fits", ".vot")


def grow(
    folder: RunFolder,
    class_id: Annotated[str, typer.Argument(metavar="CLASS", help="As SKR-587729385541075021.")],
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
    output: Table = None,
    as_json: AsJson = False,
) -> None:
    """Rank the sources most likely to be further members of CLASS."""

    def work() -> dict[str, Any]:
        from skerry.using import Finished

        _check(output, folder)
        run = Finished(folder)
        found = run.grow(class_id, limit)
        _write(output, found)
        verdict = run.class_of(class_id).verdict
        return {"class_id": class_id, "verdict": verdict, "candidates": found.to_pylist()}

    def show(found: dict[str, Any]) -> None:
        rows = [
            _cells(r["order"], r["id_str"], r["score"], r["class_id"] or "none")
            for r in found["candidates"]
        ]
        title = f"Most like {class_id}, {found['verdict']}"
        _print(title, ("order", "source", "score", "in class"), rows)

    report(work, show, as_json)


def assign(
    folder: RunFolder,
    new: Annotated[Path, typer.Argument(metavar="NEW", help="New sources, as 'run' takes them.")],
    output: Table = None,
    settings: Settings = None,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Place NEW sources into the classes of RUN, each by itself, or into none of them.

    NEW is read with the settings of RUN; --set changes sources.*, representations.crop and
    representations.accept where it is another survey.
    """

    def work() -> dict[str, Any]:
        from skerry.config import from_mapping, parse_override
        from skerry.progress import bar
        from skerry.using import Finished

        _check(output, folder, new)
        run = Finished(folder)
        config = run.config
        for text in settings or ():
            config = from_mapping(parse_override(text), config)
        with bar() as on_event:
            placed = run.assign(new, config, threads=threads, on_event=on_event)
        _write(output, placed.sources)
        sources = placed.sources.to_pylist()
        return {"sources": sources, "classes": placed.classes, "warnings": placed.warnings}

    report(work, _show_placed, as_json)


def _show_placed(found: dict[str, Any]) -> None:
    from rich.console import Console

    sources = found["sources"]
    placed = [r for r in sources if r["class_id"]]
    failed = [r for r in sources if r["failure"] is not None]
    if placed:
        rows = [
            _cells(r["id_str"], r["class_id"], r["p_value"], r["distance_ratio"]) for r in placed
        ]
        _print("Placed in a class", ("source", "class", "p", "distance"), rows)
    rows = [
        _cells(c["class_id"], c["verdict"], c["placed"], c["kept"], c["false_rate"])
        for c in found["classes"]
    ]
    heads = ("class", "verdict", "placed", "members kept", "false per member")
    _print("Classes, as calibrated on the run's own sources", heads, rows)
    if failed:
        rows = [_cells(r["id_str"], r["failure"]) for r in failed]
        _print("Could not be read", ("source", "reason"), rows)
    for warning in found["warnings"]:
        Console().print(f"Warning: {warning}", markup=False)
    none = len(sources) - len(placed) - len(failed)
    typer.echo(f"{len(placed)} placed, {none} in none of them, {len(failed)} could not be read.")


def _cells(*values: object) -> tuple[str, ...]:
    return tuple(f"{v:.3f}" if isinstance(v, float) else str(v) for v in values)


def _check(output: Path | None, *taken: Path) -> None:
    """That a file can be written, and is none of a run's or an input's.

    A table left among the images of a survey would be read as its catalog.
    """
    if output is None:
        return
    if output.suffix not in _SUFFIXES:
        raise ConfigError(f"--output {output}; expected a .csv, .parquet, .fits or .vot file")
    full = output.resolve()
    for path in taken:
        if full.is_relative_to(path.resolve()):
            raise ConfigError(f"--output {output} is part of {path}; choose a file outside it")
    folder = next(p for p in full.parents if p.exists())
    if full.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ConfigError(f"--output {output} cannot be written there; choose another file")


def _write(output: Path | None, table: pa.Table) -> None:
    if output is None:
        return
    from skerry.store import write_bytes, write_table

    if output.suffix == ".parquet":
        write_table(output, table)
    else:
        write_bytes(output, _encoded(table, output.suffix))


def _encoded(table: pa.Table, suffix: str) -> bytes:
    import numpy as np
    from pyarrow import csv

    from skerry.using import as_table

    buffer = io.BytesIO()
    if suffix == ".csv":
        csv.write_csv(table, buffer)
        return buffer.getvalue()
    rows = as_table(table)
    for name in rows.colnames:
        if rows[name].dtype.kind == "U":
            made = [_ascii(text) if suffix == ".fits" else _xml(text) for text in rows[name]]
            rows[name] = np.array(made, dtype="S" if suffix == ".fits" else "U")
    rows.write(buffer, format="fits" if suffix == ".fits" else "votable")
    return buffer.getvalue()


def _ascii(text: str) -> bytes:
    """As FITS can hold it: printable ASCII, all else by Python's escapes."""
    plain = text.isascii() and text.isprintable()
    return text.encode("ascii" if plain else "unicode_escape")


def _xml(text: str) -> str:
    """As XML can hold it."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _print(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], most: int = 40) -> None:
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
