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
