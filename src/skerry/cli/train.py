"""skerry train and skerry export: an encoder of one's own, from labeled or unlabeled images."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from skerry.cli.common import AsJson, Bands, PixelScale, Stretch, report
from skerry.errors import ConfigError, EncoderError

Work = Annotated[
    Path, typer.Option("--output", "-o", metavar="WORK", help="Folder of the training.")
]


def train(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="Folder of images with a catalog of votes, Parquet with images, or tar shards.",
        ),
    ],
    output: Work,
    recipe: Annotated[
        Path | None, typer.Option(help="Every choice of the training, as TOML.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", help="One choice, as steps=500; may be repeated."),
    ] = None,
    schema: Annotated[
        str, typer.Option(help="Decision tree: a name that ships, or a .toml file.")
    ] = "",
    drop_ids: Annotated[
        list[Path] | None,
        typer.Option(help="Ids to leave out: text, or CSV with id_str; may be repeated."),
    ] = None,
    start_from: Annotated[
        Path | None,
        typer.Option(help="Training, checkpoint, or folder of its parts to begin with."),
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder for the decoded images; WORK/cache unless given.")
    ] = None,
    devices: Annotated[int, typer.Option(min=1, help="Devices on each node.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Nodes.")] = 1,
    precision: Annotated[str, typer.Option(help="auto, 32, bf16-mixed or 16-mixed.")] = "auto",
    stop_after: Annotated[int, typer.Option(min=0, help="Stop after this step; 0: no.")] = 0,
    minutes: Annotated[float, typer.Option(min=0, help="Stop after this time; 0: no.")] = 0.0,
    threads: Annotated[int, typer.Option(min=0, help="Threads to compute with, 0: all.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Train an encoder on DATA. Start it again and it goes on where it stopped."""

    def work() -> dict[str, Any]:
        _require_torch()
        from contextlib import ExitStack

        from skerry.progress import bar
        from skerry.represent.training.begin import begin
        from skerry.represent.training.data import read_training_set
        from skerry.represent.training.devices import fabric_for
        from skerry.represent.training.ids import read_ids
        from skerry.represent.training.readers import open_galaxies
        from skerry.represent.training.recipe import doubts, read_recipe, tree_of
        from skerry.represent.training.stopping import stopping
        from skerry.represent.training.train import train as train_on

        chosen = read_recipe(recipe, [*(settings or ()), *([f"schema={schema}"] * bool(schema))])
        tree = tree_of(chosen)
        dropped = read_ids(drop_ids or ())
        fabric = fabric_for(devices, nodes, precision, threads)
        training = begin(chosen, tree, output, start_from)
        galaxies = open_galaxies(data, tree)
        fabric.launch()
        with ExitStack() as held:
            if fabric.global_rank == 0:
                held.enter_context(training.alone())
                for doubt in doubts(chosen):
                    typer.echo(f"Warning: {doubt}", err=True)
            with fabric.rank_zero_first(), bar() as on_event:
                learned, found = read_training_set(
                    galaxies,
                    chosen,
                    tree,
                    cache or output / "cache",
                    dropped=dropped,
                    threads=threads,
                    on_event=on_event,
                )
            with stopping(stop_after, minutes) as stop:
                outcome = train_on(training, learned, fabric=fabric, stop=stop, on_event=_tell)
        if fabric.global_rank:
            sys.exit(0)  # the first process speaks for all
        return {
            "work": str(output),
            "step": outcome.step,
            "steps": chosen.steps,
            "ended": outcome.reason,
            **found,
            "evaluation": dict(outcome.last),
        }

    report(work, _show_training, as_json)


def export(
    work: Annotated[
        Path,
        typer.Argument(metavar="WORK", help="Folder of a training, checkpoint, or its parts."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the encoder.")],
    crops: Annotated[
        list[str] | None,
        typer.Option(help="SIDE=SHARE: of images SIDE pixels wide keep SHARE; may be repeated."),
    ] = None,
    field: Annotated[str, typer.Option(help="In words, the field of view it learned.")] = "",
    bands: Bands = "",
    stretch: Stretch = "",
    pixel_scale: PixelScale = 0.0,
    split: Annotated[
        str, typer.Option(help="Also the checkpoint, in parts of this size, as 15MiB.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Make an encoder of a training: of its best average where it stops early, else its last."""

    def make() -> dict[str, Any]:
        _require_torch()
        from skerry.represent.contract import GRAY, UNNAMED, declared
        from skerry.represent.export import export_folder
        from skerry.represent.training.checkpoint import (
            part_size,
            read_trained,
            remove_parts,
            split_checkpoint,
        )
        from skerry.types import Contract

        size = part_size(split) if split else 0
        known = dict(_crop(text) for text in crops or ())
        trained = read_trained(work)
        if size and not trained.path.is_file():
            raise ConfigError(f"{work} holds a checkpoint in parts already; leave --split out")
        if not trained.step:
            raise EncoderError(f"{trained.path} is of step 0: untrained; train it first")
        recipe = trained.recipe
        share = recipe.crop * recipe.shown
        words = field or f"the central {share:.3g} of the width of its training images"
        contract = declared(
            Contract(recipe.size, known, words, bands=UNNAMED if recipe.bands == 3 else GRAY),
            bands, stretch, pixel_scale,
        )  # fmt: skip
        exact, shipped = export_folder(trained.network(), trained.schema, contract, output)
        if work.resolve() != output.resolve():
            remove_parts(output)  # of what was exported there before
        if size:
            split_checkpoint(trained.path, output, size)
        return {
            "encoder": str(output),
            "step": trained.step,
            "steps": recipe.steps,
            "difference": exact,
            "difference_halved": shipped,
        }

    report(make, _show_export, as_json)


def _require_torch() -> None:
    missing = [n for n in ("lightning_fabric", "onnx", "timm", "torch") if find_spec(n) is None]
    if missing:
        raise EncoderError(
            f"this needs the extra 'train' ({', '.join(missing)} missing): "
            "pip install 'skerry[train]'"
        )


def _crop(text: str) -> tuple[int, float]:
    side, _, share = text.partition("=")
    try:
        found = int(side), float(share)
    except ValueError:
        found = 0, 0.0
    if found[0] <= 0 or not 0 < found[1] <= 1:
        raise ConfigError(f"{text!r} is no crop; write SIDE=SHARE, as 424=0.45")
    return found


def _tell(event: dict[str, Any]) -> None:
    values = (f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in event.items())
    typer.echo(", ".join(values).replace("_", " "), err=True)


def _show_training(found: dict[str, Any]) -> None:
    typer.echo(
        f"{found['galaxies']} galaxies, {found['voted']} with votes, {found['labeled']} with a "
        f"label; {found['dropped']} left out by id"
    )
    if found["ids_not_found"]:
        typer.echo(
            f"Warning: {len(found['ids_not_found'])} ids to leave out are not in the data, "
            f"as {found['ids_not_found'][0]}"
        )
    for reason in found["unreadable"][:5]:
        typer.echo(f"Warning: not readable, left out: {reason}")
    typer.echo(f"{found['ended']} at step {found['step']} of {found['steps']}: {found['work']}")


def _show_export(found: dict[str, Any]) -> None:
    typer.echo(
        f"{found['encoder']}: step {found['step']} of {found['steps']}; vectors differ from the "
        f"network's by {found['difference']:.1e}, and by {found['difference_halved']:.1e} after "
        "halving the weights"
    )
