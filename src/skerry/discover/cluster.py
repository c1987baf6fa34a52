"""HDBSCAN on the embedding."""

from __future__ import annotations

import numpy as np

from skerry.backends import cpu
from skerry.config import ClustersConfig
from skerry.errors import InputError
from skerry.progress import OnEvent
from skerry.types import Clusters, Embedding


def cluster(embedding: Embedding, config: ClustersConfig, *, on_event: OnEvent) -> Clusters:
    """HDBSCAN (Campello, Moulavi & Sander 2013) on ``embedding.coordinates``.

    ``labels`` are its own flat choice by excess of mass; ``tree`` is the whole hierarchy, from
    which the candidates are taken.

    Raises
    ------
    InputError
        There are not more sources than ``config.min_samples``, or coordinates are not finite.
    """
    coordinates = embedding.coordinates
    if len(coordinates) <= config.min_samples:
        raise InputError(
            f"{len(coordinates)} sources are too few for clusters.min_samples = "
            f"{config.min_samples}: give more sources or set it lower"
        )
    if not np.isfinite(coordinates).all():
        raise InputError("the embedding holds NaN or infinite coordinates; expected finite ones")
    on_event("clusters", 0, 1)
    labels, tree = cpu.hdbscan_tree(coordinates, config.min_cluster_size, config.min_samples)
    on_event("clusters", 1, 1)
    return Clusters(labels, tree)
