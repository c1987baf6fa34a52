"""The run's search made again, on what the run has cached."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from skerry.config import Config, EmbeddingConfig
from skerry.discover import Space, Surrogates, candidates_of, find_candidates, groups_in, measure
from skerry.discover.communities import contained
from skerry.discover.reduce import coordinates_of
from skerry.discover.routes import by_communities, tree_of_coordinates
from skerry.examine.subject import Subject
from skerry.types import Candidate, FloatArray, IntArray, Measures, NeighborGraph

GRAPH, UMAP = "graph", "umap-hdbscan"

Compress = Callable[[Space, EmbeddingConfig], FloatArray]
"""From a space of n sources to an embedding's coordinates, float32 (n, d)."""


def by_umap(space: Space, config: EmbeddingConfig) -> FloatArray:
    """The coordinates that a run would cluster."""
    return coordinates_of(space, config)


def candidates(space: Space, coordinates: FloatArray, config: Config) -> list[Candidate]:
    """What the route of ``config`` finds, ``umap-hdbscan`` in the coordinates given."""
    if config.clusters.route == GRAPH:
        return by_communities(space, config)
    return candidates_of(tree_of_coordinates(coordinates, config), space, config)


def groups_by(
    space: Space, coordinates: FloatArray, configs: Sequence[Config]
) -> list[list[IntArray]]:
    """The members of the same candidates, in no order of centrality: faster.

    ``configs`` differ in the sizes a class may have, but by HDBSCAN not in the smallest: the
    communities, or the hierarchy, are the same and made once.
    """
    first = configs[0]
    if first.clusters.route == GRAPH:
        found = space.communities
        return [[c.members for c in contained(found, config.classes)] for config in configs]
    tree = tree_of_coordinates(coordinates, first)
    return [[c.members for c in find_candidates(tree, config.classes)] for config in configs]


def narrowed(space: Space, k: int) -> Space:
    """The same space with the first ``k`` neighbors of its graph, as a search with ``k`` has."""
    graph = space.graph
    found = Space(
        space.vectors,
        NeighborGraph(graph.indices[:, :k], graph.distances[:, :k], graph.recall),
        space.config,
    )
    found.__dict__["search"] = space.search
    return found


def cores(subject: Subject) -> list[IntArray]:
    """The rows that each class was judged by, most central first, without what completes it."""
    found = []
    for rare, rows in zip(subject.classes, subject.members, strict=True):
        core = {subject.row[name] for name in rare.members[: rare.core] if name in subject.row}
        kept = rows[[row in core for row in rows.tolist()]] if core else rows
        found.append(kept)
    return found


def surrogates_of(subject: Subject, found: Sequence[Candidate]) -> tuple[Surrogates, Measures]:
    """What draws featureless data like the run's, as the run itself does, and the measures of
    the candidates ``found`` by its search."""
    measured = measure(found, subject.space)
    return Surrogates(
        subject.space, subject.config, groups_in(subject.space, found, measured)
    ), measured


def as_candidates(groups: Sequence[IntArray]) -> list[Candidate]:
    """Groups of rows, to be measured."""
    return [Candidate(rows, np.ones(len(rows), np.float32), 0.0) for rows in groups]
