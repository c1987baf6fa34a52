"""Rows of many Parquet files, a window of them held at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skerry.errors import InputError
from skerry.survey.streams.place import Place, of_each, opened

WINDOW = 1 << 23
"""Bytes, uncompressed, of the columns of a row group above which it is read in parts."""


@dataclass(frozen=True)
class _Window:
    """Rows ``start`` to ``start + count`` of a row group of a file; ``whole``: all it has."""

    file: int
    group: int
    start: int
    count: int
    whole: bool


class RowGroups:
    """The rows of Parquet files, one after the other; one row group, or a part of a large one, is
    held at a time.

    The part last read is kept, so that rows in ascending order read each once, also over several
    calls.
    """

    def __init__(self, paths: Sequence[Place], columns: Sequence[str]) -> None:
        self.paths = list(paths)
        self._columns = list(columns)
        self._where: list[_Window] = []
        self._starts = [0]
        for i, groups in enumerate(of_each(self._groups_of, self.paths)):
            for number, (rows, size) in enumerate(groups):
                self._add(i, number, rows, size)
        self._held: tuple[int, pa.Table] | None = None
        self._failed: tuple[int, InputError] | None = None
        self._parts: _Parts | None = None
        self._open: tuple[int, pq.ParquetFile] | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._next: tuple[int, Future[pa.Table]] | None = None

    def _groups_of(self, path: Place) -> list[tuple[int, int]]:
        """Rows of each row group of a file, and bytes of the columns that are read."""
        metadata = pq.read_metadata(opened(path))
        found = []
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            chunks = (group.column(i) for i in range(group.num_columns))
            size = sum(c.total_uncompressed_size for c in chunks if self._wanted(c.path_in_schema))
            found.append((group.num_rows, size))
        return found

    def _wanted(self, path: str) -> bool:
        return any(path == c or path.startswith(f"{c}.") for c in self._columns)

    def _add(self, file: int, group: int, rows: int, size: int) -> None:
        parts = min(rows, -(-size // WINDOW)) or 1
        step = -(-rows // parts) or 1
        for start in range(0, rows, step):
            count = min(step, rows - start)
            self._where.append(_Window(file, group, start, count, count == rows))
            self._starts.append(self._starts[-1] + count)

    def __len__(self) -> int:
        return self._starts[-1]

    def group_of(self, row: int) -> int:
        """Number of the row group, or the part of one, that holds a row."""
        return int(np.searchsorted(self._starts, row, side="right")) - 1

    def start_of(self, group: int) -> int:
        """Number of its first row."""
        return self._starts[group]

    def read(self, group: int) -> pa.Table:
        """Its columns.

        Raises
        ------
        InputError
            The file is damaged or has changed.
        """
        if self._failed is not None and self._failed[0] == group:
            raise self._failed[1]
        if self._held is None or self._held[0] != group:
            self._held = None  # let go of the last one first
            try:
                table = self._taken(group)
            except InputError as error:
                self._failed = group, error
                raise
            if self._pool is not None and group + 1 < len(self._where):
                self._next = group + 1, self._pool.submit(self._load, group + 1)
            self._held = group, table
        return self._held[1]

    def _taken(self, group: int) -> pa.Table:
        """A part, from what was read ahead if it is that."""
        waiting, self._next = self._next, None
        if waiting is not None and waiting[0] == group:
            return waiting[1].result()
        if waiting is not None:
            waiting[1].exception()  # a file is read by one thread at a time
        return self._load(group)

    @contextmanager
    def ahead(self) -> Iterator[None]:
        """While this lasts the next part is read, of a store elsewhere, while one is worked on."""
        if not self.paths or isinstance(self.paths[0], Path):
            yield
            return
        with ThreadPoolExecutor(1, thread_name_prefix="skerry-read") as pool:
            self._pool = pool
            try:
                yield
            finally:
                self._pool = self._next = None

    def _file(self, number: int) -> pq.ParquetFile:
        """One of the files, kept open until another is read."""
        if self._open is None or self._open[0] != number:
            if self._open is not None:
                self._open[1].close()
            self._open = None
            self._open = number, pq.ParquetFile(opened(self.paths[number]))
        return self._open[1]

    def _load(self, number: int) -> pa.Table:
        window = self._where[number]
        path = self.paths[window.file]
        try:
            if window.whole:
                return self._file(window.file).read_row_group(window.group, columns=self._columns)
            if self._parts is None or not self._parts.reaches(window):
                self._parts = _Parts(path, window, self._columns)
            return self._parts.take(window)
        except (pa.ArrowException, OSError, InputError) as error:
            self._parts = self._open = None
            raise InputError(
                f"row group {window.group} of {path} cannot be read: {error}"
            ) from error


class _Parts:
    """A large row group from its first row on, some rows at a time."""

    def __init__(self, path: Place, window: _Window, columns: Sequence[str]) -> None:
        self._of = (window.file, window.group)
        self._at = 0
        # buffered: else a whole column is read before its first row is given
        file = pq.ParquetFile(opened(path), buffer_size=1 << 20, pre_buffer=False)
        self._batches: Iterator[Any] = file.iter_batches(
            window.count, row_groups=[window.group], columns=list(columns), use_threads=False
        )
        self._rest: list[pa.RecordBatch] = []

    def reaches(self, window: _Window) -> bool:
        """Whether the window is still to come."""
        return self._of == (window.file, window.group) and self._at <= window.start

    def take(self, window: _Window) -> pa.Table:
        """The rows of a window; those before it are passed over."""
        self._next(window.start - self._at)
        return pa.Table.from_batches(self._next(window.count))

    def _next(self, count: int) -> list[pa.RecordBatch]:
        found: list[pa.RecordBatch] = []
        while count > 0:
            batch = self._rest.pop() if self._rest else next(self._batches, None)
            if batch is None:
                raise InputError("it has fewer rows than it says")
            if batch.num_rows > count:
                self._rest.append(batch.slice(count))
                batch = batch.slice(0, count)
            found.append(batch)
            count -= batch.num_rows
            self._at += batch.num_rows
        return found
