from __future__ import annotations

import os
import subprocess
import sys

import numpy as np

from skerry.backends import cpu

ROUTE = """
import hashlib
import numpy as np
from skerry.backends import cpu, linear, lookup, parallel
from skerry.backends.louvain import louvain, shares_of
from skerry.backends.shared import shared_neighbors

rng = np.random.default_rng(0)
x = np.vstack([rng.normal(size=(150, 6)), 4 + 0.1 * rng.normal(size=(50, 6))]).astype("f4")
x[10:14] = x[9]
gap = np.linalg.norm(x[:, None] - x[None], axis=2).astype("f4")
near = np.argsort(gap, axis=1, kind="stable")[:, :10]
near[:, 0] = np.arange(len(x))
graph = cpu.fuzzy_graph(near, np.sort(gap, axis=1)[:, :10])
place = cpu.layout(x, graph, 3, 0.0, 0).coordinates
tree = cpu.hdbscan_tree(place, 10, 5)
alike = shared_neighbors(near[:, 1:], 5)
label = louvain(shares_of(alike), 4.0)
mean, axes = linear.principal_axes(np.tile(x, (200, 1)))
turned = linear.product(np.tile(x - mean, (200, 1)), axes)
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
