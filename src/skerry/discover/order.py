"""The canonical order: rows by what is in them, not by where they stood or what they are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from skerry.types import FloatArray, IntArray, Representations

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
    high, low = _digests(vectors).T
    keys = (low, high) if ids is None else (np.asarray(ids, dtype=np.str_), low, high)
    return np.lexsort(keys).astype(np.int64)


def _digests(vectors: FloatArray) -> npt.NDArray[np.uint64]:
    """A hash of each vector (n, d), as two halves (n, 2), a block at a time."""
    found = np.empty((len(vectors), 2), dtype=">u8")
    for start in range(0, len(vectors), _AT_ONCE):
        part = vectors[start : start + _AT_ONCE]
        rows = np.ascontiguousarray(part, dtype=np.float32) + np.float32(0.0)
        joined = b"".join(blake2b(row.data, digest_size=16).digest() for row in rows)
        found[start : start + len(part)] = np.frombuffer(joined, dtype=">u8").reshape(-1, 2)
    return found.astype(np.uint64)


def in_canonical_order(representations: Representations) -> Representations:
    """The same sources in canonical order, identical vectors by ``id_str``."""
    order = canonical_order(representations.vectors, representations.id_str)
    return replace(
        representations,
        id_str=tuple(representations.id_str[i] for i in order),
        vectors=representations.vectors[order],
        votes=representations.votes[order],
        sides=representations.sides[order],
    )


def distinct_rows(vectors: FloatArray) -> IntArray:
    """Rows of ``vectors`` (n, d) in canonical order, of identical vectors only the first.

    Identical vectors say nothing of density: a source entered twice would be its own nearest
    neighbor, and a few copies a class.
    """
    order = canonical_order(vectors)
    new = np.ones(len(order), dtype=bool)
    for start in range(1, len(order), _AT_ONCE):
        stretch = slice(start, start + _AT_ONCE)
        new[stretch] = _differs(vectors[order[start - 1 : stretch.stop]])
    return np.asarray(order[new])


def first_of_each(ordered: FloatArray) -> IntArray:
    """Where each distinct vector first stands in ``ordered`` (n, d), in canonical order."""
    if not len(ordered):
        return np.empty(0, dtype=np.int64)
    new = np.concatenate([[True], _differs(ordered)])
    return np.flatnonzero(new).astype(np.int64)


def _differs(ordered: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether each vector but the first is another than the one before it."""
    return np.asarray((ordered[1:] != ordered[:-1]).any(axis=1))
