"""Measured structure behind the vectors of an encoder that skerry exported.

A network that learns measures of structure gives them with an error. Measured in the image, by
nodes of the same graph, they have none.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skerry.errors import EncoderError
from skerry.represent.equalize import OUTPUT, read_graph, rename, set_dimensions, written
from skerry.represent.structure import MEASURES, StructureScale, structure

PREFIX = "structure_"
"""How the names of all nodes begin that measure structure."""
_OWN, _TOLD = "representation_network", f"{PREFIX}told"


class _Told(nn.Module):
    """Bytes in, measured structure as unit vectors out."""

    def __init__(self, scale: StructureScale) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, pixels: Tensor) -> Tensor:
        return self.scale.unit(structure(pixels.permute(0, 3, 1, 2)))


def with_structure(data: bytes, scale: StructureScale) -> bytes:
    """An encoder's file whose vectors are followed by measured structure.

    After the d dimensions of the network come ``MEASURES`` of measured structure, standardized
    and brought to unit length by ``scale``; its votes and its input stay as they are. To be
    joined to one representation by :func:`~skerry.represent.equalize.joined`.

    Raises
    ------
    EncoderError
        The file is no encoder of skerry's, measures structure already, or is equalized.
    """
    from onnx import compose, helper

    from skerry.represent.export import traced  # needs timm, which running on a GPU does not

    model, stored = read_graph(data)
    if "measured" in stored or "equalized" in stored:
        raise EncoderError(
            "the encoder measures structure or is equalized already; give the file it was made from"
        )
    pixels = model.graph.input[0]
    shape = [d.dim_value for d in pixels.type.tensor_type.shape.dim]
    measuring = traced(_Told(scale).eval(), torch.zeros(shape, dtype=torch.uint8), ["told"])
    told = compose.add_prefix_graph(measuring.graph, PREFIX, rename_inputs=False)
    rename(model.graph, OUTPUT, _OWN)
    model.graph.node.extend(told.node)
    model.graph.initializer.extend(told.initializer)
    model.graph.node.append(
        helper.make_node("Concat", [_OWN, _TOLD], [OUTPUT], name=f"{PREFIX}join", axis=1)
    )
    set_dimensions(model.graph, lambda own: own + MEASURES)
    return written(model, {**stored, "measured": MEASURES})


def without_structure(data: bytes) -> bytes:
    """The file that :func:`with_structure` was given, byte for byte; another one as it is.

    Raises
    ------
    EncoderError
        The file is no encoder of skerry's.
    """
    model, stored = read_graph(data)
    if "measured" not in stored:
        return data
    graph = model.graph
    nodes = [node for node in graph.node if not node.name.startswith(PREFIX)]
    weights = [w for w in graph.initializer if not w.name.startswith(PREFIX)]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(weights)
    rename(graph, _OWN, OUTPUT)
    set_dimensions(graph, lambda joined: joined - MEASURES)
    return written(model, {k: v for k, v in stored.items() if k != "measured"})
