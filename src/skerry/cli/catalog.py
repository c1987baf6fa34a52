"""skerry catalog: a catalog of a folder of FITS images, with the positions of their headers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from skerry.cli.common import AsJson, report
from skerry.cli.tables import SUFFIXES, write_output

Folder = Annotated[
    str, typer.Argument(metavar="FOLDER", help="Folder of FITS images; a path or an address.")
]
CatalogFile = Annotated[
    Path | None,
    typer.Option("--output", "-o", help=f"{', '.join(SUFFIXES)}; unless given catalog.csv in it."),
]


def catalog(folder: Folder, output: CatalogFile = None, as_json: AsJson = False) -> None:
    """Write a catalog of FOLDER with the positions that FITS headers have, for skerry run."""

    def work() -> dict[str, Any]:
        from skerry.cli.tables import check_output
        from skerry.errors import ConfigError
        from skerry.progress import bar
        from skerry.store.addresses import is_address
        from skerry.survey import catalog_of, open_survey

        if output is None and is_address(folder):
            raise ConfigError(f"{folder} is elsewhere; name a file here with -o")
        target = output or Path(folder) / "catalog.csv"
        check_output(target)
        here = None if is_address(folder) else Path(folder).resolve()
        if here in target.resolve().parents and (
            target.resolve().parent != here or target.stem.lower() != "catalog"
        ):
            raise ConfigError(
                f"{target} lies in {folder}, where it would be one of the images or not be found; "
                "name it catalog.csv there, or put it elsewhere"
            )
        if target.exists():
            raise ConfigError(f"{target} exists; choose another file with -o, or remove it")
        with bar() as on_event:
            found = catalog_of(open_survey(folder), target.parent, on_event=on_event)
        write_output(target, found, "catalog")
        placed = found.num_rows - found["ra"].null_count
        return {"catalog": str(target), "sources": found.num_rows, "placed": placed}

    report(work, _show, as_json)


def _show(found: dict[str, Any]) -> None:
    typer.echo(
        f"{found['catalog']}: {found['placed']} of {found['sources']} sources have a position"
    )
