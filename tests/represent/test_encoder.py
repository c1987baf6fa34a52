from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skerry.errors import EncoderError
from skerry.represent.encoder import Encoder, load


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load()


def pixels(encoder: Encoder, n: int) -> np.ndarray:
    size = encoder.contract.size
    return np.random.default_rng(0).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def test_the_default_ships_with_its_contract(encoder: Encoder) -> None:
    assert encoder.dimensions == 128
    assert len(encoder.vote_columns) == 28
    assert encoder.contract.crop_of(424) == pytest.approx(256 / 424)
    assert encoder.contract.crop_of(79) is None
    assert len(encoder.sha256) == 64


def test_a_vector_depends_on_its_image_alone(encoder: Encoder) -> None:
    images = pixels(encoder, encoder.batch)
    together = encoder.encode(images)[0]
    np.testing.assert_array_equal(encoder.encode(images[::-1])[0][::-1], together)
    alone = np.concatenate([encoder.encode(images[i : i + 1])[0] for i in range(5)])
    np.testing.assert_array_equal(alone, together[:5])


def test_expected_shares_of_a_question_sum_to_one(encoder: Encoder) -> None:
    votes = encoder.encode(pixels(encoder, 2))[1]
    columns = [i for i, c in enumerate(encoder.vote_columns) if c.startswith("bar-gz2")]
    np.testing.assert_allclose(votes[:, columns].sum(1), 1, rtol=1e-5)
    assert (votes > 0).all()


@pytest.mark.parametrize("change", ["float", "size", "too many"])
def test_images_that_break_the_contract_are_refused(encoder: Encoder, change: str) -> None:
    images = pixels(encoder, encoder.batch)
    if change == "float":
        images = images / 255
    elif change == "size":
        images = images[:, :-1]
    else:
        images = np.concatenate([images, images])
    with pytest.raises(EncoderError, match="expects uint8"):
        encoder.encode(images)


def test_files_that_are_no_encoder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="no encoder"):
        load(str(tmp_path / "none.onnx"))
    (tmp_path / "bad.onnx").write_bytes(b"not onnx")
    with pytest.raises(EncoderError, match="cannot be loaded"):
        load(str(tmp_path / "bad.onnx"))
