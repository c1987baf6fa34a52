from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skerry.errors import RunError
from skerry.store import encoded, nouns
from skerry.types import Failure, Representations


def representations(ids: list[str], *failures: Failure) -> Representations:
    rng = np.random.default_rng(len(ids))
    vectors = rng.normal(size=(len(ids), 8)).astype(np.float32)
    votes = rng.random((len(ids), 2)).astype(np.float32)
    sides = np.full(len(ids), 424)
    return Representations(tuple(ids), vectors, votes, sides, ("a", "b"), failures)


def test_shards_come_back_sorted_and_whole(tmp_path: Path) -> None:
    first = representations(["c", "a"], Failure("x", "x.jpg", "empty"))
    second = representations(["b", "e", "d"])
    encoded.write_shard(encoded.shard_path(tmp_path, 0), first, "key")
    encoded.write_shard(encoded.shard_path(tmp_path, 1), second, "key")
    found = encoded.read_representations(tmp_path)
    assert found.id_str == ("a", "b", "c", "d", "e")
    np.testing.assert_array_equal(found.vectors[[2, 0]], first.vectors)
    np.testing.assert_array_equal(found.votes[[1, 4, 3]], second.votes)
    assert found.vote_columns == ("a", "b")
    assert encoded.shard_failures(encoded.shard_path(tmp_path, 0)) == list(first.failures)
    assert nouns.part_key(encoded.shard_path(tmp_path, 1)) == "key"


def test_a_shard_of_failures_alone_is_read(tmp_path: Path) -> None:
    encoded.write_shard(encoded.shard_path(tmp_path, 0), representations(["a"]), "key")
    part = representations([], Failure("x", "x.jpg", "empty"))
    encoded.write_shard(encoded.shard_path(tmp_path, 1), part, "key")
    assert encoded.read_representations(tmp_path).id_str == ("a",)


def test_a_torn_shard_has_no_key(tmp_path: Path) -> None:
    path = encoded.shard_path(tmp_path, 0)
    encoded.write_shard(path, representations(["a"]), "key")
    path.write_bytes(path.read_bytes()[:-20])
    assert nouns.part_key(path) is None


def test_no_shards_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no representations"):
        encoded.read_representations(tmp_path)


def test_failures_are_sorted_and_may_be_none(tmp_path: Path) -> None:
    failures = [Failure("b", "b.jpg", "empty"), Failure("a", "a.jpg", "missing")]
    encoded.write_failures(tmp_path / "f.parquet", failures)
    assert encoded.read_failures(tmp_path / "f.parquet") == tuple(failures[::-1])
    encoded.write_failures(tmp_path / "g.parquet", [])
    assert encoded.read_failures(tmp_path / "g.parquet") == ()
