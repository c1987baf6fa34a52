from __future__ import annotations

import numpy as np
import pytest

from skerry.represent.score.invariance import N_VIEWS, averaged, ranks, views


def test_identical_twins_are_found_first() -> None:
    vectors = np.random.default_rng(0).normal(size=(700, 8))
    chosen = np.arange(0, 700, 2)
    assert (ranks(vectors[chosen], vectors, chosen) == 1).all()


def test_vectors_all_alike_find_nothing() -> None:
    assert (ranks(np.ones((5, 3)), np.ones((9, 3)), np.arange(5)) == 9).all()


def test_unrelated_twins_are_at_chance() -> None:
    rng = np.random.default_rng(0)
    found = ranks(rng.normal(size=(500, 4)), rng.normal(size=(500, 4)), np.arange(500))
    assert found.min() >= 1 and found.max() <= 500
    assert abs(found.mean() / 250 - 1) < 0.15
    assert (found == 1).mean() < 0.02


def test_ranks_by_hand() -> None:
    originals = np.array([[0.0], [1.0], [10.0]])
    twins = np.array([[0.4], [0.6], [0.2]])
    assert ranks(twins, originals, np.array([0, 0, 2])).tolist() == [1, 2, 3]


def test_eight_views_are_those_of_every_turned_and_mirrored_image() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 5, 3), dtype=np.uint8)
    seen = {v[0].tobytes() for v in views(pixels)}
    assert len(seen) == N_VIEWS
    for changed in (np.rot90(pixels, 3, (1, 2)), pixels[:, ::-1], pixels.transpose(0, 2, 1, 3)):
        assert {v[0].tobytes() for v in views(changed)} == seen


def test_averages_are_unit_vectors_and_weigh_views_alike() -> None:
    found = averaged([np.array([[5.0, 0.0]]), np.array([[0.0, 0.1]])])
    assert found[0] == pytest.approx([np.sqrt(0.5)] * 2)
    assert averaged([np.zeros((1, 2))])[0].tolist() == [0, 0]
