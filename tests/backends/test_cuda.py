"""The search on a GPU, here on a CPU: its kernels run in Triton's interpreter, in one process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from skerry.backends import cuda, lookup  # noqa: E402
from skerry.types import FloatArray, IntArray  # noqa: E402

BY_GROUPS = """
import sys
import numpy as np
from skerry.backends.cuda import Neighbors, Tiles

cases = np.load(sys.argv[1])
found = {}
for name in cases.files:
    x = cases[name]
    search = Neighbors(x, device="cpu", tiles=Tiles(rows=16, columns=16, depth=4))
    assert search.plain == "", search.plain
    indices, squares = search.nearest(np.arange(0, len(x), 100), 5)
    found[name + "_i"], found[name + "_s"] = indices, squares
    found[name + "_recomputed"] = np.array(search.recomputed)
np.savez(sys.argv[2], **found)
"""


def cases() -> dict[str, FloatArray]:
    rng = np.random.default_rng(0)
    plain = rng.normal(size=(601, 10)).astype(np.float32)
    ordered = plain[np.argsort(plain[:, 0])]
    tight = plain.copy()
    tight[100:200] = tight[0] + 1e-5 * rng.normal(size=(100, 10))
    same = plain.copy()
    same[:300] = same[0]
    lone = plain.copy()
    lone[[3, 500]] *= 1e7
    return {
        "plain": plain,
        "ordered": ordered,
        "wide": rng.normal(size=(450, 130)).astype(np.float32),
        "whole_chunks": plain[:384],
        "offset": plain + np.float32(300),
        "small": plain * np.float32(1e-12),
        "large": plain * np.float32(1e12),
        "tight": tight,
        "same": same,
        "lone": lone,
    }


def squares_to_all(x: FloatArray, rows: IntArray) -> FloatArray:
    difference = x[rows, None].astype(np.float64) - x[None]
    return np.einsum("ijk,ijk->ij", difference, difference)


def assert_nearest(x: FloatArray, rows: IntArray, indices: IntArray, squares: FloatArray) -> None:
    """What a float32 product allows is all that may be missed, and the squares are their own."""
    truth = squares_to_all(x, rows)
    np.testing.assert_allclose(squares, np.take_along_axis(truth, indices, 1), rtol=1e-5)
    assert np.all(np.diff(squares, axis=1) >= 0)
    assert all(len(set(row)) == indices.shape[1] for row in indices.tolist())
    np.put_along_axis(truth, indices, np.inf, axis=1)
    norms = np.linalg.norm(x - x.mean(axis=0, dtype=np.float64), axis=1)
    allowed = x.shape[1] * 2.0**-23 * (norms[rows, None] + norms) ** 2
    assert np.all(truth >= squares[:, -1:] - allowed)


@pytest.fixture(scope="module")
def by_groups(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    pytest.importorskip("triton")
    folder: Path = tmp_path_factory.mktemp("groups")
    np.savez(folder / "cases.npz", **cases())
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    command = [sys.executable, "-c", BY_GROUPS, folder / "cases.npz", folder / "found.npz"]
    subprocess.run(command, check=True, env=environment)
    return dict(np.load(folder / "found.npz"))


@pytest.mark.parametrize("name", cases())
def test_plain_torch_finds_the_nearest(name: str) -> None:
    x = cases()[name]
    rows = np.arange(len(x))[::7]
    indices, squares = cuda.nearest(x, rows, 6, device="cpu")
    assert (indices.dtype, squares.dtype) == (np.int64, np.float32)
    assert_nearest(x, rows, indices, squares)


@pytest.mark.parametrize("name", cases())
def test_the_kernels_find_the_nearest(name: str, by_groups: dict[str, np.ndarray]) -> None:
    x = cases()[name]
    rows = np.arange(0, len(x), 100)
    assert_nearest(x, rows, by_groups[f"{name}_i"], by_groups[f"{name}_s"])


@pytest.mark.parametrize("name", ["plain", "ordered", "whole_chunks", "offset", "small", "large"])
def test_ordinary_vectors_are_certain(name: str, by_groups: dict[str, np.ndarray]) -> None:
    assert by_groups[f"{name}_recomputed"] == 0


def test_all_is_found_that_faiss_finds() -> None:
    x = cases()["plain"]
    queries = np.random.default_rng(1).normal(size=(40, 10)).astype(np.float32)
    indices, squares = cuda.nearest(x, queries, 8, device="cpu")
    expected, rounded = lookup.nearest(x, queries, 8)
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_allclose(squares, rounded, rtol=1e-4)


def test_every_vector_may_be_asked_for() -> None:
    x = cases()["plain"][:5]
    indices, _ = cuda.nearest(x, np.arange(5), 5, device="cpu")
    np.testing.assert_array_equal(np.sort(indices, axis=1), np.tile(np.arange(5), (5, 1)))
    with pytest.raises(ValueError, match="k = 6 of 5 vectors"):
        cuda.nearest(x, np.arange(5), 6, device="cpu")
    with pytest.raises(ValueError, match="expected rows"):
        cuda.nearest(x, x[:, :4], 2, device="cpu")
