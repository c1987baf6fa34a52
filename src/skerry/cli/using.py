"""skerry grow and skerry assign: what a finished run is used for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from skerry.cli.common import AsJson, Threads, report
from skerry.errors import ConfigError

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")]
Table = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="File for the table: .csv, .parquet, .fits or .vot."),
]


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

        _check(output)
        found = Finished(folder).grow(class_id, limit)
        _write(output, found)
        return {"class_id": class_id, "candidates": found}

    def show(found: dict[str, Any]) -> None:
        rows = [
            (str(r["order"]), r["id_str"], f"{r['score']:.3f}", r["class_id"] or "none")
            for r in found["candidates"]
        ]
        _print(f"Most like {class_id}", ("order", "source", "score", "in class"), rows)

    report(work, show, as_json)


def assign(
    folder: RunFolder,
    new: Annotated[Path, typer.Argument(metavar="NEW", help="New sources, as 'run' takes them.")],
    output: Table = None,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Place NEW sources into the classes of RUN, each by itself, or into none of them."""

    def work() -> dict[str, Any]:
        from skerry.progress import bar
        from skerry.using import Finished

        _check(output)
        with bar() as on_event:
            table, calibration = Finished(folder).assign(new, threads=threads, on_event=on_event)
        rows = table.to_pylist()
        _write(output, rows)
        return {"sources": rows, "classes": calibration}

    def show(found: dict[str, Any]) -> None:
        rows = [
            (r["id_str"], r["class_id"], f"{r['p_value']:.3f}", f"{r['distance_ratio']:.2f}")
            for r in found["sources"]
            if r["class_id"]
        ]
        _print("Placed in a class", ("source", "class", "p", "distance"), rows)
        failed = sum(r["failure"] is not None for r in found["sources"])
        none = len(found["sources"]) - len(rows) - failed
        typer.echo(f"{len(rows)} placed, {none} in none of them, {failed} could not be read.")

    report(work, show, as_json)


def _check(output: Path | None) -> None:
    if output is not None and output.suffix not in (".csv", ".parquet", ".fits", ".vot"):
        raise ConfigError(f"--output {output}; expected a .csv, .parquet, .fits or .vot file")


def _write(output: Path | None, rows: list[dict[str, Any]]) -> None:
    if output is None:
        return
    from astropy.table import Table as Rows

    kinds = {".csv": "ascii.csv", ".parquet": "parquet", ".fits": "fits", ".vot": "votable"}
    table = Rows(rows=rows) if rows else Rows()
    for column in table.itercols():
        if column.dtype == object:
            numbers = any(isinstance(v, float) for v in column)
            values = [float("nan") if numbers and v is None else v or "" for v in column]
            table[column.name] = values
    output.parent.mkdir(parents=True, exist_ok=True)
    table.write(output, format=kinds[output.suffix], overwrite=True)


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
