"""An encoder from elsewhere made into skerry's own three files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skerry.errors import EncoderError
from skerry.represent import encoder as runtime
from skerry.represent.foreign import bottleneck
from skerry.represent.foreign.folder import CONFIG_FILE, WEIGHTS_FILE, write_beside
from skerry.represent.foreign.source import Source, require_train
from skerry.types import ByteArray, Contract, FloatArray

if TYPE_CHECKING:
    from skerry.represent.foreign.network import ForeignNetwork

NAMES = (runtime.ENCODER_FILE, WEIGHTS_FILE, CONFIG_FILE)
"""What :func:`import_encoder` writes."""


def contract_of(source: Source, *, size: int = 0) -> Contract:
    """The contract that a source's own configuration gives.

    ``size`` overrides its side in pixels. Field of view, pixel scale and stretch are not in
    timm's format: whoever knows them replaces them. Normalization is no part of a contract, for
    it is done inside the encoder.

    Raises
    ------
    EncoderError
        The source's network cannot be built.
    """
    if source.kind == "skerry":
        return runtime.load(source.identifier).contract
    require_train()
    from skerry.represent.foreign.network import build
    from skerry.represent.foreign.settings import input_size

    network, _ = build(source, size=size)
    bands = ("gray",) if network.bands == 1 else ("red", "green", "blue")
    field = f"the field of view that {source.record} was trained on, which its files do not tell"
    return Contract(size or input_size(source), {}, field, bands)


def import_encoder(
    source: Source,
    output: Path,
    *,
    contract: Contract,
    pixels: Iterable[ByteArray] | None,
    dimensions: int = 128,
    seed: int = 0,
) -> Path:
    """Write a folder with ``encoder.onnx``, ``encoder.safetensors`` and ``config.json``.

    Parameters
    ----------
    source
        What :func:`resolve` found.
    output
        The folder.
    contract
        What its images are, as :func:`contract_of` gives it.
    pixels
        Cutouts to fit the bottleneck to, uint8 (n, size, size, 3) each; None for no bottleneck.
    dimensions
        Of the bottleneck: principal components of the encoder's features; 0 keeps the
        encoder's own dimensions. Either way the representation has unit length.
    seed
        Draws the weights of an untrained network.

    Returns
    -------
    Path
        The folder, which ``load`` takes. The same source, cutouts in any order and versions
        give the same bytes.

    Raises
    ------
    EncoderError
        The source is skerry's own already or cannot be built, the output is a file or would
        overwrite the source, the cutouts are too few or not
        as the contract says, or the exported vectors are not the network's.
    """
    require_output(source, output)
    if bool(dimensions) != (pixels is not None):
        raise EncoderError(
            "a bottleneck is fitted to a survey's cutouts: give cutouts and dimensions, or "
            "neither to keep the encoder's own"
        )
    require_train()
    from skerry.represent.export import About, write_onnx
    from skerry.represent.foreign.network import build

    network, notes = build(source, size=contract.size, seed=seed)
    if len(contract.bands) != network.bands:
        raise EncoderError(
            f"{source.record} takes {network.bands} bands and the contract names "
            f"{', '.join(contract.bands)}; give a contract with as many"
        )
    fitted, compared = None, None
    if pixels is not None:
        fitted, compared = _fit(network, contract, pixels, dimensions)
    about = About(network.architecture, network.options, 0, source.record)
    write_onnx(network, None, contract, about, output / runtime.ENCODER_FILE, compared)
    write_beside(output, network, _config(source, network, contract, fitted, notes))
    return output


def require_output(source: Source, output: Path) -> None:
    """Check that a source may be imported to a folder; reads nothing of either.

    Raises
    ------
    EncoderError
        The source is skerry's own already, the output is a file, or it is the folder of the
        source's own files and some would be overwritten.
    """
    if source.kind == "skerry":
        raise EncoderError(f"{source.identifier} is skerry's own file already; use it as it is")
    if output.exists() and not output.is_dir():
        raise EncoderError(f"{output} is a file; expected a folder, which may not exist yet")
    written = {output.resolve() / name for name in NAMES}
    # a file in the hub's cache is a link: where it stands is what matters
    lost = [file for file in source.files if file.parent.resolve() / file.name in written]
    if lost:
        raise EncoderError(
            f"importing {source.identifier} to {output} would overwrite {lost[0]}, which it is "
            "made from; give another folder"
        )


def _fit(
    network: ForeignNetwork, contract: Contract, pixels: Iterable[ByteArray], dimensions: int
) -> tuple[bottleneck.Bottleneck, ByteArray]:
    """Fit the bottleneck to what the encoder gives as it will run, and put it in its place.

    Returns some of the cutouts beside it, to compare vectors of.
    """
    import torch

    from skerry.represent.export import onnx_bytes

    network.raw = True
    encoder = runtime.from_bytes(onnx_bytes(network, contract), "features")
    network.raw = False
    rows: list[FloatArray] = []
    some: list[ByteArray] = []
    for part in pixels:
        for start in range(0, len(part), encoder.batch):
            batch = part[start : start + encoder.batch]
            rows.append(encoder.encode(batch)[0])
            some = some or [batch]
    features = np.concatenate(rows) if rows else np.zeros((0, encoder.dimensions), np.float32)
    fitted = bottleneck.fit(features, dimensions)
    layer = torch.nn.Linear(encoder.dimensions, dimensions)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(fitted.weight))
        layer.bias.copy_(torch.from_numpy(fitted.bias))
    network.bottleneck = layer.eval()
    return fitted, np.ascontiguousarray(some[0])


def _config(
    source: Source,
    network: ForeignNetwork,
    contract: Contract,
    fitted: bottleneck.Bottleneck | None,
    notes: list[str],
) -> dict[str, Any]:
    narrowed: dict[str, Any] = {"kind": "none"}
    if fitted is not None:
        narrowed = {
            "kind": "pca",
            "dimensions": len(fitted.bias),
            "explained": fitted.explained,
            "images": fitted.images,
        }
    return {
        "identifier": source.record,
        "sha256": source.sha256,
        "untrained": source.untrained,
        "notes": notes,
        "architecture": network.architecture,
        "options": network.options,
        "normalization": network.normalization,
        "timm": dict(source.config),
        "contract": contract.to_dict(),
        "bottleneck": narrowed,
    }
