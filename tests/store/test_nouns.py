from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skerry.errors import RunError
from skerry.store import nouns
from skerry.store.tables import read_table, table_metadata
from skerry.types import (
    Candidate,
    Check,
    CondensedTree,
    Embedding,
    Measures,
    NeighborGraph,
    RareClass,
    Replicate,
)


def test_graph_embedding_and_tree_round_trip(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ids = ["a", "b", "c"]
    graph = NeighborGraph(np.array([[1], [0], [1]]), rng.random((3, 1), np.float32), 0.99)
    nouns.write_graph(tmp_path, graph, ids)
    found = nouns.read_graph(tmp_path)
    np.testing.assert_array_equal(found.indices, graph.indices)
    np.testing.assert_array_equal(found.distances, graph.distances)
    assert found.recall == 0.99
    assert read_table(tmp_path / "ids.parquet")["id_str"].to_pylist() == ids

    embedding = Embedding(rng.random((3, 11), np.float32), rng.random((3, 2), np.float32), False)
    nouns.write_embedding(tmp_path / "e.parquet", embedding, ids)
    back = nouns.read_embedding(tmp_path / "e.parquet")
    np.testing.assert_array_equal(back.coordinates, embedding.coordinates)
    np.testing.assert_array_equal(back.map, embedding.map)
    assert not back.spectral and back.placed == 0
    assert "placed" not in table_metadata(tmp_path / "e.parquet")
    nouns.write_embedding(tmp_path / "f.parquet", replace(embedding, placed=2), ids)
    assert nouns.read_embedding(tmp_path / "f.parquet").placed == 2
    assert nouns.read_embedding_ids(tmp_path / "e.parquet") == ("a", "b", "c")

    tree = CondensedTree(
        np.array([3, 3, 3]), np.array([0, 1, 2]), np.array([1.0, 2, np.inf]), np.ones(3, int), 3
    )
    nouns.write_tree(tmp_path / "t.parquet", tree)
    again = nouns.read_tree(tmp_path / "t.parquet")
    for name in ("parent", "child", "lam", "size"):
        np.testing.assert_array_equal(getattr(again, name), getattr(tree, name))
    assert again.n_points == 3


def test_copies_name_the_one_they_are_the_same_as(tmp_path: Path) -> None:
    nouns.write_copies(tmp_path / "c.parquet", {"a": ("c", "d"), "b": ("e",)})
    assert read_table(tmp_path / "c.parquet").to_pylist() == [
        {"id_str": "c", "same_as": "a"},
        {"id_str": "d", "same_as": "a"},
        {"id_str": "e", "same_as": "b"},
    ]
    nouns.write_copies(tmp_path / "none.parquet", {})
    none, some = read_table(tmp_path / "none.parquet"), read_table(tmp_path / "c.parquet")
    assert len(none) == 0 and none.schema == some.schema


@pytest.mark.parametrize("n", [0, 3])
def test_measures_of_a_null_round_trip(tmp_path: Path, n: int) -> None:
    path, rng = tmp_path / "m.parquet", np.random.default_rng(n)
    measures = Measures(*(rng.random(n) for _ in range(6)))
    nouns.write_measures(path, measures, "key", 0.97)
    found = nouns.read_measures(path)
    for name in ("size", "isolation", "overdensity", "coherence", "spread", "containment"):
        np.testing.assert_array_equal(getattr(found, name), getattr(measures, name))
        assert getattr(found, name).dtype == np.float64
    assert nouns.part_key(path) == "key"
    assert table_metadata(path)["recall"] == "0.97"


@pytest.mark.parametrize("groups", [[], [[2, 0]], [[2, 0], [1, 3], [4]]])
def test_candidates_round_trip(tmp_path: Path, groups: list[list[int]]) -> None:
    path = tmp_path / "c.parquet"
    given = [
        Candidate(
            np.array(rows, dtype=np.int64), np.linspace(1, 0.1, len(rows)).astype("f4"), 0.3 * i
        )
        for i, rows in enumerate(groups)
    ]
    nouns.write_candidates(path, given)
    back = nouns.read_candidates(path)
    assert [one.members.tolist() for one in back] == groups
    for one, other in zip(back, given, strict=True):
        assert one.members.dtype == np.int64 and one.probability.dtype == np.float32
        assert one.probability.tobytes() == other.probability.tobytes()
        assert one.persistence == other.persistence
    # none have the same columns as some
    kinds = {f.name: str(f.type) for f in read_table(path).schema}
    assert kinds == {
        "candidate": "int32", "row": "int64", "probability": "float", "persistence": "double",
    }  # fmt: skip


@pytest.mark.parametrize("groups", [[], [[2, 0]], [[2, 0], [1, 3], [4]]])
def test_a_repeated_search_round_trips(tmp_path: Path, groups: list[list[int]]) -> None:
    path, rows = tmp_path / "r.parquet", np.arange(5)
    found = tuple(np.array(g, dtype=np.int64) for g in groups)
    made = Replicate("subsample-1", "subsample", rows, found)
    nouns.write_replicate(path, made, ["a", "b", "c", "d", "e"], "key")
    back = nouns.read_replicate(path, made.name, made.kind, rows)
    assert (back.name, back.kind, back.rows is rows) == ("subsample-1", "subsample", True)
    assert [r.tolist() for r in back.found] == groups
    assert all(r.dtype == np.int64 for r in back.found)
    # ids, too, for who reads it without skerry
    ids = read_table(path)["id_str"].to_pylist()
    assert ids == ["abcde"[i] for group in groups for i in group]
    assert nouns.part_key(path) == "key"


def test_classes_round_trip(tmp_path: Path) -> None:
    check = Check("coherence", 1.5, 1.0, True, "Members are alike.")
    rare = RareClass(
        "SKR-é",
        1,
        ("é", "b"),
        (1.0, 0.5),
        ("é",),
        0.4,
        "graph",
        "tentative",
        p_value=0.02,
        q_value=0.04,
        isolation=1.5,
        containment=4.5,
        replication=0.75,
        reasons=("It came back.",),
        history="kept its id (overlap 0.90)",
        checks=(check,),
        votes={"bar_yes": 0.5},
    )
    plain = RareClass("SKR-c", 2, ("c",), (1.0,), ("c",), 0.0, "graph")
    nouns.write_classes(tmp_path / "c.json", [rare, plain])
    assert nouns.read_classes(tmp_path / "c.json") == (rare, plain)


@pytest.mark.parametrize("text", ["", "[{}]", '[{"members": []}]', "{"])
def test_damaged_classes_are_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(RunError, match=r"c\.json is missing or damaged"):
        nouns.read_classes(tmp_path / "c.json")
