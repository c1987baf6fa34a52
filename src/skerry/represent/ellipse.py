"""Structure on the ellipses of a galaxy's own light, so that inclination and size matter less.

On circles an inclined disk is first of all an ellipse, which drowns what is on it. On the
galaxy's own ellipses what is left are arms, bars, rings, boxy and disky isophotes, companions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from skerry.represent.light import NOISE, above_sky, asinh, directions, waves

RINGS = 10
MODES = 8
MEASURES = RINGS * (1 + 3 * MODES // 2)
REACH = 2.6
"""Radius of the outermost ring, in semi-major axes of the galaxy's moments."""

_STEPS = 4
_ACROSS = 3
_STEEP = 2.5  # the window begins as wide as 0.45 of the image's half width
_LARGEST = 0.30
_FLATTEST = 0.2


@dataclass(frozen=True)
class Ellipses:
    """Of each of n galaxies: semi-axes in half widths of the image, and the cosine and the sine
    of the angle from the image's rows to the major axis; each of shape (n,)."""

    major: Tensor
    minor: Tensor
    cosine: Tensor
    sine: Tensor


def ellipse_structure(images: Tensor) -> Tensor:
    """Measures on ten ellipses around the center; turning or mirroring changes none but by the sky.

    On each ellipse: the mean light (asinh), and over that mean the parts of the even Fourier
    modes to the eighth along the galaxy's axes, as cosine (negative in the fourth mode is boxy,
    positive disky; Bender et al. 1988, A&AS 74, 385) and as absolute sine, and the amplitudes
    of the odd modes.

    Parameters
    ----------
    images
        Values from 0 to 255, any type, shape (n, bands, side, side), of which the sky surrounds
        a central galaxy.

    Returns
    -------
    Tensor
        float32, shape (n, 130).
    """
    gray = above_sky(images.float()).mean(1, keepdim=True)
    light = _on_rings(gray, ellipses(gray[:, 0]))
    mean = light.mean(1)
    level = mean.abs()[:, None] + NOISE
    cosine, sine = waves(light, MODES)
    amplitude = (cosine.square() + sine.square() + 1e-12).sqrt()
    even, odd = slice(1, None, 2), slice(0, None, 2)
    parts = cosine[:, even], sine.abs()[:, even], amplitude[:, odd]
    return torch.cat([asinh(mean / 8), *(torch.tanh(p / level).flatten(1) for p in parts)], 1)


def ellipses(gray: Tensor) -> Ellipses:
    """From second moments in a Gaussian window that takes the form of what it finds.

    Adaptive moments (Bernstein & Jarvis 2002, AJ 123, 583), about the middle of the image, in
    four steps from a round window. Light below the sky counts for nothing.

    Parameters
    ----------
    gray
        Light above the sky, shape (n, side, side).
    """
    light, side = gray.clamp(min=0), int(gray.shape[-1])  # a number, also where it is traced
    axis = (torch.arange(side, device=gray.device) + 0.5) * (2 / side) - 1
    x, y = axis[None, :], axis[:, None]
    window = torch.exp((x.square() + y.square()) * -_STEEP)[None]
    for _ in range(_STEPS):
        weighed = light * window
        total = weighed.sum((1, 2)) + 1e-3
        # doubled, for the moments of a Gaussian in a window of its own form are halved
        xx = 2 * (weighed * x.square()).sum((1, 2)) / total + 1e-3
        yy = 2 * (weighed * y.square()).sum((1, 2)) / total + 1e-3
        xy = 2 * (weighed * x * y).sum((1, 2)) / total
        shrunk = (2 * _LARGEST / (xx + yy)).clamp(max=1)
        xx, yy, xy = xx * shrunk, yy * shrunk, xy * shrunk
        inverse = 0.5 / (xx * yy - xy.square()).clamp(min=1e-7)
        a, b, c = (v[:, None, None] for v in (yy * inverse, xx * inverse, 2 * xy * inverse))
        window = torch.exp(-(a * x.square() + b * y.square() - c * x * y))
    half, apart = (xx + yy) / 2, ((xx - yy).square() / 4 + xy.square() + 1e-12).sqrt()
    double = (xx - yy) / (2 * apart)  # cosine of twice the angle
    sine = ((1 - double).clamp(min=0) / 2).sqrt()
    return Ellipses(
        (half + apart).sqrt(),
        (half - apart).clamp(min=1e-4).sqrt(),
        ((1 + double).clamp(min=0) / 2).sqrt(),
        torch.where(xy < 0, -sine, sine),
    )


def _on_rings(gray: Tensor, by: Ellipses) -> Tensor:
    """Light on ellipses, shape (n, ANGLES, RINGS); each an average over its width."""
    steps = RINGS * _ACROSS
    radius = (torch.arange(steps, device=gray.device) + 0.5) / steps * REACH
    angle = directions(gray.device)[:, None]
    minor = torch.maximum(by.minor, by.major * _FLATTEST)
    major, minor, cosine, sine = (v[:, None, None] for v in (by.major, minor, by.cosine, by.sine))
    along, across = torch.cos(angle) * radius * major, torch.sin(angle) * radius * minor
    grid = torch.stack([along * cosine - across * sine, along * sine + across * cosine], -1)
    rays = functional.grid_sample(gray, grid, mode="bilinear", align_corners=False)
    return rays[:, 0].unflatten(2, (RINGS, _ACROSS)).mean(3)
