"""An executor that is not here: what it is given, and what it gives, goes through pickle."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from skerry.errors import RunError


def copied(value: Any) -> tuple[Any, int]:
    """What another process would have of it, its arrays read-only as on Ray; and its bytes."""
    held: list[pickle.PickleBuffer] = []
    stream = pickle.dumps(value, protocol=5, buffer_callback=held.append)
    buffers = [bytes(one.raw()) for one in held]
    return pickle.loads(stream, buffers=buffers), len(stream) + sum(map(len, buffers))


@dataclass
class Apart:
    """Runs one task after the other; as they end they come in threes, each the other way round.

    ``tasks`` and ``items`` are the bytes of each that were sent, ``gpus`` how many the tasks
    asked for. After ``lives`` tasks everything is lost.
    """

    lives: int = 1_000_000
    here: bool = False
    tasks: list[int] = field(default_factory=list)
    items: list[int] = field(default_factory=list)
    gpus: list[int] = field(default_factory=list)

    def map(
        self, task: Callable[[Any], Any], items: Iterable[Any], *, gpus: int = 0
    ) -> Iterator[Any]:
        self.gpus.append(gpus)
        self.tasks.append(copied(task)[1])
        for item in items:
            if len(self.items) == self.lives:
                raise RunError("every machine is gone")
            mine, size = copied(item)
            self.items.append(size)
            # a task finds nothing that another left behind
            yield copied(copied(task)[0](mine))[0]

    def map_as_ended(
        self, task: Callable[[Any], Any], items: Iterable[Any], *, gpus: int = 0
    ) -> Generator[Any]:
        ended: list[Any] = []
        for result in self.map(task, items, gpus=gpus):
            ended.append(result)
            if len(ended) == 3:
                yield from reversed(ended)
                ended.clear()
        yield from reversed(ended)
