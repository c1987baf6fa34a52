"""The whole route from vectors to classes, in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skerry.config import Config
from skerry.discover.candidates import centered, find_candidates, largest_size
from skerry.discover.classes import rare_classes
from skerry.discover.cluster import cluster
from skerry.discover.neighbors import neighbor_graph
from skerry.discover.order import in_canonical_order
from skerry.discover.reduce import embed
from skerry.progress import OnEvent, silent
from skerry.types import Embedding, IntArray, RareClass, Representations


@dataclass(frozen=True)
class Discovery:
    """Classes, and the ``embedding`` and HDBSCAN's flat ``labels`` in the order of the input."""

    classes: list[RareClass]
    embedding: Embedding
    labels: IntArray


def search(
    representations: Representations,
    config: Config,
    *,
    on_event: OnEvent = silent,
) -> Discovery:
    """Rare classes among the sources, not yet judged, by way of UMAP and HDBSCAN.

    Neither the order of the sources nor their names change what is found.

    Raises
    ------
    InputError
        There are too few sources for the settings, or vectors that say nothing.
    """
    largest_size(len(representations), config.classes)
    sources = in_canonical_order(representations)
    graph = neighbor_graph(sources.vectors, config.neighbors, on_event=on_event)
    embedding = embed(sources.vectors, graph, config.embedding, on_event=on_event)
    clusters = cluster(embedding, config.clusters, on_event=on_event)
    candidates = centered(find_candidates(clusters.tree, config.classes), sources.vectors)
    classes = rare_classes(
        candidates, sources.id_str, sources.votes, sources.vote_columns, config.classes
    )
    place = {name: i for i, name in enumerate(sources.id_str)}
    back = np.array([place[name] for name in representations.id_str], dtype=np.int64)
    return Discovery(
        classes,
        Embedding(embedding.coordinates[back], embedding.map[back]),
        clusters.labels[back],
    )
