"""Where planted sources come from: one small interface, and the planter that needs no images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from skerry.backends import linear
from skerry.discover import largest_size
from skerry.recovering.opened import Opened
from skerry.types import FloatArray

WIDEST, NARROWEST = 1.0, 0.2
"""How wide a group of copies is beside its surroundings, at visibility 0 and at 1."""

_SMOOTHED = 20


class Planter(Protocol):
    """A source of sources to plant in a run's survey.

    ``name`` is what it plants, in words; ``optimistic`` says in a sentence why its result is a
    bound, empty where it is none; ``notes`` are what a user must know of how the sources were
    made; ``identity`` is all that its draws depend on beside their arguments, as JSON. It is
    called from several threads.
    """

    @property
    def name(self) -> str: ...
    @property
    def optimistic(self) -> str: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    @property
    def identity(self) -> dict[str, Any]: ...

    def draw(self, n: int, visibility: float, seed: int) -> FloatArray:
        """Vectors (n, d), float32, of ``n`` sources of the class; ``visibility`` in (0, 1].

        With one seed those of another visibility are the same sources, more or less visible.
        """

    def control(self, n: int, seed: int) -> FloatArray:
        """Vectors (n, d), float32, of ``n`` ordinary sources made in the same way."""


Plan = Callable[[Opened], Planter]
"""What to plant: :func:`copies`, or what ``of_kind`` and ``of_images`` return."""


@dataclass(frozen=True)
class Copies:
    """Plants shifted copies of the run's own representations.

    A group lies around a random source. Its members scatter as the sources there do, as many of
    them as the largest class may hold (a normal deviate of their covariance), but less far: at
    visibility v the group is 1 - 0.8 v times as wide. At 0 it is as wide as what it lies in, at
    1 a fifth. Where all vectors of the run have one length, so have the copies.

    A control source is a random source moved by a normal deviate of its 20 nearest neighbors'
    covariance, as the nulls move it (``discover.surrogates``).
    """

    opened: Opened
    name: str = "shifted copies of representations"
    optimistic: str = (
        "This is an optimistic bound: the planted class is a round group by construction, which "
        "classes of real galaxies need not be."
    )
    notes: tuple[str, ...] = ()
    identity: dict[str, Any] = field(default_factory=lambda: {"planter": "copies"})

    def draw(self, n: int, visibility: float, seed: int) -> FloatArray:
        """As :class:`Planter` says."""
        rng = np.random.default_rng(seed)
        space = self.opened.space
        k = min(len(space) - 1, largest_size(len(space), self.opened.config.classes))
        center = rng.integers(len(space), size=1)
        around = space.near(center, k)[0][0]
        near = space.vectors[np.concatenate([center, around])]
        mean = near.mean(axis=0, dtype=np.float64).astype(np.float32)
        weights = rng.standard_normal((n, len(near)), dtype=np.float32) / np.sqrt(len(near))
        width = WIDEST - (WIDEST - NARROWEST) * visibility
        moved = mean + np.float32(width) * linear.product(weights.astype(np.float32), near - mean)
        return _as_long(moved, space.vectors)

    def control(self, n: int, seed: int) -> FloatArray:
        """As :class:`Planter` says."""
        rng = np.random.default_rng(seed)
        space = self.opened.space
        rows = rng.choice(len(space), size=n, replace=False)
        beside = space.graph.indices[rows, :_SMOOTHED]
        near = space.vectors[np.hstack([rows[:, None], beside])]
        near = near - near.mean(axis=1, keepdims=True)
        deviates = rng.standard_normal(near.shape[:2], dtype=np.float32)
        moved = np.einsum("nk,nkd->nd", deviates / np.sqrt(near.shape[1]), near)
        return _as_long(space.vectors[rows] + moved.astype(np.float32), space.vectors)


def copies(opened: Opened) -> Planter:
    """The planter of shifted copies, which needs no images; its result is an optimistic bound."""
    _ = opened.space.search  # made once, before there are several threads
    return Copies(opened)


def _as_long(moved: FloatArray, vectors: FloatArray) -> FloatArray:
    """The same on the sphere that all ``vectors`` lie on, where they lie on one.

    A mean of points of a sphere lies inside it: a group around it would stand out by that alone.
    """
    lengths = np.linalg.norm(vectors, axis=1)
    if np.ptp(lengths) > 1e-3 * lengths.mean():
        return np.asarray(moved, np.float32)
    own = np.linalg.norm(moved, axis=1, keepdims=True)
    return np.asarray(moved * (lengths.mean() / own), np.float32)
