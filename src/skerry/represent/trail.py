"""Whether a straight line of light crosses the whole image in one band and not in all.

What moves is recorded in one exposure, and so in one band: satellites, meteors, airplanes. Their
trails differ in color, width, direction and place, and no two are each other's neighbors by that.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from skerry.represent.light import above_sky, at, median

USUAL = 0.22
"""What 99% of the 7,042 training galaxies that measures are standardized by stay below."""

_FULL = 0.5
_ANGLES = 48
_SIDE = 32
_ALONG = 16
_END = _ALONG // 4
_BEYOND = 1.2


def trail(images: Tensor) -> Tensor:
    """0 for nearly every image, toward 1 and above the more surely a line in one band crosses it.

    Of each band, less its own smooth light and in units of its noise, straight lines of 48
    directions are averaged, each point counting for one at most. A line must be bright over its
    length and at both its ends. Counted is by how much the best line of the best band exceeds
    that of the least band, beyond what is usual.

    Parameters
    ----------
    images
        Values from 0 to 255, any type, shape (n, bands, side, side).

    Returns
    -------
    Tensor
        float32, shape (n, 1).
    """
    detail = _detail(above_sky(images.float()))
    noise = 1.5 * median(detail.abs().flatten(2))[:, :, None, None] + 1
    lines = _coverage((detail / (2 * noise)).clamp(-1, 1)).flatten(2).amax(2)
    excess = lines.amax(1) - lines.amin(1) - USUAL
    return (excess / _FULL).clamp(min=0)[:, None]


def _detail(light: Tensor) -> Tensor:
    """What is between 1 and 2 of 32 pixels wide, shape (n, bands, 32, 32)."""
    fine, smooth = (_averaging(int(light.shape[-1]), width, light.device) for width in (0.5, 2.0))
    return fine @ light @ fine.T - smooth @ light @ smooth.T


def _averaging(side: int, width: float, device: torch.device) -> Tensor:
    """Gaussian means, ``width`` of 32 pixels wide, of ``side`` pixels: shape (32, side)."""
    to = (torch.arange(_SIDE, device=device) + 0.5)[:, None]
    at = (torch.arange(side, device=device) + 0.5) * (_SIDE / side)
    weights = torch.exp(-((to - at) / width).square() / 2)
    return weights / weights.sum(1, keepdim=True)


def _coverage(detail: Tensor) -> Tensor:
    """How bright lines are all along, and at both ends, shape (n, bands, directions, offsets)."""
    grid = _lines(detail.device)
    inside = (grid.abs().amax(-1) < 1).float()
    rays = at(detail, grid.flatten(0, 1)).unflatten(2, (_ANGLES, _SIDE)) * inside
    covered = rays.sum(-1) / inside.sum(-1).clamp(min=_END)
    for end in (slice(None, _END), slice(-_END, None)):
        length = inside[..., end].sum(-1)
        # a line that leaves the image before is not asked there
        beyond = (length < 2).float()
        covered = torch.minimum(covered, rays[..., end].sum(-1) / length.clamp(min=2) + beyond)
    return covered


def _lines(device: torch.device) -> Tensor:
    """Places on lines, in half widths: shape (directions, offsets, along, 2)."""
    offset = _between(_SIDE, device)[:, None]
    along = _BEYOND * _between(_ALONG, device)[None]
    turn = (torch.arange(_ANGLES, device=device) * (math.pi / _ANGLES))[:, None, None]
    cosine, sine = torch.cos(turn), torch.sin(turn)
    return torch.stack([offset * cosine - along * sine, offset * sine + along * cosine], -1)


def _between(n: int, device: torch.device) -> Tensor:
    """The middles of n equal parts of -1 to 1."""
    return (torch.arange(n, device=device) + 0.5) / n * 2 - 1
