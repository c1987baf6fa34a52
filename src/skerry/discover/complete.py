"""From the core of a class to the whole of it: the best cut of the neighbor graph around it.

A branch of the hierarchy ends where a chain of near sources breaks. Of a group whose density
falls outward it is the core alone, or one of several. It is the core that is judged: a group
that was let grow until it stands out would be judged by its own choice. A walk on the neighbor
graph that starts in a core and keeps returning there stays within the group more than it leaves;
of the sources it visits most, those are taken that the fewest edges lead out of.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skerry.backends.edges import among
from skerry.discover.outside import class_distances
from skerry.discover.space import Space
from skerry.types import DoubleArray, IntArray

GROWTH = 3.0
"""How many times as large as its core a class may be."""

LOOKED = 0.95
"""The share of the furthest that was looked within which an edge must lie to be one."""

RETURN = 0.3
"""The chance that a walk goes back to the core at each step."""

ABSORBED = 0.5
"""The share of another core within a class from which on it is a piece of that class."""

FARTHEST = 2.0
"""How many times as far from its core as the core's own sources what a class takes in may be."""

_STEPS = 15


@dataclass(frozen=True)
class Whole:
    """A class: its ``core`` as it was judged, in its order, and what completes it, the most
    visited first; int64 rows. ``pieces`` are the numbers of the candidates that it took in."""

    core: IntArray
    added: IntArray
    pieces: tuple[int, ...] = ()

    @property
    def members(self) -> IntArray:
        """Core, then the others."""
        return np.concatenate([self.core, self.added])


def complete(
    cores: Sequence[IntArray],
    classes: Sequence[int],
    space: Space,
    largest: int,
    first: Collection[int] = (),
) -> list[Whole | None]:
    """Each class with what completes it; the other candidates as they are.

    Personalized PageRank from the core, divided by degree, orders the sources around it; of the
    first m of these, for every m from the core's size to ``GROWTH`` times that, the set is taken
    that has the least conductance (Andersen, Chung & Lang 2006, FOCS, 475). The graph is the one
    that communities are found on; a walk sees no farther than the neighbors' neighbors. A
    candidate of which half or more lies in the cut of a class is a piece
    of it and goes into it whole. Edges know who is nearest, but not how far that is: a source is
    left out whose mean distance to the five nearest of the core is over ``FARTHEST`` times that of
    any in the core. Of those in ``first``, then of the others, the class with the least
    conductance takes first; no other core's sources are taken, and no class of ``first`` becomes a
    piece of one that is not.

    Parameters
    ----------
    cores : rows of each candidate, without overlap
    classes : which of them are to be completed
    largest : the most sources of a class
    first : which of them no class but one of these may take in

    Returns
    -------
    list of Whole or None
        For each candidate; None where it became a piece of another. Without overlap.
    """
    cuts = {i: _cut(cores[i], space, largest) for i in classes}
    owner = np.full(len(space), -1, dtype=np.int64)
    for i, core in enumerate(cores):
        owner[core] = i
    found: list[Whole | None] = [Whole(core, core[:0]) for core in cores]
    for i in sorted(cuts, key=lambda i: (i not in first, cuts[i].conductance, i)):
        if found[i] is None:
            continue
        near = _near(cuts[i].rows, cores[i], space)
        kept = () if i in first else first
        whole = _grown(i, near, cores, found, owner, largest, kept)
        owner[whole.members] = i
        found[i] = whole
        for piece in whole.pieces:
            found[piece] = None
    return found


def edge(core: IntArray, space: Space, largest: int) -> tuple[int, int]:
    """How many sources a class has that ends at the edge of its core's group, and the most it may.

    The cut of the least conductance, as :func:`complete` looks for it but also beyond the largest
    class. A group that is cut off best where the looking ended, at ``GROWTH`` times its core, has
    no edge: it is a dense part of something that goes on. The most is ``LOOKED`` of that, and no
    more than ``largest``.

    Parameters
    ----------
    core : rows of a candidate
    largest : the most sources of a class
    """
    furthest = round(len(core) * GROWTH)
    best = len(_cut(core, space, furthest).rows)
    return best, max(len(core), min(largest, int(LOOKED * furthest)))


@dataclass(frozen=True)
class _Cut:
    """The set of the least conductance around a core, most visited first."""

    rows: IntArray
    conductance: float


def _grown(
    i: int,
    cut: IntArray,
    cores: Sequence[IntArray],
    found: Sequence[Whole | None],
    owner: IntArray,
    largest: int,
    kept: Collection[int],
) -> Whole:
    """A class with its pieces, none of ``kept``, and what else of its cut is no candidate's."""
    touched = [int(j) for j in np.unique(owner[cut]) if j not in (-1, i)]
    pieces = []
    size = len(cores[i])
    for j in touched:
        other = found[j]
        if j in kept or other is None or len(other.added) or size + len(other.core) > largest:
            continue
        if np.isin(other.core, cut).mean() >= ABSORBED:
            pieces.append(j)
            size += len(other.core)
    taken = [cores[j] for j in pieces]
    free = cut[owner[cut] == -1][: max(0, largest - size)]
    return Whole(cores[i], np.concatenate([free, *taken]), tuple(pieces))


def _cut(core: IntArray, space: Space, largest: int) -> _Cut:
    rows = _surroundings(core, space)
    kernel, degree = _kernel(rows, space)
    at_core = np.searchsorted(rows, np.sort(core))
    visits = _visits(at_core, kernel, degree)
    order = np.argsort(-visits, kind="stable")
    least = len(core)
    most = max(least, min(largest, round(len(core) * GROWTH), len(rows)))
    conductance = _conductance(order[:most], kernel, degree)
    best = least + int(np.argmin(conductance[least - 1 :]))
    return _Cut(rows[order[:best]], float(conductance[best - 1]))


def _near(rows: IntArray, core: IntArray, space: Space) -> IntArray:
    """The rows that lie no farther from a core than they may, as all of the core do."""
    if len(core) < 2:
        return rows
    both = np.concatenate([core, rows])
    distance = class_distances(space.vectors[both], np.arange(len(core)))
    near = distance[len(core) :] <= FARTHEST * distance[: len(core)].max()
    return np.asarray(rows[near | np.isin(rows, core)])


def _surroundings(core: IntArray, space: Space) -> IntArray:
    """The core, its neighbors and theirs, ascending."""
    weights = space.communities.weights
    near = np.union1d(core, weights[core].indices)
    return np.union1d(near, weights[near].indices).astype(np.int64)


def _kernel(rows: IntArray, space: Space) -> tuple[Any, DoubleArray]:
    """The weights among some rows, and each one's degree, edges leading out included."""
    found = space.communities
    return among(found.weights, rows).astype(np.float64), found.degree[rows]


def _visits(core: IntArray, kernel: Any, degree: DoubleArray) -> DoubleArray:
    """How often a walk that keeps returning to the core visits each source, per degree."""
    start = np.zeros(len(degree))
    start[core] = 1 / len(core)
    per_degree = np.divide(1.0, degree, out=np.zeros(len(degree)), where=degree > 0)
    visits = start
    for _ in range(_STEPS):
        visits = RETURN * start + (1 - RETURN) * (kernel @ (visits * per_degree))
    return visits * per_degree


def _conductance(order: IntArray, kernel: Any, degree: DoubleArray) -> DoubleArray:
    """Of the first 1, 2, ... of ``order``: the weight that leaves them over all their weight."""
    place = np.full(len(degree), len(degree))
    place[order] = np.arange(len(order))
    edges = kernel[order].tocoo()
    earlier = place[edges.col] < edges.row
    inner = np.bincount(edges.row[earlier], 2 * edges.data[earlier], minlength=len(order))
    total = np.maximum(np.cumsum(degree[order]), np.finfo(np.float64).tiny)
    return np.asarray(1 - np.cumsum(inner) / total)
