"""The canonical order: rows by what is in them, not by where they stood or what they are called."""

from __future__ import annotations

from collections.abc import Sequence
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


def by_content(contents: npt.NDArray[np.uint64], ids: pa.Array | None = None) -> IntArray:
    """The order of :func:`canonical_order` of vectors whose :func:`digests` are known."""
    high, low = contents.T
    order = np.lexsort((low, high)).astype(np.int64)
    if ids is None:
        return order
    # few are alike: only these are ordered by name
    new = new_ones(contents[order])
    alike = np.flatnonzero(~new | ~np.append(new[1:], True))
    if len(alike):
        rows = order[alike]
        named = pa.table({"group": np.cumsum(new)[alike], "name": ids.take(pa.array(rows))})
        keys = [("group", "ascending"), ("name", "ascending")]
        order[alike] = rows[pc.sort_indices(named, sort_keys=keys).to_numpy()]
    return order


def new_ones(contents: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Whether each of some :func:`digests` in order (n, 2) is another than the one before it."""
    new = np.ones(len(contents), dtype=bool)
    new[1:] = (contents[1:] != contents[:-1]).any(axis=1)
    return new


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
    contents = digests(vectors)
    order = by_content(contents)
    return np.asarray(order[new_ones(contents[order])])
