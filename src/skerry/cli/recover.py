"""skerry recover: what a search would have found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skerry.cli.common import AsJson, report
from skerry.errors import ConfigError

if TYPE_CHECKING:
    from skerry.recovering import Plan

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")]
Results = Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")]

_HEADS = ("visibility", "prevalence", "sources", "found", "95% interval", "candidate")


def recover(
    folder: RunFolder,
    output: Results,
    kind: Annotated[str, typer.Option(help="Plant simulated sources of this kind, as ring.")] = "",
    images: Annotated[
        list[Path] | None,
        typer.Option(help="Plant altered copies of these: a folder, or image files, one each."),
    ] = None,
    copies: Annotated[
        bool,
        typer.Option("--copies", help="Plant shifted copies of the run's own vectors: a bound."),
    ] = False,
    sky: Annotated[
        str, typer.Option(help="Sky of the simulated sources: sdss, decals or a .toml file.")
    ] = "sdss",
    prevalences: Annotated[
        str, typer.Option(help="Shares of the sample to plant, joined by commas.")
    ] = "0.0005,0.001,0.002,0.005,0.01",
    visibilities: Annotated[
        str, typer.Option(help="How visible what defines the class is, above 0 to 1.")
    ] = "1",
    realizations: Annotated[
        int, typer.Option(min=1, help="How often each is planted; publish 20 or more.")
    ] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Seed of what is planted.")] = 0,
    threads: Annotated[
        int,
        typer.Option(min=0, help="How many realizations at a time, 0: as cores; changes nothing."),
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Plant a class in the survey of RUN, search again, and tell how often it is found.

    Start it again and it goes on where it stopped.
    """

    def work() -> dict[str, Any]:
        from skerry.progress import bar
        from skerry.recovering import recover as recovered

        plan = _plan(kind, images or [], copies, sky)
        with bar() as on_event:
            found = recovered(
                folder,
                plan,
                output,
                prevalences=_numbers("--prevalences", prevalences),
                visibilities=_numbers("--visibilities", visibilities),
                realizations=realizations,
                seed=seed,
                threads=threads,
                on_event=on_event,
            )
        return {"results": str(output), **found.summary()}

    report(work, _show, as_json)


def _plan(kind: str, images: list[Path], copies: bool, sky: str) -> Plan:
    from skerry import recovering

    asked = [bool(kind), bool(images), copies]
    if sum(asked) != 1:
        raise ConfigError(
            f"{sum(asked)} classes to plant were given; expected one of --kind, --images, --copies"
        )
    if kind:
        return recovering.of_kind(kind, sky)
    return recovering.of_images(images) if images else recovering.copies


def _numbers(option: str, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise ConfigError(f"{option} is {text!r}; expected numbers joined by commas") from error


def _show(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    bound = " (optimistic bound)" if found["optimistic_bound"] else ""
    shown = Table(title=f"Found of {found['planted']}{bound}", title_justify="left")
    for head in _HEADS:
        shown.add_column(head, no_wrap=True)
    for point in found["curve"]:
        shown.add_row(*_cells(point))
    Console().print(shown)
    for sentence in (*found["sentences"], *found["separation_sentences"]):
        typer.echo(sentence)
    for warning in found["warnings"]:
        typer.echo(f"Warning: {warning}")
    typer.echo(f"Tables and figure: {found['results']}")


def _cells(point: dict[str, Any]) -> tuple[str, ...]:
    visibility = point["visibility"]
    start = (
        "(ordinary)" if visibility is None else f"{visibility:g}",
        f"{100 * point['prevalence']:.3g}%",
        str(point["planted"]),
    )
    if point["unreachable"]:
        return (*start, "not planted", "", "")
    return (
        *start,
        f"{point['found']} of {point['realizations']}",
        f"{point['low']:.2f} to {point['high']:.2f}",
        str(point["candidate"]),
    )
