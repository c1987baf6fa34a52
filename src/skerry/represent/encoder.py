"""An encoder as it is used: an ONNX file with its contract inside, run by ONNX Runtime."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from skerry.errors import EncoderError
from skerry.types import ByteArray, Contract, FloatArray

DEFAULT = "efficientnet_b0.onnx"
"""File name, in the package, of the encoder that ships with it."""

METADATA_KEY = "skerry"


@dataclass(frozen=True)
class Encoder:
    """A loaded encoder.

    ``batch`` is the fixed number of images it is given at a time: a shorter batch is padded, so
    that a vector depends on its image alone. ``session`` may be used from several threads; it
    computes in the thread that calls it.
    """

    name: str
    sha256: str
    contract: Contract
    batch: int
    dimensions: int
    vote_columns: tuple[str, ...]
    session: Any

    def encode(self, pixels: ByteArray) -> tuple[FloatArray, FloatArray]:
        """Vectors (n, dimensions) and expected vote shares (n, n_answers) of at most ``batch``
        images, uint8 (n, size, size, 3) RGB.

        Raises
        ------
        EncoderError
            The pixels have another shape or type than the contract asks.
        """
        size = self.contract.size
        if (
            pixels.dtype != np.uint8
            or pixels.shape[1:] != (size, size, 3)
            or len(pixels) > self.batch
        ):
            raise EncoderError(
                f"encoder {self.name} got {pixels.dtype} {pixels.shape}; it expects uint8 "
                f"(at most {self.batch}, {size}, {size}, 3): prepare the images with its contract"
            )
        padded = pixels
        if len(pixels) < self.batch:
            padded = np.zeros((self.batch, size, size, 3), np.uint8)
            padded[: len(pixels)] = pixels
        vectors, votes = self.session.run(["representation", "votes"], {"pixels": padded})
        return vectors[: len(pixels)], votes[: len(pixels)]


def load(identifier: str = "default") -> Encoder:
    """Load the shipped encoder, or one exported by skerry from a ``.onnx`` file.

    Raises
    ------
    EncoderError
        No such file, or a file that skerry did not export.
    """
    if identifier == "default":
        source = resources.files("skerry.represent") / "weights" / DEFAULT
        if not source.is_file():
            raise EncoderError(f"this installation lacks its default encoder {DEFAULT}")
        return from_bytes(source.read_bytes(), DEFAULT.removesuffix(".onnx"))
    path = Path(identifier)
    if not path.is_file():
        raise EncoderError(
            f"no encoder {identifier!r}; give 'default' or the path of an exported .onnx file"
        )
    return from_bytes(path.read_bytes(), path.stem)


def from_bytes(data: bytes, name: str) -> Encoder:
    """An encoder from the bytes of its ONNX file."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # one thread a call: batches run side by side instead, and a sum's order never changes
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(data, options, ["CPUExecutionProvider"])
        stored = json.loads(session.get_modelmeta().custom_metadata_map[METADATA_KEY])
    except KeyError as error:
        raise EncoderError(f"encoder {name} carries no contract; export it with skerry") from error
    except Exception as error:  # onnxruntime's own errors share no public base
        raise EncoderError(f"encoder {name} cannot be loaded: {error}") from error
    contract = Contract.from_dict(stored)
    return Encoder(
        name=name,
        sha256=hashlib.sha256(data).hexdigest(),
        contract=contract,
        batch=session.get_inputs()[0].shape[0],
        dimensions=session.get_outputs()[0].shape[1],
        vote_columns=tuple(stored["vote_columns"]),
        session=session,
    )
