from __future__ import annotations

import cv2
import numpy as np
import pytest

from skerry.represent.score.alike import alike
from skerry.types import ByteArray


def galaxies(n: int, seed: int, size: int = 64) -> ByteArray:
    """Clumpy disks about the center, which differ only in their clumps, on a noisy sky."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    disk = np.exp(-np.hypot(x, y) / (0.15 * size))
    clumps = np.stack(
        [cv2.GaussianBlur(rng.normal(size=(size, size)), (0, 0), 2) for _ in range(n)]
    )
    light = 200 * disk * (1 + 4 * clumps) + rng.normal(10, 2, clumps.shape)
    return np.repeat(np.clip(light, 0, 255).astype(np.uint8)[..., None], 3, 3)


def saved(pixels: ByteArray, quality: int) -> ByteArray:
    made = [cv2.imencode(".jpg", p, [cv2.IMWRITE_JPEG_QUALITY, quality])[1] for p in pixels]
    return np.stack([np.asarray(cv2.imdecode(m, cv2.IMREAD_COLOR), np.uint8) for m in made])


@pytest.mark.parametrize("size", [64, 128])
def test_a_galaxy_is_found_in_whatever_file(size: int) -> None:
    some = galaxies(40, seed=0, size=size)
    assert alike(some[:9], some).all()
    assert alike(saved(some[:9], 90), some).all()


def test_other_galaxies_are_not_alike() -> None:
    assert not alike(galaxies(40, seed=0), galaxies(60, seed=1)).any()


def test_images_that_show_nothing_are_like_none() -> None:
    blank = np.full((3, 64, 64, 3), 7, np.uint8)
    assert not alike(blank, blank).any()


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    some = galaxies(40, seed=0)
    monkeypatch.setattr("skerry.represent.score.alike._BLOCK", 7)
    assert alike(some[5:20], some).all()
    expected = [False] * 5 + [True] * 15
    assert alike(np.concatenate([galaxies(5, 1), some[:15]]), some).tolist() == expected
