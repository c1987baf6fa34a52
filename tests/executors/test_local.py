from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from skerry.executors.local import map_ordered


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_order(threads: int) -> None:
    def task(i: int) -> int:
        time.sleep(0.002 * (i % 3))
        return i * i

    assert list(map_ordered(task, range(40), threads)) == [i * i for i in range(40)]


def test_items_are_drawn_only_a_little_ahead() -> None:
    drawn = 0

    def items() -> Iterator[int]:
        nonlocal drawn
        while True:
            drawn += 1
            yield drawn

    results = map_ordered(lambda i: i, items(), 2)
    for _ in range(10):
        next(results)
    assert drawn < 20


def test_the_first_error_ends_it() -> None:
    def task(i: int) -> int:
        if i == 3:
            raise ValueError("three")
        return i

    with pytest.raises(ValueError, match="three"):
        list(map_ordered(task, range(1000), 2))
