"""What is left of a representation without what predictors tell, and with columns joined."""

from __future__ import annotations

import numpy as np
import pytest

from skerry.examine.searching.residuals import joined, ranks, residuals, without_leading

N = 600


def test_what_predictors_tell_is_taken_out_and_the_rest_is_left() -> None:
    rng = np.random.default_rng(0)
    size, color = rng.uniform(-2, 2, size=(2, N))
    noise = rng.normal(size=(N, 3))
    told = np.stack([3 * size, np.sin(2 * size) * 3, 2 * color**2], axis=1)
    left, explained = residuals(
        (told + noise).astype(np.float32), ranks(np.stack([size, color], 1))
    )
    true = told.var(axis=0).sum() / (told + noise).var(axis=0).sum()
    assert explained == pytest.approx(true, abs=0.03)
    for i in range(3):
        assert np.corrcoef(left[:, i], noise[:, i])[0, 1] > 0.97
        assert abs(np.corrcoef(left[:, i], told[:, i])[0, 1]) < 0.1


def test_predictors_that_tell_nothing_take_nothing_out() -> None:
    """Fitted on the sources themselves, 20 of them would seem to tell a part by chance."""
    explained = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        vectors = rng.normal(size=(N, 4)).astype(np.float32)
        left, share = residuals(vectors, rng.normal(size=(N, 20)))
        assert np.corrcoef(left.ravel(), vectors.ravel())[0, 1] > 0.99
        explained.append(share)
    assert -0.02 < np.mean(explained) < 0.005


def test_ranks_are_those_of_the_order_alone() -> None:
    values = np.random.default_rng(1).normal(size=(N, 2))
    found = ranks(values)
    np.testing.assert_array_equal(ranks(np.exp(3 * values)), found)
    np.testing.assert_allclose(np.sort(found[:, 0]), (np.arange(N) + 0.5) / N)


def test_the_leading_components_hold_the_share_asked_for() -> None:
    rng = np.random.default_rng(2)
    spread = np.array([5.0, 3.0, 1.0, 1.0, 1.0])
    turned = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    vectors = (rng.normal(size=(4000, 5)) * spread @ turned).astype(np.float32)
    left, removed = without_leading(vectors, 0.5)
    assert removed == 1 and left.shape == (4000, 4)
    assert left.var(axis=0).sum() == pytest.approx(12, rel=0.05)
    left, removed = without_leading(vectors, 0.9)
    assert removed == 2 and left.var(axis=0).sum() == pytest.approx(3, rel=0.05)
    assert without_leading(vectors, 1.0)[1] == 4


def test_joined_parts_weigh_alike_whatever_their_units() -> None:
    rng = np.random.default_rng(3)
    vectors = (100 * rng.normal(size=(N, 8)) * np.linspace(1, 0.2, 8)).astype(np.float32)
    columns = rng.normal(size=(N, 2))
    found = joined(vectors, columns)
    assert found.shape == (N, 10) and found.dtype == np.float32
    for part in (found[:, :8], found[:, 8:]):
        assert np.linalg.eigvalsh(np.cov(part.T))[-1] == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(joined(vectors, columns * [1000, 0.01] + 5), found, atol=1e-4)
