"""From a trained network to the ONNX file that ships: float16 weights, contract inside."""

from __future__ import annotations

import json
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from skerry.errors import EncoderError
from skerry.represent import encoder as runtime
from skerry.represent.network import VoteNetwork
from skerry.represent.schema import Schema
from skerry.store import write_bytes
from skerry.types import ByteArray, Contract, FloatArray

BATCH = 32


class _Deployed(nn.Module):
    """Bytes in; representation and expected vote shares out."""

    def __init__(self, network: VoteNetwork, schema: Schema) -> None:
        super().__init__()
        self.network = network
        self.slices = schema.slices

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        images = pixels.permute(0, 3, 1, 2).float() / 255
        representation, alpha = self.network(images)
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
    """Write the encoder and check that it gives the network's vectors.

    Returns the largest difference of a representation from the network's, relative to the
    largest value: before the weights are halved, and as shipped.

    Raises
    ------
    EncoderError
        The first exceeds 1e-4 or the second 1e-2: the file is not written.
    """
    deployed = _Deployed(network.eval(), schema).eval()
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (BATCH, contract.size, contract.size, 3), dtype=np.uint8)
    model = _traced(deployed, pixels)
    stored = contract.to_dict() | {"vote_columns": list(schema.columns)}
    del model.metadata_props[:]
    model.metadata_props.add(key=runtime.METADATA_KEY, value=json.dumps(stored, sort_keys=True))

    with torch.no_grad():
        expected = deployed(torch.from_numpy(pixels))[0].numpy()
    exact = _difference(model, pixels, expected, limit=1e-4)
    halve_weights(model)
    shipped = _difference(model, pixels, expected, limit=1e-2)
    write_bytes(path, model.SerializeToString(deterministic=True))
    return exact, shipped


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


def _traced(deployed: _Deployed, pixels: ByteArray) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        raw = Path(folder) / "raw.onnx"
        # this exporter folds batch normalization into the convolutions, the newer one does not
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            deployed,
            (torch.from_numpy(pixels),),
            raw,
            input_names=["pixels"],
            output_names=["representation", "votes"],
            opset_version=18,
            dynamo=False,
        )
        return onnx.load(raw)
