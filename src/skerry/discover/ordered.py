"""The sources of a run in canonical order, read so that memory has each vector once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from skerry.discover.order import by_content, digests, new_ones
from skerry.store import encoded
from skerry.types import FloatArray, IntArray, Representations


@dataclass(frozen=True)
class Ordered:
    """All n sources of a run in canonical order: by content, identical vectors by ``id_str``.

    ``vectors`` float32 (m, d) are those that are searched, each once; ``firsts`` int64 (m,) is
    where each first stands among the sources. ``votes`` float32 (n, v).
    """

    id_str: tuple[str, ...]
    vectors: FloatArray
    firsts: IntArray
    votes: FloatArray
    vote_columns: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.id_str)

    @property
    def searched(self) -> tuple[str, ...]:
        """Ids of the sources that are searched: of identical vectors the first."""
        return tuple(self.id_str[i] for i in self.firsts)

    @property
    def ends(self) -> IntArray:
        """Where the sources with each vector end, int64 (m,)."""
        return np.append(self.firsts[1:], len(self))


def read_in_order(folder: Path) -> Ordered:
    """The sources of a run that have a representation, in canonical order.

    The shards are read twice: for what orders their sources, then each into its places.

    Raises
    ------
    RunError
        There are none, or one is missing or damaged.
    """
    ids, contents = [], []
    for part in _shards(folder):
        # ids of 10^8 sources are more than 32-bit offsets reach
        ids.append(pa.array(part.id_str, pa.large_string()))
        contents.append(digests(part.vectors))
        dimensions, vote_columns = part.vectors.shape[1], part.vote_columns
    names, content = pa.concat_arrays(ids), np.concatenate(contents)
    order = by_content(content, names)
    new = new_ones(content[order])
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    searched = np.cumsum(new) - 1  # the row among the searched of each place
    vectors = np.empty((int(new.sum()), dimensions), dtype=np.float32)
    votes = np.empty((len(order), len(vote_columns)), dtype=np.float32)
    start = 0
    for part in _shards(folder):
        at = place[start : start + len(part)]
        kept = new[at]
        vectors[searched[at[kept]]] = part.vectors[kept]
        votes[at] = part.votes
        start += len(part)
    return Ordered(
        tuple(names.take(pa.array(order)).to_pylist()),
        vectors,
        np.flatnonzero(new).astype(np.int64),
        votes,
        vote_columns,
    )


def _shards(folder: Path) -> Iterator[Representations]:
    for path in encoded.shard_paths(folder):
        yield encoded.read_shard(path)
