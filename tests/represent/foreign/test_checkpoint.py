from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from skerry.errors import EncoderError  # noqa: E402
from skerry.represent.foreign import resolve  # noqa: E402
from skerry.represent.foreign.network import build  # noqa: E402
from tests.represent.foreign.conftest import TINY, Save, state_of  # noqa: E402

State = dict[str, Any]


def without_classifier(state: State) -> State:
    return {k: v for k, v in state.items() if not k.startswith("classifier")}


def lightning(state: State, **hyper_parameters: Any) -> State:
    return {"state_dict": state, "hyper_parameters": hyper_parameters, "epoch": 3}


def under(prefix: str, state: State) -> State:
    return {prefix + k: v for k, v in state.items()}


@pytest.mark.parametrize(
    "prefix", ["encoder.", "model.encoder.", "module.encoder.", "_orig_mod.encoder.",
               "encoder._orig_mod.", "model.", ""],
)  # fmt: skip
def test_the_encoder_is_found_under_any_prefix(tmp_path: Path, prefix: str) -> None:
    plain = without_classifier(state_of())
    stored = under(prefix, plain)
    if prefix:
        stored |= {"head.1.weight": torch.zeros(3, 256), "train_accuracy.tp": torch.zeros(1)}
    torch.save(lightning(stored, architecture_name=TINY), tmp_path / "m.ckpt")
    source = resolve(str(tmp_path / "m.ckpt"))
    network, notes = build(source)
    assert source.architecture == TINY
    for name, value in network.encoder.state_dict().items():
        assert torch.equal(value, plain[name])
    assert any("left out 2 values beside" in note for note in notes) == bool(prefix)


def test_the_networks_name_may_be_given(tmp_path: Path) -> None:
    path = tmp_path / "m.ckpt"
    torch.save({"state_dict": under("encoder.", without_classifier(state_of(1)))}, path)
    with pytest.raises(EncoderError, match=r"give it as m\.ckpt::NAME"):
        resolve(str(path))
    source = resolve(f"{path}::{TINY}")
    network, _ = build(source)
    assert network.bands == 1
    assert source.record == f"m.ckpt::{TINY}"


def test_a_training_of_skerrys_own_is_to_be_exported_first(tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    torch.save({"recipe": {}, "schema": {}, "step": 3, "average": state_of()}, path)
    with pytest.raises(EncoderError, match=re.escape(f"skerry export {path} -o FOLDER")):
        resolve(f"{path}::{TINY}")


def test_zoobots_pixels_are_not_normalized_further(tmp_path: Path) -> None:
    stored = under("encoder.", without_classifier(state_of()))
    torch.save(lightning(stored, architecture_name=TINY), tmp_path / "m.ckpt")
    network, _ = build(resolve(str(tmp_path / "m.ckpt")))
    assert network.mean.ravel().tolist() == [0, 0, 0]
    assert network.std.ravel().tolist() == [1, 1, 1]


class Malicious:
    """Creates a file when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


@pytest.mark.parametrize("place", ["hyper_parameters", "state_dict"])
@pytest.mark.parametrize("legacy", [False, True])
def test_a_checkpoint_that_would_run_code_is_refused_and_does_not(
    tmp_path: Path, place: str, legacy: bool
) -> None:
    stored = lightning(under("encoder.", state_of()), architecture_name=TINY)
    stored[place]["x"] = Malicious(f"touch {tmp_path / 'ran'}")
    path = tmp_path / "m.ckpt"
    torch.save(stored, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(EncoderError, match=r"holds the object posix\.system.*safetensors"):
        resolve(str(path))
    assert not (tmp_path / "ran").exists()


def test_weights_of_a_folder_are_read_as_data_too(hub_folder: Save, tmp_path: Path) -> None:
    folder = hub_folder()
    (folder / "model.safetensors").unlink()
    torch.save(state_of(), folder / "pytorch_model.bin")
    assert build(resolve(str(folder)))[1] == [
        "left out the classifier: classifier.weight, classifier.bias"
    ]
    torch.save({"x": Malicious(f"touch {tmp_path / 'ran'}")}, folder / "pytorch_model.bin")
    with pytest.raises(EncoderError, match=r"posix\.system"):
        build(resolve(str(folder)))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"nonsense", b"PK\x03\x04 cut",
        b"\x80\x02K\x01\x85R.", b"\x80\x02]K\x01K\x02s.", b"\x80\x02h\x05.", b"\x80\x020.",
    ],
)  # fmt: skip
def test_a_damaged_checkpoint_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.ckpt").write_bytes(content)
    with pytest.raises(EncoderError, match=r"m\.ckpt is no file of PyTorch, or is damaged"):
        resolve(str(tmp_path / "m.ckpt"))
    with pytest.raises(EncoderError, match=r"no checkpoint .*none\.ckpt"):
        resolve(str(tmp_path / "none.ckpt"))


def test_damaged_safetensors_are_named(hub_folder: Save) -> None:
    folder = hub_folder()
    (folder / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(EncoderError, match="is damaged"):
        build(resolve(str(folder)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("missing", r"1 missing \(conv_stem\.weight\) keys"),
        ("unexpected", r"1 unexpected \(extra\.weight\) keys"),
        ("other", r"missing \(.*, …\) and .* unexpected \(.*, …\) keys"),
        ("shape", r"conv_stem\.weight has shape \(24, 3, 5, 5\), expected"),
        ("empty", "holds no weights"),
        ("two", r"several networks, under 'a\.' and 'b\.'"),
    ],
)
def test_weights_of_another_network_are_refused(tmp_path: Path, change: str, words: str) -> None:
    state = without_classifier(state_of())
    if change == "missing":
        del state["conv_stem.weight"]
    elif change == "unexpected":
        state["extra.weight"] = torch.zeros(1)
    elif change == "other":
        state = state_of(name="test_resnet")
    elif change == "shape":
        state["conv_stem.weight"] = torch.zeros(24, 3, 5, 5)
    elif change == "empty":
        state = {}
    else:
        state = under("a.", state) | under("b.", state)
    torch.save(lightning(state, architecture_name=TINY), tmp_path / "m.ckpt")
    with pytest.raises(EncoderError, match=words):
        build(resolve(str(tmp_path / "m.ckpt")))
