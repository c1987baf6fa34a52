"""Galaxy-safe augmentation: what changes nothing an astronomer would call a galaxy by."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def augment(
    images: Tensor,
    size: int,
    generator: torch.Generator,
    *,
    zoom: float = 0.1,
    shift: float = 0.04,
    gain: float = 0.1,
    shown: float = 1.0,
    noise: float = 0.0,
) -> Tensor:
    """Rotate by any angle, mirror, zoom and shift a little, and scale the light a little.

    Parameters
    ----------
    images
        Shape (n, bands, side, side), values in [0, 1].
    size
        Side of the result in pixels.
    generator
        Source of all randomness.
    zoom, shift, gain
        Largest relative change of scale; of position, as a share of the width; of brightness,
        drawn for each band.
    shown
        Share of the width that is shown, before the change of scale.
    noise
        Largest standard deviation of Gaussian noise, drawn for each image.

    Returns
    -------
    Tensor
        Shape (n, bands, size, size). Corners that a rotation opens mirror the image's edge.
        Light may pass 1 by ``gain``; with noise all is kept in [0, 1].
    """
    n, bands = images.shape[:2]
    device = images.device

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator).to(device)

    angle = draw(n) * 2 * math.pi
    scale = shown * (1 + zoom * (2 * draw(n) - 1))
    mirror = torch.where(draw(n) < 0.5, -1.0, 1.0)
    offset = 2 * shown * shift * (2 * draw(n, 2) - 1)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    theta = torch.stack(
        [
            torch.stack([cos * mirror, -sin, offset[:, 0]], -1),
            torch.stack([sin * mirror, cos, offset[:, 1]], -1),
        ],
        1,
    )
    grid = functional.affine_grid(theta, [n, bands, size, size], align_corners=False)
    turned = functional.grid_sample(
        images, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    bright = turned * (1 + gain * (2 * draw(n, bands, 1, 1) - 1))
    if not noise:
        return bright
    grain = _grain(bright.shape, generator, device)
    return (bright + noise * draw(n, 1, 1, 1) * grain).clamp(0, 1)


def shown_part(images: Tensor, shown: float) -> Tensor:
    """The middle of images (n, bands, side, side): a share of their width that is shown.

    Where an odd number of pixels is left out, half a pixel up and left of the center.
    """
    kept = round(images.shape[-1] * shown)
    edge = (images.shape[-1] - kept) // 2
    return images[..., edge : edge + kept, edge : edge + kept]


def _grain(shape: torch.Size, generator: torch.Generator, device: torch.device) -> Tensor:
    """Standard normal values, drawn where the images are: there are too many to copy."""
    if device.type == generator.device.type:
        return torch.randn(shape, generator=generator)
    seed = int(torch.randint(2**62, (1,), generator=generator))
    there = torch.Generator(device).manual_seed(seed)
    return torch.randn(shape, generator=there, device=device)
