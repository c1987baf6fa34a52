"""Tasks on processes of this machine, for work that holds Python's lock."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import resource_tracker
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import joblib
import loky

from skerry.errors import DiskError, RunError
from skerry.executors.ahead import first_to_end, oldest, sent_ahead

Item = TypeVar("Item")
Result = TypeVar("Result")

_NEVER_RESTARTED = {"LOKY_MAX_MEMORY_LEAK_SIZE": "1e15"}
"""Or loky, where psutil is installed, would take libraries that a later task loads for a leak."""

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
    left: Path | None = None,
) -> Generator[Result]:
    try:
        with _pool(processes, left) as pool:
            yield from sent_ahead(
                lambda item: _sent(pool, task, item),
                items,
                lambda: 2 * processes,
                take,
                lambda _: None,  # the pool ends with all that it was sent
            )
    except BrokenProcessPool as error:
        raise RunError(
            f"one of {processes} processes was ended from outside, most often for want of "
            "memory; start again with fewer threads, it goes on where it stopped (it was told: "
            f"{str(error).partition(chr(10))[0]})"
        ) from error


@contextmanager
def _pool(processes: int, left: Path | None) -> Iterator[loky.ProcessPoolExecutor]:
    # loky's processes are new ones, as a fork would copy locks that threads hold, and do not run
    # the script again that started them
    pool = loky.ProcessPoolExecutor(
        processes, initializer=_begin, initargs=(left,), env=_NEVER_RESTARTED
    )
    try:
        yield pool
    except BaseException:
        # nobody waits for what is computed now, and what was sent cannot be taken back
        pool.shutdown(kill_workers=True)
        raise
    pool.shutdown()


def _sent(
    pool: loky.ProcessPoolExecutor, task: Callable[[Item], Result], item: Item
) -> Future[Result]:
    """Send a task. Processes that this starts inherit that an interrupt is not for them, so that
    none tells of it while it loads."""
    if not hasattr(signal, "pthread_sigmask"):
        found: Future[Result] = pool.submit(task, item)
        return found
    resource_tracker.ensure_running()  # its own start would let interrupts through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        found = pool.submit(task, item)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return found


@dataclass(frozen=True)
class Processes:
    """Processes of this machine as an executor (:class:`skerry.executors.executor.Executor`).

    A task is written once, to a temporary file whose arrays all processes map: one copy for all.
    It must be of a module that they can import.
    """

    count: int
    here: bool = False

    def map(
        self, task: Callable[[Item], Result], items: Iterable[Item], *, gpus: int = 0
    ) -> Iterator[Result]:
        """As :func:`map_on_processes`."""
        if self.count == 1:
            yield from map(task, items)
            return
        with _written(task) as written:
            yield from _mapped(written, items, self.count, oldest, written.path.parent)

    def map_as_ended(
        self, task: Callable[[Item], Result], items: Iterable[Item], *, gpus: int = 0
    ) -> Generator[Result]:
        """The same in the order in which tasks end, always on processes of their own."""
        with _written(task) as written:
            yield from _mapped(written, items, self.count, first_to_end, written.path.parent)


@dataclass(frozen=True)
class _Written:
    """A task in a file, read once a process."""

    path: Path

    def __call__(self, item: Any) -> Any:
        return _read(self.path)(item)


@contextmanager
def _written(task: Callable[[Item], Result]) -> Iterator[_Written]:
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(TemporaryDirectory(prefix="skerry-"))
            path = Path(folder) / "task"
            joblib.dump(task, path)
        except OSError as error:
            raise DiskError(
                "what processes share cannot be written to a folder for temporary files: "
                f"{error}; free some space there, set TMPDIR to another folder, or use two "
                "threads or fewer"
            ) from error
        yield _Written(path)


@lru_cache(maxsize=1)
def _read(path: Path) -> Callable[[Any], Any]:
    found: Callable[[Any], Any] = joblib.load(path, mmap_mode="r")
    return found


def _begin(left: Path | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends the map
    threading.Thread(target=_end_with_parent, args=(left,), daemon=True).start()


def _end_with_parent(left: Path | None) -> None:
    """End once the parent is gone, and remove the folder that it then left, if any."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    while os.getppid() == parent.pid:  # another's, once it is gone
        time.sleep(_LOOKS)
    if left is not None:
        shutil.rmtree(left, ignore_errors=True)
    os._exit(1)
