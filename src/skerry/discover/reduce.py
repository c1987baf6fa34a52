"""UMAP: from the neighbor graph to a few coordinates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from skerry.backends import cpu
from skerry.backends.embedding import backend_of
from skerry.config import EmbeddingConfig
from skerry.discover.part import Part, folded, part_of, placed
from skerry.discover.space import Space
from skerry.errors import InputError
from skerry.progress import OnEvent, silent
from skerry.types import Embedding, FloatArray, NeighborGraph

_WHAT = "embedding"
_FEW, _EPOCHS_OF_FEW, _EPOCHS = 10_000, 500, 200


def embed(space: Space, config: EmbeddingConfig, *, on_event: OnEvent = silent) -> Embedding:
    """UMAP coordinates (McInnes, Healy & Melville 2018) for clustering, and a 2-d map to look at.

    Both come from the same fuzzy graph of the ``config.n_neighbors`` nearest, the source itself
    counted as UMAP counts it. On the CPU UMAP is fitted on a part of more than
    ``config.whole_below`` sources, as :func:`part_of` chooses it, and all others are placed among
    these. The same input gives the same bytes by the same ``config.device``.

    Parameters
    ----------
    space : n sources, its graph with at least ``config.n_neighbors - 1`` neighbors
    on_event : called with (what, steps done, steps in all)

    Returns
    -------
    Embedding
        ``spectral`` is False where UMAP's usual start failed for either of the two, which then
        began from a random one of the same seed.

    Raises
    ------
    InputError
        Too few sources or neighbors, or vectors that are all the same.
    ConfigError
        A GPU is asked for, and cuML or a GPU cannot be used.
    """
    on_event(_WHAT, 0, 3)
    fit = _Fit(space, config)
    on_event(_WHAT, 1, 3)
    clustered = fit.layout(config.n_components, config.min_dist)
    on_event(_WHAT, 2, 3)
    seen = fit.layout(2, config.map_min_dist)
    on_event(_WHAT, 3, 3)
    spectral = clustered.spectral and seen.spectral
    return Embedding(clustered.coordinates, seen.coordinates, spectral, fit.n_placed)


def coordinates_of(space: Space, config: EmbeddingConfig) -> FloatArray:
    """Only the coordinates to cluster, as :func:`embed` gives them: float32 (n, n_components)."""
    return _Fit(space, config).layout(config.n_components, config.min_dist).coordinates


def epochs_of(n: int, config: EmbeddingConfig) -> int:
    """The epochs of n sources: those that are set, or else as many as umap-learn takes."""
    return config.epochs or (_EPOCHS_OF_FEW if n <= _FEW else _EPOCHS)


def fewest(config: EmbeddingConfig) -> int:
    """The fewest sources that can be embedded in the dimensions that are set."""
    # the eigensolver of the spectral start asks for 2 (d + 1) + 1 rows
    return 2 * max(config.n_components, 2) + 3


def require_enough(n: int, config: EmbeddingConfig) -> None:
    """That so many sources can be embedded in the dimensions that are set.

    Raises
    ------
    InputError
        They are too few.
    """
    needed = fewest(config)
    if n < needed:
        raise InputError(
            f"{n} sources are too few for embedding.n_components = {config.n_components}: at "
            f"least {needed} are needed; give more sources or set fewer components"
        )


class _Fit:
    """UMAP's graph of a space, of a part of it where it is large, ready to be laid out."""

    def __init__(self, space: Space, config: EmbeddingConfig) -> None:
        n = len(space)
        fuzzy = _fuzzy(space.vectors, space.graph, config)
        self.space, self.config = space, config
        self.part: Part | None = None
        self.epochs = config.epochs
        # cuML takes the neighbors of all, no graph; a GPU is fast enough for them
        if n > config.whole_below and config.device == "cpu":
            self.part = part_of(space, config.whole_below / n)
            require_enough(len(self.part.rows), config)
            fuzzy = folded(fuzzy, self.part)
            # as many as of all sources: those of a smaller part would be another search
            self.epochs = epochs_of(n, config)
        self.fuzzy = fuzzy

    @property
    def n_placed(self) -> int:
        """How many sources are not fitted but placed."""
        return 0 if self.part is None else len(self.space) - len(self.part.rows)

    def layout(self, d: int, min_dist: float) -> cpu.Layout:
        """Coordinates (n, d) of all sources."""
        vectors, part = self.space.vectors, self.part
        fitted = vectors if part is None else vectors[part.rows]
        made = backend_of(self.config.device).layout
        found = made(fitted, self.fuzzy, d, min_dist, self.config.seed, self.epochs)
        if not np.isfinite(found.coordinates).all():
            raise InputError(
                f"UMAP gave {len(fitted)} sources coordinates that are not finite: the vectors "
                "hold too few different values; expected mostly distinct vectors"
            )
        if part is None:
            return found
        return replace(found, coordinates=placed(found.coordinates, part, self.space.graph))


def _fuzzy(vectors: FloatArray, graph: NeighborGraph, config: EmbeddingConfig) -> Any:
    _check(vectors, graph, config)
    itself = np.arange(len(vectors), dtype=np.int64)[:, None]
    others = slice(config.n_neighbors - 1)
    return backend_of(config.device).fuzzy_graph(
        np.hstack([itself, graph.indices[:, others]]),
        np.hstack([np.zeros_like(itself, np.float32), graph.distances[:, others]]),
    )


def _check(vectors: FloatArray, graph: NeighborGraph, config: EmbeddingConfig) -> None:
    n, k = graph.indices.shape
    if len(vectors) != n:
        raise InputError(f"{len(vectors)} vectors, but a neighbor graph of {n} sources")
    if k < config.n_neighbors - 1:
        raise InputError(
            f"the graph has {k} neighbors a source; embedding.n_neighbors = "
            f"{config.n_neighbors} needs {config.n_neighbors - 1}: set neighbors.k"
        )
    require_enough(n, config)
    if (vectors == vectors[0]).all():
        raise InputError(
            f"all {n} vectors are the same; expected vectors that differ: were the images read?"
        )
