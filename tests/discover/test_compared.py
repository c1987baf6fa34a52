from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.discover import compared, exact, neighbors


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 70), st.integers(1, 12))
def test_blocks_of_any_size_give_the_same_bytes(seed: int, rows: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    x = (rng.integers(0, 3, size=(60, 5)) / 3).astype(np.float32)
    whole = compared.centered(x)
    everyone = np.arange(60, dtype=np.int64)
    indices, distances = compared.nearest_among(x, everyone[:1], everyone[None], k)
    search = exact.Exact(x)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compared, "_BYTES", 8 * 5 * rows)
        for a, b in zip(compared.centered(x), whole, strict=True):
            np.testing.assert_array_equal(a, b)
        found = search._of_one(0, float(distances[0, -1]), k)
    np.testing.assert_array_equal(found[0], indices[0])
    np.testing.assert_array_equal(found[1], distances[0])


def test_comparing_with_all_takes_little_memory() -> None:
    x = np.random.default_rng(10).normal(size=(200_000, 64)).astype(np.float32)  # 100 MB as float64
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compared, "_BYTES", 2**22)
        tracemalloc.start()
        compared.nearest_to(x[7], x, np.arange(len(x)), 11)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        neighbors._check_finite(x)
        kept = compared.centered(x)
        centering = tracemalloc.get_traced_memory()[1] - sum(a.nbytes for a in kept)
        tracemalloc.stop()
    assert peak < 3 * 2**22
    assert centering < 3 * 2**22
