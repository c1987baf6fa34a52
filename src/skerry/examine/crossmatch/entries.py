"""The entries of another catalog's file: where they are, and the columns that may be labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from skerry.errors import CannotAnswerError
from skerry.survey.catalog import open_catalog
from skerry.survey.columns import choose, listed
from skerry.survey.sources import checked_position, degrees, textual
from skerry.types import DoubleArray, IntArray


@dataclass(frozen=True)
class Entries:
    """``places`` float64 (m, 2), ra and dec in degrees, and ``rows``, the columns (m, ...), in an
    order that depends on their content alone: by position."""

    name: str
    places: DoubleArray
    rows: pa.Table
    notes: tuple[str, ...] = ()

    def ambiguous(self, at: IntArray, columns: Sequence[str]) -> int:
        """At how many of the positions of the rows ``at`` are rows that differ in ``columns``."""
        if not len(at) or not columns:
            return 0
        group = np.cumsum(np.r_[False, (self.places[1:] != self.places[:-1]).any(axis=1)])
        held = self.rows.select(list(columns))
        found = 0
        for one in np.flatnonzero(
            (np.bincount(group) > 1) & np.isin(np.arange(group[-1] + 1), group[at])
        ):
            first, end = np.searchsorted(group, [one, one + 1])
            found += len(set(_texts(held.slice(first, end - first)))) > 1
        return found


def entries_of(path: Path) -> Entries:
    """The entries of a table that have a position.

    Raises
    ------
    CannotAnswerError
        It has no columns ra and dec, or no row has both.
    CatalogError
        It cannot be read, or its positions are not in degrees or out of range.
    """
    where, catalog = str(path), open_catalog(path)
    chosen = [choose(role, catalog.columns, "", where).column for role in ("ra", "dec")]
    columns = [name for name in chosen if name is not None]
    if len(columns) < 2:
        raise CannotAnswerError(
            f"{path} has no columns ra and dec to match by; its columns: {listed(catalog.columns)}"
        )
    wanted = [
        name
        for name, kind in zip(catalog.columns, catalog.types, strict=True)
        if catalog.columns.count(name) == 1 and _may_label(kind)
    ]
    table = catalog.load([*wanted, *columns])
    ra, dec = (degrees(table[c], c, where, catalog.units.get(c, "")) for c in columns)
    rows = pa.array([f"row {i + 1}" for i in range(len(table))], pa.string())
    notes = checked_position(ra, dec, rows, where, "correct them")
    placed = np.flatnonzero(np.isfinite(ra))
    if not len(placed):
        raise CannotAnswerError(
            f"none of the {len(table)} rows of {path} has a position in {columns[0]!r} and "
            f"{columns[1]!r}; give a catalog with positions in degrees"
        )
    if len(placed) < len(table):
        notes.append(f"{len(table) - len(placed)} of {len(table)} rows have no position")
    places = np.stack([ra, dec], axis=1)
    at = placed[_order(places[placed], table.take(pa.array(placed)))]
    told = tuple(f"{path.name}: {note}." for note in notes)
    return Entries(path.name, places[at], table.take(pa.array(at)), told)


def _may_label(kind: pa.DataType) -> bool:
    tests = (textual, pa.types.is_integer, pa.types.is_boolean, pa.types.is_floating)
    return any(test(kind) for test in tests)


def _order(places: DoubleArray, rows: pa.Table) -> IntArray:
    """Rows by position, and where that repeats by the text of all columns."""
    _, group, count = np.unique(places, axis=0, return_inverse=True, return_counts=True)
    repeated = np.flatnonzero(count[group] > 1)
    texts = list(_texts(rows.take(pa.array(repeated))))
    rank = np.zeros(len(places), dtype=np.int64)
    rank[repeated[sorted(range(len(texts)), key=texts.__getitem__)]] = np.arange(len(texts))
    return np.lexsort((rank, group))


def _texts(rows: pa.Table) -> Iterable[tuple[str, ...]]:
    """Each row as text."""
    return zip(*([str(v) for v in c.to_pylist()] for c in rows.columns), strict=True)
