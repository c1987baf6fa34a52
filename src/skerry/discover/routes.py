"""The routes from a space to candidates, behind one interface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from skerry.config import ROUTES, Config
from skerry.discover.candidates import centered, find_candidates, largest_size
from skerry.discover.cluster import cluster
from skerry.discover.communities import contained
from skerry.discover.reduce import coordinates_of
from skerry.discover.space import Space
from skerry.errors import ConfigError, InputError
from skerry.types import Candidate, CondensedTree, FloatArray, IntArray

Route = Callable[[Space, Config], list[Candidate]]
"""A search: candidates of a space, members most central first."""


def route_of(name: str) -> Route:
    """The route of that name: ``graph`` or ``umap-hdbscan``.

    Raises
    ------
    ConfigError
        There is none.
    """
    if name not in ROUTES:
        raise ConfigError(f"no route {name!r}; expected one of {', '.join(ROUTES)}")
    return {"graph": by_communities, "umap-hdbscan": by_embedding}[name]


def by_communities(space: Space, config: Config) -> list[Candidate]:
    """The communities of the neighbor graph itself, in the space of the representations."""
    return centered(contained(space.communities, config.classes), space.vectors)


def by_embedding(space: Space, config: Config) -> list[Candidate]:
    """UMAP, then HDBSCAN's hierarchy in the embedding (Walmsley & Scaife 2023)."""
    coordinates = coordinates_of(space, config.embedding)
    return candidates_of(tree_of_coordinates(coordinates, config), space, config)


def tree_of_coordinates(coordinates: FloatArray, config: Config) -> CondensedTree:
    """HDBSCAN's hierarchy in an embedding that is there already."""
    asked = config.classes.min_size, config.clusters.min_samples
    return cluster(coordinates, *asked, config.embedding.device)


def candidates_of(tree: CondensedTree, space: Space, config: Config) -> list[Candidate]:
    """The small local branches of a tree, their members most central first."""
    return centered(find_candidates(tree, config.classes), space.vectors)


class Clusterer(Protocol):
    """A clusterer by the protocol of scikit-learn."""

    def fit_predict(self, X: Any, y: Any = None) -> Any:
        """Labels (n,) of the rows of ``X`` (n, d); negative for none."""


@dataclass(frozen=True)
class OwnRoute:
    """A clusterer of the user's own as a route: ``make`` gives a fresh one for every search.

    There is no hierarchy to look into, so its clusters are the candidates, but for those
    smaller than ``classes.min_size`` or larger than a class may be. ``persistence`` is 0.
    """

    make: Callable[[], Clusterer]

    def __call__(self, space: Space, config: Config) -> list[Candidate]:
        """Candidates in the order of their labels.

        Raises
        ------
        InputError
            The clusterer does not give one label a source.
        """
        labels = np.asarray(self.make().fit_predict(space.vectors.copy()))
        if labels.shape != (len(space),) or not np.issubdtype(labels.dtype, np.integer):
            raise InputError(
                f"the clusterer gave {labels.dtype} of shape {labels.shape}; expected one "
                f"integer for each of {len(space)} sources"
            )
        largest = largest_size(len(space), config.classes)
        groups = [np.flatnonzero(labels == name) for name in np.unique(labels[labels >= 0])]
        found = [_certain(g) for g in groups if config.classes.min_size <= len(g) <= largest]
        return centered(found, space.vectors)


def _certain(rows: IntArray) -> Candidate:
    return Candidate(rows, np.ones(len(rows), dtype=np.float32), 0.0)
