"""Loops that numba compiles when they are first called, and that leave Python's lock to others."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any


@functools.cache
def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of arrays and numbers, compiled; kept in numba's cache on disk.

    Where the cache cannot be written it compiles in every process: a second more, the same result.
    Where numba is told to compile nothing (``NUMBA_DISABLE_JIT``) it is the function itself.
    """
    import numba

    made = numba.njit(nogil=True)(function)
    with contextlib.suppress(RuntimeError):
        if made is not function:
            made.enable_caching()

    def called(*arguments: Any) -> Any:
        try:
            return made(*arguments)
        except OSError:  # it could not be written to the cache; compiled it is
            return made(*arguments)

    return called
