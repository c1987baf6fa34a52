"""When a training ends before its last step: a signal, a time, a step."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Stop = Callable[[int], bool]
"""Asked after each step, with how many are done; True ends the training, which is saved."""


def never(step: int) -> bool:
    """Trains to the end."""
    return False


@contextmanager
def stopping(after: int = 0, minutes: float = 0.0) -> Iterator[Stop]:
    """Stop after a step, after some minutes (0: neither), or at SIGINT or SIGTERM.

    The first signal lets the step under way end; a second one interrupts at once, as it would
    have without this.
    """
    asked = False
    deadline = time.monotonic() + 60 * minutes if minutes else float("inf")
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for name, handler in before.items():
            signal.signal(name, handler)

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        restore()

    def stop(step: int) -> bool:
        return asked or (after > 0 and step >= after) or time.monotonic() >= deadline

    for name in before:
        signal.signal(name, ask)
    try:
        yield stop
    finally:
        restore()
