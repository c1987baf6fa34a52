"""How many threads the libraries on a CPU may use, and searches side by side on threads."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import pyarrow as pa

from skerry.executors.local import map_ordered

Item = TypeVar("Item")
Result = TypeVar("Result")

_SIDE_BY_SIDE = threading.Event()


@contextlib.contextmanager
def side_by_side() -> Iterator[None]:
    """Whole searches side by side, one a Python thread: each library call runs on that alone.

    Every thread has to call :func:`settle_thread` first. Nothing may run beside it that calls
    these libraries from outside.
    """
    with _faiss_threads().limit(limits=1):
        _SIDE_BY_SIDE.set()
        try:
            yield
        finally:
            _SIDE_BY_SIDE.clear()


def settle_thread() -> None:
    """Make a new Python thread compute on itself alone: OpenMP's limit is each thread's own."""
    import faiss

    faiss.omp_set_num_threads(1)


def by_thread(task: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Results of ``task`` for each item, in order, as many at a time as library calls of this
    thread may have threads; each call within a task runs on one."""
    at_once = threads()
    if at_once == 1:
        with one_faiss_thread():
            yield from map(task, items)
        return
    yield from each_alone(task, items, at_once)


def threads() -> int:
    """How many threads library calls of this thread may have."""
    import faiss

    return 1 if _SIDE_BY_SIDE.is_set() else int(faiss.omp_get_max_threads())


def each_alone(
    task: Callable[[Item], Result], items: Iterable[Item], threads: int = 0
) -> Iterator[Result]:
    """Results of ``task`` for each item, in order, on ``threads`` threads (0: all), each library
    call on one."""
    with side_by_side():
        yield from map_ordered(task, items, threads, settle_thread)


def on_threads(number: int) -> Any:
    """A context in which library calls of this thread run on no more than so many threads."""
    return _faiss_threads().limit(limits=number)


def one_faiss_thread() -> Any:
    """A context in which the libraries loaded with faiss run on one thread."""
    return contextlib.nullcontext() if _SIDE_BY_SIDE.is_set() else _faiss_threads().limit(limits=1)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """BLAS and numba on one thread: a sum split over threads rounds differently."""
    import numba
    import threadpoolctl

    before = numba.get_num_threads()
    numba.set_num_threads(1)
    limited = _SIDE_BY_SIDE.is_set()
    try:
        with contextlib.nullcontext() if limited else threadpoolctl.threadpool_limits(1):
            yield
    finally:
        numba.set_num_threads(before)


@functools.cache
def _faiss_threads() -> Any:
    """Holds the threads of the libraries loaded with faiss: looking them up takes milliseconds."""
    import faiss  # noqa: F401
    import threadpoolctl

    return threadpoolctl.ThreadpoolController()


def give_back() -> None:
    """Give the memory that was freed back to the system.

    glibc keeps what lies between pieces in use, in the heap of each thread that there was: after
    searches of 100,000 sources some hundreds of megabytes; Arrow what it read tables into.
    """
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)
