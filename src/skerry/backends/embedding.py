"""The backends of an embedding: the CPU's libraries, or cuML on a GPU, behind one interface."""

from __future__ import annotations

from typing import Any, Protocol

from skerry.backends import cpu, cuml
from skerry.types import CondensedTree, FloatArray, IntArray


class Backend(Protocol):
    """What makes an embedding and the hierarchy in it; :mod:`skerry.backends.cpu` says how."""

    def fuzzy_graph(self, indices: IntArray, distances: FloatArray, /) -> Any:
        """What ``layout`` takes, of neighbors (n, n_neighbors), each source its own first."""

    def layout(
        self,
        vectors: FloatArray,
        graph: Any,
        n_components: int,
        min_dist: float,
        seed: int,
        epochs: int,
        /,
    ) -> cpu.Layout:
        """UMAP's coordinates (n, n_components)."""

    def hdbscan_tree(
        self, coordinates: FloatArray, min_cluster_size: int, min_samples: int, /
    ) -> CondensedTree:
        """HDBSCAN's whole condensed tree."""


def backend_of(device: str) -> Backend:
    """The backend of ``embedding.device``.

    Raises
    ------
    ConfigError
        It is a GPU, and cuML or the GPU cannot be used.
    """
    if device == "cpu":
        return cpu
    cuml.require(f"embedding.device = {device}")
    return cuml
