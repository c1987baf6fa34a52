from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from skerry.errors import EncoderError  # noqa: E402
from skerry.represent.encoder import from_bytes  # noqa: E402
from skerry.represent.equalize import equalized, joined, unequalized  # noqa: E402
from skerry.represent.export import onnx_bytes  # noqa: E402
from skerry.represent.measured import with_structure, without_structure  # noqa: E402
from skerry.represent.structure import MEASURES, StructureScale, structure  # noqa: E402
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
TOLD = structure(torch.from_numpy(PIXELS).permute(0, 3, 1, 2))
SCALE = StructureScale.fit(TOLD, 1)


@pytest.fixture(scope="module")
def plain() -> bytes:
    return onnx_bytes(Colors(), Contract(SIDE, {}, "all"))


@pytest.fixture(scope="module")
def measuring(plain: bytes) -> bytes:
    return with_structure(plain, SCALE)


def vectors(data: bytes) -> np.ndarray:
    encoder = from_bytes(data, "mine")
    return np.concatenate([encoder.encode(PIXELS[s : s + 32])[0] for s in range(0, 96, 32)])


def test_the_networks_vectors_are_followed_by_what_is_measured(
    plain: bytes, measuring: bytes
) -> None:
    assert from_bytes(measuring, "mine").dimensions == 5 + MEASURES
    found = vectors(measuring)
    np.testing.assert_array_equal(found[:, :5], vectors(plain))
    np.testing.assert_allclose(found[:, 5:], SCALE.unit(TOLD).numpy(), atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(found[:, 5:], axis=1), 1, rtol=1e-5)


def test_joined_they_have_the_networks_dimensions_and_their_shares(measuring: bytes) -> None:
    found = vectors(measuring)
    by = joined(found, 5, share=0.25)
    data = equalized(measuring, by)
    encoder = from_bytes(data, "mine")
    assert encoder.dimensions == 5
    assert encoder.equalized["structure"] == 0.25
    np.testing.assert_allclose(vectors(data), by.apply(found), atol=1e-4)


def test_what_was_added_can_be_taken_away_byte_for_byte(plain: bytes, measuring: bytes) -> None:
    data = equalized(measuring, joined(vectors(measuring), 5))
    assert unequalized(data) == measuring
    assert without_structure(measuring) == plain == without_structure(plain)


def test_the_same_file_and_scale_give_the_same_bytes(plain: bytes, measuring: bytes) -> None:
    assert with_structure(plain, SCALE) == measuring


def test_a_file_that_is_past_it_is_refused(plain: bytes, measuring: bytes) -> None:
    for data in (measuring, equalized(measuring, joined(vectors(measuring), 5))):
        with pytest.raises(EncoderError, match="already"):
            with_structure(data, SCALE)
    with pytest.raises(EncoderError, match="no encoder that skerry exported"):
        with_structure(b"nonsense", SCALE)
