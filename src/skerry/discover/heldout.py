"""Found in one random half of the sources, and a group of its own in the other?

A search picks the tightest groups, so that the tightness of what it picked proves nothing: the
best of many chance clumps is tight too. But a chance clump is a clump of just those sources, while
a real class has members in both halves. So it is looked for in each half by itself. The
sources of the other half whose neighbors in the first are mostly its members are what it
foretells there, and how well these keep to each other is measured in the graph of the other half
alone, which no search picked (a held-out set; Cox 1975, Biometrika 62, 441).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from skerry.discover.communities import APART, SMALLEST, Communities
from skerry.discover.matching import Matcher, membership_matrix
from skerry.discover.measure import like_size, spread_over
from skerry.discover.replicate import found_again
from skerry.discover.space import Space, space_of
from skerry.types import DoubleArray, IntArray, Replicate

LEVEL = 0.05
_FEWEST = 2
_FEWEST_NEIGHBORS = 10
_ORDINARY = 1000
_FEWEST_ALIKE = 100


@dataclass(frozen=True)
class Foretold:
    """What a candidate of one half foretells in the other.

    ``containment`` is that of the sources foretold, among themselves; ``p`` the share of ordinary
    communities of like size that foretell a group as well contained.
    """

    containment: float
    p: float


@dataclass(frozen=True)
class HeldOut:
    """What a class as found in each half foretells; None where it was not found there."""

    a: Foretold | None
    b: Foretold | None

    @property
    def found_in_a(self) -> bool:
        """Whether the first half has a group that is it."""
        return self.a is not None

    @property
    def found_in_b(self) -> bool:
        """Whether the second half has a group that is it."""
        return self.b is not None

    @property
    def containment(self) -> float:
        """That of the half with the smaller p; 0 where it was found in neither."""
        return min(self._found, key=lambda half: half.p).containment if self._found else 0.0

    @property
    def p(self) -> float:
        """Of the halves where it was found: twice the smaller p or the larger, whichever is less
        (Simes 1986, Biometrika 73, 751); 1 where it was found in neither."""
        found = sorted(half.p for half in self._found)
        return min((len(found) / (i + 1) * p for i, p in enumerate(found)), default=1.0)

    @property
    def passed(self) -> bool:
        """Found in one half, and a group of its own in the other."""
        return self.p < LEVEL

    @property
    def _found(self) -> list[Foretold]:
        return [half for half in (self.a, self.b) if half is not None]


class Halves:
    """Both random halves of a space, each with a neighbor graph of its own, and their searches.

    Parameters
    ----------
    a, b : the searches of the halves (``variants.half_variants``), with the rows of each; both
        together may be a part of all
    space : all sources
    """

    def __init__(self, a: Replicate, b: Replicate, space: Space) -> None:
        if a.rows is None or b.rows is None:
            raise ValueError("a search of a half says which rows it saw; expected rows, found None")
        self.searches = a, b
        self.space = space
        self.rows = a.rows, b.rows
        self._seen = len(a.rows) + len(b.rows)
        self._of = np.full(len(space), -1, dtype=np.int8)
        for half, rows in enumerate(self.rows):
            self._of[rows] = half

    def saw(self, members: IntArray) -> bool:
        """Whether all members are in one of the halves."""
        return bool((self._of[members] >= 0).all())

    def heldout(self, members: IntArray) -> HeldOut:
        """What one class (rows of all, int64) as found in each half foretells in the other."""
        return HeldOut(self._foretold(members, 0), self._foretold(members, 1))

    def _foretold(self, members: IntArray, half: int) -> Foretold | None:
        own, matcher = self._groups[half]
        candidate = found_again(members, own, matcher)
        if candidate is None:
            return None
        containment = float(self._containment([candidate], half)[0])
        ordinary = self._alike(len(candidate))
        as_good = int((ordinary >= containment).sum())
        return Foretold(containment, (1 + as_good) / (1 + len(ordinary)))

    def _alike(self, size: int) -> DoubleArray:
        """The containment of what ordinary communities foretell that have from half to twice as
        many members: the more a community has, the better. Of all where those are few."""
        sizes, containment = self._ordinary
        alike = like_size(sizes, size)
        return containment[alike] if np.count_nonzero(alike) >= _FEWEST_ALIKE else containment

    @cached_property
    def _groups(self) -> list[tuple[Replicate, Matcher]]:
        """What a half may know a class by: what its search found, and its communities.

        Of a small class a half has so few members that they do not stand out there; its community
        foretells all the same, and was found without the other half.
        """
        found = []
        for search, part, rows in zip(self.searches, self._parts, self.rows, strict=True):
            groups = [rows[group] for group in part.groups]
            known = replace(search, found=(*search.found, *groups))
            found.append((known, Matcher(known.found)))
        return found

    @cached_property
    def _parts(self) -> tuple[Communities, Communities]:
        a, b = (self._part(rows) for rows in self.rows)
        return a, b

    def _part(self, rows: IntArray) -> Communities:
        """Those of a half: with its share of the neighbors, which lie as far away, and down to
        its share of the smallest of all."""
        config, n = self.space.config, self._seen
        k = min(max(_FEWEST_NEIGHBORS, config.k * len(rows) // n), config.k, len(rows) - 1)
        part = space_of(self.space.vectors[rows], replace(config, k=k))
        return part.communities.reaching(max(2, SMALLEST * len(rows) // n), 0)

    @cached_property
    def _ordinary(self) -> tuple[IntArray, DoubleArray]:
        """The sizes of ordinary communities of either half, and the containment of what each
        foretells in the other."""
        sizes, found = [], []
        for half, (own, rows) in enumerate(zip(self._parts, self.rows, strict=True)):
            plain = spread_over(np.flatnonzero(own.containment < APART), _ORDINARY)
            groups = [rows[own.groups[i]] for i in plain]
            sizes += [len(group) for group in groups]
            found.append(self._containment(groups, half))
        return np.array(sizes, dtype=np.int64), np.concatenate(found)

    def _containment(self, groups: Sequence[IntArray], half: int) -> DoubleArray:
        """In the other half's graph, of what groups of rows of one half foretell there.

        A group foretells the sources of which more than half of the neighbors in its half belong
        to it, of no more neighbors than it has members: a small one cannot have most of many.
        Less than all others where these are fewer than two.
        """
        near, seen = self._neighbors[half]
        most = np.array([min(len(rows), int(seen.max(initial=1))) for rows in groups])
        foretold: list[IntArray] = [np.empty(0, np.int64)] * len(groups)
        for m in np.unique(most).tolist():
            own = np.flatnonzero(most == m).tolist()
            belongs = membership_matrix([groups[i] for i in own], len(self.space))
            nearest = near.copy()
            nearest.data = (near.data <= m).astype(np.int32)
            votes = (nearest @ belongs.T).tocoo()
            mostly = 2 * votes.data > np.minimum(seen, m)[votes.row]
            row, group = votes.row[mostly], votes.col[mostly]
            ends = np.cumsum(np.bincount(group, minlength=len(own)))[:-1]
            parts = np.split(row[np.lexsort((row, group))].astype(np.int64), ends)
            for i, rows in zip(own, parts, strict=True):
                foretold[i] = rows
        found = self._parts[1 - half].containment_of(foretold)
        found[[len(rows) < _FEWEST for rows in foretold]] = -np.inf
        return found

    @cached_property
    def _neighbors(self) -> tuple[tuple[Any, IntArray], tuple[Any, IntArray]]:
        """For each half: which of its sources are neighbors of each of the other's, as a sparse
        matrix of the place of each among them, the nearest 1, and how many."""
        first, second = (self._across(half) for half in (0, 1))
        return first, second

    def _across(self, half: int) -> tuple[Any, IntArray]:
        from scipy.sparse import csr_matrix

        other = self.rows[1 - half]
        near = self.space.graph.indices[other]
        seen = self._of[near] == half
        places = np.cumsum(seen, axis=1, dtype=np.int32)
        count = places[:, -1].astype(np.int64)
        starts = np.concatenate([[0], np.cumsum(count)])
        shape = len(other), len(self.space)
        return csr_matrix((places[seen], near[seen], starts), shape=shape), count
