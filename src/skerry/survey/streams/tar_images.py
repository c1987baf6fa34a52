"""Images in tars by where they lie, a request for those that lie side by side."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from skerry.errors import InputError
from skerry.survey.streams import remote
from skerry.survey.streams.ahead import batched, one_after_other
from skerry.survey.streams.place import Place
from skerry.survey.streams.tar_index import BLOCK
from skerry.types import Failure, FloatArray, IntArray

GAP = 1 << 18
"""Bytes between two images that are rather read than asked for apart."""
SPAN = 1 << 24
"""Bytes of one request at most, where it is for more than one image."""


@dataclass(frozen=True)
class Members:
    """Where images lie, a row a sample: number of the tar, byte of the data, size, and the CRC-32
    of the 512 bytes before, int64 (n, 4). ``problems`` are of rows that have no usable image."""

    rows: IntArray
    problems: dict[int, str]

    @classmethod
    def of_one(cls, rows: IntArray, problems: dict[int, str]) -> Members:
        """Those of one tar, from its rows without the number."""
        return cls(np.insert(rows, 0, 0, axis=1), problems)

    @classmethod
    def joined(cls, parts: Sequence[Members]) -> Members:
        """Those of several tars."""
        numbered: list[IntArray] = []
        problems: dict[int, str] = {}
        start = 0
        for number, part in enumerate(parts):
            rows = part.rows
            rows[:, 0] = number
            numbered.append(rows)
            problems |= {start + row: problem for row, problem in part.problems.items()}
            start += len(rows)
        return cls(np.concatenate(numbered), problems)


class TarImages:
    """The images of some tars."""

    def __init__(self, tars: Sequence[Place], members: Members) -> None:
        self._tars = list(tars)
        self._members = members
        self._open: tuple[int, BinaryIO] | None = None

    @property
    def files(self) -> Iterator[str]:
        return map(str, self._tars)

    def images(self, sources: pa.Table, rows: Sequence[int]) -> Iterator[bytes | Failure]:
        if self._elsewhere:
            yield from one_after_other(partial(self.ahead, sources), rows)
            return
        for group in self._groups(rows):
            yield from self._read(sources, group)

    @property
    def _elsewhere(self) -> bool:
        return not all(isinstance(tar, Path) for tar in self._tars)

    def ahead(
        self, sources: pa.Table, batches: Iterable[Sequence[int]]
    ) -> Iterator[list[bytes | Failure]]:
        if not self._elsewhere:
            for rows in batches:
                yield list(self.images(sources, rows))
            return

        def read(group: Sequence[int]) -> list[bytes | Failure]:
            return self._read(sources, group)

        yield from batched(read, self._groups, batches)

    def vectors(self, start: int, stop: int) -> FloatArray:
        raise InputError("this survey has images, no vectors")

    def _groups(self, rows: Sequence[int]) -> list[list[int]]:
        """Rows in their order, cut where the next does not lie close behind in the same tar."""
        groups: list[list[int]] = []
        first = end = tar = -1
        for row in rows:
            number, start, size, _ = self._members.rows[row].tolist()
            close = number == tar and 0 <= start - end <= GAP and start + size - first <= SPAN
            if groups and (close or row in self._members.problems):
                groups[-1].append(row)
            else:
                groups.append([row])
            if row not in self._members.problems:
                first = first if close else start
                tar, end = number, start + size
        return groups

    def _read(self, sources: pa.Table, group: Sequence[int]) -> list[bytes | Failure]:
        problems = self._members.problems
        sound = [row for row in group if row not in problems]
        reasons = {row: problems[row] for row in group if row in problems}
        data, start = b"", 0
        if sound:
            places = self._members.rows[sound]
            tar, start = int(places[0, 0]), int(places[0, 1]) - BLOCK
            try:
                data = self._bytes(tar, start, int(places[-1, 1] + places[-1, 2]) - start)
            except InputError as error:
                reasons |= dict.fromkeys(sound, f"{self._tars[tar].name}: {error}")
        found: list[bytes | Failure] = []
        for row in group:
            part = reasons.get(row) or self._cut(data, start, row)
            found.append(part if isinstance(part, bytes) else _failure(sources, row, part))
        return found

    def _cut(self, data: bytes, start: int, row: int) -> bytes | str:
        """One image of what was read, or why it is none."""
        tar, at, size, check = self._members.rows[row].tolist()
        at -= start
        name = self._tars[tar].name
        if len(data) < at + size:
            return f"{name} ends within it: it was changed"
        if zlib.crc32(data[at - BLOCK : at]) != check:
            return f"{name} was changed since it was opened"
        return data[at : at + size] if size else "the file is empty: 0 bytes"

    def _bytes(self, number: int, start: int, size: int) -> bytes:
        tar = self._tars[number]
        if not isinstance(tar, Path):
            return remote.read(tar.text, start, size)
        try:
            if self._open is None or self._open[0] != number:
                if self._open is not None:
                    self._open[1].close()
                self._open = None
                self._open = number, tar.open("rb")
            self._open[1].seek(start)
            return self._open[1].read(size)
        except FileNotFoundError:
            raise InputError("no such file") from None
        except OSError as error:
            raise InputError(f"the file cannot be read: {error.strerror or error}") from error


def _failure(sources: pa.Table, row: int, reason: str) -> Failure:
    at = sources.slice(row, 1)
    return Failure(at["id_str"][0].as_py(), at["location"][0].as_py(), reason)
