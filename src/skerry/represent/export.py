"""From a network to the file that runs it: float16 weights, contract inside."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from skerry.errors import EncoderError
from skerry.represent import encoder as runtime
from skerry.represent.foreign.folder import write_beside
from skerry.represent.network import VoteNetwork
from skerry.represent.trees.schema import Schema
from skerry.store import write_bytes
from skerry.types import ByteArray, Contract, FloatArray

BATCH = 32


@dataclass(frozen=True)
class About:
    """What an encoder's file says of the network it was made from; see ``Encoder``."""

    architecture: str
    options: Mapping[str, Any] = field(default_factory=dict)
    structure_dimensions: int = 0
    source: str = ""


class _Deployed(nn.Module):
    """Bytes in; representation and expected vote shares out."""

    def __init__(self, network: nn.Module, schema: Schema | None) -> None:
        super().__init__()
        self.network = network
        self.slices = schema.slices if schema is not None else ()

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        images = pixels.permute(0, 3, 1, 2).float() / 255
        representation, alpha = self.network(images)
        if not self.slices:
            return representation, representation[:, :0]
        shares = [alpha[:, s] / alpha[:, s].sum(1, keepdim=True) for s in self.slices]
        return representation, torch.cat(shares, 1)


def halve_weights(model: onnx.ModelProto) -> None:
    """Store the large weights as float16, cast back when the model is loaded, in place."""
    graph = model.graph
    for position, weight in enumerate(list(graph.initializer)):
        if weight.data_type != TensorProto.FLOAT or len(weight.dims) < 2:
            continue
        half = numpy_helper.to_array(weight).astype(np.float16)
        stored = numpy_helper.from_array(half, f"{weight.name}_half")
        graph.initializer.remove(weight)
        graph.initializer.append(stored)
        cast = helper.make_node(
            "Cast", [stored.name], [weight.name], name=f"cast_{position}", to=TensorProto.FLOAT
        )
        graph.node.insert(0, cast)


def export_onnx(
    network: VoteNetwork, schema: Schema, contract: Contract, path: Path
) -> tuple[float, float]:
    """Write a trained encoder and check that it gives the network's vectors.

    Returns the largest difference of a representation from the network's, relative to the
    largest value: before the weights are halved, and as shipped.

    Raises
    ------
    EncoderError
        The first exceeds 1e-4 or the second 1e-2: the file is not written.
    """
    return write_onnx(network, schema, contract, about(network), path)


def export_folder(
    network: VoteNetwork, schema: Schema, contract: Contract, folder: Path
) -> tuple[float, float]:
    """Write a trained encoder as a folder that ``load`` takes; otherwise as ``export_onnx``.

    Beside ``encoder.onnx`` it holds the float32 weights and ``config.json``, from which
    :func:`~skerry.represent.foreign.network_from_folder` makes the network again.
    """
    found = export_onnx(network, schema, contract, folder / runtime.ENCODER_FILE)
    known = about(network)
    shape = {
        "architecture": known.architecture,
        "options": known.options,
        "dimensions": network.bottleneck.out_features,
        "structure_dimensions": network.structure_dimensions,
        "structure_share": network.structure_share,
        "bands": network.bands,
    }
    config = {"network": shape, "schema": asdict(schema), "contract": contract.to_dict()}
    write_beside(folder, network, config)
    return found


def about(network: VoteNetwork) -> About:
    """What the file of a trained network says of it."""
    architecture = network.encoder.pretrained_cfg["architecture"]
    return About(architecture, network.options, network.structure_dimensions)


def write_onnx(
    network: nn.Module,
    schema: Schema | None,
    contract: Contract,
    about: About,
    path: Path,
    pixels: ByteArray | None = None,
) -> tuple[float, float]:
    """``export_onnx`` for any network from images in [0, 1] to vectors and concentrations.

    ``schema`` is None where the network expects no votes; ``pixels`` are at most ``BATCH``
    images to compare vectors of, noise where there are none.
    """
    deployed = _Deployed(network.eval(), schema).eval()
    columns = list(schema.columns) if schema is not None else []
    stored = contract.to_dict() | asdict(about) | {"vote_columns": columns}
    model = _traced(deployed, contract.size, stored)
    pixels = _noise(contract.size) if pixels is None else pixels
    with torch.no_grad():
        expected = deployed(torch.from_numpy(pixels))[0].numpy()
    exact = _difference(model, pixels, expected, limit=1e-4)
    halve_weights(model)
    shipped = _difference(model, pixels, expected, limit=1e-2)
    write_bytes(path, model.SerializeToString(deterministic=True))
    return exact, shipped


def onnx_bytes(network: nn.Module, contract: Contract) -> bytes:
    """A network without votes as the bytes of its file, its weights halved as they will be."""
    deployed = _Deployed(network.eval(), None).eval()
    model = _traced(deployed, contract.size, contract.to_dict() | {"vote_columns": []})
    halve_weights(model)
    return bytes(model.SerializeToString(deterministic=True))


def _noise(size: int) -> ByteArray:
    return np.random.default_rng(0).integers(0, 256, (BATCH, size, size, 3), dtype=np.uint8)


def _difference(
    model: onnx.ModelProto, pixels: ByteArray, expected: FloatArray, limit: float
) -> float:
    """How far the file's vectors are from the expected, relative to the largest value."""
    data = model.SerializeToString(deterministic=True)
    found = runtime.from_bytes(data, "exported").encode(pixels)[0]
    difference = float(np.abs(found - expected).max() / np.abs(expected).max())
    if not difference < limit:
        raise EncoderError(
            f"exported vectors differ from the network's by {difference:.2g}; "
            f"expected less than {limit:g}"
        )
    return difference


def _traced(deployed: _Deployed, size: int, stored: Mapping[str, Any]) -> onnx.ModelProto:
    """The network as ONNX with its metadata."""
    try:
        model = traced(deployed, torch.from_numpy(_noise(size)), ("representation", "votes"))
    except torch.onnx.errors.OnnxExporterError as error:
        reason = str(error).strip().partition("\n")[0]
        raise EncoderError(
            f"the network has no form in ONNX with images of {size} px: {reason}; give "
            "another size or network"
        ) from error
    del model.metadata_props[:]
    model.metadata_props.add(key=runtime.METADATA_KEY, value=json.dumps(stored, sort_keys=True))
    return model


def traced(module: nn.Module, pixels: Tensor, outputs: Sequence[str]) -> onnx.ModelProto:
    """A module as ONNX, from ``pixels``, of the shape and type given, to ``outputs``."""
    with io.BytesIO() as raw, warnings.catch_warnings():
        # this exporter folds batch normalization into the convolutions, the newer one does not
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        torch.onnx.export(
            module,
            (pixels,),
            raw,
            input_names=["pixels"],
            output_names=list(outputs),
            opset_version=18,
            dynamo=False,
        )
        return onnx.load_model_from_string(raw.getvalue())
