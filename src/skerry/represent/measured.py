"""Measures of the image behind the vectors of an encoder that skerry exported.

A network that learns measures of structure gives them with an error. Measured in the image, by
nodes of the same graph, they have none.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from skerry.errors import EncoderError
from skerry.represent import ellipse, structure
from skerry.represent.equalize import Part
from skerry.represent.onnx_file import OUTPUT, read_graph, rename, set_dimensions, written
from skerry.represent.structure import StructureScale
from skerry.represent.trail import trail

PREFIX = "structure_"
"""How the names of all nodes begin that measure the image."""
MEASURES = structure.MEASURES + ellipse.MEASURES + 1
"""On circles, on the galaxy's own ellipses, and whether a trail crosses the image."""

CIRCLES = Part(structure.MEASURES, share=0.5, power=0.5)
ELLIPSES = Part(ellipse.MEASURES, share=0.1, power=0.5)
"""How they are joined to a network's vectors (``equalize.joined``); the trail is a trait."""

_OWN, _TOLD = "representation_network", f"{PREFIX}told"


@dataclass(frozen=True)
class Scales:
    """How measures on circles and on ellipses are standardized."""

    circles: StructureScale
    ellipses: StructureScale

    @classmethod
    def fit(cls, images: Tensor) -> Scales:
        """From images, uint8 (n, bands, side, side), on one thread whatever is allowed."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            found = [
                torch.cat([measure(part) for part in images.split(256)])
                for measure in (structure.structure, ellipse.ellipse_structure)
            ]
        finally:
            torch.set_num_threads(threads)
        return cls(*(StructureScale.fit(measures, 1) for measures in found))

    def measures(self, images: Tensor) -> Tensor:
        """Of images (n, bands, side, side), float32 (n, MEASURES): two unit vectors and a trait."""
        return torch.cat(
            [
                self.circles.unit(structure.structure(images)),
                self.ellipses.unit(ellipse.ellipse_structure(images)),
                trail(images),
            ],
            1,
        )


class _Told(nn.Module):
    """Bytes in, measures out."""

    def __init__(self, scales: Scales) -> None:
        super().__init__()
        self.scales = scales

    def forward(self, pixels: Tensor) -> Tensor:
        return self.scales.measures(pixels.permute(0, 3, 1, 2))


def with_measures(data: bytes, scales: Scales) -> bytes:
    """An encoder's file whose vectors are followed by what is measured in the image.

    After the d dimensions of the network come ``MEASURES``; its votes and its input stay as they
    are. To be joined to one representation by :func:`~skerry.represent.equalize.joined`.

    Raises
    ------
    EncoderError
        The file is no encoder of skerry's, measures already, or is equalized.
    """
    from onnx import compose, helper

    from skerry.represent.export import traced  # needs timm, which running on a GPU does not

    model, stored = read_graph(data)
    if "measured" in stored or "equalized" in stored:
        raise EncoderError(
            "the encoder measures images or is equalized already; give the file it was made from"
        )
    pixels = model.graph.input[0]
    shape = [d.dim_value for d in pixels.type.tensor_type.shape.dim]
    measuring = traced(_Told(scales).eval(), torch.zeros(shape, dtype=torch.uint8), ["told"])
    told = compose.add_prefix_graph(measuring.graph, PREFIX, rename_inputs=False)
    rename(model.graph, OUTPUT, _OWN)
    model.graph.node.extend(told.node)
    model.graph.initializer.extend(told.initializer)
    model.graph.node.append(
        helper.make_node("Concat", [_OWN, _TOLD], [OUTPUT], name=f"{PREFIX}join", axis=1)
    )
    set_dimensions(model.graph, lambda own: own + MEASURES)
    return written(model, {**stored, "measured": MEASURES})


def without_measures(data: bytes) -> bytes:
    """The file that :func:`with_measures` was given, byte for byte; another one as it is.

    Raises
    ------
    EncoderError
        The file is no encoder of skerry's.
    """
    model, stored = read_graph(data)
    if "measured" not in stored:
        return data
    graph, measured = model.graph, stored["measured"]
    nodes = [node for node in graph.node if not node.name.startswith(PREFIX)]
    weights = [w for w in graph.initializer if not w.name.startswith(PREFIX)]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(weights)
    rename(graph, _OWN, OUTPUT)
    set_dimensions(graph, lambda joined: joined - measured)
    return written(model, {k: v for k, v in stored.items() if k != "measured"})
