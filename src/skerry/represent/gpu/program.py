"""A graph that was read, placed on a device in the precision each part of it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from skerry.represent.gpu.graph import INPUT, OUTPUTS, Read, Step
from skerry.represent.measured import PREFIX

_WEIGHED = {"Conv", "Gemm", "MatMul"}
_POOLING = {"GlobalAveragePool", "GlobalMaxPool", "ReduceMean"}


class Program(nn.Module):
    """A graph that was read, on a device.

    Between the first weights and the pooling it computes in ``inner``; before, and from the
    pooling on (bottleneck, normalization, equalization, votes), in float32, and so it does what
    measures structure in the image.
    """

    def __init__(self, found: Read, inner: torch.dtype, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.steps: list[Step] = []
        self.constants: dict[str, Tensor] = {}
        network = [i for i, step in enumerate(found.steps) if not step.name.startswith(PREFIX)]
        first, last = _inner_part([found.steps[i] for i in network])
        inside = set(network[first:last])
        present: dict[str, torch.dtype] = {}
        for position, step in enumerate(found.steps):
            dtype = inner if position in inside else torch.float32
            self._add(step, found, dtype, present)

    def _add(
        self, step: Step, found: Read, dtype: torch.dtype, present: dict[str, torch.dtype]
    ) -> None:
        inputs, freed = [], list(step.freed)
        for name in step.inputs:
            if name in found.constants:
                inputs.append(self._constant(found.constants[name], name, dtype))
            elif name in present and present[name] != dtype:
                cast = f"{name} as {dtype}"
                if cast not in present:
                    self.steps.append(
                        Step(cast, "Cast", _caster(dtype), (name,), (cast,), freed=())
                    )
                    present[cast] = dtype
                inputs.append(cast)
            else:
                inputs.append(name)
        function = step.function
        if step.operator == "Cast" and step.floating:
            function = _caster(dtype)
        self.steps.append(
            replace(step, function=function, inputs=tuple(inputs), freed=tuple(freed))
        )
        if step.floating:
            present.update(dict.fromkeys(step.outputs, dtype))

    def _constant(self, value: Tensor, name: str, dtype: torch.dtype) -> str:
        if not value.is_floating_point():
            dtype = value.dtype
        key = f"{name} as {dtype}"
        if key not in self.constants:
            placed = value.to(self.device, dtype)
            if placed.ndim == 4:
                placed = placed.contiguous(memory_format=torch.channels_last)
            self.constants[key] = placed
        return key

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels uint8 (batch, size, size, 3) to vectors and votes, float32."""
        values = {**self.constants, INPUT: pixels}
        for step in self.steps:
            found = step.function(*[values[name] for name in step.inputs])
            if len(step.outputs) == 1:
                values[step.outputs[0]] = found
            else:
                values.update(zip(step.outputs, found, strict=False))
            for name in step.freed:
                del values[name]
        vectors, votes = (values[name] for name in OUTPUTS)
        return vectors, votes


def _caster(dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    return lambda x: x.to(dtype)


def _inner_part(steps: Sequence[Step]) -> tuple[int, int]:
    """The first step with weights, and the first from which on all values are vectors.

    The pooling that made the vectors is not of the inner part: a mean of half precision's values
    is kept in float32.
    """
    first = next((i for i, s in enumerate(steps) if s.operator in _WEIGHED), len(steps))
    last = len(steps)
    while last > first and steps[last - 1].dims <= 2:
        last -= 1
    while last > first and steps[last - 1].operator in _POOLING:
        last -= 1
    return first, last
