"""The command line: arguments in, one call, a table or JSON out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from skerry.errors import SkerryError

app = typer.Typer(
    name="skerry",
    help="Find rare classes of galaxy in survey images, with no examples of any.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Output = Annotated[Path, typer.Option("--output", "-o", help="Folder of the run.")]
Threads = Annotated[
    int,
    typer.Option(min=0, help="How many threads encode, 0 for all; changes no result."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings as TOML, as a run's config.toml.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", help="One setting, as neighbors.k=30; may be repeated."),
]


@app.command()
def run(
    input_path: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="Folder of images, catalog that names them, Parquet with images, or "
            "table of representations.",
        ),
    ],
    output: Output,
    config: ConfigFile = None,
    settings: Settings = None,
    preset: Annotated[str, typer.Option(help="Named settings to start from.")] = "",
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Find candidate rare classes in INPUT. Start it again and it goes on where it stopped."""

    def work() -> dict[str, Any]:
        from skerry import pipeline
        from skerry.progress import bar

        resolved = _config(config, settings, preset)
        with bar() as on_event:
            return pipeline.run(input_path, output, resolved, threads=threads, on_event=on_event)

    _report(work, _closing, as_json)


@app.command()
def demo(
    output: Output = Path("skerry-demo"),
    n: Annotated[int, typer.Option(help="How many galaxies to draw.")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the drawn survey.")] = 0,
    config: ConfigFile = None,
    settings: Settings = None,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Draw a small survey with a few planted rare classes and search it."""

    def work() -> dict[str, Any]:
        from skerry import pipeline
        from skerry.discover import largest_size
        from skerry.progress import bar
        from skerry.survey.simulate import simulate

        # the drawn frames show the field the encoder learned
        resolved = _config(config, settings, defaults=["representations.crop=1.0"])
        largest_size(n, resolved.classes)
        with bar() as on_event:
            survey = output / "survey"
            simulate(survey, n=n, seed=seed, on_event=lambda d, t: on_event("drawing", d, t))
            return pipeline.run(
                survey, output / "run", resolved, threads=threads, on_event=on_event
            )

    _report(work, _closing, as_json)


@app.command()
def status(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run.")],
    as_json: AsJson = False,
) -> None:
    """Tell where a run stands."""

    def work() -> dict[str, Any]:
        from skerry import pipeline

        return pipeline.status(folder)

    _report(work, _closing, as_json)


@app.command()
def version(as_json: AsJson = False) -> None:
    """Print the version."""
    import skerry

    _report(
        lambda: {"version": skerry.__version__}, lambda found: typer.echo(found["version"]), as_json
    )


def _config(
    path: Path | None,
    settings: list[str] | None,
    preset: str = "",
    defaults: Sequence[str] = (),
) -> Any:
    """Settings: the defaults, over them the file's, over these the command line's."""
    from skerry import config as configuration

    stored = dict(configuration.load(path)) if path is not None else {}
    stored.pop("input", None)
    if preset:
        stored["preset"] = preset
    name = {"preset": stored["preset"]} if "preset" in stored else {}
    resolved = configuration.from_mapping({**name, **_tables(defaults)})
    resolved = configuration.from_mapping(stored, resolved)
    return configuration.from_mapping(_tables(settings or ()), resolved)


def _tables(settings: Sequence[str]) -> dict[str, Any]:
    from skerry import config as configuration

    merged: dict[str, Any] = {}
    for text in settings:
        for section, table in configuration.parse_override(text).items():
            merged.setdefault(section, {}).update(table)
    return merged


def _report(
    work: Callable[[], dict[str, Any]], show: Callable[[dict[str, Any]], None], as_json: bool
) -> None:
    try:
        found = work()
    except SkerryError as error:
        _fail(type(error).__name__, str(error), as_json)
    except OSError as error:
        _fail("OSError", f"{error}; see that files and folders can be read and written", as_json)
    except KeyboardInterrupt:
        _fail("Interrupted", "stopped; start the same command again to go on", as_json, code=130)
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        show(found)


def _fail(kind: str, message: str, as_json: bool, code: int = 1) -> NoReturn:
    if as_json:
        typer.echo(json.dumps({"error": kind, "message": message}))
    else:
        typer.echo(f"skerry: {message}", err=True)
    sys.exit(code)


def _closing(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    stages = Table(title=escape(f"Run {found['run']}"), title_justify="left")
    for column in ("stage", "state", "counts"):
        stages.add_column(column)
    for name, stage in found["stages"].items():
        counts = ", ".join(
            f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}"
            for k, v in stage["counts"].items()
            if not isinstance(v, dict)
        )
        state = "as it was" if name in found.get("skipped", ()) else stage["state"]
        stages.add_row(name, state, escape(counts))
    console.print(stages)
    if found["classes"]:
        _classes_table(console, found["classes"])
    for warning in found.get("warnings", ()):
        console.print(f"Warning: {warning}", markup=False)
    if found["complete"]:
        console.print(_headline(found), markup=False)
        console.print(f"Report: {found['run']}/report.html", markup=False, soft_wrap=True)


def _classes_table(console: Any, classes: list[dict[str, Any]], most: int = 20) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Candidate classes, by persistence", title_justify="left")
    for column in ("rank", "class", "size", "persistence", "verdict"):
        table.add_column(column, justify="left" if column in ("class", "verdict") else "right")
    for rare in classes[:most]:
        table.add_row(
            str(rare["rank"]),
            escape(rare["class_id"]),
            str(rare["size"]),
            f"{rare['persistence']:.2f}",
            rare["verdict"],
        )
    console.print(table)
    if len(classes) > most:
        console.print(f"and {len(classes) - most} more: see the report", markup=False)


def _headline(found: dict[str, Any]) -> str:
    counts = found["stages"]["classes"]["counts"]
    total = found["stages"]["representations"]["counts"]
    share = counts["unclustered"] / max(1, total["represented"])
    return (
        f"{counts['classes']} candidate classes among {total['represented']} sources; "
        f"{share:.1%} are in none{', which is normal' if share >= 0.95 else ''}; "
        f"{total['failed']} could not be read."
    )
