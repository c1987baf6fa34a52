"""HDBSCAN on the embedding."""

from __future__ import annotations

import numpy as np

from skerry.backends.embedding import backend_of
from skerry.errors import InputError
from skerry.types import CondensedTree, FloatArray


def cluster(
    coordinates: FloatArray, min_size: int, min_samples: int, device: str = "cpu"
) -> CondensedTree:
    """HDBSCAN's whole hierarchy (Campello, Moulavi & Sander 2013) of ``coordinates`` (n, d).

    ``device`` as ``embedding.device`` has it.

    Raises
    ------
    InputError
        There are not more sources than ``min_samples``, or coordinates are not finite.
    ConfigError
        A GPU is asked for, and cuML or a GPU cannot be used.
    """
    if len(coordinates) <= min_samples:
        raise InputError(
            f"{len(coordinates)} sources are too few for clusters.min_samples = "
            f"{min_samples}: give more sources or set it lower"
        )
    if not np.isfinite(coordinates).all():
        raise InputError("the embedding holds NaN or infinite coordinates; expected finite ones")
    return backend_of(device).hdbscan_tree(coordinates, min_size, min_samples)
