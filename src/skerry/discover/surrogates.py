"""Featureless data to search: what chance and the broad shape of the data alone would give."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from skerry.backends import linear, lookup, parallel
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
_CENTERS = 256
_STRETCH = 2**15
_AMONG = 4
"""Times as many sources as a surrogate has, among which the surroundings of groups are found."""


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

    ``shuffled``: the principal components of the vectors, each shuffled by itself. That keeps the
    mean, the covariance and the spread along each axis, and nothing else. In the place of every
    source of a group that the search found stands one in no group, drawn at random: what a group
    alone has would be a clump along that axis, however it is shuffled.

    ``smooth-S``: a smoothed copy that keeps the curved, uneven shape of the data but has no
    small groups. The sources of every group that the search found are taken out, and replaced by
    as many in no group, at random among the m nearest to the group's center; m is S times the
    largest class. Then every source is moved by a normal deviate of its 20 nearest neighbors' own
    covariance: a smoothed bootstrap (Silverman & Young 1987, Biometrika 74, 469) whose kernel
    keeps to the manifold (manifold Parzen windows, Vincent & Bengio 2003), with every source
    drawn once, or twice where it stands for one taken out: more often only where a group's
    surroundings have no more to give, as copies of one source are a clump of their own.

    Of a survey of more than ``nulls.sources`` a surrogate is a random part. Chance groups of so
    many members are then as frequent, source for source, as in the whole: neighbors' ranks know
    no density. Groups that the surroundings of a real one might give are looked for on a scale
    that is larger by the same factor.

    Parameters
    ----------
    groups : rows of each group that the search found in the space
    """

    def __init__(self, space: Space, config: Config, groups: Sequence[IntArray]) -> None:
        # no more of the space than is drawn from: other processes are sent it
        self.vectors = space.vectors
        self.near = space.graph.indices[:, :_LOCAL]
        self.config = config
        self.groups = [np.sort(members) for members in groups if len(members)]
        self.grouped = np.zeros(len(space), dtype=bool)
        for members in self.groups:
            self.grouped[members] = True
        self._axes: tuple[FloatArray, FloatArray] | None = None
        self._around: dict[str, IntArray] = {}

    def prepare(self, kinds: Collection[str]) -> None:
        """Work out what the draws of these kinds share, before others draw, here or elsewhere."""
        for kind in sorted(kinds):
            if kind != SHUFFLED:
                self._surroundings(kind)
            elif surrogate_size(len(self.vectors), self.config) == len(self.vectors):
                with parallel.on_threads(1):
                    self._whole_axes()

    def draw(self, kind: str, number: int) -> FloatArray:
        """The ``number``-th surrogate of a kind, float32 (m, d), always the same.

        m is :func:`surrogate_size`: where that is below n, a random part of the whole surrogate.
        """
        seed = [self.config.nulls.seed, kinds_of(self.config).index(kind), number]
        rng = np.random.default_rng(seed)
        n = len(self.vectors)
        m = surrogate_size(n, self.config)
        part = None
        if m < n:
            part = np.sort(np.random.default_rng([*seed, m]).permutation(n)[:m])
        return self._shuffled(rng, part) if kind == SHUFFLED else self._smooth(kind, rng, part)

    def _shuffled(self, rng: np.random.Generator, part: IntArray | None = None) -> FloatArray:
        drawn, grouped = np.arange(len(self.vectors)), self.grouped
        free = np.flatnonzero(~grouped)
        if len(free):
            few = len(free) < len(drawn) - len(free)
            drawn[grouped] = rng.choice(free, len(drawn) - len(free), replace=few)
        if part is not None:
            drawn, grouped = drawn[part], grouped[part]
        vectors = self.vectors[drawn]
        mean, axes = self._whole_axes() if part is None else _axes(vectors, grouped)
        components = linear.product(vectors - mean, axes)
        for column in components.T:
            rng.shuffle(column)
        return linear.product(components, axes.T) + mean

    def _whole_axes(self) -> tuple[FloatArray, FloatArray]:
        if self._axes is None:
            self._axes = _axes(self.vectors, self.grouped)
        return self._axes

    def _smooth(
        self, kind: str, rng: np.random.Generator, part: IntArray | None = None
    ) -> FloatArray:
        vectors = self.vectors
        drawn = self._drawn(kind, rng, part)
        found = np.empty((len(drawn), vectors.shape[1]), dtype=np.float32)
        for start in range(0, len(drawn), _BLOCK):
            part = drawn[start : start + _BLOCK]
            near = vectors[np.hstack([part[:, None], self.near[part]])]
            near -= near.mean(axis=1, keepdims=True)
            deviates = rng.standard_normal(near.shape[:2], dtype=np.float32)
            moved = np.einsum("nk,nkd->nd", deviates / np.sqrt(near.shape[1]), near)
            found[start : start + _BLOCK] = vectors[part] + moved
        return found

    def _drawn(self, kind: str, rng: np.random.Generator, part: IntArray | None = None) -> IntArray:
        """The row that each source of the part, or of all, is drawn from: its own, but for those
        of groups."""
        n = len(self.vectors)
        drawn = np.arange(n, dtype=np.int64)
        used, kept = np.zeros(n, dtype=bool), np.ones(n, dtype=bool)
        if part is not None:
            kept[:] = False
            kept[part] = True
        for group, around in zip(self.groups, self._surroundings(kind), strict=True):
            members = group[kept[group]]
            fresh = around[~used[around]]
            if len(fresh) < len(members):
                fresh = around
            picked = rng.choice(fresh, len(members), replace=len(fresh) < len(members))
            used[picked] = True
            drawn[members] = picked
        return drawn if part is None else drawn[part]

    def _surroundings(self, kind: str) -> IntArray:
        """For each group, ascending, the m sources in no group nearest to its center: (groups, m).

        Those of all kinds are found at once: what is nearest on the largest scale holds what is
        on the others.
        """
        if not self._around:
            nearest, reach = self._nearest()
            # in an order that no rounding of distances decides
            self._around = {of: np.sort(nearest[:, :m], axis=1) for of, m in reach.items()}
        return self._around[kind]

    def _nearest(self) -> tuple[IntArray, dict[str, int]]:
        """The sources in no group nearest to the center of each group, from the nearest on, and
        how many of them each kind of null asks for.

        The center is the member nearest to the mean, so that it lies where sources lie. Where a
        surrogate is a part of a much larger survey, as large a share of a random part of the
        sources in no group reaches as far, and is found in a time that grows with the number of
        groups alone.
        """
        vectors, n = self.vectors, len(self.vectors)
        free = np.flatnonzero(~self.grouped)
        if not len(free):
            free = np.arange(n)
        among = _AMONG * surrogate_size(n, self.config)
        share = min(1.0, among / len(free))
        if share < 1:
            rng = np.random.default_rng([self.config.nulls.seed, among])
            free = np.sort(rng.choice(free, among, replace=False))
        largest = largest_size(n, self.config.classes)
        reach = {
            f"{SMOOTH}-{scale:g}": min(max(1, round(scale * largest * share)), len(free))
            for scale in scales_of(self.config.nulls)
        }
        centers = np.array([_central(vectors[members]) for members in self.groups])
        return _nearest(vectors, free, centers, max(reach.values())), reach


def _axes(vectors: FloatArray, grouped: npt.NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Mean and principal axes of what is in no group, or of all where nothing is."""
    return linear.principal_axes(vectors if grouped.all() else vectors[~grouped])


def surrogate_size(n: int, config: Config) -> int:
    """How many sources a surrogate of n has: all, or ``nulls.sources`` where those are fewer."""
    return min(n, config.nulls.sources)


def _nearest(vectors: FloatArray, free: IntArray, centers: FloatArray, m: int) -> IntArray:
    """The m of the rows ``free`` nearest to each center, from the nearest on: (centers, m)."""
    if not len(centers):
        return np.empty((0, m), dtype=np.int64)
    mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)

    def of_some(start: int) -> IntArray:
        asked = centers[start : start + _CENTERS] - mean
        rows = np.empty((len(asked), 0), dtype=np.int64)
        squares = np.empty((len(asked), 0), dtype=np.float32)
        for begin in range(0, len(free), _STRETCH):
            stretch = free[begin : begin + _STRETCH]
            near, away = lookup.nearest(vectors[stretch] - mean, asked, min(m, len(stretch)))
            rows, squares = np.hstack([rows, stretch[near]]), np.hstack([squares, away])
            best = np.argsort(squares, axis=1, kind="stable")[:, :m]
            rows = np.take_along_axis(rows, best, axis=1)
            squares = np.take_along_axis(squares, best, axis=1)
        return rows

    return np.concatenate([*parallel.by_thread(of_some, range(0, len(centers), _CENTERS))])


def _central(vectors: FloatArray) -> FloatArray:
    """Of some vectors the one nearest to their mean."""
    far = np.linalg.norm(vectors - vectors.mean(axis=0, dtype=np.float64), axis=1)
    return np.asarray(vectors[int(np.argmin(far))])
