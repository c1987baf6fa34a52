from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skerry.discover import space_of
from skerry.recovering import Opened, copies
from skerry.types import FloatArray


def width(vectors: FloatArray) -> float:
    return float(np.linalg.norm(vectors - vectors.mean(axis=0), axis=1).mean())


def test_visibility_is_how_narrow_the_group_is(opened: Opened) -> None:
    planter = copies(opened)
    widths = [width(planter.draw(40, v, 3)) for v in (1e-9, 0.5, 1.0)]
    assert widths[1] / widths[0] == pytest.approx(0.6, rel=1e-4)
    assert widths[2] / widths[0] == pytest.approx(0.2, rel=1e-4)


def test_at_no_visibility_it_is_as_wide_as_what_it_lies_in(opened: Opened) -> None:
    """The 120 sources around its center, as many as a class may hold."""
    vectors = opened.space.vectors
    ratios = []
    for seed in range(30):
        drawn = copies(opened).draw(2000, 1e-9, seed)
        distance = np.linalg.norm(vectors - drawn.mean(axis=0), axis=1)
        ratios.append(width(drawn) / width(vectors[np.argsort(distance)[:121]]))
    assert np.median(ratios) == pytest.approx(1.0, abs=0.15)


def test_visibilities_of_a_seed_are_the_same_sources(opened: Opened) -> None:
    a, b = (copies(opened).draw(30, v, 5) for v in (0.3, 0.9))
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    assert np.allclose(a * (width(b) / width(a)), b, atol=1e-4)


def test_draws_are_seeded(opened: Opened) -> None:
    planter = copies(opened)
    for draw in (lambda seed: planter.draw(20, 0.7, seed), lambda seed: planter.control(20, seed)):
        assert np.array_equal(draw(1), draw(1))
        assert not np.array_equal(draw(1), draw(2))
        assert (draw(1).shape, draw(1).dtype) == ((20, 8), np.float32)


def test_control_sources_lie_as_the_survey_does(opened: Opened) -> None:
    drawn = copies(opened).control(400, 0)
    vectors = opened.space.vectors
    assert np.allclose(drawn.mean(axis=0), vectors.mean(axis=0), atol=0.2)
    assert np.allclose(drawn.std(axis=0), vectors.std(axis=0), rtol=0.25)


def test_on_a_sphere_the_copies_stay_on_it(opened: Opened) -> None:
    vectors = opened.space.vectors / np.linalg.norm(opened.space.vectors, axis=1, keepdims=True)
    sphere = replace(opened, space=space_of(vectors, opened.config.neighbors))
    planter = copies(sphere)
    for drawn in (planter.draw(30, 0.5, 1), planter.control(30, 1)):
        assert np.allclose(np.linalg.norm(drawn, axis=1), 1, atol=1e-5)
    # elsewhere lengths are left alone
    assert np.ptp(np.linalg.norm(copies(opened).control(30, 1), axis=1)) > 0.1
