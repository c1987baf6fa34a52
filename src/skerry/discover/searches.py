"""Whole searches: by name, as those that repeat one need them, and side by side on threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from skerry.backends import parallel
from skerry.config import Config
from skerry.discover.replicate import Search
from skerry.discover.routes import Route, route_of
from skerry.discover.space import space_of
from skerry.types import Candidate, FloatArray

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(
    task: Callable[[Item], Result], items: Sequence[Item], threads: int = 0
) -> Iterator[Result]:
    """Whole searches, one for each item, in order, as many at a time as there are threads."""
    if len(items) < 2:
        yield from map(task, items)
        return
    yield from parallel.each_alone(task, items, threads)
    parallel.give_back()


def search_by(own: Route | None = None, instead_of: str = "") -> Search:
    """A whole search as repeated searches need it, by name; ``own`` is that of one name."""

    def search(vectors: FloatArray, config: Config, name: str) -> list[Candidate]:
        route = own if own is not None and name == instead_of else route_of(name)
        return route(space_of(vectors, config.neighbors), config)

    return search
