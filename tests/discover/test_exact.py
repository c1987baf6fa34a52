from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.discover import exact
from tests.discover.neighbors_by_hand import agrees, graph


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from(["normal", "grid", "twins"]))
def test_agrees_with_all_pairs(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(200, 16)).astype(np.float32)
    if kind == "grid":
        x = rng.integers(0, 3, size=(200, 4)).astype(np.float32)
    if kind == "twins":
        x[100:] = x[:100] + rng.normal(scale=1e-4, size=(100, 16)).astype(np.float32)
    agrees(x)


@pytest.mark.parametrize("scale", [1e-3, 1e-2, 3e-2])
def test_close_pairs_far_from_the_origin(monkeypatch: pytest.MonkeyPatch, scale: float) -> None:
    import faiss

    # few queries are compared directly; many by |x|^2 + |y|^2 - 2 x.y, which in float32 is off
    # by as much as these distances squared: here as if they were many
    monkeypatch.setattr(faiss.cvar, "distance_compute_blas_threshold", 20)
    rng = np.random.default_rng(0)
    groups = np.repeat(100 * rng.normal(size=(4, 32)), 100, axis=0)
    agrees((groups + scale * rng.normal(size=(400, 32))).astype(np.float32))


def test_more_twins_than_neighbors_fall_to_the_smaller_rows() -> None:
    x = np.random.default_rng(1).normal(size=(200, 8)).astype(np.float32)
    x[50:150] = x[50]
    agrees(x, k=5)
    assert graph(x, 5).indices[149].tolist() == [50, 51, 52, 53, 54]


@pytest.mark.parametrize("value", [0.0, 0.3])
@pytest.mark.parametrize("spread", [False, True])
def test_sixty_the_same_among_others(value: float, spread: bool) -> None:
    x = np.random.default_rng(8).normal(size=(200, 8)).astype(np.float32)
    x[slice(0, 180, 3) if spread else slice(60, 120)] = value
    agrees(x)


def test_a_vector_is_compared_with_all_but_once(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(9).normal(size=(1500, 6)).astype(np.float32)
    x[900:1200] = 0  # on both sides of the end of a block of rows
    x[1300:1400] = 2
    asked: list[bytes] = []
    compare = exact.nearest_to

    def counted(vector: np.ndarray, *given: object) -> object:
        asked.append(vector.tobytes())
        return compare(vector, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(exact, "nearest_to", counted)
    agrees(x)
    assert {x[900].tobytes(), x[1300].tobytes()} <= set(asked)
    assert len(asked) == len(set(asked))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 9), st.sampled_from([1e-3, 1.0, 100.0]))
def test_none_within_a_distance_is_missed(seed: int, d: int, offset: float) -> None:
    rng = np.random.default_rng(seed)
    x = offset * rng.normal(size=(3, d)).repeat(40, axis=0) + 1e-3 * rng.normal(size=(120, d))
    x = x.astype(np.float32)
    gap = np.linalg.norm(x.astype(np.float64) - x[5], axis=1).astype(np.float32)
    limit = float(np.sort(gap)[11])
    assert set(np.flatnonzero(gap <= limit)) <= set(exact.Exact(x)._within(5, limit))
