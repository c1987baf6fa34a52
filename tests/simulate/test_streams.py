from __future__ import annotations

import numpy as np
import pytest

from skerry.simulate.scene import Grid, Scene
from skerry.simulate.streams import (
    Stream,
    around_center,
    at_point,
    bent,
    draw_stream,
    wound,
)

GRID = Grid(80, 0.5)


def drawn(stream: Stream) -> Scene:
    scene = Scene.empty(GRID)
    draw_stream(stream, scene)
    return scene


def test_a_stream_keeps_its_flux_and_color() -> None:
    scene = drawn(Stream(*around_center(8.0, 1.0, 2.0), 0.6, 12.0, 0.75))
    assert scene.maps.sum(axis=(1, 2)) == pytest.approx([3.0, 9.0], rel=1e-4)


def test_what_falls_off_the_grid_takes_its_flux_along() -> None:
    inside, outside = np.array([0.0, 0.0]), np.array([40.0, 0.0])
    scene = drawn(Stream(*bent(inside, outside, 0.0, fading=False), 0.4, 10.0, 0.5))
    assert scene.maps.sum() == pytest.approx(5.0, rel=0.05)
    beyond = Stream(*at_point(100.0, 0.0), 0.4, 10.0, 0.5)
    assert drawn(beyond).maps.sum() == 0


def test_a_knot_lies_where_it_is_put_with_the_width_it_is_given() -> None:
    light = drawn(Stream(*at_point(5.0, -7.0), 1.5, 1.0, 0.0)).maps[0].astype(np.float64)
    axis = GRID.axis
    x, y = (light.sum(axis=0) * axis).sum(), (light.sum(axis=1) * axis).sum()
    assert (x, y) == pytest.approx((5.0, -7.0), abs=0.3)
    spread = np.sqrt((light.sum(axis=0) * (axis - x) ** 2).sum())
    assert spread == pytest.approx(1.5, rel=0.05)


def test_curves_go_where_they_are_told() -> None:
    start, end = np.array([1.0, 2.0]), np.array([9.0, 2.0])
    points, weight = bent(start, end, 0.5, fading=True)
    assert points[0] == pytest.approx(start)
    assert points[-1] == pytest.approx(end)
    assert points[:, 1].max() == pytest.approx(2 + 0.5 * 8 / 2, rel=0.01)
    assert np.all(np.diff(weight) < 0)
    tail, _ = wound(2.0, 10.0, 0.0, 1.2)
    assert np.hypot(*tail[-1]) == pytest.approx(10.0)
    assert np.arctan2(tail[-1][1], tail[-1][0]) == pytest.approx(1.2)


def test_a_stream_without_flux_draws_nothing() -> None:
    assert drawn(Stream(*at_point(0, 0), 1.0, 0.0, 0.5)).maps.sum() == 0
