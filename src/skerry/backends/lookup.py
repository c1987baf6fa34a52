"""faiss: the nearest by comparing all, and an inverted index.

Imported when first used. But for the squares of ``nearest``, the same bytes for the same input,
whatever the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np

from skerry.backends.parallel import by_thread, one_faiss_thread
from skerry.types import FloatArray, IntArray

Item = TypeVar("Item")


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
    with one_faiss_thread():
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
        with one_faiss_thread():
            index.add_core(len(vectors), *pointers)


def query(index: Any, queries: FloatArray, k: int, n_probe: int) -> IntArray:
    """The k nearest to each of ``queries`` (m, d) among the ``n_probe`` nearest cells of an index.

    The cells are chosen on one thread; looking through them is spread over the queries, each
    of which is answered on one thread whatever their number.

    Returns
    -------
    int64 (m, k), -1 where the cells hold fewer.
    """
    with one_faiss_thread():
        to_centers, cells = index.quantizer.search(queries, n_probe)
    index.nprobe = n_probe
    # neighbors one after the other find their cells still in the cache
    order = np.lexsort(cells.T[1::-1])
    found = np.empty((len(queries), k), dtype=np.int64)
    _, found[order] = index.search_preassigned(queries[order], k, cells[order], to_centers[order])
    return found
