"""The command line: arguments in, one call, a table or JSON out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from skerry.cli import adding, handoff, sharing, using
from skerry.cli import atlas as charting
from skerry.cli import catalog as cataloging
from skerry.cli import examine as examining
from skerry.cli import plan as planning
from skerry.cli import recover as recovering
from skerry.cli import review as reviewing
from skerry.cli import score as scoring
from skerry.cli import similar as looking
from skerry.cli import simulate as simulating
from skerry.cli import train as training
from skerry.cli.closing import closing
from skerry.cli.common import (
    Address,
    AsJson,
    ConfigFile,
    Device,
    Executor,
    InputPath,
    Output,
    Preset,
    Previous,
    Settings,
    Thorough,
    Threads,
    report,
    resolved_config,
    run_config,
)
from skerry.cli.encoders import encoders_app

app = typer.Typer(
    name="skerry",
    help="Find rare classes of galaxy in survey images, with no examples of any.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def run(
    input_path: InputPath,
    output: Output,
    config: ConfigFile = None,
    settings: Settings = None,
    preset: Preset = "",
    previous: Previous = None,
    thorough: Thorough = False,
    threads: Threads = 0,
    device: Device = "",
    executor: Executor = "local",
    address: Address = "auto",
    as_json: AsJson = False,
) -> None:
    """Find and judge rare classes in INPUT. Start it again and it goes on where it stopped."""

    def work() -> dict[str, Any]:
        from skerry import pipeline
        from skerry.executors.executor import opened
        from skerry.progress import bar

        resolved = run_config(config, settings, preset, previous, thorough, device)
        with (
            opened(executor, address=address, threads=threads) as where,
            bar() as on_event,
        ):
            return pipeline.run(
                input_path, output, resolved, threads=threads, executor=where, on_event=on_event
            )

    report(work, closing, as_json)


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
        from skerry.simulate import sky_of
        from skerry.simulate import survey as simulated

        # a drawn frame shows 256 px of a Galaxy Zoo cutout, the encoder learned the middle 192
        resolved = resolved_config(config, settings, defaults=["representations.crop=0.75"])
        largest_size(n, resolved.classes)
        sky = sky_of("sdss", n=n, seed=seed)
        with bar() as on_event:
            survey = output / "survey"
            simulated.simulate(survey, sky, threads=threads, on_event=on_event)
            return pipeline.run(
                survey, output / "run", resolved, threads=threads, on_event=on_event
            )

    report(work, closing, as_json)


@app.command()
def status(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run.")],
    as_json: AsJson = False,
) -> None:
    """Tell where a run stands."""

    def work() -> dict[str, Any]:
        from skerry import pipeline

        return pipeline.status(folder)

    report(work, closing, as_json)


@app.command()
def version(as_json: AsJson = False) -> None:
    """Print the version."""
    import skerry

    report(
        lambda: {"version": skerry.__version__}, lambda found: typer.echo(found["version"]), as_json
    )


app.command()(cataloging.catalog)
app.command()(adding.add)
app.command()(planning.plan)
encoders_app.command()(scoring.score)
app.add_typer(encoders_app, name="encoders")
app.command()(sharing.encode)
app.command()(sharing.gather)
app.command()(using.grow)
app.command()(using.assign)
app.command()(looking.similar)
app.command()(reviewing.review)
app.command()(handoff.send)
app.command()(handoff.zooniverse)
app.command()(examining.examine)
app.command()(charting.serve)
app.command()(charting.atlas)
app.command()(recovering.recover)
app.command()(simulating.simulate)
app.command()(training.train)
app.command()(training.export)
