"""Points in a polygon."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.atlas.selection import MOST, inside
from skerry.errors import InputError

GRID = np.stack(np.meshgrid(np.arange(5.0), np.arange(5.0)), -1).reshape(-1, 2)


def test_a_square() -> None:
    found = GRID[inside(GRID, np.array([[0.5, 0.5], [2.5, 0.5], [2.5, 2.5], [0.5, 2.5]]))]
    assert found.tolist() == [[1, 1], [2, 1], [1, 2], [2, 2]]


def test_a_hollow_and_a_crossing_outline_follow_the_even_odd_rule() -> None:
    bow = np.array([[0.0, 0.0], [4.0, 4.0], [4.0, 0.0], [0.0, 4.0]])
    points = np.array([[3.5, 2.0], [0.5, 2.0], [2.0, 3.5], [2.0, 0.5]])
    assert inside(points, bow).tolist() == [True, True, False, False]
    twice = np.array([[0, 0], [4, 0], [4, 4], [0, 4]] * 2, float)
    assert not inside(np.array([[2.0, 2.0]]), twice).any()


def test_neighbors_share_out_their_common_edge() -> None:
    left = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 5.0], [0.0, 5.0]])
    right = left + np.array([2.0, 0.0])
    both = inside(GRID, left).astype(int) + inside(GRID, right)
    assert (both[GRID[:, 0] < 4] == 1).all()


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=3, max_size=12))
def test_as_by_crossings_counted_one_by_one(corners: list[tuple[float, float]]) -> None:
    points = np.random.default_rng(0).uniform(-1, 1, (60, 2))

    def odd(x: float, y: float) -> bool:
        crossings = 0
        for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
            crosses = min(y1, y2) <= y < max(y1, y2)
            crossings += crosses and x < x1 + (y - y1) * ((x2 - x1) / (y2 - y1))
        return crossings % 2 == 1

    expected = [odd(x, y) for x, y in points]
    # far outside the corners no ray can cross an odd number of times
    assert inside(points, np.array(corners)).tolist() == expected


def test_without_a_place_nothing_is_inside() -> None:
    points = np.array([[np.nan, 1.0], [1.0, 1.0]])
    assert inside(points, np.array([[0, 0], [3, 0], [0, 3.0]])).tolist() == [False, True]


@pytest.mark.parametrize(
    "polygon",
    [np.zeros((2, 2)), np.zeros(3), np.zeros((3, 3)), np.array([[0, 0], [1, 0], [0, np.inf]]),
     np.array([[0, 0], [1, 0], [0, 1e200]]),
     np.zeros((MOST + 1, 2))],
)  # fmt: skip
def test_what_is_no_polygon_is_refused(polygon: np.ndarray) -> None:
    with pytest.raises(InputError, match="polygon"):
        inside(GRID, polygon)
