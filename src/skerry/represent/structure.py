"""What a galaxy's light says of its structure, without anybody's label."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from skerry.represent.light import ANGLES, NOISE, above_sky, asinh, at, directions, waves

RINGS = 12
MODES = 5
WINDING_MODES = 4
MEASURES = RINGS * (1 + MODES + 2) + 2 * WINDING_MODES * (RINGS - 1) + RINGS - 2
RADIUS = 0.9
"""Radius of the outermost ring in half widths of the image."""


def structure(images: Tensor) -> Tensor:
    """Measures of structure that neither a rotation nor a mirror changes, but through the sky.

    The sky is that of the top and bottom rows (``above_sky``), which a quarter turn changes.

    In each of 12 rings around the center: the mean light (asinh), the amplitudes of the first
    five Fourier modes in azimuth over that mean (1 is lopsided, 2 a bar or two arms; Rix &
    Zaritsky 1995, ApJ 447, 82), and mean and scatter of the color between first and last band.
    Between neighboring rings, for the first four modes, by how much the phase turns: cosine and
    absolute sine of the difference, which tell straight bars from wound arms, weighted by the
    mode's strength (the phases of Fourier modes measure pitch angles in Davis et al. 2012, ApJS
    199, 33). For each ring but the first and last, the curvature of the profile of light, to
    which a ring is a bump.

    Parameters
    ----------
    images
        Values from 0 to 255, any type, shape (n, bands, side, side), of which the sky surrounds
        a central galaxy.

    Returns
    -------
    Tensor
        float32, shape (n, 194).
    """
    polar = _polar(above_sky(images.float()))
    gray = polar.mean(1)
    mean = gray.mean(1)
    level = mean.abs()
    profile = asinh(mean / 8)
    real, imaginary = waves(gray, MODES)
    amplitude = (real.square() + imaginary.square() + 1e-12).sqrt()
    color = polar[:, 0] - polar[:, -1]
    parts = [
        profile,
        torch.tanh(amplitude / (level[:, None] + NOISE)).flatten(1),
        color.mean(1) / (level + 15),
        _scatter(color) / (level + 15),
        *_winding(real, imaginary, amplitude, level),
        profile[:, 2:] - 2 * profile[:, 1:-1] + profile[:, :-2],
    ]
    return torch.cat(parts, 1)


def _polar(light: Tensor) -> Tensor:
    """Light on rings, shape (n, bands, ANGLES, RINGS); each ring an average over its width."""
    steps = 5
    device = light.device
    radius = (torch.arange(RINGS * steps, device=device) + 0.5) / (RINGS * steps) * RADIUS
    angle = directions(device)
    x, y = torch.cos(angle)[:, None] * radius, torch.sin(angle)[:, None] * radius
    rays = at(light, torch.stack([x, y], -1))
    return rays.unflatten(3, (RINGS, steps)).mean(4)


def _winding(real: Tensor, imaginary: Tensor, amplitude: Tensor, level: Tensor) -> list[Tensor]:
    """Cosine and absolute sine of the turn between neighboring rings, each (n, modes x rings)."""
    a, b = real[:, :WINDING_MODES], imaginary[:, :WINDING_MODES]
    both = amplitude[:, :WINDING_MODES, :-1] * amplitude[:, :WINDING_MODES, 1:]
    between = (level[:, None, :-1] + level[:, None, 1:]) / 2
    weight = (both.sqrt() / (between + NOISE)).clamp(max=1) / (both + 1e-3)
    cosine = (a[..., :-1] * a[..., 1:] + b[..., :-1] * b[..., 1:]) * weight
    sine = (b[..., :-1] * a[..., 1:] - a[..., :-1] * b[..., 1:]).abs() * weight
    return [cosine.flatten(1), sine.flatten(1)]


def _scatter(color: Tensor) -> Tensor:
    """Standard deviation over the angles, shape (n, RINGS)."""
    around = color - color.mean(1, keepdim=True)
    return (around.square().sum(1) / (ANGLES - 1) + 1e-12).sqrt()


@dataclass(frozen=True)
class StructureScale:
    """How measures become targets: unit vectors of their leading principal directions.

    ``mean`` and ``spread``, shape (MEASURES,), standardize; ``directions``, shape (MEASURES,
    dimensions).
    """

    mean: Tensor
    spread: Tensor
    directions: Tensor

    @classmethod
    def fit(cls, measures: Tensor, dimensions: int) -> StructureScale:
        """From the measures of a training set, shape (n, MEASURES)."""
        mean, spread = measures.mean(0), measures.std(0) + 1e-6
        unit = cls(mean, spread, torch.eye(measures.shape[1])).targets(measures)
        _, directions = torch.linalg.eigh(unit.T @ unit)
        return cls(mean, spread, directions.flip(1)[:, :dimensions].contiguous())

    def targets(self, measures: Tensor) -> Tensor:
        """Unit vectors, shape (n, dimensions); angles between them are alikeness in structure."""
        return functional.normalize(self.unit(measures) @ self.directions, dim=1)

    def unit(self, measures: Tensor) -> Tensor:
        """Standardized measures, none beyond four standard deviations, to unit length."""
        standard = ((measures - self.mean) / self.spread).clamp(-4, 4)
        return functional.normalize(standard, dim=1)
