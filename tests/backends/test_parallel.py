from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from skerry.backends import parallel


def test_numba_threads_are_put_back() -> None:
    import numba

    before = numba.get_num_threads()
    with pytest.raises(RuntimeError), parallel.one_thread():
        assert numba.get_num_threads() == 1
        raise RuntimeError
    assert numba.get_num_threads() == before


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="not glibc")
def test_what_was_freed_goes_back_to_the_system() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    # small enough for the heap, and every hundredth kept, so that it cannot shrink by itself
    held = [np.ones(10_000, np.uint8) for _ in range(10_000)]
    kept = held[::100]
    del held
    before = resident()
    parallel.give_back()
    assert resident() < before - 50e6
    assert len(kept) == 100


def test_blocks_are_done_side_by_side_in_their_order_each_on_one_thread(
    faiss_threads: Callable[[int], None],
) -> None:
    import faiss

    faiss_threads(3)
    together = threading.Barrier(3, timeout=30)

    def task(number: int) -> tuple[int, int]:
        if number < 3:
            together.wait()  # ends only where three are at work at a time
        return number, faiss.omp_get_max_threads()

    assert list(parallel.by_thread(task, range(12))) == [(i, 1) for i in range(12)]
    assert faiss.omp_get_max_threads() == 3


def test_blocks_of_a_search_beside_others_stay_on_its_thread() -> None:
    def task(_: int) -> int:
        return threading.get_ident()

    with parallel.side_by_side():
        assert set(parallel.by_thread(task, range(6))) == {threading.get_ident()}
