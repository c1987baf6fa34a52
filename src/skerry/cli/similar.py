"""skerry similar: the sources of a run most like one, or like an image."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from skerry.cli.common import AsJson, report
from skerry.cli.printed import print_warnings
from skerry.cli.tables import (
    TableFile,
    cells,
    check_output,
    print_table,
    tell_written,
    write_output,
)
from skerry.cli.using import RunFolder


def similar(
    folder: RunFolder,
    id_str: Annotated[str | None, typer.Option("--id", help="A source of RUN.")] = None,
    image: Annotated[
        Path | None, typer.Option(help="An image, encoded as those of RUN were.")
    ] = None,
    position: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="RA DEC", help="Degrees: the source nearest to it."),
    ] = None,
    radius: Annotated[float, typer.Option(help="Arcsec, within which that has to lie.")] = 5.0,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 20,
    sheet: Annotated[Path | None, typer.Option(help="File for a contact sheet: .jpg.")] = None,
    output: TableFile = None,
    as_json: AsJson = False,
) -> None:
    """List the sources of RUN most like one of them, or like an image."""

    def work() -> dict[str, Any]:
        from skerry.using import Finished

        check_output(output, folder)
        check_output(sheet, folder, suffixes=(".jpg", ".jpeg"), option="--sheet")
        run = Finished(folder)
        found = run.similar(id_str, image=image, position=position, radius=radius, limit=limit)
        write_output(output, found.sources, "similar")
        if sheet is not None:
            run.write_sheet(sheet, found)
        return {
            "query": dict(found.query),
            "similar": found.sources.to_pylist(),
            "warnings": list(found.warnings),
        }

    def show(found: dict[str, Any]) -> None:
        _show_similar(found, output)
        tell_written(output, sheet)

    report(work, show, as_json)


def _show_similar(found: dict[str, Any], output: Path | None) -> None:
    query = found["query"]
    what = query.get("id_str") or query["image"]
    where = f", {query['separation']:.2f} arcsec from there" if "separation" in query else ""
    rows = [
        cells(r["rank"], r["id_str"], r["distance"], r["nth"], *_position(r), r["class_id"])
        for r in found["similar"]
    ]
    heads = ("rank", "source", "distance", "nth", "ra", "dec", "in class")
    print_table(f"Most like {what}{where}", heads, rows, output)
    print_warnings(found["warnings"])


def _position(row: dict[str, Any]) -> tuple[str, str]:
    ra, dec = ("" if row[name] is None else f"{row[name]:.6f}" for name in ("ra", "dec"))
    return ra, dec
