"""The graph of an encoder's file as torch computes it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from skerry.errors import EncoderError  # noqa: E402
from skerry.represent import encoder as runtime  # noqa: E402
from skerry.represent.gpu.encoder import trial  # noqa: E402
from skerry.represent.gpu.graph import read  # noqa: E402
from skerry.represent.gpu.program import Program  # noqa: E402

CPU = torch.device("cpu")


def graph(nodes: list[Any], *constants: tuple[str, np.ndarray]) -> Any:
    """A graph traced with 2 images of 4 px, of the given nodes."""
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, [2, 4, 4, 3])
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        for name in ("representation", "votes")
    ]
    initial = [numpy_helper.from_array(value, name) for name, value in constants]
    first = helper.make_node("Cast", ["pixels"], ["x"], to=TensorProto.FLOAT)
    last = helper.make_node("Identity", ["representation"], ["votes"])
    made = helper.make_graph([first, *nodes, last], "g", [pixels], outputs, initial)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)])


def by_onnxruntime(model: Any, pixels: np.ndarray) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString())
    parts = [session.run(["representation"], {"pixels": p})[0] for p in np.split(pixels, 3)]
    return np.concatenate(parts)


def by_torch(model: Any, pixels: np.ndarray) -> np.ndarray:
    program = Program(read(model, len(pixels)), torch.float32, CPU)
    return np.asarray(program(torch.from_numpy(pixels))[0])


@pytest.mark.parametrize("name", runtime.shipped())
def test_shipped_encoders_give_onnxruntimes_vectors_at_another_batch(name: str) -> None:
    encoder = runtime.load(name)
    pixels = trial(2 * encoder.batch, encoder.contract.size)
    program = Program(read(onnx.load(runtime.file_of(name)), len(pixels)), torch.float32, CPU)
    with torch.no_grad():
        vectors, votes = program(torch.from_numpy(pixels))
    for part in (slice(0, encoder.batch), slice(encoder.batch, None)):
        expected, shares = encoder.encode(pixels[part])
        assert np.abs(vectors[part].numpy() - expected).max() < 1e-4 * np.abs(expected).max()
        assert np.abs(votes[part].numpy() - shares).max() < 1e-4


def ints(name: str, *values: int) -> tuple[str, np.ndarray]:
    return name, np.array(values, np.int64)


FLAT = helper.make_node("Flatten", ["y"], ["representation"], axis=1)
CASES = {
    "windows": (
        [
            helper.make_node("Reshape", ["x", "split"], ["a"]),
            helper.make_node("Transpose", ["a"], ["b"], perm=[0, 2, 1, 3, 4]),
            helper.make_node("Reshape", ["b", "windows"], ["c"]),
            helper.make_node("Softmax", ["c"], ["d"], axis=-1),
            helper.make_node("Reshape", ["d", "back"], ["y"]),
            FLAT,
        ],
        (ints("split", 2, 2, 2, 4, 3), ints("windows", 4, 8, -1), ints("back", 2, 4, 4, 3)),
    ),
    "token": (
        [
            helper.make_node("Reshape", ["x", "rows"], ["a"]),
            helper.make_node("Concat", ["tokens", "a"], ["y"], axis=1),
            FLAT,
        ],
        (
            ints("rows", 2, 16, 3),
            ("tokens", np.tile(np.arange(3, dtype=np.float32), (2, 1, 1))),
        ),
    ),
    "shape of what is computed": (
        [
            helper.make_node("Shape", ["x"], ["s"]),
            helper.make_node("Gather", ["s", "zero"], ["n"], axis=0),
            helper.make_node("Concat", ["n", "rest"], ["to"], axis=0),
            helper.make_node("Reshape", ["x", "to"], ["representation"]),
        ],
        (ints("zero", 0), ints("rest", 48)),
    ),
    "uneven padding": (
        [
            helper.make_node(
                "MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 1, 1]
            ),
            FLAT,
        ],
        (),
    ),
    "split and reduced": (
        [
            helper.make_node("Split", ["x", "parts"], ["a", "b"], axis=3),
            helper.make_node("ReduceL2", ["b", "last"], ["c"], keepdims=1),
            helper.make_node("Mul", ["a", "c"], ["y"]),
            FLAT,
        ],
        (ints("parts", 1, 2), ints("last", -1)),
    ),
    "cut, padded, turned by an index": (
        [
            helper.make_node("Slice", ["x", "one", "end", "two", "one"], ["a"]),
            helper.make_node("Pad", ["a", "pads"], ["b"], mode="reflect"),
            helper.make_node("Gather", ["b", "order"], ["y"], axis=3),
            FLAT,
        ],
        (
            ints("one", 1),
            ints("end", 9223372036854775807),
            ints("two", 2),
            ints("pads", 0, 0, 1, 0, 0, 0, 2, 0),
            ("order", np.array([2, 0, -2, 1], np.int64)),
        ),
    ),
    "places looked at, the same in every image": (
        [
            helper.make_node("GridSample", ["x", "places"], ["a"], mode="bilinear"),
            helper.make_node("Sub", ["a", "middle"], ["b"]),
            helper.make_node("Sign", ["b"], ["y"]),
            FLAT,
        ],
        (
            ("places", np.linspace(-1, 1, 20).reshape(1, 5, 2, 2).repeat(2, 0).astype("f4")),
            ("middle", np.float32([127.3])),
        ),
    ),
    "cut where a remainder says": (
        [
            helper.make_node("Mod", ["seven", "four"], ["a"]),
            helper.make_node("Mod", ["less", "four"], ["b"]),
            helper.make_node("Slice", ["x", "b", "a", "one"], ["y"]),
            FLAT,
        ],
        (ints("seven", 7), ints("four", 4), ints("less", -3), ints("one", 1)),
    ),
    "silu": (
        [
            helper.make_node("Sigmoid", ["x"], ["s"]),
            helper.make_node("Mul", ["x", "s"], ["y"]),
            FLAT,
        ],
        (),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_operators_as_onnxruntime_has_them_at_three_times_the_batch(case: str) -> None:
    nodes, constants = CASES[case]
    model = graph(nodes, *constants)
    pixels = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3), dtype=np.uint8)
    found, expected = by_torch(model, pixels), by_onnxruntime(model, pixels)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_an_unknown_operator_is_named_with_what_to_do() -> None:
    model = graph([helper.make_node("Det", ["x"], ["representation"], name="odd")])
    with pytest.raises(EncoderError, match=r"operator Det \(odd\) is not known; encode on the CPU"):
        read(model, 2)


def test_a_batch_that_is_no_multiple_is_refused() -> None:
    with pytest.raises(EncoderError, match=r"batch of 3 images is asked for; .* multiple of 2"):
        read(graph([helper.make_node("Flatten", ["x"], ["representation"])]), 3)


def test_half_precision_is_kept_between_the_first_weights_and_the_pooling() -> None:
    model = onnx.load(runtime.file_of("default"))
    program = Program(read(model, 32), torch.float16, CPU)
    seen: dict[str, Any] = {}
    for number, step in enumerate(program.steps):
        seen.setdefault(step.operator, []).append(number)
    casts = {s.name: n for n, s in enumerate(program.steps) if " as torch" in s.name}
    (to_half,) = [n for name, n in casts.items() if name.endswith("float16")]
    (to_single,) = [n for name, n in casts.items() if name.endswith("float32")]
    assert to_half < min(seen["Conv"]) and to_single > max(seen["Conv"])
    assert to_single < min(seen["GlobalAveragePool"]) < min(seen["Gemm"])
    kinds = {v.dtype for k, v in program.constants.items() if v.ndim == 4 and v.shape[0] > 1}
    assert kinds == {torch.float16}
    assert program.constants["equalizing_matrix as torch.float32"].dtype == torch.float32
