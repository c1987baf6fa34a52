"""``skerry encode`` and ``skerry gather``: one run by several processes on one folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from skerry.cli.closing import closing
from skerry.cli.common import (
    AsJson,
    ConfigFile,
    Device,
    Output,
    Settings,
    Threads,
    on_device,
    report,
    resolved_config,
)


def encode(
    input_path: Annotated[str, typer.Argument(metavar="INPUT", help="As of 'skerry run'.")],
    output: Output,
    shards: Annotated[
        str, typer.Option(help="Which shards of the run, START:STOP, STOP left out; all by default")
    ] = ":",
    config: ConfigFile = None,
    settings: Settings = None,
    preset: Annotated[str, typer.Option(help="Named settings to start from.")] = "",
    threads: Threads = 0,
    device: Device = "",
    as_json: AsJson = False,
) -> None:
    """Encode some shards of a run, beside other processes that encode others of it."""

    def work() -> dict[str, Any]:
        from skerry import sharing
        from skerry.progress import bar

        resolved = resolved_config(config, [*on_device(device), *(settings or ())], preset)
        with bar() as on_event:
            return sharing.encode(
                input_path, output, resolved, shards=shards, threads=threads, on_event=on_event
            )

    report(work, _told, as_json)


def _told(found: dict[str, Any]) -> None:
    typer.echo(
        f"Encoded {found['encoded']} shards, {found['kept']} were there; {found['failed']} of "
        f"their sources could not be read. The run has {found['shards']} shards; when all are "
        f"there: skerry gather {found['run']}"
    )
    if found["changed"]:
        typer.echo(
            "Warning: the input is not what it was at the call before; shards that were encoded "
            "until then count as missing and have to be encoded again"
        )


def gather(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run.")],
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Search a run whose shards were all encoded by 'skerry encode'; names those missing."""

    def work() -> dict[str, Any]:
        from skerry import sharing
        from skerry.progress import bar

        with bar() as on_event:
            return sharing.gather(folder, threads=threads, on_event=on_event)

    report(work, closing, as_json)
