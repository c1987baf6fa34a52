"""Light above the sky, at places and along waves: what all measures of an image begin with."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

ANGLES = 64
"""Directions in which a ring is sampled."""

NOISE = 6.0
"""Light, in steps of a byte, below which a ring is mostly noise."""


def above_sky(light: Tensor) -> Tensor:
    """Light, shape (n, bands, side, side), over the median of each image's top and bottom rows.

    Not of its sides: a quarter turn changes it, in most images by a step of a byte or more.
    """
    edge = light.shape[-1] // 32 + 1
    border = torch.cat([light[..., :edge, :].flatten(2), light[..., -edge:, :].flatten(2)], 2)
    return light - median(border)[:, :, None, None]


def median(values: Tensor) -> Tensor:
    """The lower median over the last dimension, by a sort: ONNX has no median."""
    return values.sort(-1).values[..., (int(values.shape[-1]) - 1) // 2]


def asinh(x: Tensor) -> Tensor:
    """From logarithms: ``torch.asinh`` has no form in ONNX's exporter."""
    size = x.abs()
    return torch.sign(x) * torch.log(size + (size.square() + 1).sqrt())


def at(light: Tensor, places: Tensor) -> Tensor:
    """Light, shape (n, bands, side, side), at places (h, w, 2) that are those of every image.

    Places (x, y) are in half widths from the middle; between pixels light is interpolated, and
    outside there is none. Shape (n, bands, h, w).
    """
    # all images as bands of one, so that a graph holds the places once and not n times
    planes = light.flatten(0, 1)[None]
    found = functional.grid_sample(planes, places[None], mode="bilinear", align_corners=False)
    return found.reshape(*light.shape[:2], *places.shape[:2])


def directions(device: torch.device) -> Tensor:
    """The angles of the rays that cross a ring, shape (ANGLES,), radians."""
    return torch.arange(ANGLES, device=device) * (2 * math.pi / ANGLES)


def waves(gray: Tensor, modes: int) -> tuple[Tensor, Tensor]:
    """Cosine and negative sine parts of the first Fourier modes of rings.

    Of light of shape (n, ANGLES, rings) each has shape (n, modes, rings). Matrix products and
    not a transform: so they have a form in ONNX.
    """
    turns = torch.arange(1, modes + 1, device=gray.device)[:, None] * directions(gray.device)
    return torch.cos(turns) @ gray * (2 / ANGLES), -torch.sin(turns) @ gray * (2 / ANGLES)
