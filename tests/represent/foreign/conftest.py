"""Encoders in the formats that others use, with a tiny network of timm's."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TINY = "test_efficientnet"
SIZE = 32

Save = Callable[..., Path]


def state_of(bands: int = 3, seed: int = 1, name: str = TINY) -> dict[str, Any]:
    """Weights of the tiny network, with a classifier, as made elsewhere."""
    import timm
    import torch

    torch.manual_seed(seed)
    network = timm.create_model(name, in_chans=bands, num_classes=7)
    return dict(network.state_dict())


def config_of(bands: int = 3) -> dict[str, Any]:
    return {
        "architecture": TINY,
        "num_classes": 7,
        "num_features": 256,
        "pretrained_cfg": {
            "input_size": [bands, SIZE, SIZE],
            "mean": [0.3, 0.4, 0.5],
            "std": [0.1, 0.2, 0.4],
            "interpolation": "bicubic",
        },
    }


@pytest.fixture
def hub_folder(tmp_path: Path) -> Save:
    """Writes a folder in the format of timm's hub."""

    def save(name: str = "theirs", bands: int = 3, **changes: Any) -> Path:
        from safetensors.torch import save_file

        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(config_of(bands) | changes))
        save_file(state_of(bands), folder / "model.safetensors")
        return folder

    return save


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any connection is a failure of the test."""

    def refuse(*arguments: object, **more: object) -> None:
        raise AssertionError("a network call was made")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)


@pytest.fixture
def images() -> np.ndarray:
    """Cutouts that differ: blobs of many widths, places and colors."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    center, width = rng.uniform(-0.4, 0.4, (80, 2, 1, 1)), rng.uniform(0.02, 0.5, (80, 1, 1))
    blob = np.exp(-((x - center[:, 0]) ** 2 + (y - center[:, 1]) ** 2) / width)
    color = rng.uniform(40, 250, (80, 1, 1, 3))
    return (blob[..., None] * color + rng.uniform(0, 5, (80, SIZE, SIZE, 3))).astype(np.uint8)
