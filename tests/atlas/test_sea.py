"""A tile has the sources that lie on it, and no others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.atlas.sea import BITS, DEEPEST, SIDE, Sea
from skerry.errors import InputError

RNG = np.random.default_rng(1)
POINTS = np.vstack([RNG.normal(size=(3000, 2)), RNG.normal(size=(500, 2)) * 0.01 + 2])
SEA = Sea(POINTS)


@pytest.mark.parametrize("z", [0, 1, 3, 6])
def test_the_tiles_of_a_level_share_out_all_sources(z: int) -> None:
    found = [SEA.tile(z, x, y, 0).rows for x in range(2**z) for y in range(2**z)]
    assert sorted(np.concatenate(found)) == list(range(len(POINTS)))


@given(st.integers(0, 8), st.data(), st.integers(0, 5))
def test_a_tile_has_what_lies_on_it_and_its_margin(
    z: int, data: st.DataObject, margin: int
) -> None:
    x, y = (data.draw(st.integers(0, 2**z - 1)) for _ in "xy")
    tile = SEA.tile(z, x, y, margin)
    pixel = np.floor(SEA.unit * 2**z * SIDE).astype(int) - [x * SIDE, y * SIDE]
    inside = ((pixel >= -margin) & (pixel < SIDE + margin)).all(axis=1)
    assert sorted(tile.rows) == list(np.flatnonzero(inside))
    # lines from above
    where = dict(zip(tile.rows.tolist(), tile.pixels.tolist(), strict=True))
    for row, at in where.items():
        line, column = divmod(at, tile.side)
        assert column == pixel[row, 0] + margin
        assert line == SIDE - 1 - pixel[row, 1] + margin


def test_sources_without_a_place_are_left_out() -> None:
    points = POINTS.copy()
    points[7] = np.nan
    sea = Sea(points)
    assert len(sea) == len(points) - 1 and 7 not in sea.rows
    with pytest.raises(InputError, match="no source has a place"):
        Sea(np.full((3, 2), np.nan))


def test_one_place_for_all_can_be_shown() -> None:
    sea = Sea(np.ones((4, 2)))
    assert len(sea.tile(0, 0, 0, 0).rows) == 4
    assert sea.home[0] < sea.home[2]


def test_no_tile_is_outside_the_chart() -> None:
    for z, x, y in [(0, 1, 0), (2, 0, 4), (DEEPEST + 1, 0, 0)]:
        with pytest.raises(InputError, match="no tile"):
            SEA.tile(z, x, y, 0)
    assert DEEPEST + 9 <= BITS


def test_stragglers_are_not_at_home() -> None:
    far = np.vstack([RNG.normal(size=(5000, 2)), [[1000.0, 0.0]]])
    x0, _, x1, _ = Sea(far).home
    assert x1 - x0 < 0.1
