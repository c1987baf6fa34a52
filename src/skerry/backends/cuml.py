"""UMAP and HDBSCAN on a GPU, by cuML: what ``cpu`` has under the same names.

cuML is imported when first used. Its UMAP is not umap-learn's, byte for byte, and its HDBSCAN
computes in float32: another backend gives another result.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from skerry.backends import card
from skerry.backends.cpu import Layout
from skerry.errors import ConfigError
from skerry.types import CondensedTree, FloatArray, IntArray

OLDEST = 26, 8
"""The first cuML that has all of what is asked of it here."""

_INSTALL = (
    "pip install 'skerry[cuml]' (with CUDA 13 cuml-cu13 in place of it) on Linux with an NVIDIA GPU"
)
_FAILED = "Spectral initialization failed"


def lacking() -> str:
    """Why cuML cannot be used: it is missing or too old, or there is no GPU; "" where it can."""
    if importlib.util.find_spec("cuml") is None:
        return "cuml is not installed"
    try:
        import cupy

        # without a GPU some parts of cuML cannot even be imported
        if not cupy.is_available():
            return "cupy, by which cuml reaches it, finds none"
        found = version()
    except (ImportError, OSError, RuntimeError) as error:
        return f"cuml cannot be imported: {error}"
    if tuple(int(part) for part in found.split(".")[:2]) < OLDEST:
        return f"cuml is of version {found}, and {OLDEST[0]}.{OLDEST[1]:02d} or later is needed"
    return ""


def require(setting: str) -> None:
    """That cuML can be used, as a ``setting`` asks.

    Raises
    ------
    ConfigError
        It cannot: says why and what to install.
    """
    why = lacking()
    if why:
        raise ConfigError(
            f"{setting} asks for cuML on a GPU, but {why}; {_INSTALL}, or set the device to cpu, "
            "by which umap-learn and hdbscan compute"
        )


def version() -> str:
    """That of cuML."""
    import cuml

    return str(cuml.__version__)


def name() -> str:
    """What the GPU that cuML computes on calls itself."""
    import cupy

    properties = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
    return str(properties["name"].decode())


def fuzzy_graph(indices: IntArray, distances: FloatArray) -> Any:
    """What :func:`layout` takes: the neighbors themselves, which cuML weighs as it lays out.

    Parameters
    ----------
    indices, distances : int64 and float32 (n, n_neighbors)
        The neighbors of each source, itself first with distance 0.
    """
    return np.ascontiguousarray(indices, np.int64), np.ascontiguousarray(distances, np.float32)


def layout(
    vectors: FloatArray, graph: Any, n_components: int, min_dist: float, seed: int, epochs: int = 0
) -> Layout:
    """Coordinates that cuML's UMAP gives the sources (Nolet et al. 2021, arXiv 2008.00325).

    Settings are those of ``cpu.layout``. A seed makes cuML add up in an order of its own choice,
    not the threads'; epochs one after the other are what it takes with a spectral start, as
    others throw sources far out. Of ``vectors`` (n, d) it makes nothing here.

    Raises
    ------
    ConfigError
        The GPU's memory is too small.
    """
    indices, distances = graph
    with _alone("UMAP", len(indices)) as said:
        from cuml.manifold import UMAP

        found = UMAP(
            n_neighbors=indices.shape[1],
            n_components=n_components,
            metric="euclidean",
            n_epochs=epochs or None,
            learning_rate=1.0,
            min_dist=min_dist,
            spread=1.0,
            repulsion_strength=1.0,
            negative_sample_rate=5,
            init="spectral",
            random_state=seed,
            force_serial_epochs=True,
            precomputed_knn=(indices, distances),
            build_algo="brute_force_knn",
            output_type="numpy",
        )
        coordinates = found.fit_transform(np.ascontiguousarray(vectors, np.float32))
    spectral = _FAILED not in said.getvalue()
    return Layout(np.ascontiguousarray(coordinates, dtype=np.float32), spectral)


def hdbscan_tree(coordinates: FloatArray, min_cluster_size: int, min_samples: int) -> CondensedTree:
    """The whole condensed tree of cuML's HDBSCAN, of float32 coordinates (n, d).

    Neither cuML nor hdbscan counts a source among its own ``min_samples`` neighbors.

    Raises
    ------
    ConfigError
        The GPU's memory is too small, or the tree is none of all sources.
    """
    with _alone("HDBSCAN", len(coordinates)):
        from cuml.cluster.hdbscan import HDBSCAN

        found = HDBSCAN(
            min_cluster_size=min_cluster_size,
            min_samples=min_samples,
            metric="euclidean",
            build_algo="brute_force",
            output_type="numpy",
        ).fit(np.ascontiguousarray(coordinates, np.float32))
        rows = found.condensed_tree_.to_numpy()
    return _tree(rows, len(coordinates))


def _tree(rows: Any, n: int) -> CondensedTree:
    """cuML's condensed tree of n sources, which has the columns of hdbscan's."""
    child = rows["child"].astype(np.int64)
    sources = np.sort(child[child < n])
    if not np.array_equal(sources, np.arange(n)):
        raise ConfigError(
            f"cuML's HDBSCAN gave a tree with {len(np.unique(sources))} of {n} sources in "
            f"{len(sources)} places; expected each once: set embedding.device to cpu"
        )
    lam = rows["lambda_val"].astype(np.float64)
    # so it writes the density of sources at distance 0
    lam[lam >= np.finfo(np.float32).max] = np.inf
    parent, size = rows["parent"].astype(np.int64), rows["child_size"].astype(np.int64)
    return CondensedTree(parent, child, lam, size, n)


@contextlib.contextmanager
def _alone(what: str, n: int) -> Iterator[io.StringIO]:
    """The GPU for one computation of n sources; gives what cuML says meanwhile.

    cuML prints that among the program's own output, where another reads results.
    """
    said = io.StringIO()
    try:
        with card.alone(), contextlib.redirect_stdout(said):
            yield said
    except MemoryError as error:
        raise ConfigError(
            f"cuML's {what} of {n} sources does not fit the GPU's memory ({error}); end what else "
            "runs there, use a larger one, or set embedding.device to cpu"
        ) from error
    finally:
        sys.stderr.write(said.getvalue())
