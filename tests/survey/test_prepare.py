"""Images become what the encoder expects: the right field, the right size, in order."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from skerry.errors import ImageError
from skerry.survey import prepare, view
from skerry.types import Contract

Pixels = np.ndarray[Any, Any]
CONTRACT = Contract(32, {128: 0.5, 64: 1.0}, "half of 128 px")


def ramp(height: int, width: int) -> Pixels:
    """Red rises along x, green along y: any shift or turn shows."""
    y, x = np.mgrid[:height, :width]
    return np.dstack([255 * x / width, 255 * y / height, np.full_like(x, 40.0)]).astype(np.uint8)


def encoded(pixels: Pixels, suffix: str = ".png") -> bytes:
    ok, data = cv2.imencode(suffix, pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 98])
    assert ok
    return bytes(data)


def test_contract_crop_is_the_central_square() -> None:
    image = ramp(128, 128)
    made = prepare(encoded(image), "a.png", CONTRACT)
    expected = cv2.resize(image[32:96, 32:96], (32, 32), interpolation=cv2.INTER_AREA)
    assert np.array_equal(made.pixels, expected)
    assert made.side == 128


def test_unknown_side_is_taken_whole() -> None:
    image = ramp(100, 100)
    made = prepare(encoded(image), "a.png", CONTRACT)
    expected = cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA)
    assert np.array_equal(made.pixels, expected)
    assert made.side == 100


def test_crop_asked_for_overrides_the_contract() -> None:
    image = ramp(128, 128)
    made = prepare(encoded(image), "a.png", CONTRACT, 0.25)
    assert np.array_equal(made.pixels, image[48:80, 48:80])


def test_oblong_image_gives_its_central_square() -> None:
    image = ramp(64, 100)
    made = prepare(encoded(image), "a.png", CONTRACT)
    expected = cv2.resize(image[:, 18:82], (32, 32), interpolation=cv2.INTER_AREA)
    assert np.array_equal(made.pixels, expected)
    assert made.side == 64


def test_small_image_is_enlarged() -> None:
    image = ramp(20, 20)
    expected = cv2.resize(image, (32, 32), interpolation=cv2.INTER_CUBIC)
    assert np.array_equal(prepare(encoded(image), "a.png", CONTRACT).pixels, expected)


@pytest.mark.parametrize("side", [128, 129, 250, 255, 513, 1001])
@pytest.mark.parametrize("crop", [0.5, 0.61, 1.0])
def test_reduced_decoding_shows_the_same_field(side: int, crop: float) -> None:
    image = ramp(side, side)
    jpeg = prepare(encoded(image, ".jpg"), "a.jpg", CONTRACT, crop).pixels.astype(float)
    png = prepare(encoded(image), "a.png", CONTRACT, crop).pixels.astype(float)
    step = 255 * crop / 32  # gray levels per pixel of the result
    # Half a pixel of the reduced image, which is at most a pixel of the result.
    assert abs((jpeg - png)[..., :2]).mean() < 0.5 * step + 0.5


def test_view_is_the_same_field_at_another_size() -> None:
    image = ramp(128, 128)
    assert np.array_equal(view(encoded(image), "a.png", 64, CONTRACT), image[32:96, 32:96])
    assert view(encoded(image), "a.png", 150, CONTRACT, 1.0).shape == (150, 150, 3)


def test_empty_center_is_refused() -> None:
    image = np.zeros((128, 128, 3), np.uint8)
    image[:8] = 200
    with pytest.raises(ImageError, match="central part"):
        prepare(encoded(image), "a.png", CONTRACT)
