from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.backends import cpu
from skerry.config import NeighborsConfig
from skerry.discover import neighbor_graph, neighbor_search
from skerry.types import FloatArray, RowArray

ROUTE = """
import hashlib
import numpy as np
from skerry.backends import cpu

rng = np.random.default_rng(0)
x = np.vstack([rng.normal(size=(150, 6)), 4 + 0.1 * rng.normal(size=(50, 6))]).astype("f4")
x[10:14] = x[9]
gap = np.linalg.norm(x[:, None] - x[None], axis=2).astype("f4")
near = np.argsort(gap, axis=1, kind="stable")[:, :10]
near[:, 0] = np.arange(len(x))
graph = cpu.fuzzy_graph(near, np.sort(gap, axis=1)[:, :10])
place = cpu.layout(x, graph, 3, 0.0, 0).coordinates
tree = cpu.hdbscan_tree(place, 10, 5)
alike = cpu.shared_neighbors(near[:, 1:], 5)
label = cpu.louvain(alike, 4.0)
mean, axes = cpu.principal_axes(np.tile(x, (200, 1)))
turned = cpu.product(np.tile(x - mean, (200, 1)), axes)
parts = (place, tree.lam, tree.child, alike.data, alike.indices, label, mean, axes, turned)
print(hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest())
"""


def run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Warning" not in done.stderr
    return done.stdout.strip()


def test_libraries_wait_until_used() -> None:
    code = (
        "import sys, skerry.discover, skerry.backends.cpu\n"
        "late = ('faiss', 'umap', 'hdbscan', 'numba', 'sklearn', 'sknetwork')\n"
        "print([m for m in late if m in sys.modules])"
    )
    assert run(code) == "[]"


def test_same_bytes_in_every_process_and_on_any_number_of_threads() -> None:
    one = run(ROUTE, NUMBA_NUM_THREADS="1", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    three = run(ROUTE, NUMBA_NUM_THREADS="3", OMP_NUM_THREADS="3", OPENBLAS_NUM_THREADS="3")
    assert len(one) == 64
    assert one == three


@pytest.fixture
def faiss_threads() -> Iterator[Callable[[int], None]]:
    import faiss

    before = faiss.omp_get_max_threads()
    yield faiss.omp_set_num_threads
    faiss.omp_set_num_threads(before)


@pytest.mark.parametrize("exact_below", [0, 100_000])
def test_same_graph_on_any_number_of_threads(
    faiss_threads: Callable[[int], None], exact_below: int
) -> None:
    import faiss

    # faiss may take another path below 20 queries a thread: the last block has 26
    rng = np.random.default_rng(0)
    x = rng.integers(-1, 2, size=(2074, 16)) + 1e-4 * rng.normal(size=(2074, 16))
    config = NeighborsConfig(k=10, exact_below=exact_below)

    def bytes_on(threads: int) -> bytes:
        faiss_threads(threads)
        found = neighbor_graph(neighbor_search(x.astype(np.float32), config), config)
        assert faiss.omp_get_max_threads() == threads
        return (
            found.indices.tobytes() + found.distances.tobytes() + bytes(str(found.recall), "ascii")
        )

    one = bytes_on(1)
    assert one == bytes_on(2) == bytes_on(3)


def filled(sample: FloatArray, *parts: FloatArray) -> Any:
    index = cpu.inverted_index(sample, 10)
    cpu.fill(index, lambda part: part, parts)
    return index


def test_the_cells_are_chosen_on_one_thread(
    monkeypatch: pytest.MonkeyPatch, faiss_threads: Callable[[int], None]
) -> None:
    import faiss

    seen: list[int] = []

    def spy(kind: type, name: str) -> None:
        own = getattr(kind, name)

        def called(*given: Any, **settings: Any) -> Any:
            seen.append(faiss.omp_get_max_threads())
            return own(*given, **settings)

        monkeypatch.setattr(kind, name, called)

    spy(faiss.IndexIVFScalarQuantizer, "train")
    spy(faiss.IndexIVFScalarQuantizer, "add_core")
    spy(faiss.Index, "search")
    faiss_threads(2)
    x = np.random.default_rng(0).normal(size=(640, 4)).astype(np.float32)
    index = filled(x, x[:300], x[300:])
    cpu.query(index, x, 5, 3)
    # what trains, two parts that are placed and added, and a query
    assert seen == [1] * 6
    assert faiss.omp_get_max_threads() == 2


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 20))
def test_all_cells_hold_what_comparing_all_finds(seed: int, k: int) -> None:
    x = np.random.default_rng(seed).normal(size=(640, 4)).astype(np.float32)
    index = filled(x[::2], x[:100], x[100:])
    all_cells = cpu.query(index, x[:30], k, 10)
    compared, squares = cpu.nearest(x, x[:30], k)
    assert all_cells.dtype == compared.dtype == np.int64
    assert squares.dtype == np.float32
    # halved vectors swap neighbors that are equally far but for a thousandth
    gap = np.linalg.norm(x[all_cells] - x[:30, None], axis=2)
    np.testing.assert_allclose(gap, np.sqrt(squares), atol=3e-3)
    few = cpu.query(index, x[:30], 640, 1)
    assert (few[:, -1] == -1).all()


def test_what_an_index_holds_is_halved() -> None:
    x = np.random.default_rng(2).normal(size=(640, 8)).astype(np.float32)
    assert filled(x, x).code_size == 2 * 8


def test_numba_threads_are_put_back() -> None:
    import numba

    before = numba.get_num_threads()
    with pytest.raises(RuntimeError), cpu._one_thread():
        assert numba.get_num_threads() == 1
        raise RuntimeError
    assert numba.get_num_threads() == before


def test_the_tree_holds_every_source_once() -> None:
    rng = np.random.default_rng(1)
    points = np.vstack([c + rng.normal(size=(40, 3)) for c in (0, 8, 16)]).astype(np.float32)
    tree = cpu.hdbscan_tree(points, 10, 5)
    leaves = tree.child[tree.child < tree.n_points]
    np.testing.assert_array_equal(np.sort(leaves), np.arange(120))
    root = tree.parent.min()
    for branch in np.setdiff1d(tree.parent, [root]):
        inside = tree.size[tree.parent == branch].sum()
        assert inside == tree.size[tree.child == branch][0]


def near_of(seed: int, n: int, k: int) -> RowArray:
    """The k nearest of each of n points of the plane, int32 (n, k)."""
    x = np.random.default_rng(seed).normal(size=(n, 2))
    gap = np.linalg.norm(x[:, None] - x[None], axis=2)
    np.fill_diagonal(gap, np.inf)
    return np.argsort(gap, axis=1, kind="stable")[:, :k].astype(np.int32)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(2, 40), st.data())
def test_edges_weigh_what_is_shared_of_all_neighbors(seed: int, n: int, data: Any) -> None:
    """Held against sets, one pair after the other."""
    k = data.draw(st.integers(1, min(n - 1, 12)))
    edges = data.draw(st.integers(1, k))
    near = near_of(seed, n, k)
    found = cpu.shared_neighbors(near, edges)
    assert found.shape == (n, n) and found.dtype == np.float32

    sets = [set(row.tolist()) for row in near]
    expected = np.zeros((n, n))
    for i in range(n):
        for j in near[i, :edges].tolist():
            shared = len(sets[i] & sets[j]) / len(sets[i] | sets[j])
            shared *= 1 if i in sets[j] else 0.25
            # an edge that leads both ways is met twice
            expected[i, j] += shared
            expected[j, i] += shared
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-6)
    # nothing that weighs nothing, so that who shares none has no edge
    assert found.nnz == (expected > 0).sum()
    assert (found.diagonal() == 0).all()
    assert (found != found.T).nnz == 0


def test_more_rows_than_are_compared_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    near = near_of(0, 300, 8)
    whole = cpu.shared_neighbors(near, 4)
    monkeypatch.setattr(cpu, "_SHARED_BLOCK", 7)
    for threads in (1, 3):
        parts = cpu.shared_neighbors(near, 4, threads)
        for name in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(2, 120), st.floats(0.1, 50))
def test_a_partition_holds_every_row_once_and_counts_from_0(
    seed: int, n: int, resolution: float
) -> None:
    graph = cpu.shared_neighbors(near_of(seed, n, min(n - 1, 8)), min(n - 1, 4))
    before = graph.copy()
    label = cpu.louvain(graph, resolution)
    assert label.dtype == np.int64 and label.shape == (n,)
    assert np.unique(label).tolist() == list(range(label.max() + 1))
    # the graph is as it was, and found again it is the same
    assert (graph != before).nnz == 0
    np.testing.assert_array_equal(cpu.louvain(graph, resolution), label)


@pytest.mark.parametrize("resolution", [1.0, 8.0, 40.0])
def test_a_partition_is_that_of_the_weights_as_they_are(resolution: float) -> None:
    """Not of whole numbers, to which scikit-network cuts those of float32."""
    from sknetwork.clustering import Louvain

    graph = cpu.shared_neighbors(near_of(3, 800, 12), 6)
    plain = Louvain(resolution, sort_clusters=False).fit_predict(graph.astype(np.float64))
    label = cpu.louvain(graph, resolution)
    np.testing.assert_array_equal(label, np.unique(plain, return_inverse=True)[1])


def test_a_partition_is_the_same_beside_others_and_on_any_thread() -> None:
    graph = cpu.shared_neighbors(near_of(1, 500, 12), 6)
    alone = cpu.louvain(graph, 8.0)
    with ThreadPoolExecutor(4) as threads:
        for label in threads.map(lambda _: cpu.louvain(graph, 8.0), range(12)):
            np.testing.assert_array_equal(label, alone)


def test_the_finer_the_resolution_the_more_communities() -> None:
    graph = cpu.shared_neighbors(near_of(2, 600, 12), 6)
    counts = [cpu.louvain(graph, resolution).max() + 1 for resolution in (0.5, 4.0, 32.0)]
    assert counts[0] < counts[1] < counts[2]


def test_islands_are_communities_and_rows_without_edges_each_their_own() -> None:
    from scipy.sparse import block_diag, csr_matrix

    clique = np.ones((5, 5)) - np.eye(5)
    graph = csr_matrix(block_diag([clique, clique, np.zeros((3, 3))]), dtype=np.float32)
    label = cpu.louvain(graph, 1.0)
    assert len(np.unique(label)) == 5
    for island in (label[:5], label[5:10]):
        assert len(set(island.tolist())) == 1
    nothing = cpu.louvain(csr_matrix((4, 4), dtype=np.float32), 1.0)
    assert nothing.dtype == np.int64 and nothing.tolist() == [0, 1, 2, 3]


def test_principal_axes_are_those_of_the_covariance() -> None:
    rng = np.random.default_rng(4)
    x = 5 + rng.normal(size=(2000, 3)) * [1, 3, 9] @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    mean, axes = cpu.principal_axes(x.astype(np.float32))
    assert mean.dtype == axes.dtype == np.float32
    np.testing.assert_allclose(mean, x.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-5)
    turned = np.cov(((x - x.mean(axis=0)) @ axes).T)
    np.testing.assert_allclose(turned, np.diag(np.diag(turned)), atol=1e-3)
    assert (np.diff(np.diag(turned)) > 0).all()


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="not glibc")
def test_what_was_freed_goes_back_to_the_system() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    # small enough for the heap, and every hundredth kept, so that it cannot shrink by itself
    held = [np.ones(10_000, np.uint8) for _ in range(10_000)]
    kept = held[::100]
    del held
    before = resident()
    cpu.give_back()
    assert resident() < before - 50e6
    assert len(kept) == 100
