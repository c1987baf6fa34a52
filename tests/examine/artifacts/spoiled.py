"""Images of galaxies, plain and spoiled in each of the ways that artifacts names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skerry.types import ByteArray

SIDE = 96
_MIDDLE = (SIDE - 1) / 2
Light = np.ndarray[tuple[int, int, int], np.dtype[np.float64]]


def plain(seed: int) -> ByteArray:
    """A galaxy of some size, shape and color with two stars."""
    return _shown(_galaxy(np.random.default_rng(seed)))


def spoiled(cause: str, seed: int) -> ByteArray:
    """The same, spoiled."""
    rng = np.random.default_rng([seed, 1])
    return _shown(_SPOILED[cause](_galaxy(np.random.default_rng(seed)), rng))


def _grid() -> tuple[np.ndarray, np.ndarray]:
    row, column = np.mgrid[:SIDE, :SIDE]
    return row - _MIDDLE, column - _MIDDLE


def _galaxy(rng: np.random.Generator) -> Light:
    dy, dx = _grid()
    angle, ratio, size = rng.uniform(0, np.pi), rng.uniform(0.3, 1), rng.uniform(5, 11)
    u = dx * np.cos(angle) + dy * np.sin(angle)
    v = (dy * np.cos(angle) - dx * np.sin(angle)) / ratio
    light = rng.uniform(120, 220) * np.exp(-np.hypot(u, v) / size)
    for y, x in rng.uniform(-40, 40, (2, 2)):
        light += 90 * np.exp(-((dy - y) ** 2 + (dx - x) ** 2) / (2 * 1.8**2))
    color = np.array([1.0, rng.uniform(0.7, 0.95), rng.uniform(0.45, 0.9)])
    return light[..., None] * color + 6 + 3 * rng.standard_normal((SIDE, SIDE, 3))


def _shown(light: Light) -> ByteArray:
    return np.clip(np.rint(light), 0, 255).astype(np.uint8)


def _across(angle: float, offset: float) -> np.ndarray:
    dy, dx = _grid()
    return dy * np.cos(angle) - dx * np.sin(angle) - offset


def _trail(light: Light, rng: np.random.Generator) -> Light:
    angle = rng.uniform(0.15, 1.4) + rng.choice([0, np.pi / 2])
    line = np.exp(-(_across(angle, rng.uniform(-8, 8)) ** 2) / (2 * 1.6**2))
    light[..., rng.integers(3)] += rng.uniform(40, 150) * line
    return light


def _spike(light: Light, rng: np.random.Generator) -> Light:
    angle = np.pi / 4 + np.pi / 2 * rng.integers(2)
    dy, dx = _grid()
    star = np.hypot(dy - 70 * np.sin(angle), dx - 70 * np.cos(angle))
    halo = rng.uniform(60, 100) * (30 / np.maximum(star, 5)) ** 1.5
    line = np.exp(-(_across(angle, rng.uniform(-3, 3)) ** 2) / (2 * 1.3**2))
    return light + (halo + 45 * line)[..., None]


def _star(light: Light, rng: np.random.Generator) -> Light:
    dy, dx = _grid()
    away = np.hypot(dy - rng.uniform(22, 30), dx - rng.uniform(22, 30))
    return light + (900 * np.exp(-(away**2) / 12) + 130 * np.exp(-away / 14))[..., None]


def _bleed(light: Light, rng: np.random.Generator) -> Light:
    column = SIDE // 2 + int(rng.integers(-3, 4))
    light[: int(rng.integers(40, 90)), column : column + int(rng.integers(2, 6))] = (250, 90, 240)
    return light


def _edge(light: Light, rng: np.random.Generator) -> Light:
    beyond = _across(np.pi / 2 * rng.integers(2) + rng.uniform(-0.05, 0.05), rng.uniform(5, 14))
    light[beyond > 0] = 0
    return light


def _band(light: Light, rng: np.random.Generator) -> Light:
    light[..., rng.integers(3)] = 0
    return light


def _sky(light: Light, rng: np.random.Generator) -> Light:
    light[..., rng.integers(3)] += rng.uniform(25, 70)
    return light


def _black(light: Light, rng: np.random.Generator) -> Light:
    return light - 30


def _cosmic(light: Light, rng: np.random.Generator) -> Light:
    band = rng.integers(3)
    for _ in range(4):
        row, column = rng.integers(20, 70, 2)
        for i in range(int(rng.integers(5, 10))):
            light[row + i, column + i // 2, band] += 150
    return light


def _repeat(light: Light, rng: np.random.Generator) -> Light:
    light[1::2] = light[:-1:2]
    return light


_SPOILED: dict[str, Callable[[Light, np.random.Generator], Light]] = {
    "satellite-trail": _trail,
    "diffraction-spike": _spike,
    "bright-star": _star,
    "bleed": _bleed,
    "chip-edge": _edge,
    "missing-band": _band,
    "bad-sky": _sky,
    "black-sky": _black,
    "cosmic-ray": _cosmic,
    "duplicate": _repeat,
}
