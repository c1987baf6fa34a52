from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skerry.errors import RunError
from skerry.store import nouns
from skerry.types import (
    Check,
    Clusters,
    CondensedTree,
    Embedding,
    Failure,
    NeighborGraph,
    RareClass,
    Representations,
)


def representations(ids: list[str], *failures: Failure) -> Representations:
    rng = np.random.default_rng(len(ids))
    vectors = rng.normal(size=(len(ids), 8)).astype(np.float32)
    votes = rng.random((len(ids), 2)).astype(np.float32)
    sides = np.full(len(ids), 424)
    return Representations(tuple(ids), vectors, votes, sides, ("a", "b"), failures)


def test_shards_come_back_sorted_and_whole(tmp_path: Path) -> None:
    first = representations(["c", "a"], Failure("x", "x.jpg", "empty"))
    second = representations(["b", "e", "d"])
    nouns.write_shard(nouns.shard_path(tmp_path, 0), first, "key")
    nouns.write_shard(nouns.shard_path(tmp_path, 1), second, "key")
    found = nouns.read_representations(tmp_path)
    assert found.id_str == ("a", "b", "c", "d", "e")
    np.testing.assert_array_equal(found.vectors[[2, 0]], first.vectors)
    np.testing.assert_array_equal(found.votes[[1, 4, 3]], second.votes)
    assert found.vote_columns == ("a", "b")
    assert nouns.shard_failures(nouns.shard_path(tmp_path, 0)) == list(first.failures)
    assert nouns.shard_key(nouns.shard_path(tmp_path, 1)) == "key"


def test_a_shard_of_failures_alone_is_read(tmp_path: Path) -> None:
    nouns.write_shard(nouns.shard_path(tmp_path, 0), representations(["a"]), "key")
    part = representations([], Failure("x", "x.jpg", "empty"))
    nouns.write_shard(nouns.shard_path(tmp_path, 1), part, "key")
    assert nouns.read_representations(tmp_path).id_str == ("a",)


def test_a_torn_shard_has_no_key(tmp_path: Path) -> None:
    path = nouns.shard_path(tmp_path, 0)
    nouns.write_shard(path, representations(["a"]), "key")
    path.write_bytes(path.read_bytes()[:-20])
    assert nouns.shard_key(path) is None


def test_no_shards_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no representations"):
        nouns.read_representations(tmp_path)


def test_failures_are_sorted_and_may_be_none(tmp_path: Path) -> None:
    failures = [Failure("b", "b.jpg", "empty"), Failure("a", "a.jpg", "missing")]
    nouns.write_failures(tmp_path / "f.parquet", failures)
    assert nouns.read_failures(tmp_path / "f.parquet") == tuple(failures[::-1])
    nouns.write_failures(tmp_path / "g.parquet", [])
    assert nouns.read_failures(tmp_path / "g.parquet") == ()


def test_graph_embedding_and_clusters_round_trip(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ids = ["a", "b", "c"]
    graph = NeighborGraph(np.array([[1], [0], [1]]), rng.random((3, 1), np.float32), 0.99)
    nouns.write_graph(tmp_path, graph, ids)
    found = nouns.read_graph(tmp_path)
    np.testing.assert_array_equal(found.indices, graph.indices)
    np.testing.assert_array_equal(found.distances, graph.distances)
    assert found.recall == 0.99
    assert nouns.read_ids(tmp_path) == ("a", "b", "c")

    embedding = Embedding(rng.random((3, 11), np.float32), rng.random((3, 2), np.float32))
    nouns.write_embedding(tmp_path / "e.parquet", embedding, ids)
    back = nouns.read_embedding(tmp_path / "e.parquet")
    np.testing.assert_array_equal(back.coordinates, embedding.coordinates)
    np.testing.assert_array_equal(back.map, embedding.map)

    tree = CondensedTree(
        np.array([3, 3, 3]), np.array([0, 1, 2]), np.array([1.0, 2, np.inf]), np.ones(3, int), 3
    )
    nouns.write_clusters(tmp_path, Clusters(np.array([0, -1, 0]), tree), ids)
    clusters = nouns.read_clusters(tmp_path)
    np.testing.assert_array_equal(clusters.labels, [0, -1, 0])
    np.testing.assert_array_equal(clusters.tree.lam, tree.lam)
    assert clusters.tree.n_points == 3


def test_classes_round_trip(tmp_path: Path) -> None:
    check = Check("coherence", 1.5, 1.0, True, "Members are alike.")
    rare = RareClass(
        "SKR-é",
        1,
        ("é", "b"),
        (1.0, 0.5),
        ("é",),
        0.4,
        "umap-hdbscan",
        checks=(check,),
        votes={"bar_yes": 0.5},
    )
    nouns.write_classes(tmp_path / "c.json", [rare])
    assert nouns.read_classes(tmp_path / "c.json") == (rare,)
