"""skerry grow and skerry assign: what a finished run is used for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from skerry.cli.common import AsJson, Settings, Threads, report
from skerry.cli.printed import print_warnings
from skerry.cli.tables import (
    TableFile,
    cells,
    check_output,
    print_table,
    tell_written,
    write_output,
)

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")]


def grow(
    folder: RunFolder,
    class_id: Annotated[str, typer.Argument(metavar="CLASS", help="As SKR-587729385541075021.")],
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
    reviewed: Annotated[
        bool, typer.Option("--reviewed", help="Grow the class as it was reviewed.")
    ] = False,
    output: TableFile = None,
    as_json: AsJson = False,
) -> None:
    """Rank the sources most likely to be further members of CLASS."""

    def work() -> dict[str, Any]:
        from skerry.using import Finished

        check_output(output, folder)
        run = Finished(folder)
        found = run.grow(class_id, limit, reviewed=reviewed)
        write_output(output, found, "grown")
        verdict = run.class_of(class_id).verdict
        return {"class_id": class_id, "verdict": verdict, "candidates": found.to_pylist()}

    def show(found: dict[str, Any]) -> None:
        rows = [
            cells(r["order"], r["id_str"], r["score"], r["class_id"] or "none")
            for r in found["candidates"]
        ]
        title = f"Most like {class_id}, {found['verdict']}"
        print_table(title, ("order", "source", "score", "in class"), rows, output)
        tell_written(output)

    report(work, show, as_json)


def assign(
    folder: RunFolder,
    new: Annotated[Path, typer.Argument(metavar="NEW", help="New sources, as 'run' takes them.")],
    output: TableFile = None,
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

        check_output(output, folder, new)
        run = Finished(folder)
        config = run.config
        for text in settings or ():
            config = from_mapping(parse_override(text), config)
        with bar() as on_event:
            placed = run.assign(new, config, threads=threads, on_event=on_event)
        write_output(output, placed.sources, "assigned")
        sources = placed.sources.to_pylist()
        return {"sources": sources, "classes": placed.classes, "warnings": placed.warnings}

    report(work, lambda found: _show_placed(found, output), as_json)


def _show_placed(found: dict[str, Any], output: Path | None) -> None:
    sources = found["sources"]
    placed = [r for r in sources if r["class_id"]]
    failed = [r for r in sources if r["failure"] is not None]
    if placed:
        rows = [
            cells(r["id_str"], r["class_id"], r["p_value"], r["distance_ratio"]) for r in placed
        ]
        print_table("Placed in a class", ("source", "class", "p", "distance"), rows, output)
    rows = [
        cells(c["class_id"], c["verdict"], c["placed"], c["kept"], c["false_rate"])
        for c in found["classes"]
    ]
    heads = ("class", "verdict", "placed", "members kept", "false per member")
    print_table("Classes, as calibrated on the run's own sources", heads, rows)
    if failed:
        rows = [cells(r["id_str"], r["failure"]) for r in failed]
        print_table("Could not be read", ("source", "reason"), rows, output)
    print_warnings(found["warnings"])
    none = len(sources) - len(placed) - len(failed)
    typer.echo(f"{len(placed)} placed, {none} in none of them, {len(failed)} could not be read.")
    tell_written(output)
