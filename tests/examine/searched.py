"""Vectors searched in memory as a run would, and the subject that gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from skerry.config import Config
from skerry.discover import Space, candidates_of, distinct_rows, measure, null_search, space_of
from skerry.discover.nulls import judged
from skerry.discover.routes import by_communities, tree_of_coordinates
from skerry.discover.surrogates import Surrogates, groups_in, kinds_of
from skerry.examine import Subject
from skerry.types import Candidate, Embedding, FloatArray, IntArray, RareClass

Compress = Callable[[Space], FloatArray]


def normal(n: int, seed: int, d: int = 6) -> FloatArray:
    """Correlated normal deviates: no groups."""
    deviates = np.random.default_rng(seed).normal(size=(n, d))
    return np.asarray(deviates @ (np.eye(d) + 0.4 * np.eye(d, k=1)), np.float32)


def with_groups(
    sea: FloatArray, groups: int, size: int, width: float, seed: int
) -> tuple[FloatArray, list[set[bytes]]]:
    """The sea and groups planted at random sources of it, at the scale of ``width`` times the
    median distance to the 30th neighbor; the members of each by the bytes of their vectors."""
    rng = np.random.default_rng(seed)
    picked = sea[rng.permutation(len(sea))[:groups]]
    far = np.sort(np.linalg.norm(sea[:200, None] - sea[None], axis=2), axis=1)[:, 30]
    scale = width * np.median(far) / np.sqrt(sea.shape[1])
    members = [
        (center + scale * rng.normal(size=(size, sea.shape[1]))).astype(np.float32)
        for center in picked
    ]
    return np.vstack([sea, *members]), [{row.tobytes() for row in part} for part in members]


def searched(
    vectors: FloatArray,
    config: Config,
    compress: Compress | None = None,
    nulls: int = 0,
    chosen: Callable[[Candidate, FloatArray], bool] = lambda candidate, vectors: True,
) -> Subject:
    """The subject of a run on these vectors (n, d): every candidate a class, unless not chosen.

    ``compress`` gives the embedding's coordinates, by default the first two columns. With
    ``nulls``, q-values are of so many searches of each kind, by the route ``graph`` alone.
    """
    vectors = vectors[distinct_rows(vectors)]
    space = space_of(vectors, config.neighbors)
    coordinates = compress(space) if compress else vectors[:, :2].copy()
    route = config.clusters.route
    found = by(config, lambda space: coordinates)(space, config)
    measures = measure(found, space)
    made = {}
    if nulls:
        surrogates = Surrogates(space, config, groups_in(space, found, measures))
        for kind in kinds_of(config):
            made[kind] = [
                null_search(surrogates, kind, i, by(config, compress), config)[0].containment
                for i in range(nulls)
            ]
    q = judged(measures.containment, made)[1] if nulls else [None] * len(found)
    kept = [i for i, candidate in enumerate(found) if chosen(candidate, vectors)]
    names = tuple(f"s{i:05d}" for i in range(len(vectors)))
    classes = [named(names, found[i], measures.containment[i], q[i], route) for i in kept]
    return Subject(
        ids=names,
        space=space,
        classes=tuple(classes),
        members=tuple(found[i].members for i in kept),
        config=config,
        embedding=Embedding(coordinates, coordinates[:, :2]),
        votes=np.zeros((len(vectors), 0), np.float32),
    )


def by(config: Config, compress: Compress | None) -> Callable[[Space, Config], list[Candidate]]:
    """The route of the settings, through ``compress`` where there is one to go through."""

    def route(space: Space, config: Config) -> list[Candidate]:
        if config.clusters.route == "graph" or compress is None:
            return by_communities(space, config)
        return candidates_of(tree_of_coordinates(compress(space), config), space, config)

    return route


def named(
    names: Sequence[str], candidate: Candidate, containment: float, q: float | None, route: str
) -> RareClass:
    members = tuple(names[i] for i in candidate.members)
    return RareClass(
        class_id=f"SKR-{members[0]}",
        rank=1,
        members=members,
        probability=(1.0,) * len(members),
        exemplars=members[:1],
        persistence=candidate.persistence,
        route=route,
        containment=float(containment),
        q_value=None if q is None else float(q),
        core=len(members),
    )


def bytes_of(vectors: FloatArray, rows: IntArray) -> set[bytes]:
    return {vectors[i].tobytes() for i in rows.tolist()}


def overlap(one: set[bytes], other: set[bytes]) -> float:
    return len(one & other) / len(one | other)


def clumps(space: Space) -> FloatArray:
    """A compression that makes groups of what is none: each source is drawn toward the nearest of
    some, one in 20."""
    vectors = space.vectors.astype(np.float64)
    centers = vectors[: len(vectors) // 20]
    near = centers[((vectors[:, None] - centers[None]) ** 2).sum(axis=2).argmin(axis=1)]
    return np.asarray(near + 0.25 * (vectors - near), np.float32)
