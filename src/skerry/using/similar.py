"""The sources nearest to one, to an image or to a vector, in the space of the representations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from skerry.errors import ConfigError, InputError
from skerry.types import DoubleArray, FloatArray, IntArray, NeighborGraph
from skerry.using.tables import SIMILAR_SCHEMA

_BYTES = 2**25
_AT_ONCE = 256


@dataclass(frozen=True)
class Similar:
    """The sources most like a query: ``sources`` is ``SIMILAR_SCHEMA``.

    ``query`` says what was asked: ``by`` (``id``, ``image`` or ``position``), ``id_str`` where it
    is a source, ``image`` (a path), or ``ra``, ``dec`` and the ``separation`` (arcsec) of the
    source taken. ``warnings``: what a user must know of how an image was read.
    """

    sources: pa.Table
    query: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class SimilarIndex:
    """What is looked up in: distinct vectors, the sources that have each, and what they are.

    Attributes
    ----------
    vectors
        float32 (n, d), all different.
    alike
        The ids of the sources that have each.
    graph
        Their nearest neighbors.
    exact
        Whether the graph's neighbors are the true ones.
    owner
        The class of each source that is in one.
    ra, dec
        Degrees, by id; NaN where unknown.
    """

    vectors: FloatArray
    alike: Sequence[tuple[str, ...]]
    graph: NeighborGraph
    exact: bool
    owner: Mapping[str, str]
    positions: Mapping[str, tuple[float, float]]

    @cached_property
    def row_of(self) -> dict[str, int]:
        """By id the row of ``vectors``."""
        return {name: row for row, names in enumerate(self.alike) for name in names}

    @cached_property
    def _weights(self) -> DoubleArray:
        """How many sources have each vector."""
        return np.array([len(names) for names in self.alike], dtype=np.float64)

    @cached_property
    def _squares(self) -> DoubleArray:
        return np.concatenate(
            [np.einsum("ij,ij->i", p, p) for p in map(_double, _blocks(self.vectors))]
        )

    def of_source(self, id_str: str, limit: int) -> pa.Table:
        """The ``limit`` sources nearest to one, itself left out: ``SIMILAR_SCHEMA``.

        Of equal distances the smaller id comes first. The run's graph answers where its
        neighbors are exact and enough; else every source is compared.

        Raises
        ------
        InputError
            The run has no representation of the source.
        ConfigError
            ``limit`` is below 1.
        """
        if id_str not in self.row_of:
            raise InputError(
                f"no source {id_str!r} with a representation; there are {len(self.row_of)}, as "
                f"{', '.join(sorted(self.row_of)[:3])}"
            )
        row = self.row_of[id_str]
        rows = self._from_graph(row, limit + 1)
        return self._table(self.vectors[row], limit, rows, id_str)

    def of_vector(self, vector: FloatArray, limit: int) -> pa.Table:
        """The ``limit`` sources nearest to a vector, float32 (d,): ``SIMILAR_SCHEMA``.

        Raises
        ------
        InputError
            It has other dimensions than the run's, or is not finite.
        ConfigError
            ``limit`` is below 1.
        """
        if vector.shape != self.vectors.shape[1:] or not np.isfinite(vector).all():
            raise InputError(
                f"the vector has shape {vector.shape}; expected {self.vectors.shape[1:]}, finite"
            )
        return self._table(vector, limit, None, "")

    def _from_graph(self, row: int, wanted: int) -> IntArray | None:
        """The row and its neighbors, where the ``wanted`` nearest sources are sure to be among
        those; None where they need not be."""
        near = self.graph.distances[row]
        # of equally distant ones the graph may have left some out: the last ones are no proof
        inside = np.append(row, self.graph.indices[row][near < near[-1]])
        enough = self.exact and int(self._weights[inside].sum()) >= wanted
        return inside if enough else None

    def _table(
        self, vector: FloatArray, limit: int, rows: IntArray | None, left_out: str
    ) -> pa.Table:
        if limit < 1:
            raise ConfigError(f"limit is {limit}; expected 1 source or more")
        if rows is None:
            distances = _distances(self.vectors, vector)
            rows = _nearest(distances, limit + 1)
            distances = distances[rows]
        else:
            distances = _distances(self.vectors[rows], vector)
        found = sorted(
            (float(d), name, int(row))
            for d, row in zip(distances, rows, strict=True)
            for name in self.alike[row]
            if name != left_out
        )[:limit]
        nth = self._nth(vector, found)
        names = [name for _, name, _ in found]
        where = [self.positions.get(name, (np.nan, np.nan)) for name in names]
        columns = {
            "rank": np.arange(1, len(found) + 1),
            "id_str": names,
            "distance": [d for d, _, _ in found],
            "nth": nth,
            "ra": [_or_none(ra) for ra, _ in where],
            "dec": [_or_none(dec) for _, dec in where],
            "class_id": [self.owner.get(name, "") for name in names],
        }
        return pa.table(columns, schema=SIMILAR_SCHEMA)

    def _nth(self, vector: FloatArray, found: Sequence[tuple[float, str, int]]) -> IntArray:
        """How-manieth neighbor the query is of each source found: 1 and all nearer to it."""
        rows = np.array([row for _, _, row in found], np.int64)
        mine = np.array([d for d, _, _ in found]) ** 2
        eps = 4 * (len(vector) + 8) * np.finfo(np.float64).eps
        parts = [slice(s, s + _AT_ONCE) for s in range(0, len(rows), _AT_ONCE)]
        return np.concatenate(
            [self._nearer(rows[p], mine[p], eps) for p in parts] or [np.empty(0, np.int64)]
        )

    def _nearer(self, rows: IntArray, mine: DoubleArray, eps: float) -> IntArray:
        """1 and the number of other sources nearer to each of ``rows`` than a square distance.

        Squares are by ``|x|^2 + |y|^2 - 2 x.y`` in float64; what its rounding, below ``eps``
        times the sum of squares, cannot tell from ``mine`` does not count as nearer.
        """
        theirs, own = _double(self.vectors[rows]), self._squares[rows]
        nearer = np.zeros(len(rows))
        start = 0
        for part in _blocks(self.vectors):
            stop = start + len(part)
            sums = self._squares[start:stop] + own[:, None]
            squares = sums - 2.0 * (theirs @ _double(part).T)
            nearer += (squares + eps * sums < mine[:, None]) @ self._weights[start:stop]
            start = stop
        # each is the nearest to itself, unless it is a copy of the query
        itself = mine > eps * 2 * own
        return np.asarray(1 + nearer - itself, dtype=np.int64)


def _blocks(vectors: FloatArray) -> Iterator[FloatArray]:
    step = max(1, _BYTES // (8 * vectors.shape[1]))
    for start in range(0, len(vectors), step):
        yield vectors[start : start + step]


def _double(vectors: FloatArray) -> DoubleArray:
    return vectors.astype(np.float64)


def _distances(vectors: FloatArray, query: FloatArray) -> DoubleArray:
    """Euclidean distances (n,) from differences in float64."""
    found = np.empty(len(vectors))
    start = 0
    for part in _blocks(vectors):
        difference = part - query.astype(np.float64)
        found[start : start + len(part)] = np.sqrt(np.einsum("ij,ij->i", difference, difference))
        start += len(part)
    return found


def _nearest(distances: DoubleArray, wanted: int) -> IntArray:
    """Rows of the ``wanted`` smallest, all that equal the last with them."""
    if wanted >= len(distances):
        return np.arange(len(distances), dtype=np.int64)
    last = np.partition(distances, wanted - 1)[wanted - 1]
    return np.flatnonzero(distances <= last).astype(np.int64)


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
