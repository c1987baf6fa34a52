"""Positions, and files of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

ARCSEC = 1 / 3600


def field(n: int, seed: int, side: float = 0.2, ra: float = 150.0, dec: float = 2.0) -> np.ndarray:
    """Positions at random in a square of ``side`` degrees."""
    return np.array([ra, dec]) + side * np.random.default_rng(seed).random((n, 2))


def write(path: Path, positions: np.ndarray, **columns: list[str]) -> Path:
    names = ["ra", "dec", *columns]
    rows = zip(*positions.T.tolist(), *columns.values(), strict=True)
    lines = [",".join(names), *(",".join(f"{v:.9f}" if isinstance(v, float) else v for v in r)
                                for r in rows)]  # fmt: skip
    path.write_text("\n".join(lines) + "\n")
    return path
