"""The libraries that compute on a CPU: faiss, umap-learn, hdbscan, scikit-network.

Imported when first used.

But for the squares of ``nearest``, every function here gives the same bytes for the same input,
whatever the number of threads: what a library would spread over threads with a result that
depends on them runs on one.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import inspect
import os
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np

from skerry.executors.local import map_ordered
from skerry.types import CondensedTree, FloatArray, IntArray, RowArray

Item = TypeVar("Item")
Result = TypeVar("Result")

_SHARED_BLOCK = 1024

# The sources around a dense group have it as their neighbors, and it has none of them. Edges that
# count in full make them members; without these edges, chance groups stand out as rare ones do.
_UNRETURNED = 0.25


def nearest(vectors: FloatArray, queries: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """The k of ``vectors`` (n, d) nearest to each of ``queries`` (m, d), all of them compared.

    Returns
    -------
    indices : int64 (m, k)
    squares : float32 (m, k), squared distances as faiss rounds them: their last bits may depend
        on how it splits the work over threads.
    """
    import faiss

    squares, indices = faiss.knn(queries, vectors, k)
    return indices, squares


def inverted_index(sample: FloatArray, n_lists: int) -> Any:
    """A faiss IVF index without vectors, of ``n_lists`` cells: :func:`fill` puts them in.

    The cells lie around centers that k-means learns from ``sample`` (m, d). What the index holds
    is float16, half the memory and faster to look through: distances are for the caller to
    compute again. Codes of a byte a column would find the same and take half of that, but have to
    know the range of each column: what is rare may lie outside that of a sample, and one outlier
    would make all steps coarse.
    """
    import faiss

    d = sample.shape[1]
    halved = faiss.ScalarQuantizer.QT_fp16
    quantizer = faiss.IndexFlatL2(d)
    index = faiss.IndexIVFScalarQuantizer(quantizer, d, n_lists, halved, faiss.METRIC_L2, False)
    index.own_fields = False
    index.cp.niter = 6
    index.cp.min_points_per_centroid = 1
    index.cp.max_points_per_centroid = 1 + len(sample) // n_lists
    with _one_faiss_thread():
        index.train(np.ascontiguousarray(sample))
    return index


def fill(index: Any, part: Callable[[Item], FloatArray], items: Iterable[Item]) -> None:
    """Put the vectors of ``part`` of each item into an index, in order; their cells are found side
    by side."""
    import faiss

    def placed(item: Item) -> tuple[FloatArray, IntArray]:
        vectors = part(item)
        return vectors, index.quantizer.search(vectors, 1)[1]

    for vectors, cells in by_thread(placed, items):
        pointers = faiss.swig_ptr(vectors), None, faiss.swig_ptr(cells)
        with _one_faiss_thread():
            index.add_core(len(vectors), *pointers)


def query(index: Any, queries: FloatArray, k: int, n_probe: int) -> IntArray:
    """The k nearest to each of ``queries`` (m, d) among the ``n_probe`` nearest cells of an index.

    The cells are chosen on one thread; looking through them is spread over the queries, each
    of which is answered on one thread whatever their number.

    Returns
    -------
    int64 (m, k), -1 where the cells hold fewer.
    """
    with _one_faiss_thread():
        to_centers, cells = index.quantizer.search(queries, n_probe)
    index.nprobe = n_probe
    # neighbors one after the other find their cells still in the cache
    order = np.lexsort(cells.T[1::-1])
    found = np.empty((len(queries), k), dtype=np.int64)
    _, found[order] = index.search_preassigned(queries[order], k, cells[order], to_centers[order])
    return found


def by_thread(task: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Results of ``task`` for each item, in order, as many at a time as library calls of this
    thread may have threads; each call within a task runs on one."""
    import faiss

    threads = 1 if _SIDE_BY_SIDE.is_set() else faiss.omp_get_max_threads()
    if threads == 1:
        with _one_faiss_thread():
            yield from map(task, items)
        return
    with side_by_side():
        yield from map_ordered(task, items, threads, settle_thread)


@functools.cache
def _faiss_threads() -> Any:
    """Holds the threads of the libraries loaded with faiss: looking them up takes milliseconds."""
    import faiss  # noqa: F401
    import threadpoolctl

    return threadpoolctl.ThreadpoolController()


def _one_faiss_thread() -> Any:
    return contextlib.nullcontext() if _SIDE_BY_SIDE.is_set() else _faiss_threads().limit(limits=1)


_SIDE_BY_SIDE = threading.Event()


@contextlib.contextmanager
def side_by_side() -> Iterator[None]:
    """Whole searches side by side, one a Python thread: each library call runs on that alone.

    Every thread has to call :func:`settle_thread` first. Nothing may run beside it that calls
    these libraries from outside.
    """
    with _faiss_threads().limit(limits=1):
        _SIDE_BY_SIDE.set()
        try:
            yield
        finally:
            _SIDE_BY_SIDE.clear()


def give_back() -> None:
    """Give the memory that was freed back to the system.

    glibc keeps what lies between pieces in use, in the heap of each thread that there was: after
    searches of 100,000 sources some hundreds of megabytes. Elsewhere nothing is done.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)


def settle_thread() -> None:
    """Make a new Python thread compute on itself alone: OpenMP's limit is each thread's own."""
    import faiss

    faiss.omp_set_num_threads(1)


def on_threads(number: int) -> Any:
    """A context in which library calls of this thread run on no more than so many threads."""
    return _faiss_threads().limit(limits=number)


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
    with _one_thread(), warnings.catch_warnings():
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
    with _one_thread():
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
    with _one_thread(), warnings.catch_warnings(record=True) as caught:
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

    with _one_thread(), warnings.catch_warnings():
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


def principal_axes(vectors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The mean (d,) of vectors (n, d) and their principal axes, the columns of (d, d)."""
    mean = vectors.mean(axis=0, dtype=np.float64)
    centered = vectors - mean.astype(np.float32)
    with _one_thread():
        axes = np.linalg.eigh((centered.T @ centered).astype(np.float64))[1]
    return mean.astype(np.float32), axes.astype(np.float32)


def product(a: FloatArray, b: FloatArray) -> FloatArray:
    """The matrix product, the same bytes on any number of threads."""
    with _one_thread():
        return np.asarray(a @ b)


def shared_neighbors(indices: RowArray, edges: int, threads: int = 1) -> Any:
    """The symmetric sparse graph of each row's first ``edges`` neighbors, weighed by likeness.

    The weight is Jaccard's index of both rows' k neighbors: how many they share over how many
    they have together, itself left out; twice that where each is among the other's first, a
    quarter of it where only one of them is among the other's k. Rows that share none have no edge.

    Parameters
    ----------
    indices : int32 (n, k), the neighbors of each row, nearest first
    threads : that compare rows at a time

    Returns
    -------
    scipy.sparse.csr_matrix
        float32 (n, n).
    """
    from scipy.sparse import csr_matrix

    n = len(indices)
    near = np.sort(indices, axis=1)
    weights = np.empty((n, edges), dtype=np.float32)

    def weigh(start: int) -> None:
        part = slice(start, start + _SHARED_BLOCK)
        weights[part] = _likeness(near, indices[part, :edges], start)

    for _ in map_ordered(weigh, range(0, n, _SHARED_BLOCK), threads):
        pass
    starts = np.arange(0, n * edges + 1, edges)
    to = indices[:, :edges].ravel()
    graph = csr_matrix((weights.ravel(), to, starts), shape=(n, n))
    found = (graph + graph.T).tocsr()
    found.eliminate_zeros()
    found.sort_indices()
    return found


def _likeness(near: RowArray, to: RowArray, start: int) -> FloatArray:
    """Of the rows from ``start`` on and those that each leads to (m, edges): their weights.

    ``near`` are all rows' neighbors (n, k), each row's ascending.
    """
    k = near.shape[1]
    own = near[start : start + len(to), :, None]
    rows = np.arange(start, start + len(to))[:, None]
    weights = np.empty(to.shape, dtype=np.float32)
    for edge, others in enumerate(to.T):
        theirs = near[others, None, :]
        shared = (own == theirs).sum(axis=(1, 2))
        returned = (theirs[:, 0] == rows).any(axis=1)
        factor = np.where(returned, 1.0, _UNRETURNED)
        weights[:, edge] = factor * shared / (2 * k - shared)
    return weights


def louvain(graph: Any, resolution: float) -> IntArray:
    """A partition of a symmetric sparse graph (n, n): for each row its community, int64 (n,).

    By scikit-network's Louvain, which visits rows in their order and draws nothing at random; its
    Leiden draws from the C library, whose state no seed given to it sets.
    """
    if not graph.nnz:
        return np.arange(graph.shape[0], dtype=np.int64)
    made = _louvain()
    found = made(resolution, return_probs=False, return_aggregate=False, sort_clusters=False)
    return np.unique(found.fit_predict(graph), return_inverse=True)[1].astype(np.int64)


@functools.cache
def _louvain() -> Any:
    """scikit-network's Louvain for graphs that are symmetric already, in half of its memory.

    By itself it adds the transpose first, and cuts weights that are not float64 to whole numbers.
    """
    from scipy.sparse import csr_matrix, identity
    from sknetwork.clustering import Louvain
    from sknetwork.utils.check import get_probs

    class Symmetric(Louvain):  # type: ignore[misc]
        def _pre_processing(self, graph: Any, force_bipartite: bool) -> tuple[Any, ...]:
            self._init_vars()
            n, total = graph.shape[0], graph.data.sum(dtype=np.float64)
            weights = get_probs("degree", graph)
            # in float32, to which every pass of it rounds them
            data = graph.data / np.float32(total)
            shares = csr_matrix((data, graph.indices, graph.indptr), (n, n), copy=False)
            return shares, weights, weights.copy(), identity(n, format="csr"), np.arange(n)

    return Symmetric


def _tree(rows: Any, n: int) -> CondensedTree:
    return CondensedTree(
        rows["parent"].astype(np.int64),
        rows["child"].astype(np.int64),
        rows["lambda_val"].astype(np.float64),
        rows["child_size"].astype(np.int64),
        n,
    )


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """BLAS and numba on one thread: a sum split over threads rounds differently."""
    import numba
    import threadpoolctl

    before = numba.get_num_threads()
    numba.set_num_threads(1)
    limited = _SIDE_BY_SIDE.is_set()
    try:
        with contextlib.nullcontext() if limited else threadpoolctl.threadpool_limits(1):
            yield
    finally:
        numba.set_num_threads(before)


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
