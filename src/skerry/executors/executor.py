"""Where tasks are worked on: one interface to this process, its machine and a cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from skerry.errors import ConfigError
from skerry.executors.local import Local

Item = TypeVar("Item")
Result = TypeVar("Result")

EXECUTORS = ("local", "ray")
"""Names of what :func:`opened` opens."""


class Executor(Protocol):
    """Maps a task over items, with results in order or as tasks end.

    Items are drawn only a little ahead of the results, so that memory does not grow with their
    number. What is lost with a worker is tried again where the executor can; the task's own first
    error, in the order of the results, ends the map as it was raised. ``gpus`` are how many a
    task needs, where there are others to choose from than those of this process.

    ``here`` tells whether tasks run in this process. Where they do not, the task, items and
    results must be picklable, and a task may find its arrays read-only. What all items need
    belongs into the task, which is sent once, not with each item.
    """

    @property
    def here(self) -> bool: ...

    def map(
        self, task: Callable[[Item], Result], items: Iterable[Item], *, gpus: int = 0
    ) -> Iterator[Result]: ...

    def map_as_ended(
        self, task: Callable[[Item], Result], items: Iterable[Item], *, gpus: int = 0
    ) -> Generator[Result]: ...


@contextmanager
def opened(name: str = "local", *, address: str = "auto", threads: int = 0) -> Iterator[Executor]:
    """An executor by name, let go of at the end.

    Parameters
    ----------
    name
        ``local``: threads of this process. ``ray``: tasks of a Ray cluster.
    address
        The cluster: ``auto`` for the one this machine is part of, ``local`` for one of this
        machine alone that ends with the block, or ``HOST:PORT``.
    threads
        Of this process, 0 for all; or the cores of each Ray task, 0 for one.

    Raises
    ------
    ConfigError
        The name is unknown, or Ray is not installed.
    RunError
        There is no such cluster.
    """
    if name == "local":
        yield Local(threads)
    elif name == "ray":
        from skerry.executors.ray import connected

        with connected(address, cores=threads or 1) as executor:
            yield executor
    else:
        raise ConfigError(f"no executor {name!r}; expected one of {', '.join(EXECUTORS)}")
