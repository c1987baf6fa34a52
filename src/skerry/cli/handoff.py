"""skerry send and skerry zooniverse: a finished run handed to other tools."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from skerry.cli.common import AsJson, report
from skerry.cli.printed import printable

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")]


def send(
    folder: RunFolder,
    class_id: Annotated[
        str, typer.Option("--class", help="Members of this class alone; all if none is named.")
    ] = "",
    point: Annotated[
        str, typer.Option(help="Point at the source of this id, and send no table.")
    ] = "",
    to: Annotated[
        str, typer.Option(help="To this tool alone, as topcat, aladin or ds9; else to all.")
    ] = "",
    hub_timeout: Annotated[
        float, typer.Option(help="Seconds to wait for the answer of each tool.")
    ] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Send the members of RUN's classes to TOPCAT, Aladin or DS9 as they run, by SAMP.

    It fails where no tool took them.
    """

    def work() -> dict[str, Any]:
        from skerry.errors import ConfigError
        from skerry.handoff import pointing, table_of
        from skerry.handoff import send as send_message
        from skerry.using import Finished

        if point and class_id:
            raise ConfigError("--point and --class are both given; give one of them")
        run = Finished(folder)
        message = pointing(run, point) if point else table_of(run, class_id)
        receipts = send_message(message, to, hub_timeout)
        return {
            "mtype": message.mtype,
            "parameters": dict(message.parameters),
            "sent": [asdict(receipt) for receipt in receipts],
        }

    def show(found: dict[str, Any]) -> None:
        for receipt in found["sent"]:
            typer.echo(f"{receipt['name']}: {receipt['error'] or 'taken'}")
        if "url" in found["parameters"]:
            typer.echo(f"{'Sent' if _taken(found) else 'Not taken'}: {found['parameters']['url']}")

    if not _taken(report(work, show, as_json)):
        raise typer.Exit(1)


def _taken(found: dict[str, Any]) -> bool:
    """Whether any tool took what was sent."""
    return any(not receipt["error"] for receipt in found["sent"])


def zooniverse(
    folder: RunFolder,
    class_id: Annotated[str, typer.Argument(metavar="CLASS", help="As SKR-587729385541075021.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="New folder for the set.")],
    controls: Annotated[
        int, typer.Option(min=0, help="How many sources in no class to mix in.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of their choice and of the order.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Write a subject set for Zooniverse: images of CLASS's members, controls, manifest.csv."""

    def work() -> dict[str, Any]:
        from skerry.handoff import subject_set

        made = subject_set(folder, class_id, output, controls, seed)
        return {
            "manifest": str(made.manifest),
            "members": made.members,
            "controls": made.controls,
            "unreadable": [{"id_str": name, "reason": why} for name, why in made.unreadable],
        }

    def show(found: dict[str, Any]) -> None:
        for failed in found["unreadable"]:
            told = f"{failed['id_str']} ({failed['reason']})"
            typer.echo(f"Could not be read: {printable(told)}")
        typer.echo(f"{found['members']} members, {found['controls']} controls: {found['manifest']}")
        if found["members"] + found["controls"] > 1000:
            typer.echo("Zooniverse's web page takes 1,000 at a time; panoptes-cli takes more.")

    report(work, show, as_json)
