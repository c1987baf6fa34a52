"""UMAP: from the neighbor graph to a few coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np

from skerry.backends import cpu
from skerry.backends.embedding import backend_of
from skerry.config import EmbeddingConfig
from skerry.errors import InputError
from skerry.progress import OnEvent, silent
from skerry.types import Embedding, FloatArray, NeighborGraph

_WHAT = "embedding"


def embed(
    vectors: FloatArray,
    graph: NeighborGraph,
    config: EmbeddingConfig,
    *,
    on_event: OnEvent = silent,
) -> Embedding:
    """UMAP coordinates (McInnes, Healy & Melville 2018) for clustering, and a 2-d map to look at.

    Both come from the same fuzzy graph of the ``config.n_neighbors`` nearest, the source itself
    counted as UMAP counts it. The same input gives the same bytes by the same ``config.device``.

    Parameters
    ----------
    vectors : float32 (n, d)
    graph : of the same n sources, with at least ``config.n_neighbors - 1`` neighbors
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
    fuzzy = _fuzzy(vectors, graph, config)
    on_event(_WHAT, 1, 3)
    clustered = _layout(vectors, fuzzy, config.n_components, config.min_dist, config)
    on_event(_WHAT, 2, 3)
    seen = _layout(vectors, fuzzy, 2, config.map_min_dist, config)
    on_event(_WHAT, 3, 3)
    return Embedding(clustered.coordinates, seen.coordinates, clustered.spectral and seen.spectral)


def coordinates_of(
    vectors: FloatArray, graph: NeighborGraph, config: EmbeddingConfig
) -> FloatArray:
    """Only the coordinates to cluster, as :func:`embed` gives them: float32 (n, n_components)."""
    fuzzy = _fuzzy(vectors, graph, config)
    return _layout(vectors, fuzzy, config.n_components, config.min_dist, config).coordinates


def _fuzzy(vectors: FloatArray, graph: NeighborGraph, config: EmbeddingConfig) -> Any:
    _check(vectors, graph, config)
    itself = np.arange(len(vectors), dtype=np.int64)[:, None]
    others = slice(config.n_neighbors - 1)
    return backend_of(config.device).fuzzy_graph(
        np.hstack([itself, graph.indices[:, others]]),
        np.hstack([np.zeros_like(itself, np.float32), graph.distances[:, others]]),
    )


def _layout(
    vectors: FloatArray, fuzzy: Any, d: int, min_dist: float, config: EmbeddingConfig
) -> cpu.Layout:
    made = backend_of(config.device).layout
    layout = made(vectors, fuzzy, d, min_dist, config.seed, config.epochs)
    if not np.isfinite(layout.coordinates).all():
        raise InputError(
            f"UMAP gave {len(vectors)} sources coordinates that are not finite: the vectors "
            "hold too few different values; expected mostly distinct vectors"
        )
    return layout


def _check(vectors: FloatArray, graph: NeighborGraph, config: EmbeddingConfig) -> None:
    n, k = graph.indices.shape
    if len(vectors) != n:
        raise InputError(f"{len(vectors)} vectors, but a neighbor graph of {n} sources")
    if k < config.n_neighbors - 1:
        raise InputError(
            f"the graph has {k} neighbors a source; embedding.n_neighbors = "
            f"{config.n_neighbors} needs {config.n_neighbors - 1}: set neighbors.k"
        )
    # the eigensolver of the spectral start asks for 2 (d + 1) + 1 rows
    needed = 2 * max(config.n_components, 2) + 3
    if n < needed:
        raise InputError(
            f"{n} sources are too few for embedding.n_components = {config.n_components}: at "
            f"least {needed} are needed; give more sources or set fewer components"
        )
    if (vectors == vectors[0]).all():
        raise InputError(
            f"all {n} vectors are the same; expected vectors that differ: were the images read?"
        )
