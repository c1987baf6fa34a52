"""The nouns that are made of representations as files: arrays and tables that read without
skerry."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from skerry.errors import RunError
from skerry.store.atomic import write_text
from skerry.store.tables import (
    read_arrays,
    read_table,
    table_metadata,
    write_arrays,
    write_table,
)
from skerry.types import (
    Candidate,
    Check,
    CondensedTree,
    Embedding,
    IntArray,
    Measures,
    NeighborGraph,
    RareClass,
    Replicate,
)

KEY = "skerry_key"


def write_graph(folder: Path, graph: NeighborGraph, ids: Sequence[str]) -> None:
    """Write the neighbor graph; its rows are those of ``ids.parquet``, in canonical order, of
    identical vectors only the first."""
    write_arrays(
        folder / "graph.safetensors",
        {
            "indices": graph.indices,
            "distances": graph.distances,
            "recall": np.array([graph.recall]),
        },
    )
    write_table(folder / "ids.parquet", pa.table({"id_str": pa.array(ids, pa.string())}))


def read_graph(folder: Path) -> NeighborGraph:
    """Read the neighbor graph."""
    arrays: dict[str, Any] = read_arrays(folder / "graph.safetensors")
    return NeighborGraph(
        arrays["indices"],
        arrays["distances"],
        float(arrays["recall"][0]),
    )


def write_copies(path: Path, copies: Mapping[str, Sequence[str]]) -> None:
    """Write the sources whose vector is that of another: ``id_str`` and ``same_as``."""
    pairs = [(other, first) for first, others in copies.items() for other in others]
    names, firsts = zip(*pairs, strict=True) if pairs else ((), ())
    columns = {"id_str": pa.array(names, pa.string()), "same_as": pa.array(firsts, pa.string())}
    write_table(path, pa.table(columns))


def write_embedding(path: Path, embedding: Embedding, ids: Sequence[str]) -> None:
    """Write the embedding: ``id_str``, ``x0``… for clustering, ``map_x`` and ``map_y``."""
    columns = {"id_str": pa.array(ids, pa.string())}
    for axis in range(embedding.coordinates.shape[1]):
        columns[f"x{axis}"] = pa.array(embedding.coordinates[:, axis])
    columns["map_x"] = pa.array(embedding.map[:, 0])
    columns["map_y"] = pa.array(embedding.map[:, 1])
    said = {"spectral": json.dumps(embedding.spectral)}
    if embedding.placed:
        said["placed"] = json.dumps(embedding.placed)
    write_table(path, pa.table(columns), said)


def read_embedding_ids(path: Path) -> tuple[str, ...]:
    """Ids of the sources in the order of the embedding."""
    return tuple(read_table(path, ["id_str"])["id_str"].to_pylist())


def read_embedding(path: Path) -> Embedding:
    """Read the embedding."""
    table = read_table(path)
    axes = [name for name in table.column_names if name.startswith("x")]
    coordinates = np.stack([table[name].to_numpy() for name in axes], 1)
    map_xy = np.stack([table["map_x"].to_numpy(), table["map_y"].to_numpy()], 1)
    said = table.schema.metadata
    spectral, placed = json.loads(said[b"spectral"]), json.loads(said.get(b"placed", b"0"))
    return Embedding(coordinates, map_xy, spectral, placed)


def write_tree(path: Path, tree: CondensedTree) -> None:
    """Write the condensed tree; its sources are numbered as in ``ids.parquet``."""
    edges = pa.table(
        {"parent": tree.parent, "child": tree.child, "lambda": tree.lam, "size": tree.size}
    )
    write_table(path, edges, {"n_points": str(tree.n_points)})


def read_tree(path: Path) -> CondensedTree:
    """Read the condensed tree."""
    edges = read_table(path)
    return CondensedTree(
        parent=edges["parent"].to_numpy(),
        child=edges["child"].to_numpy(),
        lam=edges["lambda"].to_numpy(),
        size=edges["size"].to_numpy(),
        n_points=int(edges.schema.metadata[b"n_points"]),
    )


def write_candidates(path: Path, candidates: Sequence[Candidate]) -> None:
    """Write candidates: a row a member, its row numbered as in ``ids.parquet``, in their order."""
    each = list(enumerate(candidates))
    columns = {
        "candidate": pa.array([i for i, c in each for _ in c.members], pa.int32()),
        "row": pa.array([int(row) for _, c in each for row in c.members], pa.int64()),
        "probability": pa.array([float(p) for _, c in each for p in c.probability], pa.float32()),
        "persistence": pa.array([c.persistence for _, c in each for _ in c.members], pa.float64()),
    }
    write_table(path, pa.table(columns))


def read_candidates(path: Path) -> list[Candidate]:
    """Read candidates."""
    table = read_table(path)
    rows, probability, persistence = (
        _by_candidate(table, name) for name in ("row", "probability", "persistence")
    )
    return [
        Candidate(members, depth, float(same[0]))
        for members, depth, same in zip(rows, probability, persistence, strict=True)
    ]


def _by_candidate(table: pa.Table, name: str) -> list[Any]:
    """A column cut where another candidate begins; a row is a member, in their order."""
    if not table.num_rows:
        return []
    ends = np.flatnonzero(np.diff(table["candidate"].to_numpy())) + 1
    return np.split(table[name].to_numpy(), ends)


def write_measures(path: Path, measures: Measures, key: str, recall: float) -> None:
    """Write what was measured of each candidate of one null, and its graph's recall."""
    columns = {f.name: getattr(measures, f.name) for f in dataclasses.fields(measures)}
    write_table(path, pa.table(columns), {KEY: key, "recall": json.dumps(recall)})


def read_measures(path: Path) -> Measures:
    """Read the measures of one null's candidates."""
    table = read_table(path)
    return Measures(*(table[f.name].to_numpy() for f in dataclasses.fields(Measures)))


def write_replicate(path: Path, replicate: Replicate, ids: Sequence[str], key: str) -> None:
    """Write the candidates of a repeated search: a row a member, ``candidate`` counts from 0."""
    columns = {
        "candidate": pa.array([i for i, rows in enumerate(replicate.found) for _ in rows]),
        "id_str": pa.array([ids[r] for rows in replicate.found for r in rows], pa.string()),
        "row": pa.array([int(r) for rows in replicate.found for r in rows], pa.int64()),
    }
    columns["candidate"] = columns["candidate"].cast(pa.int32())
    write_table(path, pa.table(columns), {KEY: key})


def read_replicate(path: Path, name: str, kind: str, rows: IntArray | None) -> Replicate:
    """Read the candidates of a repeated search, of which the settings say what rows it saw."""
    table = read_table(path)
    return Replicate(name, kind, rows, tuple(_by_candidate(table, "row")))


def part_key(path: Path) -> str | None:
    """The key that a part of a stage was made under; None where there is no whole file."""
    return table_metadata(path).get(KEY)


def write_classes(path: Path, classes: Sequence[RareClass]) -> None:
    """Write the classes as JSON, which keeps lists, nulls and checks as they are."""
    records = [dataclasses.asdict(c) for c in classes]
    write_text(path, json.dumps(records, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def read_classes(path: Path) -> tuple[RareClass, ...]:
    """Read the classes."""
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
        return tuple(_class(record) for record in records)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(f"{path} is missing or damaged ({error!r}); run again") from error


def _class(record: Mapping[str, Any]) -> RareClass:
    lists = {k: tuple(record[k]) for k in ("members", "probability", "exemplars", "reasons")}
    checks = tuple(Check(**check) for check in record["checks"])
    return RareClass(**{**record, **lists, "checks": checks})
