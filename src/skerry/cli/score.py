"""``skerry encoders score``: how good an encoder is on labeled galaxies it never saw."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from skerry.cli.common import AsJson, Threads, report


def score(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="Images with a catalog of vote fractions, labels or columns of 0 and 1.",
        ),
    ],
    encoder: Annotated[
        str, typer.Option(help="The encoder to score: a name, a file or a folder.")
    ] = "default",
    fit: Annotated[
        Path | None,
        typer.Option(help="Other galaxies with images and votes, to fit a ridge regression on."),
    ] = None,
    artifacts: Annotated[
        Path | None, typer.Option(help="Images of artifacts to mix in, at least 40.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for scores.json, scores.md and scores.png."),
    ] = None,
    controls: Annotated[
        bool, typer.Option(help="Score an untrained network and the pixels too.")
    ] = True,
    views: Annotated[
        int, typer.Option(help="8 scores vectors averaged over 8 views too, 1 does not.")
    ] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all draws.")] = 0,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Score an encoder on labeled galaxies that it never saw, beside its controls."""

    tables: list[str] = []

    def work() -> dict[str, Any]:
        from dataclasses import asdict

        from skerry import scoring
        from skerry.errors import ConfigError
        from skerry.progress import bar
        from skerry.represent.encoder import load

        if output is not None and output.exists() and not output.is_dir():
            raise ConfigError(f"--output {output} is a file; expected a folder")
        with bar() as on_event:
            found = scoring.score(
                folder,
                load(encoder),
                fit=fit,
                artifacts=artifacts,
                controls=controls,
                views=views,
                seed=seed,
                threads=threads,
                on_event=on_event,
            )
        if output is not None:
            found.write(output)
        tables.append(found.markdown())
        return asdict(found)

    report(work, lambda found: typer.echo(tables[0]), as_json)
