"""Tasks that other processes import."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from skerry.errors import InputError


def slow_square(i: int) -> int:
    time.sleep(0.002 * (i % 3))
    return i * i


def failing(i: int) -> int:
    if i in (3, 4):
        raise InputError(f"item {i} is bad; mend it")
    return i


def killed_once(marker: str) -> str:
    """Ends its process from within, but for the second time that it is called."""
    if marker and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return marker


def killed(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def noted(item: tuple[str, int]) -> int:
    """Leaves a file for each time it begins."""
    folder, i = item
    Path(folder, f"{i}-{time.time_ns()}").touch()
    time.sleep(0.3)
    return i


def held_up(item: tuple[str, int]) -> int:
    """The first is not done before the result of another was taken, and a file tells of it."""
    taken, i = item
    for _ in range(300 if i == 0 else 0):
        if Path(taken).exists():
            break
        time.sleep(0.1)
    return i


def node_of(_: int) -> str:
    """The node of a Ray cluster that it runs on, a little later."""
    import ray

    time.sleep(0.5)
    return str(ray.get_runtime_context().get_node_id())


def slow(item: tuple[str, int]) -> int:
    """The first ends at once, each other takes a minute, and a file tells that it began."""
    folder, i = item
    if i:
        Path(folder, str(i)).touch()
        time.sleep(60)
    return i
