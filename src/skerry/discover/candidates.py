"""From HDBSCAN's hierarchy to small local groups.

A flat cut of a smooth manifold is a few giant clusters that hold nearly everything. A rare class
is a small dense branch, often deep inside such a giant. So the giants are never an option here,
and the choice is among the small branches of the whole tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from skerry.config import ClassesConfig
from skerry.errors import InputError
from skerry.types import Candidate, CondensedTree, DoubleArray, FloatArray, IntArray

_ROUNDED = 1e-9
"""What 0.29 times 100 lacks of 29."""


def find_candidates(tree: CondensedTree, config: ClassesConfig) -> list[Candidate]:
    """Groups small enough to be a rare class and more stable than what they split into.

    Of all branches whose size at birth lies between ``min_size`` and the smaller of
    ``max_size`` and ``max_share`` of all sources, the set without overlap that has the largest
    total stability is chosen (Campello, Moulavi, Zimek & Sander 2015, ACM TKDD 10, 5, section
    5.3, with larger branches left out).

    Returns
    -------
    list of Candidate
        Most persistent first. ``members`` in order of ``probability``, which is a member's
        lambda over the largest in the branch, as HDBSCAN has it; of equals the smaller row
        first. Empty where nothing splits off.

    Raises
    ------
    InputError
        There are so few sources that no class may reach ``min_size``.
    """
    largest = largest_size(tree.n_points, config)
    branches = _branches(tree)
    small = (branches.size >= config.min_size) & (branches.size <= largest)
    small[branches.up < 0] = False
    chosen = _most_stable(branches, small)
    persistence = 1 - branches.birth / np.where(branches.death > 0, branches.death, np.inf)
    rows_of = _rows_by_parent(tree, branches)
    found = [_candidate(tree, branches, rows_of, b, persistence[b]) for b in chosen]
    return sorted(found, key=lambda c: (-c.persistence, -len(c.members), int(c.members.min())))


def largest_size(n_sources: int, config: ClassesConfig) -> int:
    """How many sources the largest class may have.

    Raises
    ------
    InputError
        That is below ``config.min_size``.
    """
    largest = min(config.max_size, int(config.max_share * n_sources + _ROUNDED))
    if largest < config.min_size:
        raise InputError(
            f"of {n_sources} sources a class may hold at most {largest} (classes.max_share = "
            f"{config.max_share}, classes.max_size = {config.max_size}), below classes.min_size "
            f"= {config.min_size}: give more sources or set a larger classes.max_share"
        )
    return largest


def centered(candidates: Sequence[Candidate], vectors: FloatArray) -> list[Candidate]:
    """The same candidates, each with its members in order of centrality among ``vectors`` (n, d).

    The most central member is the medoid: the one with the smallest mean Euclidean distance to
    the others in the space of the representations. Unlike the probability it has few ties, does
    not hang on one close pair, and a few strays hardly move it. ``probability`` follows along.
    """
    return [_centered(candidate, vectors) for candidate in candidates]


def _centered(candidate: Candidate, vectors: FloatArray) -> Candidate:
    # in row order first, so that sums are rounded alike and ties fall to the smaller row
    rows = np.argsort(candidate.members)
    points = vectors[candidate.members[rows]].astype(np.float64)
    points -= points.mean(axis=0)
    total = np.array([np.linalg.norm(points - point, axis=1).sum() for point in points])
    order = rows[np.argsort(total.astype(np.float32), kind="stable")]
    return replace(
        candidate,
        members=candidate.members[order],
        probability=candidate.probability[order],
    )


@dataclass(frozen=True)
class _Branches:
    """Every branch of a condensed tree, largest first, so that a parent precedes its children.

    ``name`` is its number in the tree, ``up`` the position of its parent here (-1: the root),
    ``birth`` and ``death`` its smallest and largest lambda, children's included.
    """

    name: IntArray
    up: IntArray
    size: IntArray
    birth: DoubleArray
    death: DoubleArray
    stability: DoubleArray


def _branches(tree: CondensedTree) -> _Branches:
    name = np.unique(tree.parent)
    lam = _finite(tree.lam)
    at = np.searchsorted(name, tree.parent)
    inner = tree.child >= tree.n_points
    child = np.searchsorted(name, tree.child[inner])

    up = np.full(len(name), -1, dtype=np.int64)
    up[child] = at[inner]
    birth = np.zeros(len(name))
    birth[child] = lam[inner]
    size = np.full(len(name), tree.n_points, dtype=np.int64)
    size[child] = tree.size[inner]
    # equation 8: every source counts for as long as it stays
    stability = np.zeros(len(name))
    np.add.at(stability, at, (lam - birth[at]) * tree.size)
    death = birth.copy()
    np.maximum.at(death, at, lam)

    order = np.argsort(-size, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    for b in order[::-1]:
        if up[b] >= 0:
            death[up[b]] = max(death[up[b]], death[b])
    up = np.where(up >= 0, place[up], -1)
    return _Branches(
        name[order], up[order], size[order], birth[order], death[order], stability[order]
    )


def _finite(lam: DoubleArray) -> DoubleArray:
    """Lambda with infinity (sources at distance 0) as the largest density that was measured."""
    finite = lam[np.isfinite(lam)]
    return np.minimum(lam, finite.max() if len(finite) else 0.0)


def _most_stable(branches: _Branches, small: npt.NDArray[np.bool_]) -> IntArray:
    """Positions of the small branches without overlap whose stabilities sum highest."""
    n = len(branches.name)
    below = np.zeros(n)
    wins = np.zeros(n, dtype=bool)
    for b in range(n - 1, -1, -1):
        wins[b] = small[b] and branches.stability[b] >= below[b]
        if branches.up[b] >= 0:
            below[branches.up[b]] += branches.stability[b] if wins[b] else below[b]
    covered = np.zeros(n, dtype=bool)
    for b in range(n):
        up = branches.up[b]
        covered[b] = up >= 0 and (covered[up] or wins[up])
    return np.flatnonzero(wins & ~covered)


def _rows_by_parent(tree: CondensedTree, branches: _Branches) -> dict[int, IntArray]:
    order = np.argsort(tree.parent, kind="stable")
    names, starts = np.unique(tree.parent[order], return_index=True)
    return dict(zip(names.tolist(), np.split(order, starts[1:]), strict=True))


def _candidate(
    tree: CondensedTree,
    branches: _Branches,
    rows_of: dict[int, IntArray],
    b: int,
    persistence: float,
) -> Candidate:
    points = np.concatenate(_point_rows(tree, rows_of, int(branches.name[b])))
    members = tree.child[points]
    lam, death = tree.lam[points], branches.death[b]
    # in a branch of density 0 all leave at its end
    share = np.divide(lam, death, out=np.ones_like(lam), where=lam < death)
    probability = share.astype(np.float32)
    order = np.lexsort((members, -probability))
    # born of a distance without end, a branch has persistence 1: keep it below, as promised
    below_one = min(float(persistence), float(np.nextafter(1.0, 0.0)))
    return Candidate(members[order], probability[order], below_one)


def _point_rows(tree: CondensedTree, rows_of: dict[int, IntArray], name: int) -> list[IntArray]:
    """Rows of the tree where a source leaves the branch or any branch inside it."""
    found = []
    waiting = [name]
    while waiting:
        rows = rows_of[waiting.pop()]
        leaf = tree.child[rows] < tree.n_points
        found.append(rows[leaf])
        waiting += tree.child[rows[~leaf]].tolist()
    return found
