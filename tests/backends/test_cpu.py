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
from skerry.discover import neighbor_graph
from skerry.progress import silent

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
labels, tree = cpu.hdbscan_tree(place, 10, 5)
print(hashlib.sha256(place.tobytes() + labels.tobytes() + tree.lam.tobytes()).hexdigest())
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
        found = neighbor_graph(x.astype(np.float32), config, on_event=silent)
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

    spy(faiss.IndexIVFFlat, "train")
    spy(faiss.IndexIVFFlat, "add")
    spy(faiss.Index, "search")
    faiss_threads(2)
    x = np.random.default_rng(0).normal(size=(640, 4)).astype(np.float32)
    index = cpu.inverted_index(x, 10)
    cpu.query(index, x, 5, 3)
    assert seen == [1, 1, 1]
    assert faiss.omp_get_max_threads() == 2


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 20))
def test_all_cells_hold_what_comparing_all_finds(seed: int, k: int) -> None:
    x = np.random.default_rng(seed).normal(size=(640, 4)).astype(np.float32)
    index = cpu.inverted_index(x, 10)
    all_cells, squares = cpu.query(index, x[:30], k, 10)
    compared, others = cpu.nearest(x, x[:30], k)
    assert all_cells.dtype == compared.dtype == np.int64
    assert squares.dtype == others.dtype == np.float32
    np.testing.assert_allclose(squares, others, atol=1e-5)
    assert (all_cells == compared).mean() > 0.99
    few, _ = cpu.query(index, x[:30], 640, 1)
    assert (few[:, -1] == -1).all()


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
    labels, tree = cpu.hdbscan_tree(points, 10, 5)
    assert set(labels) - {-1} == {0, 1, 2}
    leaves = tree.child[tree.child < tree.n_points]
    np.testing.assert_array_equal(np.sort(leaves), np.arange(120))
    root = tree.parent.min()
    for branch in np.setdiff1d(tree.parent, [root]):
        inside = tree.size[tree.parent == branch].sum()
        assert inside == tree.size[tree.child == branch][0]
