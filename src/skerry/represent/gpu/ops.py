"""ONNX operators as functions of torch; what an operator means is in ONNX's Operators.md.

Each entry of ``TABLE`` makes a function of tensors from a node's attributes and from those of its
inputs that must be known when the graph is read (shapes, axes, bounds).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

Attributes = Mapping[str, Any]
Function = Callable[..., Any]
Build = Callable[..., Function]

DTYPES = {
    1: torch.float32, 2: torch.uint8, 3: torch.int8, 5: torch.int16, 6: torch.int32,
    7: torch.int64, 9: torch.bool, 10: torch.float16, 11: torch.float64, 16: torch.bfloat16,
}  # fmt: skip
"""torch's types by ONNX's number."""


@dataclass(frozen=True)
class Operator:
    """``build(attributes, *known)`` gives the function; ``known`` are the inputs at ``places``,
    as lists or numbers, None where left out."""

    build: Build
    places: tuple[int, ...] = ()


def _plain(function: Function) -> Operator:
    """An operator without attributes."""
    return Operator(lambda attributes: function)


def _div(a: Tensor, b: Tensor) -> Tensor:
    return a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc")


def _cast(attributes: Attributes) -> Function:
    dtype = DTYPES[attributes["to"]]
    return lambda x: x.to(dtype)


def _sides(pads: Sequence[int]) -> tuple[int, ...]:
    """ONNX's pads (all begins, all ends) in the order of ``F.pad``."""
    half = len(pads) // 2
    pairs = [(pads[i], pads[half + i]) for i in reversed(range(half))]
    return tuple(side for pair in pairs for side in pair)


def _padded(attributes: Attributes, dims: int) -> tuple[Any, tuple[int, ...] | None]:
    """Padding as torch's operators take it, and what is to be padded before if it is uneven."""
    pads = list(attributes.get("pads", [0] * 2 * dims))
    if pads[:dims] == pads[dims:]:
        return pads[:dims], None
    return [0] * dims, _sides(pads)


def _conv(attributes: Attributes) -> Function:
    dims = len(attributes["kernel_shape"])
    convolve = (F.conv1d, F.conv2d, F.conv3d)[dims - 1]
    padding, before = _padded(attributes, dims)
    strides = list(attributes.get("strides", [1] * dims))
    dilations = list(attributes.get("dilations", [1] * dims))
    groups = attributes.get("group", 1)

    def run(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        x = F.pad(x, before) if before else x
        return convolve(x, weight, bias, strides, padding, dilations, groups)

    return run


def _max_pool(attributes: Attributes) -> Function:
    kernel = list(attributes["kernel_shape"])
    padding, before = _padded(attributes, len(kernel))
    strides = list(attributes.get("strides", [1] * len(kernel)))
    dilations = list(attributes.get("dilations", [1] * len(kernel)))
    ceil = bool(attributes.get("ceil_mode", 0))

    def run(x: Tensor) -> Tensor:
        x = F.pad(x, before, value=float("-inf")) if before else x
        return F.max_pool2d(x, kernel, strides, padding, dilations, ceil)

    return run


def _average_pool(attributes: Attributes) -> Function:
    kernel = list(attributes["kernel_shape"])
    padding, before = _padded(attributes, len(kernel))
    strides = list(attributes.get("strides", [1] * len(kernel)))
    ceil, counted = bool(attributes.get("ceil_mode", 0)), bool(attributes.get("count_include_pad"))
    if before and not counted:
        raise ValueError("uneven pads that are not counted")

    def run(x: Tensor) -> Tensor:
        x = F.pad(x, before) if before else x
        return F.avg_pool2d(x, kernel, strides, padding, ceil, counted)

    return run


def _batch_norm(attributes: Attributes) -> Function:
    epsilon = attributes.get("epsilon", 1e-5)
    return lambda x, scale, bias, mean, var: F.batch_norm(
        x, mean, var, scale, bias, training=False, eps=epsilon
    )


def _layer_norm(attributes: Attributes) -> Function:
    axis, epsilon = attributes.get("axis", -1), attributes.get("epsilon", 1e-5)
    return lambda x, scale, bias=None: F.layer_norm(x, x.shape[axis:], scale, bias, epsilon)


def _gemm(attributes: Attributes) -> Function:
    alpha, beta = attributes.get("alpha", 1.0), attributes.get("beta", 1.0)
    left, right = attributes.get("transA", 0), attributes.get("transB", 0)

    def run(a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
        product = alpha * ((a.t() if left else a) @ (b.t() if right else b))
        return product if c is None else product + beta * c

    return run


def _reduce(function: Function) -> Operator:
    """``function(x, axes, keepdims)`` over the axes of the second input, or over all."""

    def build(attributes: Attributes, axes: Sequence[int] | None) -> Function:
        keep = bool(attributes.get("keepdims", 1))
        given = axes if axes is not None else attributes.get("axes")
        if not given and attributes.get("noop_with_empty_axes", 0):
            return lambda x: x
        return lambda x: function(x, tuple(given or range(x.ndim)), keep)

    return Operator(build, (1,))


def _slice(
    attributes: Attributes,
    starts: Sequence[int],
    ends: Sequence[int],
    axes: Sequence[int] | None,
    steps: Sequence[int] | None,
) -> Function:
    steps = steps or [1] * len(starts)
    if min(steps) < 1:
        raise ValueError("a step below 1")
    cuts = [slice(*cut) for cut in zip(starts, ends, steps, strict=True)]
    places = list(axes if axes is not None else range(len(starts)))

    def run(x: Tensor) -> Tensor:
        index = [slice(None)] * x.ndim
        for place, cut in zip(places, cuts, strict=True):
            index[place] = cut
        return x[tuple(index)]

    return run


def _gather(attributes: Attributes, indices: Any) -> Function:
    axis = attributes.get("axis", 0)
    if isinstance(indices, int):
        return lambda x: x.select(axis, indices)
    rows = torch.tensor(indices)
    placed: dict[torch.device, Tensor] = {}

    def run(x: Tensor) -> Tensor:
        if x.device not in placed:  # copied once: a CUDA graph takes no copy from pageable memory
            placed[x.device] = rows.flatten().to(x.device)
        found = x.index_select(axis, placed[x.device] % x.shape[axis])
        return found.unflatten(axis, rows.shape) if rows.ndim != 1 else found

    return run


def _unsqueeze(attributes: Attributes, axes: Sequence[int]) -> Function:
    def run(x: Tensor) -> Tensor:
        total = x.ndim + len(axes)
        for axis in sorted(a % total for a in axes):
            x = x.unsqueeze(axis)
        return x

    return run


def _split(attributes: Attributes, sizes: Sequence[int] | None) -> Function:
    axis, parts = attributes.get("axis", 0), attributes.get("num_outputs")
    if sizes is not None:
        return lambda x: torch.split(x, list(sizes), axis)
    return lambda x: torch.split(x, -(-x.shape[axis] // int(parts or 1)), axis)


def _pad(attributes: Attributes, pads: Sequence[int], value: Any, axes: Any = None) -> Function:
    if axes is not None:
        raise ValueError("pads of named axes")
    mode = {"constant": "constant", "reflect": "reflect", "edge": "replicate"}[
        attributes.get("mode", "constant")
    ]
    sides = list(_sides(pads))
    while sides[-2:] == [0, 0]:  # torch reflects no more axes than it must
        del sides[-2:]
    if mode == "constant":
        return lambda x: F.pad(x, sides, value=float(value or 0))
    return lambda x: F.pad(x, sides, mode=mode)


def _clip(attributes: Attributes, low: Any, high: Any) -> Function:
    return lambda x: torch.clamp(x, low, high)


def _grid_sample(attributes: Attributes) -> Function:
    given = str(attributes.get("mode", "linear"))
    mode = {"linear": "bilinear", "cubic": "bicubic"}.get(given, given)
    padding = str(attributes.get("padding_mode", "zeros"))
    corners = attributes.get("align_corners", 0)
    return lambda x, grid: F.grid_sample(
        x, grid.expand(len(x), *grid.shape[1:]), mode, padding, bool(corners)
    )


def _top_k(attributes: Attributes, k: Any) -> Function:
    count = k[0] if isinstance(k, list) else k
    axis, largest = attributes.get("axis", -1), bool(attributes.get("largest", 1))
    return lambda x: torch.topk(x, count, axis, largest, True)


def _concat(attributes: Attributes) -> Function:
    return lambda *parts: torch.cat(_alike(parts, attributes["axis"]), attributes["axis"])


def _alike(parts: Sequence[Tensor], axis: int) -> list[Tensor]:
    """A part that is one row for any image is repeated for each (a token of a class)."""
    rows = max(p.shape[0] for p in parts) if parts[0].ndim > 1 and axis != 0 else 0
    return [p.expand(rows, *p.shape[1:]) if p.shape[0] == 1 < rows else p for p in parts]


TABLE: dict[str, Operator] = {
    "Abs": _plain(torch.abs),
    "Add": _plain(torch.add),
    "And": _plain(torch.logical_and),
    "AveragePool": Operator(_average_pool),
    "BatchNormalization": Operator(_batch_norm),
    "Cast": Operator(_cast),
    "Clip": Operator(_clip, (1, 2)),
    "Concat": Operator(_concat),
    "Conv": Operator(_conv),
    "Cos": _plain(torch.cos),
    "Div": _plain(_div),
    "Dropout": _plain(lambda x, *rest: x),
    "Equal": _plain(torch.eq),
    "Erf": _plain(torch.erf),
    "Exp": _plain(torch.exp),
    "Expand": Operator(
        lambda a, shape: lambda x: x.expand(torch.broadcast_shapes(x.shape, shape)), (1,)),
    "Flatten": Operator(lambda a: lambda x: x.flatten(0, a.get("axis", 1) - 1).flatten(a["axis"])
                        if a.get("axis", 1) > 1 else x.flatten(1)),
    "Floor": _plain(torch.floor),
    "Gather": Operator(_gather, (1,)),
    "Gelu": Operator(lambda a: lambda x: F.gelu(x, approximate=a.get("approximate", "none"))),
    "Gemm": Operator(_gemm),
    "GlobalAveragePool": _plain(lambda x: x.mean(tuple(range(2, x.ndim)), keepdim=True)),
    "GlobalMaxPool": _plain(lambda x: x.amax(tuple(range(2, x.ndim)), keepdim=True)),
    "Greater": _plain(torch.gt),
    "GridSample": Operator(_grid_sample),
    "HardSigmoid": Operator(
        lambda a: lambda x: torch.clamp(a.get("alpha", 0.2) * x + a.get("beta", 0.5), 0, 1)
    ),
    "HardSwish": _plain(F.hardswish),
    "Identity": _plain(lambda x: x),
    "LayerNormalization": Operator(_layer_norm),
    "LeakyRelu": Operator(lambda a: lambda x: F.leaky_relu(x, a.get("alpha", 0.01))),
    "Less": _plain(torch.lt),
    "Log": _plain(torch.log),
    "MatMul": _plain(torch.matmul),
    "Max": _plain(torch.maximum),
    "MaxPool": Operator(_max_pool),
    "Min": _plain(torch.minimum),
    "Mod": Operator(lambda a: torch.fmod if a.get("fmod", 0) else torch.remainder),
    "Mul": _plain(torch.mul),
    "Neg": _plain(torch.neg),
    "Not": _plain(torch.logical_not),
    "Pad": Operator(_pad, (1, 2, 3)),
    "Pow": _plain(torch.pow),
    "Reciprocal": _plain(torch.reciprocal),
    "ReduceL2": _reduce(lambda x, axes, keep: torch.linalg.vector_norm(x, 2, axes, keep)),
    "ReduceMax": _reduce(torch.amax),
    "ReduceMean": _reduce(torch.mean),
    "ReduceMin": _reduce(torch.amin),
    "ReduceSum": _reduce(torch.sum),
    "Relu": _plain(torch.relu),
    "Reshape": Operator(lambda a, shape: lambda x: x.reshape(
        [x.shape[i] if s == 0 else s for i, s in enumerate(shape)]), (1,)),
    "Shape": Operator(lambda a: lambda x: torch.tensor(
        list(x.shape)[a.get("start", 0) : a.get("end", x.ndim)])),
    "Sigmoid": _plain(torch.sigmoid),
    "Sign": _plain(torch.sign),
    "Silu": _plain(F.silu),
    "Sin": _plain(torch.sin),
    "Slice": Operator(_slice, (1, 2, 3, 4)),
    "Softmax": Operator(lambda a: lambda x: torch.softmax(x, a.get("axis", -1))),
    "Softplus": _plain(F.softplus),
    "Split": Operator(_split, (1,)),
    "Sqrt": _plain(torch.sqrt),
    "Squeeze": Operator(lambda a, axes: lambda x: x.squeeze() if axes is None
                        else x.squeeze(tuple(axes)), (1,)),
    "Sub": _plain(torch.sub),
    "Tanh": _plain(torch.tanh),
    "Tile": Operator(lambda a, repeats: lambda x: x.repeat(*repeats), (1,)),
    "TopK": Operator(_top_k, (1,)),
    "Transpose": Operator(lambda a: lambda x: x.permute(a.get("perm") or
                                                        list(range(x.ndim))[::-1])),
    "Unsqueeze": Operator(_unsqueeze, (1,)),
    "Where": _plain(torch.where),
}  # fmt: skip
"""``Silu`` is skerry's own name for ``Mul(x, Sigmoid(x))``, found when the graph is read."""
