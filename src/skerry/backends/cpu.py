"""The backend of an embedding on a CPU: umap-learn and hdbscan.

Imported when first used. Every function here gives the same bytes for the same input, whatever the
number of threads: what a library would spread over threads with a result that depends on them runs
on one.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import warnings
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from skerry.backends.parallel import one_thread
from skerry.types import CondensedTree, FloatArray, IntArray


@dataclass(frozen=True)
class Layout:
    """UMAP coordinates float32 (n, d); ``spectral`` is False where its usual start failed."""

    coordinates: FloatArray
    spectral: bool


def fuzzy_graph(indices: IntArray, distances: FloatArray) -> Any:
    """UMAP's weighted graph (McInnes, Healy & Melville 2018, arXiv 1802.03426, section 3.1).

    Parameters
    ----------
    indices, distances : int64 and float32 (n, n_neighbors)
        The neighbors of each source, itself first with distance 0.

    Returns
    -------
    scipy.sparse matrix (n, n), symmetric.
    """
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        umap = _umap()
        graph, _, _ = umap.fuzzy_simplicial_set(
            np.empty((len(indices), 1), dtype=np.float32),
            indices.shape[1],
            np.random.RandomState(0),
            "euclidean",
            knn_indices=indices,
            knn_dists=distances,
        )
    return graph


def local_scales(distances: FloatArray) -> tuple[FloatArray, FloatArray]:
    """UMAP's rho and sigma of each source, float32 (n,), from the distances to its neighbors.

    Parameters
    ----------
    distances : float32 (n, k), ascending, the source itself left out
    """
    with one_thread():
        itself = np.zeros((len(distances), 1), dtype=np.float32)
        near = np.hstack([itself, distances])
        sigma, rho = _umap().smooth_knn_dist(near, float(near.shape[1]))
    return np.asarray(rho), np.asarray(sigma)


def layout(
    vectors: FloatArray, graph: Any, n_components: int, min_dist: float, seed: int, epochs: int = 0
) -> Layout:
    """Coordinates that UMAP gives the sources of a fuzzy graph, from a spectral start.

    ``vectors`` serve only to place pieces of the graph that no edge joins; of ``epochs`` 0 are as
    many as UMAP takes by itself.
    """
    with one_thread(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        umap = _umap()
        a, b = umap.find_ab_params(1.0, min_dist)
        coordinates, _ = umap.simplicial_set_embedding(
            vectors,
            graph,
            n_components,
            initial_alpha=1.0,
            a=a,
            b=b,
            gamma=1.0,
            negative_sample_rate=5,
            n_epochs=epochs or None,
            init="spectral",
            random_state=np.random.RandomState(seed),
            metric="euclidean",
            metric_kwds={},
            densmap=False,
            densmap_kwds={},
            output_dens=False,
        )
    failed = any("Spectral initialisation failed" in str(w.message) for w in caught)
    return Layout(np.asarray(coordinates, dtype=np.float32), not failed)


def hdbscan_tree(coordinates: FloatArray, min_cluster_size: int, min_samples: int) -> CondensedTree:
    """HDBSCAN's whole condensed tree.

    The Cython hdbscan, not fast_hdbscan: it compiles nothing when first used, computes in
    float64 and on one thread, and so depends on no number of threads. The spanning tree is
    the exact one.
    """
    import hdbscan

    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = hdbscan.HDBSCAN(
            min_cluster_size=min_cluster_size,
            min_samples=min_samples,
            algorithm="boruvka_kdtree",
            approx_min_span_tree=False,
            core_dist_n_jobs=1,
        ).fit(coordinates.astype(np.float64))
        rows = found.condensed_tree_.to_numpy()
    return _tree(rows, len(coordinates))


def _tree(rows: Any, n: int) -> CondensedTree:
    return CondensedTree(
        rows["parent"].astype(np.int64),
        rows["child"].astype(np.int64),
        rows["lambda_val"].astype(np.float64),
        rows["child_size"].astype(np.int64),
        n,
    )


def _umap() -> Any:
    """umap-learn, its three slow-to-compile functions kept in numba's cache on disk.

    Without this they compile in every process (some 12 s). Where no folder can be written,
    they do so still: slower, the same result.
    """
    import umap.layouts
    import umap.umap_

    for function in (
        umap.umap_.smooth_knn_dist,
        umap.umap_.compute_membership_strengths,
        umap.layouts._nb_optimize_layout_euclidean_single_epoch,
    ):
        if not function.signatures:
            with contextlib.suppress(RuntimeError):
                function.enable_caching()
    _seed_arpack()
    return umap.umap_


@functools.cache
def _seed_arpack() -> None:
    """Where the solver of UMAP's spectral start has to start again, it draws from a seed.

    By itself it draws from the system then: of graphs in a few pieces the map would be another
    one each time. Only what UMAP and scikit-learn's part in it call is replaced.
    """
    import scipy.sparse.csgraph
    import scipy.sparse.linalg
    import sklearn.manifold._spectral_embedding as pieces
    import umap.spectral

    eigsh = scipy.sparse.linalg.eigsh
    if "rng" not in inspect.signature(eigsh).parameters:
        return

    def seeded(*args: Any, **settings: Any) -> Any:
        return eigsh(*args, **{"rng": np.random.default_rng(0), **settings})

    linalg = SimpleNamespace(**{**vars(scipy.sparse.linalg), "eigsh": seeded})
    sparse = SimpleNamespace(**{**vars(scipy.sparse), "linalg": linalg})
    umap.spectral.scipy = SimpleNamespace(**{**vars(scipy), "sparse": sparse})
    pieces.eigsh = seeded
