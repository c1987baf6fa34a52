"""The canonical order: rows by what is in them, not by where they stood or what they are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from skerry.types import FloatArray, IntArray

_AT_ONCE = 2**16


def canonical_order(vectors: FloatArray, ids: Sequence[str] | None = None) -> IntArray:
    """Row numbers of ``vectors`` (n, d), ordered by the content of each vector.

    Rows are ordered by a hash (BLAKE2b, 128 bits) of their float32 bytes: no two sources that
    look alike stand together, so every stretch of rows is a fair sample. ``-0.0`` counts as
    ``0.0``. Identical vectors follow each other, ordered by ``ids`` if given, otherwise as
    they came.

    Returns
    -------
    int64 (n,), a permutation: ``vectors[order]`` is the canonical array.
    """
    return by_content(digests(vectors), None if ids is None else pa.array(ids, pa.string()))


def by_content(
    contents: npt.NDArray[np.uint64], ids: pa.Array | pa.ChunkedArray | None = None
) -> IntArray:
    """The order of :func:`canonical_order` of vectors whose :func:`digests` are known."""
    high, low = contents.T
    order = np.lexsort((low, high)).astype(np.int64)
    if ids is None or len(order) < 2:
        return order
    # few are alike: only these are ordered by name
    follows = (contents[order[1:]] == contents[order[:-1]]).all(axis=1)
    edges = np.diff(np.concatenate([[0], follows.view(np.int8), [0]]))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) + 1
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        alike = order[start:stop]
        order[start:stop] = alike[pc.sort_indices(ids.take(pa.array(alike))).to_numpy()]
    return order


def digests(vectors: FloatArray) -> npt.NDArray[np.uint64]:
    """A hash of each vector (n, d), as two halves (n, 2), a block at a time."""
    found = np.empty((len(vectors), 2), dtype=">u8")
    for start in range(0, len(vectors), _AT_ONCE):
        part = vectors[start : start + _AT_ONCE]
        rows = np.ascontiguousarray(part, dtype=np.float32) + np.float32(0.0)
        joined = b"".join(blake2b(row.data, digest_size=16).digest() for row in rows)
        found[start : start + len(part)] = np.frombuffer(joined, dtype=">u8").reshape(-1, 2)
    return found.astype(np.uint64)


def distinct_rows(vectors: FloatArray) -> IntArray:
    """Rows of ``vectors`` (n, d) in canonical order, of identical vectors only the first.

    Identical vectors say nothing of density: a source entered twice would be its own nearest
    neighbor, and a few copies a class.
    """
    order = canonical_order(vectors)
    return np.asarray(order[_firsts(len(order), lambda stretch: vectors[order[stretch]])])


def first_of_each(ordered: FloatArray) -> IntArray:
    """Where each distinct vector first stands in ``ordered`` (n, d), in canonical order."""
    return _firsts(len(ordered), lambda stretch: ordered[stretch])


def _firsts(n: int, part: Callable[[slice], FloatArray]) -> IntArray:
    """Which of n vectors in order differ from the one before, a block at a time."""
    new = np.ones(n, dtype=bool)
    for start in range(1, n, _AT_ONCE):
        block = part(slice(start - 1, start + _AT_ONCE))
        new[start : start + _AT_ONCE] = (block[1:] != block[:-1]).any(axis=1)
    return np.flatnonzero(new).astype(np.int64)
