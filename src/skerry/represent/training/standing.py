"""How far a training is, and whether it is sound."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from skerry.errors import RunError
from skerry.represent.training.recipe import Recipe


@dataclass
class Standing:
    """How far a training is.

    ``losses`` are those since the last evaluation, ``last``; ``best`` is the lowest held-out
    loss, and ``waited`` the evaluations since.
    """

    step: int = 0
    losses: list[Any] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)
    best: float = math.inf
    waited: int = 0

    def judge(self, event: dict[str, Any]) -> bool:
        """Take in an evaluation; whether it is the best so far."""
        better: bool = event["held_out_loss"] < self.best
        self.best = min(self.best, event["held_out_loss"])
        self.waited = 0 if better else self.waited + 1
        self.last, self.losses = event, []
        return better

    def in_vain(self, recipe: Recipe) -> bool:
        """Whether the recipe's patience is at its end."""
        return 0 < recipe.patience <= self.waited


def finite(values: Iterable[Any]) -> bool:
    """Whether numbers and tensors hold neither NaN nor infinity."""
    return all(bool(torch.as_tensor(value).isfinite().all()) for value in values)


def require_finite(sound: bool, step: int, fabric: Fabric, folder: Path) -> None:
    """Raise RunError, in all processes, where the first one's loss or weights are spoiled."""
    if not fabric.broadcast(sound):
        raise RunError(
            f"by step {step} the loss or a weight is no longer a finite number; lower "
            f"learning_rate and start in a new folder ({folder} keeps the last sound checkpoint)"
        )
