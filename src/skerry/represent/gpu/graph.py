"""An encoder's ONNX graph as a function of torch, at any multiple of the batch it was traced with.

The graph is read once for a fixed batch: what does not depend on the pixels is computed then, the
shapes of what does are followed without computing (torch's meta device). Literal shapes that hold
the traced batch in their first place are brought to the batch asked for; that this gives the
file's vectors is not assumed but compared when an encoder is loaded (``encoder.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from skerry.errors import EncoderError
from skerry.represent.gpu.ops import TABLE

if TYPE_CHECKING:
    import onnx

INPUT, OUTPUTS = "pixels", ("representation", "votes")

_SHAPED = {"Reshape", "Expand"}

_REPEATED = {"Concat", "GridSample"}
"""Operators with what is the same for every image: a token of its own, places to look at."""


@dataclass(frozen=True)
class Step:
    """One operator on values by name; ``dims`` and ``floating`` are of its first output."""

    name: str
    operator: str
    function: Callable[..., Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    dims: int = 0
    floating: bool = True
    freed: tuple[str, ...] = ()


@dataclass
class Read:
    """A graph that was read for one batch: what remains to be computed, and the constants."""

    steps: list[Step] = field(default_factory=list)
    constants: dict[str, Tensor] = field(default_factory=dict)


def read(model: onnx.ModelProto, batch: int) -> Read:
    """The steps from pixels uint8 (batch, size, size, 3) to the outputs, the rest folded.

    Raises
    ------
    EncoderError
        An operator is not known, or the batch is no multiple of the one the file was traced with.
    """
    from onnx import helper, numpy_helper

    graph = model.graph
    given = next(i for i in graph.input if i.name == INPUT).type.tensor_type.shape
    traced, *sides = (d.dim_value for d in given.dim)
    if batch % traced:
        raise EncoderError(
            f"a batch of {batch} images is asked for; expected a multiple of {traced}, with which "
            "the encoder was exported"
        )
    known = {i.name: _tensor(numpy_helper.to_array(i)) for i in graph.initializer}
    shapes = {INPUT: torch.empty((batch, *sides), dtype=torch.uint8, device="meta")}
    of_batch: set[str] = set()  # known only at this batch: from the shape of something computed
    result = Read()
    for node in _joined(graph.node):
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        attributes = {k: v.decode() if isinstance(v, bytes) else v for k, v in attributes.items()}
        inputs, outputs = list(node.input), list(node.output)
        if node.op_type == "Constant":
            known[outputs[0]] = _tensor(numpy_helper.to_array(attributes["value"]))
            continue
        if node.op_type == "ConstantOfShape":
            value = numpy_helper.to_array(attributes["value"]) if attributes else np.zeros(1, "f4")
            known[outputs[0]] = _tensor(value).expand(known[inputs[0]].tolist()).clone()
            of_batch |= set(outputs) if inputs[0] in of_batch else set()
            continue
        if node.op_type not in TABLE:
            raise _unknown(node, "is not known")
        moving = [i for i in inputs if i in shapes]
        values = dict(known)
        if moving and node.op_type != "Shape":
            _at_batch(node, known, values, of_batch, traced, batch)
        operator = TABLE[node.op_type]
        try:
            statics = [
                values[inputs[p]].tolist() if p < len(inputs) and inputs[p] else None
                for p in operator.places
            ]
            function = operator.build(attributes, *statics)
        except (KeyError, ValueError, TypeError) as error:
            raise _unknown(node, f"is used in a way that is not known ({error})") from error
        used = [n for p, n in enumerate(inputs) if n and p not in operator.places]
        if node.op_type == "Shape" and moving:
            known[outputs[0]] = function(shapes[inputs[0]])
            of_batch.add(outputs[0])
            continue
        if not moving:
            found = function(*(known[n] for n in used))
            known.update(zip(outputs, _several(found), strict=False))
            of_batch |= set(outputs) if of_batch & set(inputs) else set()
            continue
        arguments = [shapes[n] if n in shapes else values[n].to("meta") for n in used]
        try:
            found = _several(function(*arguments))
        except (RuntimeError, IndexError, TypeError) as error:
            raise _unknown(node, f"cannot be run on {batch} images ({error})") from error
        shapes.update(zip(outputs, found, strict=False))
        result.constants.update({n: values[n] for n in used if n not in shapes})
        result.steps.append(
            Step(
                node.name,
                node.op_type,
                function,
                tuple(used),
                tuple(outputs),
                found[0].ndim,
                found[0].is_floating_point(),
            )
        )
    return _needed(result)


def _tensor(array: Any) -> Tensor:
    return torch.from_numpy(np.array(array))


def _several(found: Any) -> tuple[Tensor, ...]:
    return tuple(found) if isinstance(found, tuple | list) else (found,)


def _unknown(node: onnx.NodeProto, why: str) -> EncoderError:
    return EncoderError(
        f"on a GPU the encoder's operator {node.op_type} ({node.name}) {why}; encode on the CPU "
        "instead, which knows every operator"
    )


def _joined(nodes: Sequence[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """The nodes with each ``Mul(x, Sigmoid(x))`` as one, which spares a pass over memory."""
    from onnx import helper

    uses: dict[str, list[onnx.NodeProto]] = {}
    for node in nodes:
        for name in node.input:
            uses.setdefault(name, []).append(node)
    joined: dict[str, onnx.NodeProto] = {}
    gone = set()
    for node in nodes:
        if node.op_type != "Sigmoid" or len(uses.get(node.output[0], ())) != 1:
            continue
        by = uses[node.output[0]][0]
        if by.op_type == "Mul" and set(by.input) == {node.input[0], node.output[0]}:
            joined[by.output[0]] = helper.make_node(
                "Silu", [node.input[0]], [by.output[0]], name=by.name
            )
            gone.add(node.output[0])
    return [joined.get(n.output[0], n) for n in nodes if n.output[0] not in gone]


def _at_batch(
    node: onnx.NodeProto,
    known: dict[str, Tensor],
    values: dict[str, Tensor],
    of_batch: set[str],
    traced: int,
    batch: int,
) -> None:
    """Bring literals of the traced batch, in what a step is given, to the batch asked for."""
    for place, name in enumerate(node.input):
        if name not in known or name in of_batch:
            continue
        value = known[name]
        if node.op_type in _SHAPED and place == 1 and int(value[0]) > 0:
            if int(value[0]) % traced == 0:
                values[name] = value.clone()
                values[name][0] = int(value[0]) // traced * batch
        elif node.op_type in _REPEATED and value.ndim > 1 and len(value) == traced:
            alike = bool((value == value[:1]).all())
            values[name] = value[:1] if alike else value


def _needed(result: Read) -> Read:
    """Only the steps that the outputs need, each with what may be freed after it."""
    wanted, kept = set(OUTPUTS), []
    for step in reversed(result.steps):
        if wanted & set(step.outputs):
            freed = tuple(
                n for n in {*step.inputs, *step.outputs} - wanted if n not in result.constants
            )
            wanted |= set(step.inputs)
            kept.append(replace(step, freed=freed))
    return Read(kept[::-1], {k: v for k, v in result.constants.items() if k in wanted})
