"""The canonical order: rows by what is in them, not by where they stood or what they are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b

import numpy as np

from skerry.types import FloatArray, IntArray, Representations


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
    rows = np.ascontiguousarray(vectors, dtype=np.float32) + np.float32(0.0)
    digests = b"".join(blake2b(row.data, digest_size=16).digest() for row in rows)
    high, low = np.frombuffer(digests, dtype=">u8").reshape(-1, 2).T
    keys = (low, high) if ids is None else (np.asarray(ids, dtype=np.str_), low, high)
    return np.lexsort(keys).astype(np.int64)


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
    return order[first_of_each(vectors[order])]


def first_of_each(ordered: FloatArray) -> IntArray:
    """Where each distinct vector first stands in ``ordered`` (n, d), in canonical order."""
    if not len(ordered):
        return np.empty(0, dtype=np.int64)
    new = (ordered[1:] != ordered[:-1]).any(axis=1)
    return np.flatnonzero(np.concatenate([[True], new])).astype(np.int64)
