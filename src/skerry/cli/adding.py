"""``skerry add``: another survey added to a finished run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from skerry.cli.closing import closing
from skerry.cli.common import (
    Address,
    AsJson,
    Executor,
    Output,
    Settings,
    Thorough,
    Threads,
    report,
)


def add(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    new: Annotated[
        str, typer.Argument(metavar="NEW", help="Another survey, as 'skerry run' takes one.")
    ],
    output: Output,
    settings: Settings = None,
    thorough: Thorough = False,
    threads: Threads = 0,
    executor: Executor = "local",
    address: Address = "auto",
    as_json: AsJson = False,
) -> None:
    """Add the sources of NEW to those of RUN, in a new run: only the new ones are encoded.

    Settings are those of RUN, which is left as it is and whose classes keep their ids. Start it
    again and it goes on where it stopped.
    """

    def work() -> dict[str, Any]:
        from skerry.adding.add import add as add_to
        from skerry.config import from_mapping, parse_override
        from skerry.executors.executor import opened
        from skerry.progress import bar
        from skerry.store.runfolder import read_config

        config = read_config(folder)
        for text in [*(["nulls.n=200"] if thorough else []), *(settings or ())]:
            config = from_mapping(parse_override(text), config)
        with (
            opened(executor, address=address, threads=threads) as where,
            bar() as on_event,
        ):
            return add_to(
                folder, new, output, config, threads=threads, executor=where, on_event=on_event
            )

    def show(found: dict[str, Any]) -> None:
        closing(found)
        counts = found["sources"]
        typer.echo(
            f"{counts['new']} sources were added to the {counts['before']} of {found['previous']}, "
            "which is as it was."
        )

    report(work, show, as_json)
