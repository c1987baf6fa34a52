"""Where images and vectors come from: files, Parquet row groups, one ``.npy``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from skerry.errors import InputError
from skerry.types import Failure, FloatArray


class Reader(Protocol):
    """What a survey reads from; ``files`` are those its content depends on, as text: millions of
    ``Path`` objects are slow to make."""

    @property
    def files(self) -> Iterator[str]: ...

    def images(self, sources: pa.Table, rows: Sequence[int]) -> Iterator[bytes | Failure]: ...

    def vectors(self, start: int, stop: int) -> FloatArray: ...


class ImageFiles:
    """One file an image: ``location`` is relative to ``root``."""

    def __init__(self, root: Path, locations: pa.ChunkedArray) -> None:
        self._root = root
        self._locations = locations

    @property
    def files(self) -> Iterator[str]:
        root = str(self._root)
        return (os.path.join(root, at) for at in self._locations.to_pylist() if at)

    def images(self, sources: pa.Table, rows: Sequence[int]) -> Iterator[bytes | Failure]:
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
        try:
            data = (self._root / location).read_bytes()
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


class RowGroups:
    """The rows of Parquet files, one after the other; one row group is held at a time.

    The group last read is kept, so that rows in ascending order read each group once, also
    over several calls.
    """

    def __init__(self, paths: Sequence[Path], columns: Sequence[str]) -> None:
        self.paths = list(paths)
        self._columns = list(columns)
        self._where: list[tuple[int, int]] = []
        self._starts = [0]
        for i, path in enumerate(self.paths):
            metadata = pq.read_metadata(path)
            for group in range(metadata.num_row_groups):
                self._where.append((i, group))
                self._starts.append(self._starts[-1] + metadata.row_group(group).num_rows)
        self._held: tuple[int, pa.Table] | None = None

    def __len__(self) -> int:
        return self._starts[-1]

    def group_of(self, row: int) -> int:
        """Number of the row group that holds a row."""
        return int(np.searchsorted(self._starts, row, side="right")) - 1

    def start_of(self, group: int) -> int:
        """Number of a row group's first row."""
        return self._starts[group]

    def read(self, group: int) -> pa.Table:
        """A row group's columns.

        Raises
        ------
        InputError
            The file is damaged or has changed.
        """
        if self._held is None or self._held[0] != group:
            self._held = None  # let go of the last one first
            i, number = self._where[group]
            try:
                with pq.ParquetFile(self.paths[i]) as file:
                    self._held = group, file.read_row_group(number, columns=self._columns)
            except (pa.ArrowException, OSError) as error:
                raise InputError(
                    f"row group {number} of {self.paths[i]} cannot be read: {error}"
                ) from error
        return self._held[1]


class ParquetImages:
    """Image bytes in a column of Parquet files: binary, or Hugging Face's struct."""

    def __init__(self, groups: RowGroups, column: str) -> None:
        self._groups = groups
        self._column = column

    @property
    def files(self) -> Iterator[str]:
        return map(str, self._groups.paths)

    def images(self, sources: pa.Table, rows: Sequence[int]) -> Iterator[bytes | Failure]:
        for row in rows:
            group = self._groups.group_of(row)
            column = self._groups.read(group)[self._column]
            cell = column[row - self._groups.start_of(group)]
            if pa.types.is_struct(cell.type) and cell.is_valid:
                cell = cell["bytes"]
            data: bytes | None = cell.as_py()
            if data:
                yield data
                continue
            reason = "the cell is empty" if data is None else "the cell holds 0 bytes"
            at = sources.slice(row, 1)
            yield Failure(at["id_str"][0].as_py(), at["location"][0].as_py(), reason)

    def vectors(self, start: int, stop: int) -> FloatArray:
        raise InputError("this survey has images, no vectors")


class ParquetVectors:
    """Vectors in Parquet files: one list column, or a column a dimension."""

    def __init__(self, groups: RowGroups, columns: Sequence[str]) -> None:
        self._groups = groups
        self._columns = list(columns)
        self.dimensions = self._count()

    def _count(self) -> int:
        kind = pq.read_schema(self._groups.paths[0]).field(self._columns[0]).type
        if len(self._columns) > 1:
            return len(self._columns)
        if pa.types.is_fixed_size_list(kind):
            return int(kind.list_size)
        for group in range(self._groups.group_of(len(self._groups) - 1) + 1):
            lengths = pc.drop_null(pc.list_value_length(self._groups.read(group)[0]))
            if len(lengths):
                return int(lengths[0].as_py())
        return 0

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


class ArrayVectors:
    """Vectors in one ``.npy``, mapped, not loaded."""

    def __init__(self, path: Path, array: npt.NDArray[np.floating]) -> None:
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
