from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.errors import EncoderError
from skerry.represent.foreign.bottleneck import fit

RNG = np.random.default_rng(0)
FEATURES = (RNG.normal(size=(60, 12)) * np.linspace(5, 0.1, 12) + 3).astype(np.float32)
SIZES = RNG.uniform(-4, 4, (60, 1))


def test_components_are_those_of_the_singular_value_decomposition() -> None:
    found = fit(FEATURES, 4)
    rows = FEATURES.astype(np.float64)
    centered = rows - rows.mean(0)
    _, values, vectors = np.linalg.svd(centered, full_matrices=False)
    np.testing.assert_allclose(abs((found.weight * vectors[:4]).sum(1)), 1, rtol=1e-3)
    np.testing.assert_allclose(rows @ found.weight.T + found.bias, centered @ found.weight.T)
    assert (found.weight[np.arange(4), abs(found.weight).argmax(1)] > 0).all()
    np.testing.assert_array_equal(found.weight, found.weight.astype(np.float16))
    assert found.explained == pytest.approx((values[:4] ** 2).sum() / (values**2).sum())
    assert found.images == 60


@settings(max_examples=20)
@given(st.permutations(range(60)))
def test_the_order_of_rows_changes_no_bit(order: list[int]) -> None:
    # of so many sizes that sums depend on their order
    rows = (FEATURES * 10.0**SIZES).astype(np.float32)
    first, again = fit(rows, 5), fit(rows[order], 5)
    assert first.weight.tobytes() == again.weight.tobytes()
    assert first.bias.tobytes() == again.bias.tobytes()
    assert first.explained == again.explained


@pytest.mark.parametrize(
    ("features", "dimensions", "words"),
    [
        (FEATURES[:9], 5, "9 images are too few to fit 5 dimensions; give at least 10"),
        (FEATURES, 13, "has 12 features and 13 dimensions"),
        (np.where(np.eye(60, 12) > 0, np.nan, FEATURES), 3, "not finite"),
        (FEATURES[:, :1] * np.arange(12, dtype=np.float32), 3, "vary in 1 dimensions only"),
    ],
)
def test_what_cannot_be_fitted_is_explained(
    features: np.ndarray, dimensions: int, words: str
) -> None:
    with pytest.raises(EncoderError, match=words):
        fit(features.astype(np.float32), dimensions)
