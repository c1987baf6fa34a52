"""A finished run opened for recovery, and planters whose draws are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skerry.recovering import Opened, Outcome, Plan, open_run, planting
from skerry.types import FloatArray


@pytest.fixture(scope="session")
def opened(judged: Path) -> Opened:
    """The run on planted groups: 1,200 sources in 8 dimensions, four classes."""
    return open_run(judged)


@pytest.fixture
def not_searched(monkeypatch: pytest.MonkeyPatch) -> list[FloatArray]:
    """Nothing is searched, which is quick, and nothing found; what would have been searched for."""
    asked: list[FloatArray] = []

    def look(vectors: FloatArray, opened: Opened) -> Outcome:
        asked.append(vectors)
        n = len(vectors)
        return Outcome(n, len(opened) + n, 0.0, 0.0, 0.0, "", None, None, None, "", 0.0, 0, 0)

    monkeypatch.setattr(planting, "look_for", look)
    return asked


@dataclass(frozen=True)
class Given:
    """Plants what it is told to."""

    make: Callable[[int, float, int], FloatArray]
    name: str = "something given"
    optimistic: str = ""
    notes: tuple[str, ...] = ("A note of the planter.",)
    identity: dict[str, Any] = field(default_factory=lambda: {"planter": "given"})

    def draw(self, n: int, visibility: float, seed: int) -> FloatArray:
        return self.make(n, visibility, seed)

    def control(self, n: int, seed: int) -> FloatArray:
        return self.make(n, 0.0, seed)


def given(make: Callable[[int, float, int], FloatArray]) -> Plan:
    return lambda opened: Given(make)


def clump(n: int, at: float = 4.0, width: float = 0.15, seed: int = 0) -> FloatArray:
    """A tight group, far out along the first axis."""
    vectors = width * np.random.default_rng(seed).normal(size=(n, 8))
    vectors[:, 0] += at
    return vectors.astype(np.float32)


def scattered(n: int, visibility: float, seed: int) -> FloatArray:
    """A clump where there is something to see, the fixture's sea where there is not."""
    if visibility:
        return clump(n, width=0.15 / visibility, seed=seed)
    return np.random.default_rng(seed).normal(size=(n, 8)).astype(np.float32)
