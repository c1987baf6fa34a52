"""Featureless data sent through the run's own compression, and what a search finds in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from skerry.config import Config
from skerry.discover import Space, Surrogates, kinds_of, measure, space_of
from skerry.discover.part import at_same_share
from skerry.examine.searching.null_draws import null_draws
from skerry.examine.searching.searches import GRAPH, UMAP, Compress, candidates
from skerry.types import Candidate, FloatArray, Measures


@dataclass(frozen=True)
class NullEmbedding:
    """One search of featureless data.

    ``before`` and ``after`` are the measures of the candidates that ``umap-hdbscan`` finds, among
    the representations and in the embedding; ``own`` those, among the representations, of what
    the run's own route finds.
    """

    kind: str
    number: int
    before: Measures
    after: Measures
    own: Measures


def embedded(coordinates: FloatArray, config: Config) -> Space:
    """The embedding as a space of its own, with as many neighbors as the run's."""
    return space_of(coordinates, config.neighbors)


def null_embeddings(
    surrogates: Surrogates, config: Config, number: int, compress: Compress, enough: float
) -> list[NullEmbedding]:
    """Up to ``number`` searches of each kind of featureless data, by kind.

    No more than give ``enough`` candidates.
    """

    def search(plan: tuple[str, int]) -> NullEmbedding:
        space = space_of(surrogates.draw(*plan), config.neighbors)
        alike = at_same_share(config, len(space), len(surrogates.vectors))
        coordinates = compress(space, alike.embedding)
        found = candidates(space, coordinates, by_route(config, UMAP))
        before = measure(found, space)
        own = before
        if config.clusters.route == GRAPH:
            own = measure(candidates(space, coordinates, config), space)
        return NullEmbedding(*plan, before, measure(found, embedded(coordinates, config)), own)

    surrogates.prepare(kinds_of(config))
    made = null_draws(config, number, search, lambda found: len(found.before), enough)
    return [one for found in made.values() for one in found]


def by_route(config: Config, route: str) -> Config:
    """The same settings by another route."""
    return replace(config, clusters=replace(config.clusters, route=route))


def sides(found: Sequence[Candidate], space: Space, compressed: Space) -> tuple[Measures, Measures]:
    """The measures of candidates among the representations and in the embedding."""
    return measure(found, space), measure(found, compressed)
