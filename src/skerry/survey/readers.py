"""Where images and vectors come from: files, Parquet row groups, one ``.npy``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from skerry.errors import InputError
from skerry.store.addresses import is_address
from skerry.survey.row_groups import RowGroups
from skerry.survey.streams import remote
from skerry.survey.streams.ahead import batched, one_after_other
from skerry.survey.streams.place import Place, joined, opened
from skerry.types import Failure, FloatArray

_COUNTED = 256
"""Rows whose lengths tell how many values a vector has."""


class Reader(Protocol):
    """What a survey reads from; ``files`` are those its content depends on, as text: millions of
    ``Path`` objects are slow to make."""

    @property
    def files(self) -> Iterator[str]: ...

    def images(self, sources: pa.Table, rows: Sequence[int]) -> Iterator[bytes | Failure]: ...

    def vectors(self, start: int, stop: int) -> FloatArray: ...


@runtime_checkable
class ReadsAhead(Protocol):
    """A reader that reads the images of batches to come while one is worked on."""

    def ahead(
        self, sources: pa.Table, batches: Iterable[Sequence[int]]
    ) -> Iterator[list[bytes | Failure]]: ...


def one_by_one(
    reader: Reader, sources: pa.Table, batches: Iterable[Sequence[int]]
) -> Iterator[list[bytes | Failure]]:
    """The images of each batch, read when it is asked for."""
    return (list(reader.images(sources, rows)) for rows in batches)


class ImageFiles:
    """One file an image: ``location`` is relative to ``root``, or an address."""

    def __init__(self, root: Place, locations: pa.ChunkedArray) -> None:
        self._root = str(root)
        self._locations = locations
        addresses = pc.any(pc.match_substring(locations, "://")).as_py()
        self._elsewhere = is_address(self._root) or bool(addresses)

    @property
    def files(self) -> Iterator[str]:
        return (joined(self._root, at) for at in self._locations.to_pylist() if at)

    def images(self, sources: pa.Table, rows: Sequence[int]) -> Iterator[bytes | Failure]:
        if self._elsewhere:
            return one_after_other(partial(self.ahead, sources), rows)
        return self._one_by_one(sources, rows)

    def ahead(
        self, sources: pa.Table, batches: Iterable[Sequence[int]]
    ) -> Iterator[list[bytes | Failure]]:
        def read(rows: Sequence[int]) -> list[bytes | Failure]:
            return list(self._one_by_one(sources, rows))

        if self._elsewhere:
            return batched(read, lambda rows: [[row] for row in rows], batches)
        return map(read, batches)

    def _one_by_one(self, sources: pa.Table, rows: Sequence[int]) -> Iterator[bytes | Failure]:
        chosen = sources.take(pa.array(rows, pa.int64()))
        names = chosen["id_str"].to_pylist()
        for id_str, location in zip(names, chosen["location"].to_pylist(), strict=True):
            found: bytes | Failure
            try:
                found = self._read(location)
            except InputError as error:
                found = Failure(id_str, location, str(error))
            yield found

    def _read(self, location: str) -> bytes:
        if not location:
            raise InputError("the catalog names no image")
        name = joined(self._root, location)
        if is_address(name):
            data = remote.read(name)
            if not data:
                raise InputError("the file is empty: 0 bytes")
            return data
        try:
            data = Path(name).read_bytes()
        except FileNotFoundError:
            raise InputError("no such file") from None
        except (OSError, ValueError) as error:  # ValueError: a null character in the name
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(f"the file cannot be read: {reason}") from error
        if not data:
            raise InputError("the file is empty: 0 bytes")
        return data

    def vectors(self, start: int, stop: int) -> FloatArray:
        raise InputError("this survey has images, no vectors")


class ParquetImages:
    """Image bytes in a column of Parquet files: binary, or Hugging Face's struct."""

    def __init__(self, groups: RowGroups, column: str) -> None:
        self._groups = groups
        self._column = column

    @property
    def files(self) -> Iterator[str]:
        return map(str, self._groups.paths)

    def ahead(
        self, sources: pa.Table, batches: Iterable[Sequence[int]]
    ) -> Iterator[list[bytes | Failure]]:
        with self._groups.ahead():
            yield from one_by_one(self, sources, batches)

    def images(self, sources: pa.Table, rows: Sequence[int]) -> Iterator[bytes | Failure]:
        for row in rows:
            try:
                data = self._cell(row)
            except InputError as error:
                reason = str(error)
            else:
                if data:
                    yield data
                    continue
                reason = "the cell is empty" if data is None else "the cell holds 0 bytes"
            at = sources.slice(row, 1)
            yield Failure(at["id_str"][0].as_py(), at["location"][0].as_py(), reason)

    def _cell(self, row: int) -> bytes | None:
        group = self._groups.group_of(row)
        column = self._groups.read(group)[self._column]
        cell = column[row - self._groups.start_of(group)]
        if pa.types.is_struct(cell.type) and cell.is_valid:
            cell = cell["bytes"]
        data: bytes | None = cell.as_py()
        return data

    def vectors(self, start: int, stop: int) -> FloatArray:
        raise InputError("this survey has images, no vectors")


class ParquetVectors:
    """Vectors in Parquet files: one list column, or a column a dimension."""

    def __init__(self, groups: RowGroups, columns: Sequence[str]) -> None:
        self._groups = groups
        self._columns = list(columns)
        self.dimensions = self._count()

    def _count(self) -> int:
        kind = pq.read_schema(opened(self._groups.paths[0])).field(self._columns[0]).type
        if len(self._columns) > 1:
            return len(self._columns)
        if pa.types.is_fixed_size_list(kind):
            return int(kind.list_size)
        # the most common of some hundred rows: of one that is too short nothing follows for others
        seen: Counter[int] = Counter()
        for group in range(self._groups.group_of(len(self._groups) - 1) + 1):
            lengths = pc.list_value_length(self._groups.read(group)[0]).to_pylist()
            seen.update(n for n in lengths if n)
            if seen.total() >= _COUNTED:
                break
        return max(seen, key=lambda n: (seen[n], n), default=0)

    @property
    def files(self) -> Iterator[str]:
        return map(str, self._groups.paths)

    def images(self, sources: pa.Table, rows: Sequence[int]) -> Iterator[bytes | Failure]:
        raise InputError("this survey has vectors, no images")

    def vectors(self, start: int, stop: int) -> FloatArray:
        """float32 (stop - start, dimensions); NaN where a vector is missing or too short."""
        out = np.full((stop - start, self.dimensions), np.nan, np.float32)
        row = start
        while row < stop:
            group = self._groups.group_of(row)
            first = self._groups.start_of(group)
            table = self._groups.read(group).slice(row - first, stop - row)
            self._fill(out[row - start : row - start + table.num_rows], table)
            row += table.num_rows
        return out

    def _fill(self, out: FloatArray, table: pa.Table) -> None:
        with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite: a failure
            if len(self._columns) > 1:
                for i, name in enumerate(self._columns):
                    out[:, i] = _floats(table[name])
                return
            column = table[self._columns[0]]
            right = pc.fill_null(pc.equal(pc.list_value_length(column), out.shape[1]), False)
            values = pc.list_flatten(column.filter(right))
            out[right.to_numpy()] = _floats(values).reshape(-1, out.shape[1])


def _floats(column: pa.ChunkedArray) -> npt.NDArray[np.floating]:
    values: npt.NDArray[np.floating] = pc.fill_null(column, float("nan")).to_numpy()
    return values


class Rows(Protocol):
    """What rows are taken of as of an array."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    ndim: int

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice) -> npt.NDArray[np.floating]: ...


class ArrayVectors:
    """Vectors in one ``.npy``, mapped or read by ranges, not loaded."""

    def __init__(self, path: Place, array: Rows) -> None:
        self._path = path
        self._array = array

    @property
    def files(self) -> Iterator[str]:
        return iter([str(self._path)])

    def images(self, sources: pa.Table, rows: Sequence[int]) -> Iterator[bytes | Failure]:
        raise InputError("this survey has vectors, no images")

    def vectors(self, start: int, stop: int) -> FloatArray:
        with np.errstate(over="ignore"):
            return np.array(self._array[start:stop], dtype=np.float32)
