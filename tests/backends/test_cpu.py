from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.backends import cpu
from skerry.config import NeighborsConfig
from skerry.discover import neighbor_graph, neighbor_search

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
weights = (gap[np.arange(len(x))[:, None], near] + 0.1)[:, 1:].astype("f8")
edges, piece = cpu.spanning_forest(near[:, 1:], weights)
mean, axes = cpu.principal_axes(np.tile(x, (200, 1)))
turned = cpu.product(np.tile(x - mean, (200, 1)), axes)
parts = (place, tree.lam, tree.child, edges, piece, mean, axes, turned)
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
        "print([m for m in ('faiss', 'umap', 'hdbscan', 'numba', 'sklearn') if m in sys.modules])"
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
    spy(faiss.IndexIVFScalarQuantizer, "add")
    spy(faiss.Index, "search")
    faiss_threads(2)
    x = np.random.default_rng(0).normal(size=(640, 4)).astype(np.float32)
    index = cpu.inverted_index(x, [x[:300], x[300:]], 10)
    cpu.query(index, x, 5, 3)
    assert seen == [1, 1, 1, 1]
    assert faiss.omp_get_max_threads() == 2


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 20))
def test_all_cells_hold_what_comparing_all_finds(seed: int, k: int) -> None:
    x = np.random.default_rng(seed).normal(size=(640, 4)).astype(np.float32)
    index = cpu.inverted_index(x[::2], [x[:100], x[100:]], 10)
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
    assert cpu.inverted_index(x, [x], 10).code_size == 2 * 8


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


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 6), st.booleans())
def test_a_spanning_forest_is_that_of_each_piece(seed: int, k: int, ties: bool) -> None:
    """Held against Kruskal's algorithm (1956), one edge after the other."""
    rng = np.random.default_rng(seed)
    n = 30
    x = rng.normal(size=(n, 2))
    gap = np.linalg.norm(x[:, None] - x[None], axis=2)
    gap = np.ceil(4 * gap) if ties else gap
    np.fill_diagonal(gap, np.inf)
    near = np.argsort(gap, axis=1, kind="stable")[:, :k]
    weights = np.take_along_axis(gap, near, axis=1)
    edges, piece = cpu.spanning_forest(near, weights)

    own = np.arange(n)
    total = 0.0
    pairs = [(i, int(j)) for i in range(n) for j in near[i]]
    for i, j in sorted(pairs, key=lambda pair: gap[pair]):
        if own[i] != own[j]:
            own[own == own[j]] = own[i]
            total += gap[i, j]
    assert edges[:, 2].sum() == pytest.approx(total)
    np.testing.assert_array_equal(piece[:, None] == piece, own[:, None] == own)
    for row, other, weight in edges:
        assert gap[int(row), int(other)] == weight
    assert piece.dtype == np.int64 and piece.max() + 1 + len(edges) == n


def test_edges_of_no_length_are_edges() -> None:
    near = np.array([[1], [2], [1]])
    edges, piece = cpu.spanning_forest(near, np.zeros((3, 1)))
    assert len(edges) == 2
    assert piece.tolist() == [0, 0, 0]
    assert (edges[:, 2] < 1e-37).all()


def test_a_condensed_tree_is_that_of_hdbscan() -> None:
    """With one sample a core distance is that to the nearest, and the tree is the same."""
    x = np.random.default_rng(3).normal(size=(60, 2)).astype(np.float32)
    gap = np.linalg.norm(x[:, None].astype(float) - x[None], axis=2)
    np.fill_diagonal(gap, np.inf)
    near = np.argsort(gap, axis=1)[:, :-1]
    core = gap.min(axis=1)
    weights = np.maximum(np.take_along_axis(gap, near, axis=1), core[:, None])
    edges, _ = cpu.spanning_forest(near, np.maximum(weights, core[near]))
    tree = cpu.condensed_tree(edges[np.argsort(edges[:, 2], kind="stable")], 60, 5)
    expected = cpu.hdbscan_tree(x, 5, 1)
    np.testing.assert_allclose(np.sort(tree.lam), np.sort(expected.lam), rtol=1e-6)
    np.testing.assert_array_equal(np.sort(tree.size), np.sort(expected.size))


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
