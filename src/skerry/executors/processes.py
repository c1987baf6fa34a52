"""Tasks on processes of this machine, for work that holds Python's lock."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TypeVar

from skerry.errors import RunError
from skerry.executors.ahead import first_to_end, oldest, sent_ahead

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_on_processes(
    task: Callable[[Item], Result], items: Iterable[Item], processes: int
) -> Iterator[Result]:
    """Results of ``task`` for each item, in order, computed on ``processes`` processes.

    One is this process itself, with none started. ``task``, items and results must be picklable; a
    script that calls this keeps its own work under ``if __name__ == "__main__"``, since each
    process imports it anew. Items are drawn only a little ahead of the results. The first error
    ends the map. No process outlives this one, however it ends.

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
    fresh = multiprocessing.get_context("spawn")  # a fork would copy locks that threads hold
    with ProcessPoolExecutor(processes, mp_context=fresh, initializer=_begin) as pool:
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
                f"one of {processes} processes was ended from outside, for want of memory or in a "
                "script whose work is not under 'if __name__ == \"__main__\"'; start again with "
                "fewer threads, it goes on where it stopped"
            ) from error


@dataclass(frozen=True)
class Processes:
    """Processes of this machine as an executor (:class:`skerry.executors.executor.Executor`)."""

    count: int
    here: bool = False

    def map(
        self, task: Callable[[Item], Result], items: Iterable[Item], *, gpus: int = 0
    ) -> Iterator[Result]:
        """As :func:`map_on_processes`."""
        return map_on_processes(task, items, self.count)

    def map_as_ended(
        self, task: Callable[[Item], Result], items: Iterable[Item], *, gpus: int = 0
    ) -> Iterator[Result]:
        """The same in the order in which tasks end, always on processes of their own."""
        return _mapped(task, items, self.count, first_to_end)


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends the map
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
