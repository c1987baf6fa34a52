"""The search with other settings, one at a time and two together, on one cached graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from skerry.config import Config, EmbeddingConfig
from skerry.discover import Space, largest_size
from skerry.discover.matching import Matcher
from skerry.discover.searches import each
from skerry.errors import InputError
from skerry.examine.searching.null_embeddings import by_route
from skerry.examine.searching.searches import GRAPH, UMAP, Compress, groups_by, narrowed
from skerry.types import DoubleArray, FloatArray, IntArray

SECTIONS = {
    "min_samples": "clusters",
    "k": "neighbors",
    "min_size": "classes",
    "max_share": "classes",
    "n_neighbors": "embedding",
    "n_components": "embedding",
    "min_dist": "embedding",
    "seed": "embedding",
}
"""The settings that are varied, each with its section of the configuration."""

TOGETHER = {GRAPH: ("k", "min_size"), UMAP: ("min_samples", "min_size")}
"""By route the two settings of which every value is tried with every value of the other."""

MEANT = {GRAPH: ("k", "min_size", "max_share"), UMAP: tuple(n for n in SECTIONS if n != "k")}
"""By route the settings that its search hangs on."""

VALUES: dict[str, tuple[float, ...]] = {
    "min_samples": (3, 5, 8, 12, 20, 30),
    "k": (10, 15, 20, 25, 30),
    "min_size": (5, 7, 10, 15, 20, 30),
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

    Both settings that are varied ``TOGETHER``, of which ``k`` is how many columns of the cached
    graph are used; then ``max_share`` alone.
    """
    own = Setting(config)
    first, second = TOGETHER[own.route]
    found = [
        own.with_value(first, one).with_value(second, other)
        for one in values_of(first, own)
        for other in values_of(second, own)
    ]
    found += [own.with_value("max_share", value) for value in values_of("max_share", own)]
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
        possible = config.neighbors.k <= width
        if setting.route == UMAP:
            possible = (
                config.clusters.min_samples <= width
                and config.embedding.n_neighbors <= width + 1
                # as the spectral start of UMAP asks
                and n >= 2 * max(config.embedding.n_components, 2) + 3
                and config.embedding.seed < 2**32
            )
        if possible:
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

    def search(alike: Sequence[int]) -> list[list[IntArray]]:
        first = settings[alike[0]]
        placed = coordinates
        if first.route == UMAP and first.config.embedding != embedding:
            placed = compress(space, first.config.embedding)
        return _found([settings[j] for j in alike], space, placed)

    _ = space.search  # once, not by every thread
    together = _alike(settings)
    return _in_order(together, list(each(search, together)))


def found_by(
    settings: Sequence[Setting], space: Space, coordinates: FloatArray
) -> list[list[IntArray]]:
    """The same one after the other, all by UMAP in ``coordinates``."""
    together = _alike(settings)
    made = [_found([settings[j] for j in alike], space, coordinates) for alike in together]
    return _in_order(together, made)


def _alike(settings: Sequence[Setting]) -> list[list[int]]:
    """The positions of settings that one search answers: they differ in ``max_share`` alone, and
    where it is by communities in ``min_size``."""
    made: dict[Setting, list[int]] = {}
    for j, setting in enumerate(settings):
        alike = setting.with_value("max_share", 1.0)
        if setting.route == GRAPH:
            alike = alike.with_value("min_size", 1.0)
        made.setdefault(Setting(alike.config), []).append(j)
    return list(made.values())


def _found(alike: Sequence[Setting], space: Space, coordinates: FloatArray) -> list[list[IntArray]]:
    first = alike[0]
    seen = narrowed(space, first.config.neighbors.k) if first.route == GRAPH else space
    return groups_by(seen, coordinates, [setting.config for setting in alike])


def _in_order(
    together: Sequence[Sequence[int]], made: Sequence[Sequence[list[IntArray]]]
) -> list[list[IntArray]]:
    found = {
        j: there
        for alike, of in zip(together, made, strict=True)
        for j, there in zip(alike, of, strict=True)
    }
    return [found[j] for j in range(len(found))]


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
