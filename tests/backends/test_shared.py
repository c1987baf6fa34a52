from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.backends import shared
from skerry.backends.shared import shared_neighbors
from tests.backends.made import near_of


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(2, 40), st.data())
def test_edges_weigh_what_is_shared_of_all_neighbors(seed: int, n: int, data: Any) -> None:
    """Held against sets, one pair after the other."""
    k = data.draw(st.integers(1, min(n - 1, 12)))
    edges = data.draw(st.integers(1, k))
    near = near_of(seed, n, k)
    found = shared_neighbors(near, edges)
    assert found.shape == (n, n) and found.dtype == np.float32

    sets = [set(row.tolist()) for row in near]
    expected = np.zeros((n, n))
    for i in range(n):
        for j in near[i, :edges].tolist():
            shared = len(sets[i] & sets[j]) / len(sets[i] | sets[j])
            shared *= 1 if i in sets[j] else 0.25
            # an edge that leads both ways is met twice
            expected[i, j] += shared
            expected[j, i] += shared
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-6)
    # nothing that weighs nothing, so that who shares none has no edge
    assert found.nnz == (expected > 0).sum()
    assert (found.diagonal() == 0).all()
    assert (found != found.T).nnz == 0


def test_more_rows_than_are_compared_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    near = near_of(0, 300, 8)
    whole = shared_neighbors(near, 4)
    monkeypatch.setattr(shared, "_BLOCK", 7)
    for threads in (1, 3):
        parts = shared_neighbors(near, 4, threads)
        for name in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


@pytest.mark.parametrize(("column", "row"), [(0, 60), (7, 60), (7, 2_000_000_000), (3, -1)])
def test_a_neighbor_that_is_no_row_is_refused(column: int, row: int) -> None:
    """Compiled loops would read and write beyond their arrays."""
    near = near_of(0, 60, 8)
    near[5, column] = row
    with pytest.raises(ValueError, match="of 60 rows; expected 0 to 59"):
        shared_neighbors(near, 4)
