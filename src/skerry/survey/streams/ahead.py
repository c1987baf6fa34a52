"""Images that will be asked for next are read while those at hand are worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from skerry.survey.streams import remote
from skerry.types import Failure

AHEAD = 64
"""Images that are read ahead of the batch at hand, whole batches of them."""
_TOGETHER = 16

Image = bytes | Failure
Rows = Sequence[int]


def batched(
    read: Callable[[Rows], list[Image]],
    groups_of: Callable[[Rows], Sequence[Rows]],
    batches: Iterable[Rows],
) -> Iterator[list[Image]]:
    """The images of each batch, in order.

    Parameters
    ----------
    read : reads the images of some rows by one request; called from several threads
    groups_of : cuts the rows of a batch, in their order, into those that are one request
    batches : rows; drawn only so far ahead that ``AHEAD`` images are under way or at hand
    """
    waiting: deque[tuple[int, list[Future[list[Image]]]]] = deque()
    held = 0
    with ThreadPoolExecutor(remote.AT_ONCE, thread_name_prefix="skerry-read") as pool:
        try:
            for rows in batches:
                waiting.append((len(rows), [pool.submit(read, group) for group in groups_of(rows)]))
                held += len(rows)
                while waiting and held - waiting[0][0] >= AHEAD:
                    count, futures = waiting.popleft()
                    held -= count
                    yield _collected(futures)
            while waiting:
                yield _collected(waiting.popleft()[1])
        finally:
            for _, futures in waiting:
                for future in futures:
                    future.cancel()


def one_after_other(
    stream: Callable[[Iterable[Rows]], Iterator[list[Image]]], rows: Rows
) -> Iterator[Image]:
    """The images of any rows, in order, by what gives those of batches."""
    batches = (rows[start : start + _TOGETHER] for start in range(0, len(rows), _TOGETHER))
    for images in stream(batches):
        yield from images


def _collected(futures: Sequence[Future[list[Image]]]) -> list[Image]:
    return [image for future in futures for image in future.result()]
