"""Featureless data to search: what chance and the broad shape of the data alone would give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skerry.backends import cpu
from skerry.config import Config, scales_of
from skerry.discover.candidates import largest_size
from skerry.discover.space import Space
from skerry.types import Candidate, FloatArray, IntArray, Measures

SHUFFLED = "shuffled"
SMOOTH = "smooth"

HELD = 3.0
"""The containment above which a group is kept out of the surrogates."""

_FEWEST = 3
_LOCAL = 20
_BLOCK = 2048


def kinds_of(config: Config) -> tuple[str, ...]:
    """The kinds of null: ``shuffled``, and ``smooth-S`` for each scale S of the settings."""
    return SHUFFLED, *(f"{SMOOTH}-{scale:g}" for scale in scales_of(config.nulls))


def groups_in(space: Space, candidates: Sequence[Candidate], measures: Measures) -> list[IntArray]:
    """What stands out of a space and is to be in no surrogate: rows, without overlap.

    The candidates of a containment above ``HELD``, then what else belongs to any community, of
    any size, above it: a search takes one of those that overlap, and what it leaves of a kind
    would be a clump in every surrogate.
    """
    found = space.communities
    taken = np.zeros(len(space), dtype=bool)
    groups = [c.members for c, s in zip(candidates, measures.containment, strict=True) if s > HELD]
    for i in np.argsort(-found.containment, kind="stable").tolist():
        if found.containment[i] <= HELD:
            break
        groups.append(found.groups[i])
    kept = []
    for rows in groups:
        fresh = rows[~taken[rows]]
        taken[fresh] = True
        if len(fresh) >= _FEWEST:
            kept.append(fresh)
    return kept


class Surrogates:
    """Draws data sets like a space's vectors, but for what a search is to find.

    ``shuffled``: the vectors' principal components, each shuffled by itself. That keeps the mean,
    the covariance and the spread along each axis, and nothing else.

    ``smooth-S``: a smoothed copy that keeps the curved, uneven shape of the data but has no
    small groups. The sources of every group that the search found are taken out, and replaced by
    as many in no group, at random among the m nearest to the group's center; m is S times the
    largest class. Then every source is moved by a normal deviate of its 20 nearest neighbors' own
    covariance: a smoothed bootstrap (Silverman & Young 1987, Biometrika 74, 469) whose kernel
    keeps to the manifold (manifold Parzen windows, Vincent & Bengio 2003), with every source
    drawn once, or twice where it stands for one taken out: more often only where a group's
    surroundings have no more to give, as copies of one source are a clump of their own.

    Parameters
    ----------
    groups : rows of each group that the search found in the space
    """

    def __init__(self, space: Space, config: Config, groups: Sequence[IntArray]) -> None:
        self.space = space
        self.config = config
        self.groups = [np.sort(members) for members in groups if len(members)]
        self.grouped = np.zeros(len(space), dtype=bool)
        for members in self.groups:
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
        drawn = self._drawn(kind, rng)
        found = np.empty_like(vectors)
        for start in range(0, len(drawn), _BLOCK):
            part = drawn[start : start + _BLOCK]
            near = vectors[np.hstack([part[:, None], indices[part]])]
            near -= near.mean(axis=1, keepdims=True)
            deviates = rng.standard_normal(near.shape[:2], dtype=np.float32)
            moved = np.einsum("nk,nkd->nd", deviates / np.sqrt(near.shape[1]), near)
            found[start : start + _BLOCK] = vectors[part] + moved
        return found

    def _drawn(self, kind: str, rng: np.random.Generator) -> IntArray:
        """The row that each source is drawn from: its own, but for those of groups."""
        drawn = np.arange(len(self.space), dtype=np.int64)
        used = np.zeros(len(self.space), dtype=bool)
        for members, around in zip(self.groups, self._surroundings(kind), strict=True):
            fresh = around[~used[around]]
            if len(fresh) < len(members):
                fresh = around
            picked = rng.choice(fresh, len(members), replace=len(fresh) < len(members))
            used[picked] = True
            drawn[members] = picked
        return drawn

    def _surroundings(self, kind: str) -> IntArray:
        """For each group, ascending, the m sources in no group nearest to its center: (groups, m).

        The center is the member nearest to the mean, so that it lies where sources lie.
        """
        if kind not in self._around:
            vectors, n = self.space.vectors, len(self.space)
            free = np.flatnonzero(~self.grouped)
            if not len(free):
                free = np.arange(n)
            scale = float(kind.removeprefix(f"{SMOOTH}-"))
            m = min(round(scale * largest_size(n, self.config.classes)), len(free))
            mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
            centers = [_central(vectors[members]) for members in self.groups]
            around = np.empty((len(centers), m), dtype=np.int64)
            if centers:
                near, _ = cpu.nearest(vectors[free] - mean, np.array(centers) - mean, m)
                # in an order that no rounding of distances decides
                around[:] = free[np.sort(near, axis=1)]
            self._around[kind] = around
        return self._around[kind]


def _central(vectors: FloatArray) -> FloatArray:
    """Of some vectors the one nearest to their mean."""
    far = np.linalg.norm(vectors - vectors.mean(axis=0, dtype=np.float64), axis=1)
    return np.asarray(vectors[int(np.argmin(far))])
