"""The representations of a run in canonical order, read so that memory has them once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from skerry.discover.order import by_content, digests
from skerry.store import encoded
from skerry.types import FloatArray, IntArray, Representations


def read_in_order(folder: Path) -> Representations:
    """All representations of a run, without failures, in canonical order: by content, identical
    vectors by ``id_str``.

    The shards are read twice: for what orders their sources, then each into its places.

    Raises
    ------
    RunError
        There are none, or one is missing or damaged.
    """
    ids, contents = [], []
    for part in _shards(folder):
        ids.append(pa.array(part.id_str, pa.string()))
        contents.append(digests(part.vectors))
    names = pa.chunked_array(ids)
    order = by_content(np.concatenate(contents), names)
    n = len(order)
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    vectors = np.empty((n, part.vectors.shape[1]), dtype=np.float32)
    votes = np.empty((n, len(part.vote_columns)), dtype=np.float32)
    sides = np.empty(n, dtype=np.int64)
    start = 0
    for part in _shards(folder):
        at = place[start : start + len(part)]
        vectors[at], votes[at], sides[at] = part.vectors, part.votes, part.sides
        start += len(part)
    return Representations(
        tuple(names.take(pa.array(order)).to_pylist()), vectors, votes, sides, part.vote_columns
    )


def _shards(folder: Path) -> Iterator[Representations]:
    for path in encoded.shard_paths(folder):
        yield encoded.read_shard(path)


def taken(vectors: FloatArray, rows: IntArray) -> FloatArray:
    """Some ascending rows of ``vectors`` (n, d): no copy where they are all of them."""
    return vectors if len(rows) == len(vectors) else vectors[rows]
