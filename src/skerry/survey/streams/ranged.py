"""A file of a store elsewhere as one that can be sought in: read by blocks, the last few kept."""

from __future__ import annotations

import io
from collections import OrderedDict
from threading import Lock

from skerry.survey.streams import remote

BLOCK = 1 << 20
"""Bytes of a request at least, where the file has as many."""
_KEPT = 4


class RangeFile(io.RawIOBase):
    """A file's bytes by range requests; several threads may read it in turn.

    ``address`` is of a file of ``size`` bytes. A read longer than a block is one request of its
    own.

    Raises
    ------
    OSError
        On reading: the bytes cannot be had.
    """

    def __init__(self, address: str, size: int) -> None:
        self._address = address
        self._size = size
        self._at = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._lock = Lock()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def size(self) -> int:
        """Bytes of the file."""
        return self._size

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._read(min(len(buffer), max(0, self._size - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _read(self, size: int) -> bytes:
        try:
            if size > BLOCK:
                return remote.read(self._address, self._at, size)
            parts, at, end = [], self._at, self._at + size
            while at < end:
                number = at // BLOCK
                block = self._block(number)
                part = block[at - number * BLOCK : end - number * BLOCK]
                parts.append(part)
                at += len(part)
            return b"".join(parts)
        except remote.Unreadable as error:
            raise OSError(f"{self._address}: {error}") from error

    def _block(self, number: int) -> bytes:
        with self._lock:
            if number not in self._blocks:
                start = number * BLOCK
                size = min(BLOCK, self._size - start)
                self._blocks[number] = remote.read(self._address, start, size)
                while len(self._blocks) > _KEPT:
                    self._blocks.popitem(last=False)
            self._blocks.move_to_end(number)
            return self._blocks[number]
