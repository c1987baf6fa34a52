"""Runs a program on a GPU in the place of ONNX Runtime's session: fixed batch, copies beside it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from skerry.represent.gpu.graph import INPUT, OUTPUTS
from skerry.represent.gpu.program import Program
from skerry.types import ByteArray, FloatArray

SLOTS = 3
"""Batches under way: one is copied to the GPU while one is computed and one is copied back."""


class _Slot:
    """Memory of a batch under way: on the host (pinned), and its pixels on the GPU."""

    def __init__(self, shape: tuple[int, ...], out: Sequence[Tensor], device: torch.device) -> None:
        self.host = torch.empty(shape, dtype=torch.uint8, pin_memory=True)
        self.pixels = torch.empty(shape, dtype=torch.uint8, device=device)
        self.found = [torch.empty(o.shape, dtype=o.dtype, pin_memory=True) for o in out]
        self.arrived = torch.cuda.Event()
        self.done = torch.cuda.Event(blocking=True)  # a spinning wait would take a decoder's core


class Session:
    """Runs ``program`` on uint8 pixels of one ``shape``; from any number of threads.

    On a GPU the whole of it is one CUDA graph, recorded once: no operator is launched by Python,
    and the same kernels run every batch. Pixels go through pinned memory, on a stream of their
    own.
    """

    def __init__(
        self, program: Program, shape: tuple[int, ...], device: torch.device, compiled: bool = False
    ) -> None:
        self.device = device
        self.shape = shape
        self.program: Callable[[Tensor], tuple[Tensor, Tensor]] = program
        if compiled:
            self.program = torch.compile(program, dynamic=False)
        self._lock = threading.Lock()
        if device.type == "cuda":
            with torch.cuda.device(device):
                self._record()

    def run(self, names: Sequence[str], feeds: Mapping[str, ByteArray]) -> list[FloatArray]:
        """``names`` of the outputs for the pixels in ``feeds``, as ONNX Runtime's session does."""
        pixels = feeds[INPUT]
        if pixels.shape != self.shape:
            raise ValueError(f"pixels of shape {pixels.shape}; expected {self.shape}")
        found = self._on_gpu(pixels) if self.device.type == "cuda" else self._on_cpu(pixels)
        by_name = dict(zip(OUTPUTS, found, strict=True))
        return [by_name[name] for name in names]

    def _on_cpu(self, pixels: ByteArray) -> list[FloatArray]:
        with self._lock, torch.no_grad():
            found = self.program(torch.from_numpy(np.ascontiguousarray(pixels)))
        return [np.asarray(f.float().numpy()) for f in found]

    def _on_gpu(self, pixels: ByteArray) -> list[FloatArray]:
        slot = self._slots.get()
        try:
            np.copyto(slot.host.numpy(), pixels)
            with self._lock, torch.cuda.device(self.device):
                self._launch(slot)
            slot.done.synchronize()
            return [np.array(f.numpy(), np.float32) for f in slot.found]
        finally:
            self._slots.put(slot)

    def _launch(self, slot: _Slot) -> None:
        """Queue a batch's copy, its computing, and the copy of what is found."""
        with torch.cuda.stream(self._copying):
            slot.pixels.copy_(slot.host, non_blocking=True)
            slot.arrived.record(self._copying)
        with torch.cuda.stream(self._computing):
            self._computing.wait_event(slot.arrived)
            self._input.copy_(slot.pixels, non_blocking=True)
            self.graph.replay()
            for to, value in zip(slot.found, self._output, strict=True):
                to.copy_(value, non_blocking=True)
            slot.done.record(self._computing)

    def _record(self) -> None:
        """Warm up and record the program as one CUDA graph."""
        self._copying, self._computing = torch.cuda.Stream(), torch.cuda.Stream()
        self._input = torch.zeros(self.shape, dtype=torch.uint8, device=self.device)
        torch.cuda.synchronize()
        with torch.no_grad(), _fixed():
            with torch.cuda.stream(self._computing):
                for _ in range(3):
                    self.program(self._input)
            torch.cuda.synchronize()
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph, stream=self._computing):
                self._output = [o.float() for o in self.program(self._input)]
        torch.cuda.synchronize()
        self._slots: queue.SimpleQueue[_Slot] = queue.SimpleQueue()
        for _ in range(SLOTS):
            self._slots.put(_Slot(self.shape, self._output, self.device))


def _fixed() -> Any:
    """Convolutions by fixed choice, not by trial, so that a run gives the same bytes again."""
    return torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
