"""On what a training runs: devices, nodes and precision, through Lightning Fabric."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy

from skerry.errors import ConfigError
from skerry.executors.local import available_threads

PRECISIONS = ("auto", "32", "bf16-mixed", "16-mixed")

WAIT = timedelta(hours=12)
"""How long processes wait for the first, which alone reads the images and judges."""


def fabric_for(
    devices: int = 1, nodes: int = 1, precision: str = "auto", threads: int | None = None
) -> Fabric:
    """The devices of a training: CUDA where there is any, else processes on the CPU.

    Parameters
    ----------
    devices
        How many on each node. More than one device in all trains in step (distributed data
        parallel), a process a device.
    precision
        ``auto`` is bfloat16 where the GPU computes in it, and float32 elsewhere; half precision
        needs a GPU.
    threads
        How many the CPU computes with, 0 for all; None leaves that as it is.

    Raises
    ------
    ConfigError
        More devices than this machine has, an unknown precision, or half of it without a GPU.
    """
    cuda = torch.cuda.is_available()
    if devices < 1 or nodes < 1:
        raise ConfigError(f"devices = {devices} and nodes = {nodes}; expected 1 or more of each")
    if cuda and devices > torch.cuda.device_count():
        raise ConfigError(f"{devices} devices asked for; there are {torch.cuda.device_count()}")
    if precision not in PRECISIONS:
        raise ConfigError(
            f"precision is {precision!r}; expected one of {', '.join(map(repr, PRECISIONS))}"
        )
    if precision.endswith("mixed") and not cuda:
        # PyTorch 2.13's bfloat16 on the CPU gives other values, now and then NaN, with whatever
        # lay in memory before; it is no faster there either
        raise ConfigError(f"precision {precision} needs a GPU; take 32")
    if precision == "auto":
        precision = "bf16-mixed" if cuda and torch.cuda.is_bf16_supported() else "32"
    if threads is not None:
        torch.set_num_threads(threads or available_threads())
    chosen: Any = {"32": "32-true"}.get(precision, precision)
    return Fabric(
        accelerator="cuda" if cuda else "cpu",
        devices=devices,
        num_nodes=nodes,
        precision=chosen,
        strategy=DDPStrategy(timeout=WAIT) if devices * nodes > 1 else "auto",
    )
