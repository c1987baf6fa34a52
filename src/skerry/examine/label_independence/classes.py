"""Each class held against its votes: what share of it they explain, and who has the same votes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skerry.examine.label_independence.same_votes import (
    NEAREST,
    Likeness,
    distances,
    likeness,
    nearest,
    random_distance,
)
from skerry.examine.label_independence.votes_of_classes import Told, readable, told, verdict
from skerry.examine.label_independence.voting import Votes
from skerry.examine.subject import Subject
from skerry.types import IntArray

MOST_OTHERS = 10_000
"""Sources in no class that classes are told from, at random where there are more."""
MOST_ALIKE = 2000
"""Sources whose nearest by votes are looked up, at random where there are more."""
EXAMPLES = 3
"""Galaxies outside a class that are shown for each exemplar: those with the nearest votes."""
LEARNED, ALL = "representation", "all sources"


@dataclass(frozen=True)
class ByVotes:
    """What votes of one ``kind`` and the representation tell of a class, of the same sources.

    ``members`` have such votes. ``own_by_votes``: of the ``NEAREST`` galaxies by votes to each of
    them, the share that are members; ``own_by_vectors`` by the representation.
    """

    class_id: str
    kind: str
    members: int
    by_votes: Told
    by_vectors: Told
    verdict: str
    own_by_votes: float
    own_by_vectors: float


@dataclass(frozen=True)
class Alike:
    """How alike those with the same votes look, ``of`` a class or of all sources."""

    of: str
    kind: str
    n: int
    likeness: Likeness


@dataclass(frozen=True)
class Twin:
    """A galaxy whose votes are among the nearest to an exemplar's.

    ``votes_distance`` is Hellinger's, summed over questions; ``distance`` that of the
    representations, in units of the mean of two sources at random.
    """

    class_id: str
    exemplar: str
    kind: str
    other: str
    member: bool
    votes_distance: float
    distance: float


def by_votes(subject: Subject, votes: Votes, seed: int) -> list[ByVotes]:
    """Of each class that has 5 members with such votes."""
    label = subject.label[votes.rows]
    sizes = np.bincount(label[label >= 0], minlength=len(subject.classes))
    asked = [c for c, size in enumerate(sizes.tolist()) if readable(size)]
    if not asked:
        return []
    rng = np.random.default_rng([seed, 6])
    others = rng.permutation(np.flatnonzero(label < 0))[:MOST_OTHERS]
    kept = np.sort(np.concatenate([np.flatnonzero(label >= 0), others]))
    numbered = np.full(len(subject.classes) + 1, -1)
    numbered[asked] = np.arange(len(asked))
    held = votes.of(kept)
    vectors = subject.space.vectors[held.rows].astype(np.float64)
    readers = {votes.kind: held.columns, LEARNED: vectors}
    found = told(readers, numbered[label[kept]], len(asked), seed)
    return [_of_class(subject, votes, c, one) for c, one in zip(asked, found, strict=True)]


def _of_class(subject: Subject, votes: Votes, c: int, found: dict[str, Told]) -> ByVotes:
    label = subject.label[votes.rows]
    inside = np.flatnonzero(label == c)
    near, _ = nearest(votes.places, inside, NEAREST)
    members = votes.rows[inside]
    return ByVotes(
        subject.classes[c].class_id,
        votes.kind,
        len(inside),
        found[votes.kind],
        found[LEARNED],
        verdict(found[votes.kind]),
        float((label[near] == c).mean()),
        float((subject.label[_by_vectors(subject, members)] == c).mean()),
    )


def _by_vectors(subject: Subject, rows: IntArray) -> IntArray:
    graph = subject.space.graph.indices
    if graph.shape[1] >= NEAREST:
        return np.asarray(graph[rows, :NEAREST])
    return subject.space.near(rows, NEAREST)[0]


def alike(subject: Subject, votes: Votes, seed: int) -> list[Alike]:
    """Of all sources with such votes, and of the members of each class."""
    rng = np.random.default_rng([seed, 7])
    vectors = subject.space.vectors
    at_random = random_distance(vectors, rng)
    chosen = np.sort(rng.permutation(len(votes.rows))[:MOST_ALIKE])
    label = subject.label[votes.rows]
    groups = [(ALL, chosen)]
    groups += [(r.class_id, np.flatnonzero(label == c)) for c, r in enumerate(subject.classes)]
    found = []
    for name, inside in groups:
        if len(inside) > 1:
            rows = votes.rows[inside]
            twins = votes.rows[nearest(votes.places, inside, NEAREST)[0]]
            one = likeness(vectors, rows, twins, _by_vectors(subject, rows), at_random)
            found.append(Alike(name, votes.kind, len(inside), one))
    return found


def twins(subject: Subject, votes: Votes, seed: int) -> list[Twin]:
    """For each exemplar of each class the galaxies with the nearest votes: one member, and
    ``EXAMPLES`` others."""
    vectors = subject.space.vectors
    unit = random_distance(vectors, np.random.default_rng([seed, 8]))
    label, places = subject.label[votes.rows], votes.places
    place_of = {int(row): i for i, row in enumerate(votes.rows)}
    found = []
    for c, rare in enumerate(subject.classes):
        for name in rare.exemplars:
            at = place_of.get(subject.row.get(name, -1))
            if at is None:
                continue
            far = np.linalg.norm(places - places[at], axis=1)
            order = np.argsort(far, kind="stable")
            order = order[order != at]
            picked = [*order[label[order] == c][:1], *order[label[order] != c][:EXAMPLES]]
            rows = votes.rows[np.array(picked, np.int64)]
            apart = distances(vectors, votes.rows[[at]], rows[None])[0] / unit
            found += [
                Twin(rare.class_id, name, votes.kind, subject.ids[row], bool(label[p] == c),
                     float(far[p]), float(d))
                for p, row, d in zip(picked, rows, apart, strict=True)
            ]  # fmt: skip
    return found


def best(found: Sequence[ByVotes]) -> ByVotes:
    """Of one class, the votes that explain the largest share of it."""
    return max(found, key=lambda one: (np.nan_to_num(one.by_votes.share, nan=-1.0), one.kind))
