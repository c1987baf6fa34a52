"""Drawn light to measure: float tensors on [-1, 1], and images of them."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def axes(side: int, turn: float = 0.0) -> tuple[Tensor, Tensor]:
    """Coordinates (x, y) of pixels in a frame turned by so many degrees."""
    place = (torch.arange(side) + 0.5) / side * 2 - 1
    y, x = torch.meshgrid(place, place, indexing="ij")
    cosine, sine = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    return x * cosine + y * sine, y * cosine - x * sine


def image(*bands: Tensor, sky: float = 12.0) -> Tensor:
    """Bytes of light on a sky, shape (1, 3, side, side); one band stands for all three."""
    planes = bands * 3 if len(bands) == 1 else bands
    return torch.stack([(p + sky).clamp(0, 255) for p in planes]).to(torch.uint8)[None]
