"""Featureless data to search: what chance and the broad shape of the data alone would give."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from skerry.backends import cpu
from skerry.config import Config, scales_of
from skerry.discover.candidates import largest_size
from skerry.discover.space import Space
from skerry.types import Candidate, FloatArray, IntArray, Measures

SHUFFLED = "shuffled"
SMOOTH = "smooth"

_LOCAL = 20
_COUNTED = 50
_BLOCK = 2048


def kinds_of(config: Config) -> tuple[str, ...]:
    """The kinds of null: ``shuffled``, and ``smooth-S`` for each scale S of the settings."""
    return SHUFFLED, *(f"{SMOOTH}-{scale:g}" for scale in scales_of(config.nulls))


def groups_in(candidates: Sequence[Candidate], measures: Measures) -> list[IntArray]:
    """The members of each candidate that is apart from its surroundings at all."""
    return [c.members for c, s in zip(candidates, measures.isolation, strict=True) if s > 0]


class Surrogates:
    """Draws data sets like a space's vectors, but for what a search is to find.

    ``shuffled``: the vectors' principal components, each shuffled by itself. That keeps the mean,
    the covariance and the spread along each axis, and nothing else.

    ``smooth-S``: a smoothed copy that keeps the curved, uneven shape of the data but has no
    small groups. The sources of every group that the search found are taken out, and each is
    replaced by one in no group, at random among the m nearest; m is S times the largest class.
    Then every source is moved by a normal deviate of its 20 nearest neighbors' own covariance:
    a smoothed bootstrap (Silverman & Young 1987, Biometrika 74, 469) whose kernel keeps to the
    manifold (manifold Parzen windows, Vincent & Bengio 2003), with every source drawn once, as
    drawing some five times would add clumps to those that chance has made already.

    Parameters
    ----------
    groups : rows of each group that the search found in the space
    """

    def __init__(self, space: Space, config: Config, groups: Sequence[IntArray]) -> None:
        self.space = space
        self.config = config
        self.grouped = np.zeros(len(space), dtype=bool)
        for members in groups:
            self.grouped[members] = True
        self._axes: tuple[FloatArray, FloatArray] | None = None
        self._around: dict[str, IntArray] = {}

    def draw(self, kind: str, number: int) -> FloatArray:
        """The ``number``-th surrogate of a kind, float32 (n, d), always the same."""
        seed = [self.config.nulls.seed, kinds_of(self.config).index(kind), number]
        rng = np.random.default_rng(seed)
        return self._shuffled(rng) if kind == SHUFFLED else self._smooth(kind, rng)

    def _shuffled(self, rng: np.random.Generator) -> FloatArray:
        vectors = self.space.vectors
        if self._axes is None:
            self._axes = cpu.principal_axes(vectors)
        mean, axes = self._axes
        components = cpu.product(vectors - mean, axes)
        for column in components.T:
            rng.shuffle(column)
        return cpu.product(components, axes.T) + mean

    def _smooth(self, kind: str, rng: np.random.Generator) -> FloatArray:
        vectors, indices = self.space.vectors, self.space.graph.indices[:, :_LOCAL]
        drawn = np.arange(len(vectors), dtype=np.int64)
        around = self._surroundings(kind)
        picked = rng.integers(around.shape[1], size=len(around))
        drawn[self.grouped] = around[np.arange(len(around)), picked]
        found = np.empty_like(vectors)
        for start in range(0, len(drawn), _BLOCK):
            part = drawn[start : start + _BLOCK]
            near = vectors[np.hstack([part[:, None], indices[part]])]
            near -= near.mean(axis=1, keepdims=True)
            deviates = rng.standard_normal(near.shape[:2], dtype=np.float32)
            moved = np.einsum("nk,nkd->nd", deviates / np.sqrt(near.shape[1]), near)
            found[start : start + _BLOCK] = vectors[part] + moved
        return found

    def _surroundings(self, kind: str) -> IntArray:
        """For each grouped source, some of the m nearest that are in no group: (grouped, 50).

        They are its 50 nearest in a sample that is thinner than all by m / 50.
        """
        if kind not in self._around:
            n, free = len(self.space), np.flatnonzero(~self.grouped)
            if not len(free):
                free = np.arange(n)
            scale = float(kind.removeprefix(f"{SMOOTH}-"))
            m = min(scale * largest_size(n, self.config.classes), len(free))
            # rows stand in an order that has nothing to do with where they lie
            sample = free[: max(_COUNTED, math.ceil(_COUNTED * len(free) / m))]
            mean = self.space.vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
            near, _ = cpu.nearest(
                self.space.vectors[sample] - mean,
                self.space.vectors[self.grouped] - mean,
                min(_COUNTED, len(sample)),
            )
            # in an order that no rounding of distances decides
            self._around[kind] = sample[np.sort(near, axis=1)]
        return self._around[kind]
