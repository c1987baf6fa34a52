"""skerry simulate: a survey to practice on, with all of its truth."""

from __future__ import annotations

import tomllib
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skerry.cli.common import AsJson, report
from skerry.errors import ConfigError

if TYPE_CHECKING:
    from skerry.simulate import Sky
    from skerry.simulate.survey import Simulated

SurveyFolder = Annotated[Path, typer.Option("--output", "-o", help="Folder of the survey.")]
SkySettings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", "-s", help="One setting, as size=160 or kinds.ring=0.01; may be repeated."
    ),
]

_LEARNED = 192 / 424 * 8.48
"""How many R90 wide a cutout is of those that the shipped encoder learned from."""


def simulate(
    output: SurveyFolder,
    sky: Annotated[str, typer.Option(help="What to draw: sdss, decals or a .toml file.")] = "sdss",
    n: Annotated[int | None, typer.Option("-n", "--n", help="How many sources.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all that is drawn.")] = None,
    settings: SkySettings = None,
    threads: Annotated[
        int, typer.Option(min=0, help="How many processes draw, 0 for all; changes no byte.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Draw a survey with rare kinds planted in it, its catalog with votes, and the truth.

    Start it again and it goes on where it stopped.
    """

    def work() -> dict[str, Any]:
        from skerry.progress import bar
        from skerry.simulate import survey

        given = {"n": n, "seed": seed}
        resolved = _resolved(sky, settings or [], {k: v for k, v in given.items() if v is not None})
        with bar() as on_event:
            found = survey.simulate(output, resolved, threads=threads, on_event=on_event)
        return _summary(output, found)

    report(work, _show, as_json)


def _resolved(name: str, settings: list[str], changes: dict[str, Any]) -> Sky:
    """The sky with settings of the command line over it, one at a time."""
    from skerry.simulate import sky_of

    resolved = sky_of(name, **changes)
    for text in settings:
        resolved = sky_of(name, **(changes := changes | _change(text, resolved)))
    return resolved


def _change(text: str, sky: Sky) -> dict[str, Any]:
    """``key=value``, ``kinds.KIND=share`` or ``bands.BAND.key=value`` as a setting of the sky."""
    key, equals, value = text.partition("=")
    path = [part.strip() for part in key.split(".")]
    if not equals or not all(path):
        raise ConfigError(f"{text!r} is no setting; write key=value, as size=160")
    try:
        parsed: Any = tomllib.loads(f"v = {value.strip()}")["v"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    match path:
        case [name]:
            return {name: parsed}
        case ["kinds", kind]:
            return {"kinds": sky.prevalence | {kind: parsed}}
        case ["bands", band, name]:
            bands = {
                b.name: {"wavelength": b.wavelength, "psf_fwhm": b.psf_fwhm, "depth": b.depth}
                for b in sky.bands
            }
            return {"bands": bands | {band: bands.get(band, {}) | {name: parsed}}}
    raise ConfigError(
        f"{key.strip()!r} is no setting; expected key, kinds.KIND or bands.BAND.key, as "
        "bands.g.depth=24"
    )


def _summary(folder: Path, found: Simulated) -> dict[str, Any]:
    return {
        "survey": str(folder),
        "catalog": str(found.catalog),
        "sources": found.sky.n,
        "counts": dict(sorted(found.counts.items(), key=lambda item: -item[1])),
        "drawn": found.drawn,
        "seconds": round(found.seconds, 2),
        "next": _search(folder, found),
    }


def _search(folder: Path, found: Simulated) -> str:
    """The command that searches the survey; empty where it cannot be read as images."""
    sky = found.sky
    if sky.format == "fits" and len(sky.bands) not in (1, 3):
        return ""
    crop = f" -s representations.crop={_LEARNED / sky.width:.3g}"
    scaled = sky.scaling == "r90" and sky.width > _LEARNED
    catalog, run = quote(str(found.catalog)), quote(f"{folder}-run")
    return f"skerry run {catalog} -o {run}{crop if scaled else ''}"


def _show(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    shown = Table(title="Sources", title_justify="left")
    shown.add_column("kind")
    shown.add_column("sources", justify="right")
    shown.add_column("share", justify="right")
    for kind, count in found["counts"].items():
        shown.add_row(kind, str(count), f"{100 * count / found['sources']:.3g}%")
    Console().print(shown)
    if found["drawn"]:
        speed = found["drawn"] / found["seconds"]
        typer.echo(f"Drawn: {found['drawn']} sources, {speed:.0f} a second")
    else:
        typer.echo("The survey was there already")
    typer.echo(f"Catalog: {found['catalog']}")
    typer.echo(f"A look at each kind: {found['survey']}/sheet.jpg")
    if found["next"]:
        typer.echo(f"Search it: {found['next']}")
    else:
        typer.echo("skerry run reads FITS images of one band or three; for these set format=jpeg")
