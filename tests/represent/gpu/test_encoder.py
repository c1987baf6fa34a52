"""Encoders computed by torch give what they give on the CPU, or say why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from skerry.errors import EncoderError  # noqa: E402
from skerry.represent import encoder as runtime  # noqa: E402
from skerry.represent.encoder import Encoder  # noqa: E402
from skerry.represent.gpu import encoder as gpu  # noqa: E402
from skerry.represent.gpu import load, on_device  # noqa: E402
from skerry.types import ByteArray, FloatArray  # noqa: E402


@pytest.fixture(scope="module")
def placed() -> Encoder:
    return load("default", "cpu", batch=64, precision="float32")


def test_it_says_of_itself_what_the_encoder_does(placed: Encoder) -> None:
    encoder = runtime.load()
    assert placed.batch == 64
    for name in ("name", "sha256", "contract", "dimensions", "vote_columns", "equalized"):
        assert getattr(placed, name) == getattr(encoder, name)


def test_vectors_depend_on_their_image_alone(placed: Encoder) -> None:
    pixels = gpu.trial(64, placed.contract.size)
    vectors, votes = placed.encode(pixels)
    order = np.random.default_rng(0).permutation(64)
    assert (placed.encode(pixels[order])[0] == vectors[order]).all()
    for count in (1, 3, 40):
        few = placed.encode(pixels[:count])
        assert few[0].shape == (count, placed.dimensions)
        assert (few[0] == vectors[:count]).all() and (few[1] == votes[:count]).all()


@pytest.mark.parametrize("apart", [2, 8, 32])
def test_a_vector_that_depends_on_its_place_is_noticed(
    placed: Encoder, apart: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where places so far apart are alike, as those of a kernel that takes eight at a time."""
    assert gpu.alike_everywhere(placed)
    encode = Encoder.encode

    def moved(self: Encoder, pixels: ByteArray) -> tuple[FloatArray, FloatArray]:
        vectors, votes = encode(self, pixels)
        vectors[np.arange(len(vectors)) % apart == 0] += np.float32(1e-6)
        return vectors, votes

    monkeypatch.setattr(Encoder, "encode", moved)
    assert not gpu.alike_everywhere(placed)


def test_threads_get_their_own(placed: Encoder) -> None:
    pixels = gpu.trial(16, placed.contract.size)
    expected = placed.encode(pixels)[0]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda i: placed.encode(pixels[i : i + 1])[0][0], range(16)))
    assert (np.stack(found) == expected).all()


@pytest.mark.parametrize("name", runtime.shipped())
def test_half_precision_is_near(name: str) -> None:
    assert gpu.compared(load(name, "cpu", batch=32), runtime.load(name)) < 5e-3


def test_the_vector_that_moved_most_counts_by_its_own_length() -> None:
    expected = np.array([[10, 0, 0, 0], [0.1, 0, 0, 0], [1, 1, 1, 1]], np.float32)
    found = expected.copy()
    found[1, 2] = 0.005
    assert gpu._moved(found, expected) == pytest.approx(0.05)
    assert gpu._far(found, expected) == pytest.approx(0.0005)


def test_precision_that_is_not_enough_is_refused() -> None:
    with pytest.raises(EncoderError, match=r"in bfloat16 differ .* of their length; .*, or"):
        load("default", "cpu", batch=32, precision="bfloat16")
    with pytest.raises(EncoderError, match="no precision 'half'; expected one of float32, "):
        load("default", "cpu", batch=32, precision="half")


def test_a_graph_that_computes_something_else_is_refused() -> None:
    data = runtime.file_of("default").read_bytes()
    model = onnx.load_model_from_string(data)
    mean = next(i for i in model.graph.initializer if i.name == "equalizing_mean")
    shifted = onnx.numpy_helper.to_array(mean) + np.float32(0.01)
    mean.CopyFrom(onnx.numpy_helper.from_array(shifted, mean.name))
    with pytest.raises(EncoderError, match="differ from those on the CPU"):
        on_device(runtime.load(), model.SerializeToString(), "cpu", batch=32, precision="float32")


class Uneven(gpu.Session):
    """Sums in another order beyond the first places, where the batch has more than ``most``."""

    most = 32

    def run(self, names: Sequence[str], feeds: Mapping[str, ByteArray]) -> list[FloatArray]:
        vectors, votes = super().run(names, feeds)
        if len(vectors) > self.most:
            vectors[40:] *= np.float32(1 + 1e-6)
        return [vectors, votes]


def test_so_few_at_a_time_that_the_place_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "Session", Uneven)
    assert load("default", "cpu", batch=128, precision="float32").batch == 32
    monkeypatch.setattr(Uneven, "most", 1)
    monkeypatch.setattr(gpu, "_FEWEST", 64)
    with pytest.raises(EncoderError, match=r"depend on the place of an image .* to 64 at a time"):
        load("default", "cpu", batch=128, precision="float32")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so() -> None:
    with pytest.raises(EncoderError, match="no GPU 'cuda' here; encode on the CPU"):
        load("default", "cuda")
