"""The metadata of samples as columns, and a tar as a catalog."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from skerry.survey.catalog import Catalog
from skerry.survey.streams.place import Place
from skerry.survey.streams.tar_cache import samples_of
from skerry.survey.streams.tar_index import flat

KEY = "__key__"
"""The column of samples' keys, by WebDataset's own name for it."""
_ROW = "__row__"


class Columns:
    """Values of metadata by name, a row a sample; columns that are not kept only leave a type."""

    def __init__(self, keep: Callable[[str], bool] = lambda name: True) -> None:
        self._keep = keep
        self._kinds: dict[str, set[type]] = {}
        self._values: dict[str, list[object]] = {}
        self._rows = 0

    def add(self, said: Mapping[str, object]) -> None:
        """One more row."""
        for name, value in said.items():
            if value is None:
                continue
            self._kinds.setdefault(name, set()).add(_kind(value) if flat(value) else dict)
            if flat(value) and self._keep(name):
                known = self._values.setdefault(name, [])
                known += [None] * (self._rows - len(known))
                known.append(value)
        self._rows += 1

    def types(self) -> dict[str, pa.DataType]:
        """Columns that hold nothing nested: whole numbers, numbers, or else text."""
        return {name: _type(kinds) for name, kinds in self._kinds.items() if dict not in kinds}

    def table(self) -> pa.Table:
        """The kept columns; a row a sample even where there are none."""
        held = {
            name: _column([*v, *[None] * (self._rows - len(v))], _type(self._kinds[name]))
            for name, v in self._values.items()
            if dict not in self._kinds[name]
        }
        return pa.table({**held, _ROW: pa.nulls(self._rows)})


def _kind(value: object) -> type:
    """Text of whole numbers beyond 64 bits."""
    beyond = isinstance(value, int) and not -(2**63) <= value < 2**63
    return str if beyond else type(value)


def _column(values: Sequence[object], kind: pa.DataType) -> pa.Array:
    if kind == pa.string():
        return pa.array([None if v is None else str(v) for v in values], kind)
    return pa.array(values, kind)


def _type(kinds: set[type]) -> pa.DataType:
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {int}:
        return pa.int64()
    return pa.float64() if kinds <= {int, float} else pa.string()


def wider(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """The type that holds the values of both: whole numbers, numbers, or else text."""
    if one == other:
        return one
    return pa.float64() if {one, other} <= {pa.int64(), pa.float64()} else pa.string()


def one_table(tables: Sequence[pa.Table], types: Mapping[str, pa.DataType]) -> pa.Table:
    """One table after the other, each column of its type in ``types``, null where one lacks it."""
    parts = []
    for table in tables:
        held = set(table.column_names)
        columns = {
            # whole numbers beyond 2^53 become the next that float64 holds
            name: table[name].cast(kind, safe=False) if name in held else pa.nulls(len(table), kind)
            for name, kind in types.items()
        }
        parts.append(pa.table({**columns, _ROW: pa.nulls(len(table))}))
    return pa.concat_tables(parts).select(list(types))


def open_tar(tar: Place) -> Catalog:
    """The metadata of a tar's samples as a catalog, with their keys; samples with a problem have
    their key alone.

    Raises
    ------
    CatalogError
        The tar cannot be read.
    """
    columns = Columns()
    for sample in samples_of(tar):
        said = {} if sample.problem or sample.said is None else sample.said
        columns.add({**said, KEY: sample.key})
    types, table = columns.types(), columns.table()

    def load(names: Sequence[str]) -> pa.Table:
        return table.select(list(dict.fromkeys(names)))

    return Catalog(tar, tuple(types), tuple(types.values()), load)
