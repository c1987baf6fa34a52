"""What a galaxy's light says of its structure, without anybody's label: targets to learn from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

RINGS = 12
MODES = 5
ANGLES = 64
MEASURES = RINGS * (1 + MODES + 2)
RADIUS = 0.75
"""Radius of the outermost ring in half widths of the image."""


def structure(images: Tensor) -> Tensor:
    """Rotation-invariant measures of structure.

    In each of 12 rings around the center: the mean light (asinh), the amplitudes of the first
    five Fourier modes in azimuth over that mean (1 is lopsided, 2 a bar or two arms; Rix &
    Zaritsky 1995, ApJ 447, 82), and mean and scatter of the color between first and last band.

    Parameters
    ----------
    images
        uint8, shape (n, bands, side, side), of which the sky surrounds a central galaxy.

    Returns
    -------
    Tensor
        float32, shape (n, 96).
    """
    light = images.float()
    edge = light.shape[-1] // 32 + 1
    border = torch.cat([light[..., :edge, :].flatten(2), light[..., -edge:, :].flatten(2)], 2)
    light = light - border.median(2).values[:, :, None, None]
    polar = _polar(light)
    gray = polar.mean(1)
    mean = gray.mean(1)
    level = mean.abs()
    waves = torch.fft.rfft(gray, dim=1).abs()[:, 1 : MODES + 1] * (2 / ANGLES)
    color = polar[:, 0] - polar[:, -1]
    parts = [
        torch.asinh(mean / 8),
        torch.tanh(waves / (level[:, None] + 6)).flatten(1),
        color.mean(1) / (level + 15),
        color.std(1) / (level + 15),
    ]
    return torch.cat(parts, 1)


def _polar(light: Tensor) -> Tensor:
    """Light on rings, shape (n, bands, ANGLES, RINGS); each ring an average over its width."""
    steps = 5
    radius = (torch.arange(RINGS * steps) + 0.5) / (RINGS * steps) * RADIUS
    angle = torch.arange(ANGLES) * (2 * math.pi / ANGLES)
    x, y = torch.cos(angle)[:, None] * radius, torch.sin(angle)[:, None] * radius
    grid = torch.stack([x, y], -1).expand(len(light), -1, -1, -1)
    rays = functional.grid_sample(light, grid, mode="bilinear", align_corners=False)
    return rays.unflatten(3, (RINGS, steps)).mean(4)


@dataclass(frozen=True)
class StructureScale:
    """How measures become targets: unit vectors of their leading principal directions.

    ``mean`` and ``spread``, shape (96,), standardize; ``directions``, shape (96, dimensions).
    """

    mean: Tensor
    spread: Tensor
    directions: Tensor

    @classmethod
    def fit(cls, measures: Tensor, dimensions: int) -> StructureScale:
        """From the measures of a training set, shape (n, 96)."""
        mean, spread = measures.mean(0), measures.std(0) + 1e-6
        unit = cls(mean, spread, torch.eye(measures.shape[1])).targets(measures)
        _, directions = torch.linalg.eigh(unit.T @ unit)
        return cls(mean, spread, directions.flip(1)[:, :dimensions].contiguous())

    def targets(self, measures: Tensor) -> Tensor:
        """Unit vectors, shape (n, dimensions); angles between them are alikeness in structure."""
        standard = ((measures - self.mean) / self.spread).clamp(-4, 4)
        return functional.normalize(functional.normalize(standard, dim=1) @ self.directions, dim=1)
