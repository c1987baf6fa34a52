from __future__ import annotations

import pytest

from skerry.backends import card
from skerry.errors import ConfigError
from skerry.represent.encoder import load
from skerry.represent.placed import computed_by, placed


def test_on_the_cpu_nothing_changes() -> None:
    encoder = load()
    assert placed(encoder, "default", "cpu") is encoder
    assert computed_by("cpu") == {}
    assert computed_by("cuda") == {"computed": "cuda, float16"}


def test_without_a_gpu_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def lacking(*packages: str) -> str:
        asked.extend(packages)
        return "torch 2 finds no GPU"

    monkeypatch.setattr(card, "lacking", lacking)
    with pytest.raises(ConfigError, match=r"^representations.device = cuda asks for a GPU, but to"):
        placed(load(), "default", "cuda")
    assert asked == ["onnx"]


@pytest.mark.train
def test_a_gpu_computes_in_half_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from skerry.represent import gpu
    from skerry.represent.encoder import Encoder, file_of

    asked: list[object] = []

    def on_device(encoder: Encoder, data: bytes, device: str, *, precision: str) -> Encoder:
        asked.extend([data == file_of("maxvit_pico").read_bytes(), device, precision])
        return encoder

    monkeypatch.setattr(card, "lacking", lambda *packages: "")
    monkeypatch.setattr(gpu, "on_device", on_device)
    placed(load("maxvit_pico"), "maxvit_pico", "cuda")
    assert asked == [True, "cuda", "float16"]
