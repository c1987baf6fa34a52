"""skerry encoders: which there are, what they are, and how others become skerry's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from skerry.cli.common import AsJson, Bands, PixelScale, Stretch, report

encoders_app = typer.Typer(
    help="List, describe and import encoders.", no_args_is_help=True, add_completion=False
)

Identifier = Annotated[
    str,
    typer.Argument(
        metavar="IDENTIFIER",
        help="A shipped name, hf_hub:owner/name[@revision], a folder, a checkpoint "
        "FILE.ckpt[::timm_name], or timm:NAME.",
    ),
]
Offline = Annotated[bool, typer.Option("--offline", help="Make no network call.")]


@encoders_app.command("list")
def list_shipped(as_json: AsJson = False) -> None:
    """List the encoders that ship."""

    def work() -> dict[str, Any]:
        from skerry.represent.foreign import describe_shipped

        return {"encoders": describe_shipped()}

    def show(found: dict[str, Any]) -> None:
        for e in found["encoders"]:
            default = " (default)" if e["default"] else ""
            typer.echo(
                f"{e['name']}{default}: {e['megabytes']} MB, {e['dimensions']} dimensions, "
                f"{e['votes']} votes, SHA-256 {e['sha256']}"
            )

    report(work, show, as_json)


@encoders_app.command()
def show(identifier: Identifier, offline: Offline = False, as_json: AsJson = False) -> None:
    """Tell what an encoder is. A repository of the hub is fetched unless it is in the cache."""

    def work() -> dict[str, Any]:
        from skerry.represent.foreign import describe, resolve

        return describe(resolve(identifier, offline=offline))

    report(work, _show_lines, as_json)


@encoders_app.command("import")
def import_(
    identifier: Identifier,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
    fit: Annotated[
        Path | None, typer.Option(help="Survey whose cutouts the bottleneck is fitted to.")
    ] = None,
    dimensions: Annotated[int, typer.Option(min=1, help="Dimensions of the bottleneck.")] = 128,
    size: Annotated[
        int, typer.Option(min=0, help="Side of its images in pixels; 0 for its own.")
    ] = 0,
    crop: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of the width to keep of the survey's images."),
    ] = 0.0,
    bottleneck: Annotated[
        str, typer.Option(help="pca, or none to keep the encoder's own dimensions.")
    ] = "pca",
    normalize: Annotated[
        bool,
        typer.Option(help="Normalize as its configuration says, or give it pixels in [0, 1]."),
    ] = True,
    bands: Bands = "",
    stretch: Stretch = "",
    pixel_scale: PixelScale = 0.0,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Make an encoder from elsewhere into skerry's own files, which 'run' takes."""

    def work() -> dict[str, Any]:
        from skerry.represent.contract import declared
        from skerry.represent.foreign import (
            contract_of,
            cutouts,
            describe,
            import_encoder,
            require_output,
            resolve,
            unnormalized,
        )

        _check(bottleneck, fit, crop)
        source = resolve(identifier, offline=offline)
        require_output(source, output)
        source = source if normalize else unnormalized(source)
        contract = declared(contract_of(source, size=size), bands, stretch, pixel_scale)
        pixels = None
        if fit is not None:
            contract, pixels = cutouts(fit, contract, crop)
        wanted = dimensions if bottleneck == "pca" else 0
        import_encoder(source, output, contract=contract, pixels=pixels, dimensions=wanted)
        return describe(resolve(str(output)))

    report(work, _show_lines, as_json)


def _check(bottleneck: str, fit: Path | None, crop: float) -> None:
    from skerry.errors import ConfigError

    if bottleneck not in ("pca", "none"):
        raise ConfigError(f"--bottleneck is {bottleneck!r}; expected pca or none")
    if bottleneck == "pca" and fit is None:
        raise ConfigError(
            "the bottleneck is fitted to a survey's cutouts: give --fit SURVEY, or --bottleneck "
            "none to keep the encoder's own dimensions"
        )
    if bottleneck == "none" and fit is not None:
        raise ConfigError("--bottleneck none fits nothing; leave --fit out, or choose pca")
    if crop and fit is None:
        raise ConfigError("--crop is of the images of --fit SURVEY; give that too")


def _show_lines(found: dict[str, Any]) -> None:
    for key, value in found.items():
        if key == "contract":
            for term, said in value.items():
                typer.echo(f"contract {term}: {said}")
        elif key == "votes":
            typer.echo(f"votes: {', '.join(value) or 'none'}")
        elif key == "notes":
            for note in value:
                typer.echo(f"note: {note}")
        elif value != "":
            typer.echo(f"{key}: {value}")
