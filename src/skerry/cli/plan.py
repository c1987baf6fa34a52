"""``skerry plan``: what a run will cost on this machine, before any work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skerry.cli.common import (
    AsJson,
    ConfigFile,
    Device,
    InputPath,
    Output,
    Preset,
    Previous,
    Settings,
    Thorough,
    Threads,
    report,
    run_config,
)

if TYPE_CHECKING:
    from skerry.planning import Plan


def plan(
    input_path: InputPath,
    output: Output = Path("skerry-run"),
    config: ConfigFile = None,
    settings: Settings = None,
    preset: Preset = "",
    previous: Previous = None,
    thorough: Thorough = False,
    threads: Threads = 0,
    device: Device = "",
    probe: Annotated[float, typer.Option(min=1, help="About how many seconds to measure.")] = 30.0,
    hours: Annotated[
        float, typer.Option(min=0, help="Refuse a run that takes longer; 0: none.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sources drawn.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Tell what 'skerry run' would cost here: time, memory, disk, GPU hours. Writes nothing.

    Refuses what does not fit, and says what would.
    """

    def work() -> dict[str, Any]:
        from skerry.planning.plan import plan as planned
        from skerry.planning.plan import require_fit
        from skerry.progress import bar

        resolved = run_config(config, settings, preset, previous, thorough, device)
        with bar() as on_event:
            found = planned(
                input_path, output, resolved,
                threads=threads, probe_seconds=probe, hours=hours, seed=seed, on_event=on_event,
            )  # fmt: skip
        if not as_json:
            _show(found)
        require_fit(found)
        return found.as_dict()

    report(work, lambda found: None, as_json)


def _show(found: Plan) -> None:
    from rich.console import Console
    from rich.table import Table

    from skerry.planning.advice import duration, size

    console = Console()
    n, machine = found.workload.sources, found.machine
    table = Table(
        title=f"A run on {n:,} sources, {machine.busy} of {machine.there} cores",
        title_justify="left",
    )
    for column in ("stage", "time", "peak memory", "disk", "searches", "GPU"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    for stage in found.stages:
        table.add_row(
            stage.name,
            duration(stage.seconds),
            size(stage.memory),
            size(stage.disk),
            str(stage.searches or ""),
            duration(stage.gpu) if stage.gpu else "",
        )
    gpu = f"{found.gpu_hours:.3g} h" if found.gpu_hours else ""
    table.add_section()
    table.add_row("in all", duration(found.seconds), size(found.memory), size(found.disk), "", gpu)
    console.print(table)
    low, high = (duration(found.seconds * f) for f in (1 / found.factor, found.factor))
    console.print(
        f"Expect from {low} to {high}, on a machine as busy as it was just now. Here "
        f"{size(machine.memory)} of memory and {size(machine.disk)} of disk can be had.",
        markup=False,
    )
    for note in found.notes:
        console.print(f"Note: {note}", markup=False)
