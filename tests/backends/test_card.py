"""Whether there is a GPU, and whose vectors are on it; here torch's CPU stands for it."""

from __future__ import annotations

import gc
import importlib.util

import numpy as np
import pytest

from skerry.backends import card
from skerry.errors import ConfigError
from skerry.types import FloatArray


def drawn(seed: int = 0, n: int = 300, d: int = 6) -> FloatArray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert card.lacking() == "torch is not installed"
    assert card.lacking("onnx") == "torch and onnx are not installed"
    with pytest.raises(
        ConfigError,
        match=r"^neighbors.device = cuda asks for a GPU, but torch is not installed; "
        r"pip install 'skerry\[gpu\]' on a machine with an NVIDIA GPU, or set the device to cpu",
    ):
        card.require("neighbors.device = cuda")


@pytest.mark.train
def test_a_torch_without_a_gpu_says_so() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        assert card.lacking() == ""
        return
    assert card.lacking() == f"torch {torch.__version__} finds no GPU" or (
        torch.version.cuda is None and "built without CUDA" in card.lacking()
    )
    with pytest.raises(ConfigError, match=r"neighbors.device = cuda asks for a GPU, but torch"):
        card.require("neighbors.device = cuda")


@pytest.fixture
def on_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr(card, "DEVICE", "cpu")


@pytest.mark.train
def test_who_asked_longest_ago_makes_room(monkeypatch: pytest.MonkeyPatch, on_cpu: None) -> None:
    """A GPU with room for two."""
    held = [card.Held(drawn(seed)) for seed in range(3)]
    room = 2 * held[0].needed
    monkeypatch.setattr(
        card, "_free", lambda: room - sum(owner.needed for owner in list(card._HELD))
    )
    rows, before = np.arange(20), []
    for one in held[:2]:
        before.append(one.nearest(rows, 4))
    held[0].norms()
    assert list(card._HELD) == [held[1], held[0]]
    held[2].nearest(rows, 4)
    assert list(card._HELD) == [held[0], held[2]]
    for found, expected in zip(held[1].nearest(rows, 4), before[1], strict=True):
        np.testing.assert_array_equal(found, expected)
    assert list(card._HELD) == [held[2], held[1]]
    del held, one
    gc.collect()
    assert not len(card._HELD)


@pytest.mark.train
def test_what_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch, on_cpu: None) -> None:
    monkeypatch.setattr(card, "_free", lambda: 1000)
    with pytest.raises(ConfigError, match=r"300 vectors of 6 columns need .* 1e-06 GB of it are f"):
        card.Held(drawn()).nearest(np.arange(3), 4)
    monkeypatch.setattr(card, "_whole", lambda: 2000)
    with pytest.raises(ConfigError, match=r"it has 2e-06 GB; .* or set neighbors.device to cpu"):
        card.Held(drawn())


@pytest.mark.train
def test_norms_are_those_of_what_is_searched(on_cpu: None) -> None:
    x = drawn() + np.float32(100)
    expected = np.linalg.norm(x - x.mean(axis=0, dtype=np.float64), axis=1)
    np.testing.assert_allclose(card.Held(x).norms(), expected, rtol=1e-4)


@pytest.mark.train
def test_a_distance_that_might_round_otherwise_is_in_doubt(on_cpu: None) -> None:
    """3, 4, 5 times a number of which 5 times lies in the middle between two of float32."""
    t = 3_355_445
    x = np.array([[0, 0], [3 * t, 4 * t], [1, 0], [8, 1]], dtype=np.float32)
    candidates = np.array([[2, 1, 0], [3, 0, 2]])
    indices, distances, certain = card.Held(x).in_order(np.array([0, 2]), candidates, 2)
    assert certain.tolist() == [False, True]
    assert indices.tolist() == [[2, 1], [0, 3]]
    np.testing.assert_array_equal(distances[1], np.float32([1, np.sqrt(50)]))


@pytest.mark.train
def test_equal_distances_go_by_index(monkeypatch: pytest.MonkeyPatch, on_cpu: None) -> None:
    monkeypatch.setattr(card, "_STEP_BYTES", 400)  # a few rows at a time
    x = np.random.default_rng(0).integers(0, 3, size=(60, 3)).astype(np.float32)
    rows = np.arange(60)
    everyone = np.tile(np.random.default_rng(1).permutation(60), (60, 1))
    indices, distances, certain = card.Held(x).in_order(rows, everyone, 7)
    gap = np.linalg.norm(x[:, None].astype(np.float64) - x[None], axis=2)
    np.fill_diagonal(gap, np.inf)
    np.testing.assert_array_equal(indices, np.argsort(gap, axis=1, kind="stable")[:, :7])
    np.testing.assert_array_equal(distances, np.sort(gap, axis=1)[:, :7].astype(np.float32))
    assert certain.all()
