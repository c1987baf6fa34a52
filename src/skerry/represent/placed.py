"""An encoder where the settings have it run: by ONNX Runtime, or by torch on a GPU."""

from __future__ import annotations

from skerry.backends import card
from skerry.represent.encoder import Encoder, file_of

PRECISION = "float16"
"""Of what a GPU computes between the first weights and the pooling."""


def placed(encoder: Encoder, identifier: str, device: str) -> Encoder:
    """A loaded encoder as it encodes on ``device``, ``cpu`` or ``cuda``.

    ``identifier`` is what it was loaded by. Placing it on a GPU takes seconds.

    Raises
    ------
    ConfigError
        There is no GPU that can be used.
    EncoderError
        The encoder cannot be run there, or gives other vectors there.
    """
    if device == "cpu":
        return encoder
    card.require(f"representations.device = {device}", "onnx")
    from skerry.represent.gpu import on_device

    data = file_of(identifier).read_bytes()
    return on_device(encoder, data, card.DEVICE, precision=PRECISION)


def computed_by(device: str) -> dict[str, str]:
    """What vectors depend on beside the encoder; empty for the CPU."""
    return {} if device == "cpu" else {"computed": f"{device}, {PRECISION}"}
