"""An encoder as it is used: an ONNX file with its contract inside, run by ONNX Runtime."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from skerry.errors import EncoderError
from skerry.represent.metadata import require_graph, require_sound
from skerry.types import ByteArray, Contract, FloatArray

DEFAULT = "efficientnet_b0"
"""The shipped encoder that ``default`` stands for."""

ENCODER_FILE = "encoder.onnx"
"""Its name in a folder that skerry exported."""

METADATA_KEY = "skerry"

TORCH_SUFFIXES = (".ckpt", ".pt", ".pth")
"""How files of PyTorch end, which are to be imported first."""

TRAINING_FILE = "checkpoint.pt"
"""What is in the folder of a training, which is to be exported first."""


@dataclass(frozen=True)
class Encoder:
    """A loaded encoder.

    ``batch`` is the fixed number of images it is given at a time: a shorter batch is padded, so
    that a vector depends on its image alone. ``session`` may be used from several threads; it
    computes in the thread that calls it.

    ``architecture`` (timm's name) and ``options`` (timm's arguments beside it) are of the network
    it was exported from, ``structure_dimensions`` how many leading dimensions of that network's
    own vectors tell structure, ``source`` where it was imported from. ``equalized`` holds
    ``power``, ``floor`` and ``images`` where its vectors are equalized after the network
    (:mod:`skerry.represent.equalize`), and ``structure``, the share of variance that measured
    structure has (:mod:`skerry.represent.measured`): they have no fixed length then. All are
    empty where the file does not say.
    """

    name: str
    sha256: str
    contract: Contract
    batch: int
    dimensions: int
    vote_columns: tuple[str, ...]
    session: Any
    architecture: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    structure_dimensions: int = 0
    source: str = ""
    equalized: Mapping[str, float] = field(default_factory=dict)

    def encode(self, pixels: ByteArray) -> tuple[FloatArray, FloatArray]:
        """Vectors (n, dimensions) and expected vote shares (n, n_answers) of at most ``batch``
        images, uint8 (n, size, size, 3) RGB.

        Raises
        ------
        EncoderError
            The pixels have another shape or type than the contract asks; or none of them, nor
            any noise, gives finite vectors and votes, so that the network is to blame.
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
        vectors, votes = (found[: len(pixels)] for found in self._run(padded))
        if len(pixels) and not _any_finite(vectors, votes):
            noise = np.random.default_rng(0).integers(0, 256, padded.shape, dtype=np.uint8)
            if not _any_finite(*self._run(noise)):
                raise EncoderError(
                    f"encoder {self.name} gives values that are NaN or infinite for every image: "
                    "its weights are damaged; take another, or export or import it again"
                )
        return vectors, votes

    def _run(self, pixels: ByteArray) -> tuple[FloatArray, FloatArray]:
        vectors, votes = self.session.run(["representation", "votes"], {"pixels": pixels})
        return vectors, votes


def _any_finite(vectors: FloatArray, votes: FloatArray) -> bool:
    return bool((np.isfinite(vectors).all(1) & np.isfinite(votes).all(1)).any())


def shipped() -> tuple[str, ...]:
    """Names of the encoders that ship with the package."""
    return tuple(sorted(path.stem for path in _weights().glob("*.onnx")))


def _weights() -> Path:
    return Path(str(resources.files("skerry.represent") / "weights"))


def file_of(identifier: str) -> Path:
    """The file of an encoder that skerry exported.

    ``identifier`` is ``default``, the name of a shipped one, a ``.onnx`` file, or the folder it
    was exported to.

    Raises
    ------
    EncoderError
        There is no such file, or it is to be imported or exported first; says how.
    """
    name = DEFAULT if identifier == "default" else identifier
    if name == DEFAULT or name in shipped():
        path = _weights() / f"{name}.onnx"
        if not path.is_file():
            raise EncoderError(f"this installation lacks its default encoder {path.name}")
        return path
    path = Path(identifier)
    if path.is_dir():
        path = path / ENCODER_FILE
    if path.is_file() and path.suffix not in TORCH_SUFFIXES:
        return path
    if path.name in (ENCODER_FILE, TRAINING_FILE) and (path.parent / TRAINING_FILE).is_file():
        raise to_be_exported(identifier, path.parent)
    raise EncoderError(
        f"no encoder {identifier!r}; give one that ships ({', '.join(shipped())}), or the path "
        "of a .onnx file or folder that skerry exported. One from elsewhere is made into that "
        f"by: skerry encoders import {shlex.quote(identifier)} -o FOLDER"
    )


def to_be_exported(identifier: str, training: Path) -> EncoderError:
    """The error where a training, its folder or a checkpoint of it, is given for an encoder."""
    return EncoderError(
        f"{identifier} is a training; an encoder is made of it by: skerry export "
        f"{shlex.quote(str(training))} -o FOLDER"
    )


def load(identifier: str = "default") -> Encoder:
    """Load a shipped encoder by name, or one that skerry exported by its file or folder.

    Raises
    ------
    EncoderError
        No such file, or a file that skerry did not export.
    """
    path = file_of(identifier).resolve()
    name = path.parent.name if path.name == ENCODER_FILE else path.stem
    return from_bytes(path.read_bytes(), name)


def from_bytes(data: bytes, name: str) -> Encoder:
    """An encoder from the bytes of its ONNX file.

    Raises
    ------
    EncoderError
        It cannot be loaded, or what it says of itself is missing, makes no sense, or is not
        what its graph takes and gives.
    """
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
    require_sound(stored, name)
    batch, dimensions = require_graph(session, stored, name)
    return Encoder(
        name=name,
        sha256=hashlib.sha256(data).hexdigest(),
        contract=Contract.from_dict(stored),
        batch=batch,
        dimensions=dimensions,
        vote_columns=tuple(stored["vote_columns"]),
        session=session,
        architecture=stored.get("architecture", ""),
        options=stored.get("options", {}),
        structure_dimensions=stored.get("structure_dimensions", 0),
        source=stored.get("source", ""),
        equalized=stored.get("equalized", {}),
    )
