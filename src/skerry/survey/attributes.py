"""What a catalog says of its sources beside where they are: numbers and words, by column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skerry.errors import CatalogError
from skerry.survey.catalog import Catalog, open_catalog
from skerry.survey.columns import choose, families, listed
from skerry.survey.sources import ids_as_text, textual
from skerry.survey.streams.open_tars import KEY_OF_SAMPLE
from skerry.survey.streams.place import Place
from skerry.survey.streams.tar_columns import KEY, open_tar
from skerry.survey.survey import Survey
from skerry.types import DoubleArray

_VECTOR = 16
"""Numbered columns of floats, so many or more, are a vector and no attributes."""


@dataclass(frozen=True)
class Attributes:
    """Columns of a catalog, one row for each of some sources, in the order they were asked for.

    ``numbers`` float64 (n,), NaN where empty or no number; ``words`` object (n,), "" where empty.
    A column of text is a number where nine in ten of its entries that are not empty are.
    ``units`` only of columns whose format records them. ``notes``: what a user should know.
    """

    numbers: dict[str, DoubleArray] = field(default_factory=dict)
    words: dict[str, np.ndarray[tuple[int], np.dtype[np.object_]]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def joined(self, other: Attributes) -> Attributes:
        """With the columns of another, which hold where both have one of the same name."""
        return Attributes(
            {**{k: v for k, v in self.numbers.items() if k not in other.words}, **other.numbers},
            {**{k: v for k, v in self.words.items() if k not in other.numbers}, **other.words},
            {**self.units, **other.units},
            (*self.notes, *other.notes),
        )


def attributes(survey: Survey, ids: Sequence[str]) -> Attributes:
    """The columns of the survey's own catalogs for the sources ``ids``.

    Left out: lists, bytes, vectors, the columns of ids, of images and of positions.

    Raises
    ------
    CatalogError
        A file cannot be read.
    """
    if not survey.catalogs:
        return Attributes()
    named = survey.choices["id"]
    stems = named.endswith(", without folder and suffix")
    column = named.removesuffix(", without folder and suffix")
    roles = ("id", "image", "ra", "dec")
    own = {survey.choices[role] for role in roles if role in survey.choices} | {column}
    if survey.kind == "tars":
        return _aligned([_read_tar(path, column, own) for path in survey.catalogs], ids)
    tables = []
    for path in survey.catalogs:
        catalog = open_catalog(path)
        tables.append(_read(catalog, column, stems, own | _vectors(survey, catalog)))
    return _aligned(tables, ids)


def _vectors(survey: Survey, catalog: Catalog) -> set[str]:
    """The columns that the survey's representations are in."""
    named = survey.choices.get("vectors", "")
    of_one = [f for f in families(catalog.columns).values() if f"{f[0]}..{f[-1]}" == named]
    return {named, *(column for columns in of_one for column in columns)}


def attributes_of(path: Place, ids: Sequence[str]) -> Attributes:
    """The columns of another table for the sources ``ids``, found by its column of ids.

    A note says so where it lacks some of them or has others.

    Raises
    ------
    CatalogError
        It cannot be read, has no column of ids, repeats an id, or has none of these sources.
    """
    catalog = open_catalog(path)
    name = choose("id", catalog.columns, "", str(path)).column
    if name is None:
        raise CatalogError(
            f"{path} has no column of ids; call it id_str. Columns: {listed(catalog.columns)}"
        )
    found = _read(catalog, name, False, {name})
    if len(set(found[0])) < len(found[0]):
        raise CatalogError(f"{path} repeats ids in column {name!r}; keep one row a source")
    shared = len(set(ids).intersection(found[0]))
    if not shared:
        raise CatalogError(
            f"{path} has none of the run's sources in column {name!r} (as {found[0][:3]}; "
            f"the run has {list(ids[:3])}); give a table with the same ids"
        )
    if shared == len(ids) == len(found[0]):
        return _aligned([found], ids)
    note = (
        f"{path.name} has {shared:,} of the {len(ids):,} sources that were searched; "
        f"{len(found[0]) - shared:,} of its rows are of none of them."
    )
    return replace(_aligned([found], ids), notes=(note,))


_Read = tuple[list[str], pa.Table, dict[str, str]]


def _read(catalog: Catalog, column: str, stems: bool, left_out: set[str]) -> _Read:
    where = str(catalog.path)
    vectors = {c for f in families(catalog.columns).values() if len(f) >= _VECTOR for c in f}
    wanted = [
        name
        for name, kind in zip(catalog.columns, catalog.types, strict=True)
        if _flat(kind) and name not in left_out | vectors and catalog.columns.count(name) == 1
    ]
    struct, _, part = column.partition(".")
    inside = bool(part) and column not in catalog.columns
    table = catalog.load([struct if inside else column, *wanted])
    held = pc.struct_field(table[struct], part) if inside else table[column]
    if stems:
        text = [None if p is None else PurePath(str(p)).stem for p in held.to_pylist()]
        held = pa.array(text, pa.string())
    ids = ids_as_text(held, column, where).to_pylist()
    return ids, table.select(wanted), catalog.units


def _read_tar(tar: Place, column: str, left_out: set[str]) -> _Read:
    """The metadata of a tar's samples; those without an id in it have no row."""
    catalog = open_tar(tar)
    name = KEY if column == KEY_OF_SAMPLE else column
    if name not in catalog.columns:
        return [], pa.table({}), {}
    held = catalog.load([name])[name]
    if name == KEY:
        held = pc.replace_substring_regex(held, r"^.*/", "")
    there = pc.is_valid(held)
    wanted = [n for n in catalog.columns if n not in left_out | {KEY}]
    ids = ids_as_text(held.filter(there), name, str(tar)).to_pylist()
    return ids, catalog.load([name, *wanted]).filter(there).select(wanted), {}


def _flat(kind: pa.DataType) -> bool:
    tests = (pa.types.is_floating, pa.types.is_integer, pa.types.is_decimal, pa.types.is_boolean)
    return textual(kind) or any(test(kind) for test in tests)


def _aligned(tables: Sequence[_Read], ids: Sequence[str]) -> Attributes:
    row = {name: i for i, name in enumerate(name for t in tables for name in t[0])}
    names = dict.fromkeys(c for _, table, _ in tables for c in table.column_names)
    at = pa.array([row.get(name) for name in ids], pa.int64())
    found = Attributes(units={k: v for t in tables for k, v in t[2].items() if k in names})
    for name in names:
        # a file that lacks a column says nothing of its sources
        columns = [
            table[name] if name in table.column_names else pa.chunked_array([pa.nulls(len(those))])
            for those, table, _ in tables
        ]
        taken = _as_one(columns).take(at)
        numbers = _numbers(taken)
        if numbers is not None:
            found.numbers[name] = numbers
        else:
            text = pc.fill_null(taken.cast(pa.string()), "").to_pylist()
            found.words[name] = np.array([str(t).strip() for t in text], dtype=object)
    return found


def _as_one(columns: Sequence[pa.ChunkedArray]) -> pa.ChunkedArray:
    """One column after the other: as text where any is text, else as float64."""
    if any(textual(column.type) for column in columns):
        columns = [column.cast(pa.string()) for column in columns]
    else:
        # Arrow goes from bool to float64 by way of whole numbers alone
        whole = [c.cast(pa.int8()) if pa.types.is_boolean(c.type) else c for c in columns]
        columns = [column.cast(pa.float64(), safe=False) for column in whole]
    return pa.chunked_array([chunk for column in columns for chunk in column.chunks])


def _numbers(column: pa.ChunkedArray) -> DoubleArray | None:
    """The column as float64 where it is one of numbers."""
    if not textual(column.type):
        return np.array(pc.fill_null(column, np.nan).to_numpy(), dtype=np.float64)
    values, filled = np.full(len(column), np.nan), 0
    for i, text in enumerate(column.to_pylist()):
        stripped = (text or "").strip()
        if not stripped or stripped.lower() in ("nan", "null", "none", "--", "n/a"):
            continue
        filled += 1
        try:
            values[i] = float(stripped)
        except ValueError:
            continue
    known = int(np.isfinite(values).sum())
    return values if known and known >= 0.9 * filled else None
