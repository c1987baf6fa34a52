"""The run's search made again, on what the run has cached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from skerry.config import Config, EmbeddingConfig
from skerry.discover import Space, Surrogates, candidates_of, find_candidates, groups_in, measure
from skerry.discover.communities import contained
from skerry.discover.neighbors import scale_rank
from skerry.discover.reduce import coordinates_of
from skerry.discover.routes import by_communities, tree_of_coordinates
from skerry.examine.subject import Subject
from skerry.types import Candidate, CondensedTree, FloatArray, IntArray, Measures, NeighborGraph

GRAPH, UMAP = "graph", "umap-hdbscan"

Compress = Callable[[Space, EmbeddingConfig], FloatArray]
"""From a space of n sources to an embedding's coordinates, float32 (n, d)."""


def by_umap(space: Space, config: EmbeddingConfig) -> FloatArray:
    """The coordinates that a run would cluster."""
    return coordinates_of(space.vectors, space.graph, config)


def candidates(space: Space, coordinates: FloatArray, config: Config) -> list[Candidate]:
    """What the route of ``config`` finds, ``umap-hdbscan`` in the coordinates given."""
    if config.clusters.route == GRAPH:
        return by_communities(space, config)
    return candidates_of(_tree(coordinates, config), space, config)


def groups_by(space: Space, coordinates: FloatArray, config: Config) -> list[IntArray]:
    """The members of the same candidates, in no order of centrality: faster."""
    if config.clusters.route == GRAPH:
        return [
            c.members
            for c in contained(space.communities_from(config.classes.min_size), config.classes)
        ]
    return [c.members for c in find_candidates(_tree(coordinates, config), config.classes)]


def _tree(coordinates: FloatArray, config: Config) -> CondensedTree:
    return tree_of_coordinates(coordinates, config)


def narrowed(space: Space, k: int) -> Space:
    """The same space with the first ``k`` neighbors of its graph, as a search with ``k`` has."""
    graph = space.graph
    rank = scale_rank(len(space), replace(space.config, k=k))
    # beyond the graph the scale is the same whatever k is
    scale = graph.distances[:, rank - 1] if rank <= graph.indices.shape[1] else graph.scale
    found = Space(
        space.vectors,
        NeighborGraph(graph.indices[:, :k], graph.distances[:, :k], scale, graph.recall),
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
