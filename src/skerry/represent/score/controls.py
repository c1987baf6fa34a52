"""What a representation must beat: pixels, and a network that learned nothing."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skerry.errors import EncoderError
from skerry.represent.encoder import Encoder, load
from skerry.represent.foreign.folder import vote_network
from skerry.represent.trees.schema import GZ2_TRAINED
from skerry.types import ByteArray

Floats = npt.NDArray[np.float64]

COMPONENTS = 128
FITTED = 2000
"""Most images that the principal components of the pixels are found from."""

ASSUMED = "efficientnet_b0"
"""The untrained network where an encoder's file does not say its architecture."""

_BLOCK = 256


@dataclass(frozen=True)
class PixelComponents:
    """Leading principal components of pixels: ``mean`` (d,), ``directions`` (d, components)."""

    mean: npt.NDArray[np.float32]
    directions: npt.NDArray[np.float32]

    @classmethod
    def fit(cls, pixels: ByteArray, seed: int) -> PixelComponents:
        """From prepared images, uint8 (n, size, size, 3), or a seeded sample of them."""
        n = min(len(pixels), FITTED)
        rows = np.sort(np.random.default_rng(seed).permutation(len(pixels))[:n])
        flat = pixels[rows].reshape(n, -1).astype(np.float32) / 255
        mean = flat.mean(0)
        flat -= mean
        values, left = np.linalg.eigh((flat @ flat.T).astype(np.float64))
        kept = np.argsort(-values)[: min(COMPONENTS, n - 1)]
        kept = kept[values[kept] > 1e-9 * values.max()]
        scaled = (left[:, kept] / np.sqrt(values[kept])).astype(np.float32)
        return cls(mean, flat.T @ scaled)

    def apply(self, pixels: ByteArray) -> Floats:
        """Components of images, float64 (n, components)."""
        parts = []
        for start in range(0, len(pixels), _BLOCK):
            part = pixels[start : start + _BLOCK]
            flat = part.reshape(len(part), -1).astype(np.float32) / 255
            parts.append((flat - self.mean) @ self.directions)
        return np.concatenate(parts).astype(np.float64)


def untrained(encoder: Encoder, seed: int) -> Encoder:
    """A network of the encoder's shape, or of ``ASSUMED``, with its first random weights.

    It is not equalized, also where the encoder is.

    Raises
    ------
    EncoderError
        PyTorch is not installed, or the network that the encoder's file names cannot be built.
    """
    try:
        import torch

        from skerry.represent.export import export_onnx
    except ImportError as error:
        raise EncoderError(
            "an untrained network as a control needs PyTorch: pip install 'skerry[train]', or "
            "score without controls"
        ) from error
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        shape = {
            "architecture": encoder.architecture or ASSUMED,
            "options": encoder.options,
            "dimensions": encoder.dimensions,
            "structure_dimensions": encoder.structure_dimensions,
            "bands": len(encoder.contract.bands),
        }
        network = vote_network(shape, GZ2_TRAINED, f"encoder {encoder.name}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "untrained.onnx"
        try:
            export_onnx(network, GZ2_TRAINED, encoder.contract, path)
        except RuntimeError as error:  # torch's own, where layers do not fit each other
            raise EncoderError(
                f"an untrained {shape['architecture']} as a control cannot be run: {error}; "
                "score without controls"
            ) from error
        return load(str(path))
