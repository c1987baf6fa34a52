"""An encoder whose file is run by torch on a GPU, checked against ONNX Runtime when loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import torch

from skerry.errors import EncoderError
from skerry.represent import encoder as runtime
from skerry.represent.encoder import Encoder
from skerry.represent.gpu.graph import read
from skerry.represent.gpu.program import Program
from skerry.represent.gpu.session import Session
from skerry.types import ByteArray, FloatArray

BATCH = 512
"""Images a GPU is given at a time; half as many, and so on, where an image's vector depends on its
place among so many: there, kernels sum in another order for some places (on one H200 for 1,024 of
64 px)."""

_FEWEST, _REPEATED, _ORDERS = 32, 32, 8

LIMITS = {"float32": 1e-4, "float16": 2e-2, "bfloat16": 2e-2}
"""How far any vector may be moved, as a share of its length; see :func:`compared`.

Images of noise move farther than those of galaxies. On a CPU float16 moved vectors of the shipped
encoders by 0.002 and 0.001 at most, those of a network of random weights at 224 px by 0.011 (of
galaxies by 0.0009). bfloat16, of eight times the rounding, moved those of the equalized encoder by
0.05, for weak directions, which equalizing strengthens, are mostly rounding then.
"""


def load(
    identifier: str = "default",
    device: str = "cuda",
    *,
    batch: int = BATCH,
    precision: str = "float16",
    compiled: bool = False,
) -> Encoder:
    """An encoder as :func:`skerry.represent.encoder.load` gives it, which computes on ``device``.

    It is used in the same ways, from several threads too; ``encode`` takes up to ``batch`` images,
    or fewer, as its own ``batch`` says, so that the vector of an image does not depend on others.
    Weights and values between the first weights and the pooling are of ``precision``, what is
    before and after in float32. ``compiled`` fuses operators by ``torch.compile``, which takes
    up to a minute.

    Raises
    ------
    EncoderError
        As ``load`` does, or the file cannot be run in this way; then it is to be encoded on the
        CPU.
    """
    data = runtime.file_of(identifier).read_bytes()
    return on_device(
        runtime.load(identifier), data, device, batch=batch, precision=precision, compiled=compiled
    )


def on_device(
    encoder: Encoder,
    data: bytes,
    device: str = "cuda",
    *,
    batch: int = BATCH,
    precision: str = "float16",
    compiled: bool = False,
) -> Encoder:
    """A loaded encoder and the bytes of its file; otherwise as ``load``."""
    if precision not in LIMITS:
        raise EncoderError(f"no precision {precision!r}; expected one of {', '.join(LIMITS)}")
    try:
        import onnx
    except ImportError as error:
        raise EncoderError(
            "encoding on a GPU reads the encoder's graph with onnx: pip install 'skerry[gpu]'"
        ) from error
    where = _device(device)
    model = onnx.load_model_from_string(data)
    size = encoder.contract.size
    while True:
        program = Program(read(model, batch), getattr(torch, precision), where)
        session = Session(program, (batch, size, size, 3), where, compiled)
        placed = replace(encoder, batch=batch, session=session)
        if alike_everywhere(placed):
            break
        if batch < 2 * _FEWEST:
            raise EncoderError(
                f"vectors of encoder {encoder.name} on {device} depend on the place of an image "
                f"among those computed with it, down to {batch} at a time: encode on the CPU"
            )
        batch //= 2
    difference = compared(placed, encoder)
    if not difference < LIMITS[precision]:
        raise EncoderError(
            f"vectors of encoder {encoder.name} on {device} in {precision} differ from those on "
            f"the CPU by {difference:.2g} of their length; expected less than "
            f"{LIMITS[precision]:g}: use another precision, or encode on the CPU"
        )
    return placed


def _device(name: str) -> torch.device:
    where = torch.device(name)
    if where.type == "cuda" and not torch.cuda.is_available():
        raise EncoderError(f"torch finds no GPU {name!r} here; encode on the CPU")
    if where.type == "cuda" and where.index is None:
        return torch.device("cuda", torch.cuda.current_device())
    return where


def alike_everywhere(placed: Encoder) -> bool:
    """Whether an image has the same vector, byte for byte, wherever it is in a batch.

    Some images are looked at in many places, drawn at random: a kernel that takes eight values at
    a time treats every eighth place alike, and one that sums otherwise in a few places moves few
    values of half precision there.
    """
    few = trial(min(_REPEATED, placed.batch), placed.contract.size)
    random = np.random.default_rng(0)
    places = np.arange(placed.batch) % len(few)
    first = [part[: len(few)] for part in placed.encode(few[places])]
    for _ in range(_ORDERS):
        random.shuffle(places)
        found = placed.encode(few[places])
        if any((part != own[places]).any() for part, own in zip(found, first, strict=True)):
            return False
    return True


def compared(placed: Encoder, encoder: Encoder) -> float:
    """How far the vector that moved most is from ``encoder``'s, as a share of its length.

    Distances are what a search goes by: of a difference in one value it knows as much as that
    adds to the distance, and a share of the length means the same for any number of images and
    dimensions. No single value, of a vector or a vote, may differ by more, as a share of the
    largest: the larger of the shares is given. Every place of the batch is looked at:
    ``encoder``'s batch of images repeated in it, in turns.
    """
    pixels = trial(encoder.batch, encoder.contract.size)
    vectors, votes = encoder.encode(pixels)
    turns = np.arange(placed.batch) % encoder.batch
    found = placed.encode(pixels[turns])
    moved = _moved(found[0], vectors[turns])
    return max(moved, _far(found[0], vectors[turns]), _far(found[1], votes[turns]))


def _moved(found: FloatArray, expected: FloatArray) -> float:
    lengths = np.linalg.norm(expected, axis=1)
    return float((np.linalg.norm(found - expected, axis=1) / lengths).max())


def _far(found: FloatArray, expected: FloatArray) -> float:
    if not expected.size:
        return 0.0
    if not np.isfinite(found).all():
        return float("inf")
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def trial(count: int, size: int) -> ByteArray:
    """Blurred noise to compare encoders by, with structure at several scales; seeded.

    uint8 (count, size, size, 3).
    """
    random = np.random.default_rng(0)
    images: Sequence[ByteArray] = [
        _blurred(random, size, scale) for scale in np.geomspace(0.5, size / 4, count)
    ]
    return np.stack(images)


def _blurred(random: np.random.Generator, size: int, scale: float) -> ByteArray:
    noise = random.normal(size=(size, size, 3))
    smooth = cv2.GaussianBlur(noise, (0, 0), float(scale))
    spread = (smooth - smooth.min()) / max(float(np.ptp(smooth)), 1e-9)
    return np.asarray(255 * spread**2, np.uint8)
