from __future__ import annotations

import cv2
import numpy as np
import pytest

from skerry.represent.score.twins import CHANGES, MIRRORED, SHIFTED, TURNED, make_twins
from skerry.survey import prepare
from skerry.types import ByteArray, Contract

SIDE = 64


def blob(x: float, y: float, angle: float = 0.0, axes: tuple[float, float] = (6, 6)) -> ByteArray:
    """A Gaussian blob on a faint sky."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    dx, dy = columns - x, rows - y
    a = np.deg2rad(angle)
    u, v = dx * np.cos(a) + dy * np.sin(a), -dx * np.sin(a) + dy * np.cos(a)
    light = 20 + 200 * np.exp(-0.5 * ((u / axes[0]) ** 2 + (v / axes[1]) ** 2))
    return np.repeat(light.round().astype(np.uint8)[..., None], 3, 2)


def png(pixels: ByteArray) -> bytes:
    return bytes(cv2.imencode(".png", pixels[..., ::-1])[1].tobytes())


def twin(data: bytes, change: str, contract: Contract, seed: int = 0) -> ByteArray:
    return make_twins(data, "g.png", contract, seed).pixels[CHANGES.index(change)]


def moments(pixels: ByteArray) -> tuple[float, float, float]:
    """Center x, y and position angle in degrees, of the light above the sky."""
    light = pixels[..., 0].astype(float) - 20
    rows, columns = np.mgrid[:SIDE, :SIDE]
    x, y = (light * columns).sum() / light.sum(), (light * rows).sum() / light.sum()
    xx, yy, xy = (
        (light * part).sum()
        for part in ((columns - x) ** 2, (rows - y) ** 2, (columns - x) * (rows - y))
    )
    return x, y, float(np.rad2deg(0.5 * np.arctan2(2 * xy, xx - yy)))


WHOLE = Contract(SIDE, {SIDE: 1.0}, "all of it")
CENTER = (SIDE - 1) / 2


@pytest.mark.parametrize("seed", range(6))
def test_shifts_are_one_to_three_pixels(seed: int) -> None:
    x, y, _ = moments(twin(png(blob(CENTER, CENTER)), SHIFTED, WHOLE, seed))
    assert 0.95 < np.hypot(x - CENTER, y - CENTER) < 3.05


def test_angles_keep_clear_of_the_axes_and_reach_every_quarter() -> None:
    data = png(blob(CENTER, CENTER, axes=(9, 3)))
    turns = []
    for seed in range(12):
        x, y, angle = moments(twin(data, TURNED, WHOLE, seed))
        assert np.hypot(x - CENTER, y - CENTER) < 3.05  # turned about the center
        turns.append(angle % 180)
    assert all(9 < t % 90 < 81 for t in turns)
    assert min(turns) < 90 < max(turns)


def test_the_mirrored_twin_is_the_mirror_image_of_what_the_original_shows() -> None:
    data = png(blob(22, 30, 20, (9, 4)))
    contract = Contract(32, {SIDE: 0.5}, "the middle")
    plain = prepare(data, "g.png", contract).pixels
    np.testing.assert_array_equal(twin(data, MIRRORED, contract), plain[:, ::-1])


def test_twins_keep_field_and_size_of_the_original() -> None:
    data = png(blob(CENTER, CENTER))
    contract = Contract(32, {SIDE: 0.5}, "the middle")
    plain = prepare(data, "g.png", contract).pixels.astype(int)
    # a round blob turned about its center and moved by 1 to 3 pixels is nearly itself
    found = twin(data, TURNED, contract).astype(int)
    assert found.shape == plain.shape
    assert np.abs(found.mean() - plain.mean()) < 6
    assert np.abs(found - plain).mean() < 25


def test_only_a_part_kept_that_reaches_beyond_the_image_is_filled() -> None:
    data = png(blob(CENTER, CENTER))
    assert make_twins(data, "g.png", WHOLE, 0).filled
    assert not make_twins(data, "g.png", Contract(32, {SIDE: 0.6}, "the middle"), 0).filled


def test_twins_go_by_content_and_seed_alone() -> None:
    one, other = png(blob(30, 30)), png(blob(31, 30))
    first = twin(one, TURNED, WHOLE)
    np.testing.assert_array_equal(twin(one, TURNED, WHOLE), first)
    assert not np.array_equal(twin(one, TURNED, WHOLE, seed=1), first)
    assert abs(moments(first)[0] - moments(twin(other, TURNED, WHOLE))[0]) > 0.01
