from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from skerry.errors import EncoderError  # noqa: E402
from skerry.represent.ellipse import ellipse_structure  # noqa: E402
from skerry.represent.encoder import from_bytes  # noqa: E402
from skerry.represent.equalize import Part, equalized, joined, unequalized  # noqa: E402
from skerry.represent.export import onnx_bytes  # noqa: E402
from skerry.represent.measured import (  # noqa: E402
    CIRCLES,
    ELLIPSES,
    MEASURES,
    Scales,
    with_measures,
    without_measures,
)
from skerry.represent.structure import StructureScale, structure  # noqa: E402
from skerry.represent.trail import trail  # noqa: E402
from skerry.types import Contract  # noqa: E402
from tests.represent.colors import Colors  # noqa: E402

SIDE = 24


def galaxies(n: int = 96) -> np.ndarray:
    """Blobs off center on noise, uint8 (n, side, side, 3)."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    a, b, width = rng.normal(0, 2, (2, n, 1, 1)), rng.normal(0, 2, (2, n, 1, 1)), 2 + rng.random(n)
    light = sum(
        np.exp(-((x - i) ** 2 + (y - j) ** 2) / (2 * width[:, None, None] ** 2))
        for i, j in zip(a, b, strict=True)
    )
    bands = light[..., None] * rng.uniform(60, 110, (n, 1, 1, 3)) + rng.normal(
        12, 2, (*light.shape, 3)
    )
    return np.clip(bands, 0, 255).astype(np.uint8)


PIXELS = galaxies()
PIXELS[::10, :, 7, 0] = 255  # a trail in one band
IMAGES = torch.from_numpy(PIXELS).permute(0, 3, 1, 2)
SCALES = Scales.fit(IMAGES)
PARTS = (Part(5, 0.4, 0.75), CIRCLES, ELLIPSES)


@pytest.fixture(scope="module")
def plain() -> bytes:
    return onnx_bytes(Colors(), Contract(SIDE, {}, "all"))


@pytest.fixture(scope="module")
def measuring(plain: bytes) -> bytes:
    return with_measures(plain, SCALES)


def vectors(data: bytes) -> np.ndarray:
    encoder = from_bytes(data, "mine")
    return np.concatenate([encoder.encode(PIXELS[s : s + 32])[0] for s in range(0, 96, 32)])


def test_the_networks_vectors_are_followed_by_what_is_measured(
    plain: bytes, measuring: bytes
) -> None:
    assert from_bytes(measuring, "mine").dimensions == 5 + MEASURES
    found = vectors(measuring)
    np.testing.assert_array_equal(found[:, :5], vectors(plain))
    np.testing.assert_allclose(found[:, 5:], SCALES.measures(IMAGES).numpy(), atol=1e-3)


def test_measures_are_two_unit_vectors_and_whether_there_is_a_trail() -> None:
    found = SCALES.measures(IMAGES)
    assert found.shape == (96, MEASURES)
    circles, ellipses, trails = found.split([CIRCLES.columns, ELLIPSES.columns, 1], 1)
    for part, measure in ((circles, structure), (ellipses, ellipse_structure)):
        expected = StructureScale.fit(measure(IMAGES), 1).unit(measure(IMAGES))
        torch.testing.assert_close(part, expected)
        torch.testing.assert_close(part.norm(dim=1), torch.ones(96))
    torch.testing.assert_close(trails, trail(IMAGES))
    assert trails[::10].min() > 0.2


def test_joined_they_have_the_networks_dimensions_and_their_shares(measuring: bytes) -> None:
    found = vectors(measuring)
    by = joined(found, PARTS, dimensions=5)
    data = equalized(measuring, by)
    encoder = from_bytes(data, "mine")
    assert encoder.dimensions == 5
    assert encoder.equalized["structure"] == 0.6
    np.testing.assert_allclose(vectors(data), by.apply(found), atol=1e-4)
    np.testing.assert_allclose(vectors(data)[:, 4], found[:, -1], atol=1e-4)


def test_what_was_added_can_be_taken_away_byte_for_byte(plain: bytes, measuring: bytes) -> None:
    data = equalized(measuring, joined(vectors(measuring), PARTS, dimensions=5))
    assert unequalized(data) == measuring
    assert without_measures(measuring) == plain == without_measures(plain)


def test_the_same_file_and_scale_give_the_same_bytes(plain: bytes, measuring: bytes) -> None:
    assert with_measures(plain, SCALES) == measuring


def test_a_file_that_is_past_it_is_refused(plain: bytes, measuring: bytes) -> None:
    for data in (measuring, equalized(measuring, joined(vectors(measuring), PARTS, dimensions=5))):
        with pytest.raises(EncoderError, match="already"):
            with_measures(data, SCALES)
    with pytest.raises(EncoderError, match="no encoder that skerry exported"):
        with_measures(b"nonsense", SCALES)
