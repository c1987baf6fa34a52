from __future__ import annotations

import itertools
from unittest import mock

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skerry.discover import canonical_order
from skerry.discover import order as order_module


def vectors(seed: int, n: int = 40) -> np.ndarray:
    # few values, so that some vectors repeat and many share components
    return np.random.default_rng(seed).integers(-1, 2, size=(n, 3)).astype(np.float32)


@given(st.integers(0, 10_000))
def test_the_order_of_the_input_does_not_matter(seed: int) -> None:
    x = vectors(seed)
    y = x[np.random.default_rng(seed + 1).permutation(len(x))]
    order = canonical_order(x)
    np.testing.assert_array_equal(np.sort(order), np.arange(len(x)))
    np.testing.assert_array_equal(x[order], y[canonical_order(y)])


def test_minus_zero_is_zero() -> None:
    x = np.array([[0.0, 1.0], [-1.0, 0.0], [2.0, 3.0]], dtype=np.float32)
    y = np.array([[-0.0, 1.0], [-1.0, -0.0], [2.0, 3.0]], dtype=np.float32)
    np.testing.assert_array_equal(canonical_order(x), canonical_order(y))


def test_not_contiguous_or_float64_is_the_same_content() -> None:
    x = np.random.default_rng(0).normal(size=(30, 8)).astype(np.float32)
    order = canonical_order(x)
    np.testing.assert_array_equal(canonical_order(np.asfortranarray(x)), order)
    np.testing.assert_array_equal(canonical_order(x.astype(np.float64)), order)  # type: ignore[arg-type]


def test_identical_vectors_keep_their_order_or_that_of_their_ids() -> None:
    x = np.ones((4, 2), dtype=np.float32)
    assert canonical_order(x).tolist() == [0, 1, 2, 3]
    assert canonical_order(x, ["d", "b", "a", "c"]).tolist() == [2, 1, 3, 0]


@given(st.integers(0, 10_000))
def test_only_among_identical_vectors_ids_decide(seed: int) -> None:
    x = vectors(seed)
    ids = [f"{i:02d}" for i in np.random.default_rng(seed).permutation(len(x))]
    order = canonical_order(x, ids)
    np.testing.assert_array_equal(x[order], x[canonical_order(x)])
    for i, j in itertools.pairwise(order):
        assert (x[i] != x[j]).any() or ids[i] < ids[j]


@given(st.integers(0, 10_000), st.integers(0, 40), st.integers(1, 9))
def test_a_block_at_a_time_is_all_at_once(seed: int, n: int, at_once: int) -> None:
    x = vectors(seed, n)
    with mock.patch.object(order_module, "_AT_ONCE", at_once):
        ordered, found = canonical_order(x), order_module.distinct_rows(x)
    np.testing.assert_array_equal(ordered, canonical_order(x))
    new = [i == 0 or (x[ordered[i]] != x[ordered[i - 1]]).any() for i in range(n)]
    np.testing.assert_array_equal(found, ordered[np.array(new, bool)])
    assert len(found) == len(np.unique(x, axis=0))


def test_no_vectors_have_an_order() -> None:
    assert canonical_order(np.empty((0, 128), dtype=np.float32)).shape == (0,)
