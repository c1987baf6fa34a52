from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.errors import EncoderError
from skerry.represent.encoder import Encoder, from_bytes, load
from skerry.represent.equalize import (
    Equalization,
    Part,
    equalization,
    equalized,
    joined,
    unequalized,
)

SPREADS = np.array([8.0, 3.0, 1.0, 0.3, 0.05])


def cloud(n: int = 4000, seed: int = 0) -> np.ndarray:
    """Vectors of known spreads along directions that are not the axes, off the origin."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    return rng.normal(size=(n, 5)) * SPREADS @ turn + 7


@pytest.mark.parametrize("power", [0.0, 0.5, 0.75, 1.0])
def test_each_component_is_divided_by_its_spread_to_the_power(power: float) -> None:
    vectors = cloud()
    found = equalization(vectors, power, 1e-9).apply(vectors)
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-9)
    covariance = found.T @ found / len(found)
    own = np.linalg.eigvalsh(np.cov(vectors.T, bias=True))[::-1]
    expected = own * (own / own.mean()) ** -power
    np.testing.assert_allclose(np.diag(covariance), expected, rtol=1e-4)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-9 * own[0])


def test_power_zero_keeps_all_distances() -> None:
    vectors = cloud(50)
    found = equalization(vectors, 0.0).apply(vectors)
    between = [np.linalg.norm(v[:, None] - v, axis=2) for v in (vectors, found)]
    np.testing.assert_allclose(*between, atol=1e-9)


def test_the_floor_keeps_directions_without_spread_small() -> None:
    vectors = cloud() * [1, 1, 1, 1, 0]
    by = equalization(vectors, 1.0, 0.01)
    assert np.abs(by.matrix).max() <= 0.01**-0.5 + 1e-9
    assert by.apply(vectors)[:, -1].std() < 1e-6


def test_it_is_found_again_and_says_how() -> None:
    by = equalization(cloud(), 0.5, 1e-2)
    assert (by.power, by.floor, by.images) == (0.5, 1e-2, 4000)
    assert by.mean.dtype == by.matrix.dtype == np.float64
    largest = np.abs(by.matrix).argmax(0)
    assert (by.matrix[largest, range(5)] > 0).all()


@given(st.randoms(use_true_random=False))
def test_the_order_of_vectors_changes_no_bit(random) -> None:
    vectors = cloud(60)
    order = random.sample(range(60), 60)
    one, other = equalization(vectors), equalization(vectors[order])
    np.testing.assert_array_equal(one.mean, other.mean)
    np.testing.assert_array_equal(one.matrix, other.matrix)


@pytest.mark.parametrize(
    ("vectors", "options", "words"),
    [
        (cloud(1), {}, "1 vectors"),
        (np.where(cloud(9) > 9, np.nan, cloud(9)), {}, "all finite"),
        (np.ones((9, 5)), {}, "are alike"),
        (cloud(9), {"power": 1.5}, "power from 0 to 1"),
        (cloud(9), {"power": float("nan")}, "power from 0 to 1"),
        (cloud(9), {"floor": 0.0}, "floor above 0"),
    ],
)
def test_what_cannot_be_equalized_by_is_refused(
    vectors: np.ndarray, options: dict[str, float], words: str
) -> None:
    with pytest.raises(EncoderError, match=words):
        equalization(vectors, **options)


PARTS = (Part(5, 0.5, 0.75), Part(5, 0.3, 0.0), Part(5, 0.2, 0.5))


def three(n: int = 4000) -> np.ndarray:
    """Three parts of unlike size, and a trait that one in fifty has."""
    trait = np.where(np.arange(n) % 50, 0.0, 1.5)[:, None]
    return np.hstack([cloud(n), 1e3 * cloud(n, 1), cloud(n, 2), trait])


def test_joining_gives_each_part_its_share_of_the_variance() -> None:
    vectors = three()
    by = joined(vectors, PARTS, dimensions=8)
    assert (by.matrix.shape, by.structure, by.power) == ((16, 8), 0.5, 0.75)
    whole = vectors - by.mean
    for start, share in ((0, 0.5), (5, 0.3), (10, 0.2)):
        rows = slice(start, start + 5)
        assert (whole[:, rows] @ by.matrix[rows]).var(0).sum() <= share + 1e-9
    found = by.apply(vectors)[:, :7]
    assert 0.5 < found.var(0).sum() <= 1 + 1e-9
    assert (np.diff(found.var(0)) <= 1e-9).all()
    everything = joined(vectors, PARTS, dimensions=16)
    assert everything.apply(vectors)[:, :15].var(0).sum() == pytest.approx(1)


def test_a_trait_stays_a_dimension_as_it_is() -> None:
    vectors = three()
    found = joined(vectors, PARTS, dimensions=4).apply(vectors)
    np.testing.assert_array_equal(found[:, 3], vectors[:, 15])
    without = joined(vectors[:, :15], PARTS, dimensions=3).apply(vectors[:, :15])
    np.testing.assert_allclose(found[:, :3], without, atol=1e-9)


@given(st.randoms(use_true_random=False))
def test_the_order_of_vectors_changes_no_bit_of_what_joins(random) -> None:
    vectors = three(60)
    order = random.sample(range(60), 60)
    one, other = (joined(v, PARTS, dimensions=8) for v in (vectors, vectors[order]))
    np.testing.assert_array_equal(one.mean, other.mean)
    np.testing.assert_array_equal(one.matrix, other.matrix)


@pytest.mark.parametrize(
    ("parts", "dimensions"),
    [
        ((), 5),
        ((Part(5, 0.5, 0.75),), 5),  # its share is half of everything
        ((Part(5, 1.5, 0.75), Part(5, -0.5, 0.75)), 5),
        ((Part(0, 0.5, 0.75), Part(5, 0.5, 0.75)), 5),
        ((Part(20, 1.0, 0.75),), 5),
        (PARTS, 17),
        (PARTS, 1),  # the trait alone
    ],
)
def test_what_cannot_be_joined_is_refused(parts: tuple[Part, ...], dimensions: int) -> None:
    with pytest.raises(EncoderError, match="expected parts of at least one column"):
        joined(three(60), parts, dimensions=dimensions)


def pixels(encoder: Encoder, n: int) -> np.ndarray:
    size = encoder.contract.size
    return np.random.default_rng(0).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def test_the_default_encoder_is_equalized_and_the_second_is_not() -> None:
    encoder, second = load(), load("maxvit_pico")
    assert encoder.equalized["power"] == 0.75
    assert encoder.equalized["images"] > 7000
    assert not second.equalized
    for one, of_one_length in ((encoder, False), (second, True)):
        lengths = np.linalg.norm(one.encode(pixels(one, 4))[0], axis=1)
        assert (np.abs(lengths - 1).max() < 1e-3) == of_one_length


@pytest.fixture(scope="module")
def plain() -> bytes:
    """A file of skerry's own that is not equalized."""
    pytest.importorskip("torch")
    from skerry.represent.export import onnx_bytes
    from skerry.types import Contract
    from tests.represent.colors import Colors

    return onnx_bytes(Colors(), Contract(16, {}, "all"))


@pytest.mark.train
def test_a_files_vectors_are_equalized_and_nothing_else_changes(plain: bytes) -> None:
    before = from_bytes(plain, "plain")
    images = pixels(before, 32)
    vectors = before.encode(images)[0]
    by = equalization(vectors)
    data = equalized(plain, by)
    after = from_bytes(data, "mine")
    found = after.encode(images)[0]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by.apply(vectors), atol=1e-5)
    assert after.equalized == {"power": 0.75, "floor": 1e-3, "images": 32}
    assert not before.equalized
    same = ("contract", "batch", "dimensions", "vote_columns", "architecture")
    assert all(getattr(after, name) == getattr(before, name) for name in same)
    assert data == equalized(plain, by)
    assert unequalized(data) == plain == unequalized(plain)


@pytest.mark.train
def test_votes_and_the_plain_file_come_back_of_an_encoder_that_ships() -> None:
    pytest.importorskip("onnx")
    from skerry.represent.encoder import file_of
    from skerry.represent.measured import CIRCLES, ELLIPSES, MEASURES

    data = file_of("efficientnet_b0").read_bytes()
    before, after = from_bytes(unequalized(data), "plain"), load("efficientnet_b0")
    images = pixels(after, 3)
    vectors, votes = before.encode(images)
    ends = 128, 128 + CIRCLES.columns, 128 + CIRCLES.columns + ELLIPSES.columns
    for part in np.split(vectors, ends, axis=1)[:3]:
        np.testing.assert_allclose(np.linalg.norm(part, axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(after.encode(images)[1], votes)
    assert before.structure_dimensions == after.structure_dimensions == 64
    assert before.dimensions == 128 + MEASURES


@pytest.mark.train
def test_files_that_cannot_be_equalized_are_refused(plain: bytes) -> None:
    by = equalization(cloud())
    with pytest.raises(EncoderError, match="already"):
        equalized(equalized(plain, by), by)
    narrow = Equalization(by.mean[:3], by.matrix[:3, :3], 0.75, 1e-3, 9)
    with pytest.raises(EncoderError, match="5 dimensions and the equalization 3"):
        equalized(plain, narrow)
    with pytest.raises(EncoderError, match="no encoder that skerry exported"):
        equalized(b"nonsense", by)
