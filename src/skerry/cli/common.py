"""What every command shares: its options, its settings and how it answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from skerry.cli.printed import printable_lines
from skerry.errors import SkerryError

Output = Annotated[Path, typer.Option("--output", "-o", help="Folder of the run.")]
Threads = Annotated[
    int,
    typer.Option(min=0, help="How many threads encode and search, 0 for all; changes no result."),
]
Device = Annotated[
    str,
    typer.Option(
        help="Where to encode and look for neighbors: cpu, or cuda, a GPU (extra 'gpu'). "
        "UMAP has embedding.device of its own."
    ),
]
Bands = Annotated[str, typer.Option(help="Filters that the encoder learned, red first, as z,r,g.")]
Stretch = Annotated[
    str, typer.Option(help="How its images' flux was stretched: linear, sqrt, log, asinh, lupton.")
]
PixelScale = Annotated[
    float,
    typer.Option(min=0, help="Arcsec a pixel at its own size; 0: not fixed."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings as TOML, as a run's config.toml.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", help="One setting, as neighbors.k=30; may be repeated."),
]


InputPath = Annotated[
    str,
    typer.Argument(
        metavar="INPUT",
        help="Folder of images, catalog that names them, Parquet or tars with images, or "
        "table of representations; a path or an address (s3://, https://).",
    ),
]
Executor = Annotated[
    str,
    typer.Option(help="Where to encode and to repeat searches: local, or ray (--threads a task)."),
]
Address = Annotated[
    str, typer.Option(help="The Ray cluster: auto, HOST:PORT, or local: this machine alone.")
]
Preset = Annotated[str, typer.Option(help="Named settings to start from.")]
Previous = Annotated[Path | None, typer.Option(help="An earlier run, whose classes' ids are kept.")]
Thorough = Annotated[
    bool, typer.Option("--thorough", help="200 searches of featureless data of each kind.")
]


def run_config(
    path: Path | None,
    settings: list[str] | None,
    preset: str = "",
    previous: Path | None = None,
    thorough: bool = False,
    device: str = "",
) -> Any:
    """The settings that the options of ``skerry run`` stand for; single settings come last."""
    options = [f"classes.previous={previous.resolve()}"] if previous else []
    options += ["nulls.n=200"] if thorough else []
    options += on_device(device)
    return resolved_config(path, [*options, *(settings or ())], preset)


def on_device(device: str) -> list[str]:
    """The settings that ``--device`` stands for; none where it is not given."""
    from skerry.config import ON_DEVICE

    return [f"{section}.device={device}" for section in ON_DEVICE] if device else []


def resolved_config(
    path: Path | None,
    settings: list[str] | None,
    preset: str = "",
    defaults: Sequence[str] = (),
) -> Any:
    """Settings: the defaults, over them the file's, over these the command line's."""
    from skerry import config as configuration

    stored = dict(configuration.load(path)) if path is not None else {}
    for said in ("input", "added"):
        stored.pop(said, None)
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


def report(
    work: Callable[[], dict[str, Any]], show: Callable[[dict[str, Any]], None], as_json: bool
) -> dict[str, Any]:
    """Do the work of a command and say what came of it, which is returned; an error ends it."""
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
    return found


def _fail(kind: str, message: str, as_json: bool, code: int = 1) -> NoReturn:
    if as_json:
        typer.echo(json.dumps({"error": kind, "message": message}))
    else:
        typer.echo(f"skerry: {printable_lines(message)}", err=True)
    sys.exit(code)
