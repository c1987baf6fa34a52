"""Progress as a callback, and the bar that listens to it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

OnEvent = Callable[[str, int, int], None]
"""Called with what is done, how much of it and out of how much (0 if unknown)."""


def silent(what: str, done: int, total: int) -> None:
    """Listens to nothing."""


@contextmanager
def bar(enabled: bool = True, delay: float = 1.0) -> Iterator[OnEvent]:
    """Progress bars on standard error, one a task, for tasks longer than ``delay`` seconds."""
    if not enabled:
        yield silent
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(file=sys.stderr)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=not console.is_terminal) as progress:
        tasks: dict[str, tuple[int, float]] = {}

        def on_event(what: str, done: int, total: int) -> None:
            if what not in tasks:
                task = progress.add_task(what, total=total or None, visible=False)
                tasks[what] = (int(task), time.monotonic())
            task, began = tasks[what]
            slow = time.monotonic() - began > delay
            progress.update(  # type: ignore[arg-type]
                task, completed=done, total=total or None, visible=slow or None
            )

        yield on_event
