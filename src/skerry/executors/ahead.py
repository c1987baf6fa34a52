"""Tasks sent a little ahead of what is taken of them, so that memory does not grow with their
number: what every executor does."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TypeVar

Item = TypeVar("Item")
Sent = TypeVar("Sent")
Result = TypeVar("Result")


def sent_ahead(
    send: Callable[[Item], Sent],
    items: Iterable[Item],
    most: Callable[[], int],
    take: Callable[[deque[Sent]], Result],
    cancel: Callable[[Sent], object],
) -> Iterator[Result]:
    """What ``take`` makes of what was sent for each item; ``most`` of it wait, and no more.

    ``take`` removes one of those that wait, which are in the order sent, and gives its result.
    What it raises ends all, and what still waits then is given to ``cancel``.
    """
    waiting: deque[Sent] = deque()
    try:
        for item in items:
            waiting.append(send(item))
            if len(waiting) > most():
                yield take(waiting)
        while waiting:
            yield take(waiting)
    finally:
        for one in waiting:
            cancel(one)


def oldest(waiting: deque[Future[Result]]) -> Result:
    """The result of what was sent first."""
    return waiting.popleft().result()


def first_to_end(waiting: deque[Future[Result]]) -> Result:
    """The result of what has ended, of several the one sent first."""
    ended = wait(waiting, return_when=FIRST_COMPLETED).done
    one = next(future for future in waiting if future in ended)
    waiting.remove(one)
    return one.result()
