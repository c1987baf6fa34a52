"""The search with other settings, one at a time and two together, on one cached graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from skerry.config import Config, EmbeddingConfig
from skerry.discover import Space, largest_size
from skerry.discover.find import each
from skerry.discover.matching import Matcher
from skerry.errors import InputError
from skerry.examine.searching.null_embeddings import by_route
from skerry.examine.searching.searches import GRAPH, UMAP, Compress, groups_by, narrowed
from skerry.types import DoubleArray, FloatArray, IntArray

SECTIONS = {
    "min_samples": "clusters",
    "min_size": "classes",
    "k": "neighbors",
    "max_share": "classes",
    "n_neighbors": "embedding",
    "n_components": "embedding",
    "min_dist": "embedding",
    "seed": "embedding",
}
"""The settings that are varied, each with its section of the configuration."""

VALUES: dict[str, tuple[float, ...]] = {
    "min_samples": (3, 5, 8, 12, 20, 30),
    "min_size": (5, 7, 10, 15, 20, 30),
    "k": (10, 15, 20, 25, 30),
    "max_share": (0.01, 0.02, 0.05, 0.1, 0.2),
    "n_neighbors": (5, 10, 15, 30),
    "n_components": (2, 3, 5, 10),
    "min_dist": (0.0, 0.05, 0.1, 0.25),
}
"""What they are set to, beside the run's own; seeds are the run's own and the next three."""

_SEEDS = 3
_WHOLE = ("min_samples", "min_size", "k", "n_neighbors", "n_components", "seed")


@dataclass(frozen=True)
class Setting:
    """One search to make: ``changed`` names what differs from the run's own settings, but for the
    route, in order of ``SECTIONS``."""

    config: Config
    changed: tuple[str, ...] = ()

    @property
    def route(self) -> str:
        return self.config.clusters.route

    def value(self, name: str) -> float:
        return float(getattr(getattr(self.config, SECTIONS[name]), name))

    def with_value(self, name: str, value: float) -> Setting:
        """The same with one setting changed; itself where it has that value."""
        if value == self.value(name):
            return self
        part = getattr(self.config, SECTIONS[name])
        kept = int(value) if name in _WHOLE else value
        config = replace(self.config, **{SECTIONS[name]: replace(part, **{name: kept})})
        changed = (*self.changed, name)
        return Setting(config, tuple(n for n in SECTIONS if n in changed))

    def admits(self, size: int, n: int) -> bool:
        """Whether a group of ``size`` of ``n`` sources may be a candidate."""
        return self.config.classes.min_size <= size <= largest_size(n, self.config.classes)


def own_settings(space: Space, config: Config) -> list[Setting]:
    """The run's own first, then others of its route that need no new embedding.

    ``min_samples`` by ``min_size``; then, each alone, ``max_share`` and, of the route ``graph``,
    how many columns of the cached graph are used.
    """
    own = Setting(config)
    found = [
        own.with_value("min_samples", samples).with_value("min_size", size)
        for samples in values_of("min_samples", own)
        for size in values_of("min_size", own)
    ]
    for name in ("k", "max_share") if config.clusters.route == GRAPH else ("max_share",):
        found += [own.with_value(name, value) for value in values_of(name, own)]
    return _possible([own, *found], space)


def other_settings(space: Space, config: Config, umap: bool) -> list[Setting]:
    """The other route with the run's own settings, then ``umap-hdbscan`` with other embeddings,
    each setting alone, where ``umap`` may be run."""
    other = Setting(by_route(config, UMAP if config.clusters.route == GRAPH else GRAPH))
    base = Setting(by_route(config, UMAP))
    found = [other]
    for name in ("n_neighbors", "n_components", "min_dist", "seed") if umap else ():
        found += [base.with_value(name, value) for value in values_of(name, base)]
    return [s for s in _possible(found, space) if s == other or s.changed]


def values_of(name: str, own: Setting) -> list[float]:
    """The values of a sweep, the own one among them, ascending."""
    if name == "seed":
        return [own.value(name) + i for i in range(_SEEDS + 1)]
    return sorted({*VALUES[name], own.value(name)})


def _possible(found: Sequence[Setting], space: Space) -> list[Setting]:
    """Those that the sources and the cached graph allow, each once."""
    n, width = space.graph.indices.shape
    kept = []
    for setting in dict.fromkeys(found):
        config = setting.config
        try:
            largest_size(n, config.classes)
        except InputError:
            continue
        wide = min(width, config.neighbors.k)
        if (
            config.neighbors.k <= width
            and config.clusters.min_samples <= wide
            and config.embedding.n_neighbors <= width + 1
            # as the spectral start of UMAP asks
            and n >= 2 * max(config.embedding.n_components, 2) + 3
            and config.embedding.seed < 2**32
        ):
            kept.append(setting)
    return kept


def sweep(
    space: Space,
    coordinates: FloatArray,
    embedding: EmbeddingConfig,
    settings: Sequence[Setting],
    compress: Compress,
) -> list[list[IntArray]]:
    """The members of the candidates that each setting finds.

    ``coordinates`` (n, d) are those that ``embedding`` gives; others are made by ``compress``.
    """

    def search(setting: Setting) -> list[IntArray]:
        config = setting.config
        placed = coordinates
        if setting.route == UMAP and config.embedding != embedding:
            placed = compress(space, config.embedding)
        return found_by(setting, space, placed)

    _ = space.search  # once, not by every thread
    return list(each(search, settings))


def found_by(setting: Setting, space: Space, coordinates: FloatArray) -> list[IntArray]:
    """The members of the candidates of one setting, in ``coordinates`` where it is by UMAP."""
    seen = narrowed(space, setting.config.neighbors.k) if setting.route == GRAPH else space
    return groups_by(seen, coordinates, setting.config)


def overlaps(
    cores: Sequence[IntArray], wholes: Sequence[IntArray], found: Sequence[Sequence[IntArray]]
) -> DoubleArray:
    """The largest Jaccard of each class with any candidate of each search, (classes, searches).

    Of the sources that it was judged by, or of all its members, whichever is larger: another
    search may find either.
    """
    made = np.zeros((len(cores), len(found)))
    for j, there in enumerate(found):
        matcher = Matcher(there)
        for i, both in enumerate(zip(cores, wholes, strict=True)):
            made[i, j] = max(matcher.best(rows)[1] for rows in both)
    return made
