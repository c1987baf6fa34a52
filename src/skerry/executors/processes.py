"""Tasks on processes of this machine, for work that holds Python's lock."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import joblib
import loky

from skerry.errors import RunError
from skerry.executors.ahead import first_to_end, oldest, sent_ahead

Item = TypeVar("Item")
Result = TypeVar("Result")

_LOOKS = 0.5
"""Seconds between two looks at whether the process that started this one is still there."""


def map_on_processes(
    task: Callable[[Item], Result], items: Iterable[Item], processes: int
) -> Generator[Result]:
    """Results of ``task`` for each item, in order, computed on ``processes`` processes.

    One is this process itself, with none started. ``task``, items and results must be picklable.
    Items are drawn only a little ahead of the results: twice as many as there are processes, and
    one. The first error ends the map. No process outlives this one, however it ends.

    Raises
    ------
    RunError
        A process was ended from outside.
    """
    if processes == 1:
        yield from map(task, items)
        return
    yield from _mapped(task, items, processes, oldest)


def _mapped(
    task: Callable[[Item], Result],
    items: Iterable[Item],
    processes: int,
    take: Callable[[deque[Future[Result]]], Result],
) -> Iterator[Result]:
    # loky's processes are new ones, as a fork would copy locks that threads hold, and do not run
    # the script again that started them
    with loky.ProcessPoolExecutor(processes, initializer=_begin) as pool:
        try:
            yield from sent_ahead(
                lambda item: pool.submit(task, item),
                items,
                lambda: 2 * processes,
                take,
                Future.cancel,
            )
        except BrokenProcessPool as error:
            raise RunError(
                f"one of {processes} processes was ended from outside, most often for want of "
                "memory; start again with fewer threads, it goes on where it stopped"
            ) from error


@dataclass(frozen=True)
class Processes:
    """Processes of this machine as an executor (:class:`skerry.executors.executor.Executor`).

    A task is written once, to a temporary file whose arrays all processes map: one copy for all.
    """

    count: int
    here: bool = False

    def map(
        self, task: Callable[[Item], Result], items: Iterable[Item], *, gpus: int = 0
    ) -> Iterator[Result]:
        """As :func:`map_on_processes`."""
        with _written(task) as written:
            yield from map_on_processes(written, items, self.count)

    def map_as_ended(
        self, task: Callable[[Item], Result], items: Iterable[Item], *, gpus: int = 0
    ) -> Iterator[Result]:
        """The same in the order in which tasks end, always on processes of their own."""
        with _written(task) as written:
            yield from _mapped(written, items, self.count, first_to_end)


@dataclass(frozen=True)
class _Written:
    """A task in a file, read once a process."""

    path: Path

    def __call__(self, item: Any) -> Any:
        return _read(self.path)(item)


@contextmanager
def _written(task: Callable[[Item], Result]) -> Iterator[Callable[[Item], Result]]:
    with TemporaryDirectory(prefix="skerry-") as folder:
        path = Path(folder) / "task"
        joblib.dump(task, path)
        yield _Written(path)


@lru_cache(maxsize=1)
def _read(path: Path) -> Callable[[Any], Any]:
    found: Callable[[Any], Any] = joblib.load(path, mmap_mode="r")
    return found


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends the map
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    while os.getppid() == parent.pid:  # another's, once it is gone
        time.sleep(_LOOKS)
    os._exit(1)
