"""An exported encoder's file, opened to change its graph."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from skerry.errors import EncoderError
from skerry.represent.encoder import METADATA_KEY

if TYPE_CHECKING:
    import onnx

OUTPUT = "representation"
"""Name of the vectors in an encoder's graph."""


def read_graph(data: bytes) -> tuple[onnx.ModelProto, dict[str, Any]]:
    """An encoder's graph and what it says of itself."""
    try:
        import onnx
    except ImportError as error:
        raise EncoderError(
            "changing what an encoder computes needs onnx: pip install 'skerry[train]'"
        ) from error
    try:
        model = onnx.load_model_from_string(data)
        stored = {p.key: p.value for p in model.metadata_props}[METADATA_KEY]
        return model, dict(json.loads(stored))
    except Exception as error:  # protobuf's errors share no base with a missing key
        raise EncoderError(
            f"what is to be changed is no encoder that skerry exported: {error}"
        ) from error


def rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    """Give a value another name wherever a node makes or uses it."""
    for node in graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == old:
                    names[place] = new


def set_dimensions(graph: onnx.GraphProto, of: Callable[[int], int]) -> None:
    """Say of how many dimensions the representation is, by how many it was said to be."""
    output = next(o for o in graph.output if o.name == OUTPUT)
    said = output.type.tensor_type.shape.dim[1]
    said.dim_value = of(said.dim_value)


def written(model: onnx.ModelProto, stored: dict[str, Any]) -> bytes:
    """The bytes of a checked graph that says ``stored`` of itself."""
    from onnx import checker

    del model.metadata_props[:]
    model.metadata_props.add(key=METADATA_KEY, value=json.dumps(stored, sort_keys=True))
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))
