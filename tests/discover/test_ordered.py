from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.discover import canonical_order, read_in_order
from skerry.errors import RunError
from skerry.store import Manifest, encoded, write_manifest
from skerry.types import Failure, Representations

COLUMNS = ("a", "b")


def written(folder: Path, parts: list[Representations]) -> None:
    folder.mkdir(parents=True)
    for i, part in enumerate(parts):
        encoded.write_shard(encoded.shard_path(folder, i), part, "key")


def part_of(x: np.ndarray, rows: np.ndarray) -> Representations:
    """Sources whose votes and side tell their row, with one that failed."""
    votes = np.stack([rows, -rows], axis=1).astype(np.float32)
    ids = tuple(f"s{i:03d}" for i in rows)
    failed = (Failure(f"x{rows[:1]}", "x.jpg", "empty"),)
    return Representations(ids, x[rows], votes, rows.astype(np.int64), COLUMNS, failed)


@given(st.integers(0, 10_000))
def test_in_whatever_shards_sources_lie(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    # few values, so that some vectors repeat
    x = rng.integers(-1, 2, size=(30, 3)).astype(np.float32)
    cuts = np.sort(rng.integers(0, 31, size=3))
    folder = tmp_path_factory.mktemp("run") / "representations"
    written(folder, [part_of(x, rows) for rows in np.split(rng.permutation(30), cuts)])
    found = read_in_order(folder)
    order = canonical_order(x, [f"s{i:03d}" for i in range(30)])
    assert found.id_str == tuple(f"s{i:03d}" for i in order)
    np.testing.assert_array_equal(found.votes, np.stack([order, -order], axis=1))
    assert found.vote_columns == COLUMNS
    alike = [x[order][a:b] for a, b in zip(found.firsts, found.ends, strict=True)]
    assert sum(map(len, alike)) == 30
    assert len(alike) == len(np.unique(x, axis=0))
    for vector, same in zip(found.vectors, alike, strict=True):
        np.testing.assert_array_equal(same, np.broadcast_to(vector, same.shape))
    assert found.searched == tuple(found.id_str[i] for i in found.firsts)


def test_vectors_without_votes(tmp_path: Path) -> None:
    x = np.arange(8, dtype=np.float32).reshape(4, 2)
    none = np.zeros((4, 0), np.float32)
    written(tmp_path / "r", [Representations(("a", "b", "c", "d"), x, none, np.zeros(4, int))])
    assert read_in_order(tmp_path / "r").votes.shape == (4, 0)


def test_memory_has_the_vectors_once(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(48_000, 128)).astype(np.float32)
    x[1] = x[-1]
    parts = [part_of(x, rows) for rows in np.split(np.arange(len(x)), 48)]
    written(tmp_path / "r", parts)
    pool = pa.proxy_memory_pool(pa.default_memory_pool())
    before = pa.default_memory_pool()
    pa.set_memory_pool(pool)
    tracemalloc.start()
    try:
        found = read_in_order(tmp_path / "r")
        of_numpy = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(before)
    assert of_numpy + pool.max_memory() < 1.8 * found.vectors.nbytes


def test_no_shards_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no representations"):
        read_in_order(tmp_path)


def test_a_shard_that_is_gone_is_told_of(tmp_path: Path) -> None:
    x = np.arange(8, dtype=np.float32).reshape(4, 2)
    written(tmp_path / "r", [part_of(x, rows) for rows in np.split(np.arange(4), 4)])
    gone = encoded.shard_path(tmp_path / "r", 2)
    gone.unlink()
    with pytest.raises(RunError, match=f"{gone.name} is missing"):
        read_in_order(tmp_path / "r")


def test_what_was_put_beside_the_shards_of_a_stage_is_none_of_them(tmp_path: Path) -> None:
    x = np.arange(8, dtype=np.float32).reshape(4, 2)
    folder = tmp_path / "r"
    written(folder, [part_of(x, rows) for rows in np.split(np.arange(4), 2)])
    outputs = {path.name: "" for path in encoded.shard_paths(folder)}
    write_manifest(folder, Manifest("representations", "key", {}, {}, {}, {}, outputs))
    before = read_in_order(folder)
    encoded.write_shard(encoded.shard_path(folder, 2), part_of(x, np.array([0])), "key")
    assert read_in_order(folder).id_str == before.id_str
