"""Tasks on the threads of this machine."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

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
    threads = threads or available_threads()
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="skerry", initializer=begin) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(task, item))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


@dataclass(frozen=True)
class Local:
    """The threads of this process as an executor (:class:`skerry.executors.executor.Executor`);
    0 for all, 1 for one after the other."""

    threads: int = 0
    here: bool = True

    def map(self, task: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """As :func:`map_ordered`."""
        return map_ordered(task, items, self.threads)
