"""Tasks on the threads of this machine."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from skerry.executors.ahead import first_to_end, oldest, sent_ahead

Item = TypeVar("Item")
Result = TypeVar("Result")


def available_threads() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_ordered(
    task: Callable[[Item], Result],
    items: Iterable[Item],
    threads: int = 0,
    begin: Callable[[], None] | None = None,
) -> Iterator[Result]:
    """Results of ``task`` for each item, in order, computed on ``threads`` threads (0: all).

    Each thread calls ``begin`` first.

    Items are drawn only a little ahead of the results, so that an endless input needs no more
    memory than a short one. The first error ends the map.
    """
    return _mapped(task, items, threads or available_threads(), oldest, begin)


def _mapped(
    task: Callable[[Item], Result],
    items: Iterable[Item],
    threads: int,
    take: Callable[[deque[Future[Result]]], Result],
    begin: Callable[[], None] | None = None,
) -> Generator[Result]:
    with ThreadPoolExecutor(threads, thread_name_prefix="skerry", initializer=begin) as pool:
        yield from sent_ahead(
            lambda item: pool.submit(task, item), items, lambda: 2 * threads, take, Future.cancel
        )


@dataclass(frozen=True)
class Local:
    """The threads of this process as an executor (:class:`skerry.executors.executor.Executor`);
    0 for all, 1 for one after the other."""

    threads: int = 0
    here: bool = True

    def map(
        self, task: Callable[[Item], Result], items: Iterable[Item], *, gpus: int = 0
    ) -> Iterator[Result]:
        """As :func:`map_ordered`."""
        return map_ordered(task, items, self.threads)

    def map_as_ended(
        self, task: Callable[[Item], Result], items: Iterable[Item], *, gpus: int = 0
    ) -> Generator[Result]:
        """The same in the order in which tasks end."""
        return _mapped(task, items, self.threads or available_threads(), first_to_end)
