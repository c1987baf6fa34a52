from __future__ import annotations

import threading
import time
from typing import Any

import numba
import numpy as np
import pytest
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher

from skerry.backends.compiled import compiled


def test_a_loop_is_compiled_and_does_what_it_says() -> None:
    def total(values: Any) -> Any:
        found = 0
        for value in values:
            found += value
        return found

    assert compiled(total)(np.arange(5)) == 10
    assert compiled(total) is compiled(total)


def test_where_no_folder_can_be_written_it_is_compiled_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(self: Any) -> None:
        raise RuntimeError("cannot cache function: no locator available")

    def twice(value: Any) -> Any:
        return 2 * value

    monkeypatch.setattr(Dispatcher, "enable_caching", refuse)
    assert compiled(twice)(4) == 8


def test_a_cache_that_cannot_be_kept_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("no space left on device")

    def fourfold(value: Any) -> Any:
        return 4 * value

    monkeypatch.setattr(FunctionCache, "save_overload", refuse)
    assert compiled(fourfold)(4) == 16
    assert compiled(fourfold)(5) == 20


def test_numba_that_compiles_nothing_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def thrice(value: Any) -> Any:
        return 3 * value

    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    assert compiled(thrice)(4) == 12


def test_other_threads_go_on_meanwhile() -> None:
    def churn(rounds: Any) -> Any:
        state = 1
        for _ in range(rounds):
            state = (state * 1103515245 + 12345) % 2147483648
        return state

    loop, took = compiled(churn), []
    loop(1)

    def work() -> None:
        began = time.perf_counter()
        loop(200_000_000)
        took.append(time.perf_counter() - began)

    worker = threading.Thread(target=work)
    began = time.perf_counter()
    worker.start()
    time.sleep(0.01)
    back = time.perf_counter() - began
    worker.join()
    assert back < took[0] / 2
