"""Rows of an ``.npy`` of a store elsewhere, by ranges."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

from skerry.survey.streams import remote
from skerry.survey.streams.place import RemotePath

_HEADER = 1 << 12


class RemoteArray:
    """An array (n, d) whose rows are read when asked for, of the format of NumPy's ``.npy``.

    Raises
    ------
    ValueError
        It is no such file, holds objects, or is in Fortran's order.
    """

    def __init__(self, path: RemotePath) -> None:
        self._path = path
        size = path.size()
        head = BytesIO(remote.read(path.text, 0, min(_HEADER, size)))
        version = np.lib.format.read_magic(head)
        read = {(1, 0): np.lib.format.read_array_header_1_0}.get(
            version, np.lib.format.read_array_header_2_0
        )
        self.shape: tuple[int, ...]
        self.shape, fortran, self.dtype = read(head)
        self._start = head.tell()
        if self.dtype.hasobject or (fortran and len(self.shape) > 1):
            raise ValueError("it holds objects or is in Fortran's order; save it anew by NumPy")
        self.ndim = len(self.shape)
        expected = self._start + int(np.prod(self.shape)) * self.dtype.itemsize
        if size != expected:
            raise ValueError(f"it has {size} bytes; expected {expected}")

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> npt.NDArray[Any]:
        start, stop, _ = rows.indices(len(self))
        width = int(np.prod(self.shape[1:])) * self.dtype.itemsize
        data = remote.read(self._path.text, self._start + start * width, (stop - start) * width)
        return np.frombuffer(data, self.dtype).reshape(-1, *self.shape[1:])
