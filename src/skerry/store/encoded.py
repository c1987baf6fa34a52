"""The representations of a run as files: shards, each with its failures."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skerry.errors import RunError
from skerry.store.manifest import read_manifest
from skerry.store.nouns import KEY
from skerry.store.tables import (
    read_table,
    table_metadata,
    vectors_column,
    vectors_from,
    write_table,
)
from skerry.types import Failure, Representations

FAILURES_SCHEMA = pa.schema(
    [("id_str", pa.string()), ("location", pa.string()), ("reason", pa.string())]
)
"""``failures``: one row a source that could not be read."""


def shard_path(folder: Path, position: int) -> Path:
    """Where a shard of representations lies."""
    return folder / f"shard-{position:05d}.parquet"


def shard_paths(folder: Path) -> list[Path]:
    """The shards of representations in a folder, in order.

    Raises
    ------
    RunError
        There are none, or one is missing.
    """
    manifest = read_manifest(folder)
    if manifest is not None:
        # a file that was put beside them is none of the stage
        return sorted(folder / name for name in manifest.outputs if name.startswith("shard-"))
    paths = sorted(folder.glob("shard-*.parquet"))
    expected = [shard_path(folder, i) for i in range(max(len(paths), 1))]
    if paths != expected:
        missing = min(set(expected) - set(paths)).name
        raise RunError(
            f"no representations in {folder}: {missing} is missing; start 'skerry run' again with "
            "the same input and folder, which makes what is missing"
        )
    return paths


def write_shard(path: Path, part: Representations, key: str) -> None:
    """Write one shard; its failures are rows without a representation but with a reason."""
    n_bad = len(part.failures)
    columns = {
        "id_str": pa.array([*part.id_str, *(f.id_str for f in part.failures)], pa.string()),
        "representation": _padded(vectors_column(part.vectors), n_bad),
        "votes": _padded(vectors_column(part.votes), n_bad) if part.vote_columns else None,
        "side": pa.array(part.sides.tolist() + [None] * n_bad, pa.int64()),
        "location": pa.array([None] * len(part) + [f.location for f in part.failures], pa.string()),
        "failure": pa.array([None] * len(part) + [f.reason for f in part.failures], pa.string()),
    }
    table = pa.table({name: column for name, column in columns.items() if column is not None})
    metadata = {KEY: key, "vote_columns": json.dumps(part.vote_columns)}
    write_table(path, table, metadata)


def _padded(column: pa.FixedSizeListArray, nulls: int) -> pa.Array:
    return pa.concat_arrays([column, pa.nulls(nulls, column.type)])


def shard_failures(path: Path) -> list[Failure]:
    """The failures among a shard's sources."""
    return _failures(read_table(path, ["id_str", "location", "failure"]))


def _failures(table: pa.Table) -> list[Failure]:
    bad = table.filter(pc.is_valid(table["failure"]))
    return [
        Failure(r["id_str"], r["location"], r["failure"])
        for r in bad.select(["id_str", "location", "failure"]).to_pylist()
    ]


def shard_sides(path: Path) -> list[int]:
    """The sides in pixels of the images in a shard, 0 for vectors that came without one."""
    return [s for s in read_table(path, ["side"])["side"].to_pylist() if s is not None]


def read_representations(folder: Path) -> Representations:
    """All shards of a run, sources sorted by ``id_str``, without failures."""
    paths = shard_paths(folder)
    good = []
    for path in paths:
        table = read_table(path)
        good.append(table.filter(pc.is_null(table["failure"])))
    return _represented(pa.concat_tables(good).sort_by("id_str"), paths[0])


def read_shard(path: Path) -> Representations:
    """One shard as it was written, sources in its order, with its failures."""
    table = read_table(path)
    good = table.filter(pc.is_null(table["failure"]))
    return dataclasses.replace(_represented(good, path), failures=tuple(_failures(table)))


def _represented(table: pa.Table, path: Path) -> Representations:
    """The rows of shards that have a representation; ``path`` is one of the shards."""
    vote_columns = tuple(json.loads(table_metadata(path)["vote_columns"]))
    n = len(table)
    dimensions = table.schema.field("representation").type.list_size
    return Representations(
        tuple(table["id_str"].to_pylist()),
        vectors_from(table["representation"], dimensions),
        vectors_from(table["votes"], len(vote_columns))
        if vote_columns
        else np.zeros((n, 0), np.float32),
        table["side"].to_numpy().astype(np.int64),
        vote_columns,
    )


def write_failures(path: Path, failures: Sequence[Failure]) -> None:
    """Write ``failures.parquet``, sorted, empty where nothing failed."""
    rows = sorted((f.id_str, f.location, f.reason) for f in failures)
    columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    write_table(path, pa.table([pa.array(c, pa.string()) for c in columns], FAILURES_SCHEMA))


def read_failures(path: Path) -> tuple[Failure, ...]:
    """Read ``failures.parquet``."""
    rows = read_table(path).to_pylist()
    return tuple(Failure(r["id_str"], r["location"], r["reason"]) for r in rows)
