"""From an identifier to the files it stands for."""

from __future__ import annotations

import difflib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from skerry.errors import EncoderError
from skerry.represent import encoder as runtime
from skerry.represent.foreign import checkpoint, hub
from skerry.represent.foreign.source import Source, require_train, sha256_of

WEIGHTS = ("model.safetensors", "model.bin", "pytorch_model.bin")
"""Names of the weights in the format of timm's hub, the preferred first."""

HUB_PREFIXES = ("hf_hub:", "hf-hub:")


def resolve(identifier: str, *, offline: bool = False, cache: Path | None = None) -> Source:
    """Find what an identifier stands for; reads configuration, builds nothing.

    Parameters
    ----------
    identifier
        ``default`` or the name of another shipped encoder; a ``.onnx`` file or a folder that
        skerry exported; ``hf_hub:owner/name`` or ``hf_hub:owner/name@revision``; a folder with
        ``config.json`` and weights in the format of timm's hub; a checkpoint of Lightning as
        ``model.ckpt``, or ``model.ckpt::timm_name`` where it does not name its network;
        ``timm:name`` or a name that timm knows, with random weights. The first that fits is
        taken, in this order.
    offline
        Make no network call. A repository that is in the cache needs none in any case, and the
        variable ``HF_HUB_OFFLINE`` means the same.
    cache
        The hub's cache; None for huggingface_hub's own.

    Raises
    ------
    EncoderError
        Nothing fits, files are missing or damaged, or the hub cannot be reached.
    """
    if identifier == "default" or identifier in runtime.shipped():
        return _own(identifier)
    if identifier.startswith(HUB_PREFIXES):
        return _from_hub(identifier, offline, cache)
    if identifier.startswith("timm:"):
        return _random(identifier, identifier.removeprefix("timm:"))
    path_text, _, name = identifier.partition("::")
    path = Path(path_text)
    if path.is_dir():
        own = (path / runtime.ENCODER_FILE).is_file()
        return _own(identifier) if own else _from_folder(identifier, path)
    if path.suffix == ".onnx":
        return _own(identifier)
    if path.suffix in runtime.TORCH_SUFFIXES:
        return checkpoint.source(identifier, path, name)
    if path.is_file():
        raise EncoderError(
            f"{path} is no encoder: give a .onnx file or folder that skerry exported, a folder "
            f"with config.json and weights, or a checkpoint ({', '.join(runtime.TORCH_SUFFIXES)})"
        )
    return _random(identifier, identifier)


def _own(identifier: str) -> Source:
    encoder = runtime.load(identifier)
    path = runtime.file_of(identifier)
    return Source(identifier, "skerry", (path,), encoder.sha256, encoder.architecture)


def _from_hub(identifier: str, offline: bool, cache: Path | None) -> Source:
    name, _, revision = identifier.partition(":")[2].partition("@")
    snapshot = hub.Snapshot(name, revision or "main", offline, cache)
    config = snapshot.file("config.json")
    # what the revision names may move between two files
    weights = replace(snapshot, revision=config.parent.name).first(WEIGHTS)
    return _described(identifier, config, weights, "hub", revision=config.parent.name)


def _from_folder(identifier: str, folder: Path) -> Source:
    if (folder / runtime.TRAINING_FILE).is_file():
        raise runtime.to_be_exported(identifier, folder)
    config = folder / "config.json"
    found = [folder / name for name in WEIGHTS if (folder / name).is_file()]
    if not config.is_file() or not found:
        raise EncoderError(
            f"folder {folder} holds no encoder; expected config.json and one of "
            f"{', '.join(WEIGHTS)} (timm's format), or what skerry exported"
        )
    return _described(identifier, config, found[0], "folder")


def _described(
    identifier: str, config: Path, weights: Path, kind: Any, revision: str = ""
) -> Source:
    stored = _read_json(config)
    if not isinstance(stored.get("architecture"), str):
        raise EncoderError(f"{config} names no 'architecture'; expected timm's name of a network")
    return Source(
        identifier, kind, (config, weights), sha256_of(weights), stored["architecture"], stored,
        revision,
    )  # fmt: skip


def _read_json(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EncoderError(f"{path} is no JSON ({error}); get the file again") from error
    if not isinstance(stored, dict):
        raise EncoderError(f"{path} holds {type(stored).__name__}; expected a table of settings")
    return stored


def _random(identifier: str, name: str) -> Source:
    require_train("timm")
    import timm

    if not timm.is_model(name):
        known = {*runtime.shipped(), *timm.list_models()}
        near = difflib.get_close_matches(name, sorted(known), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise EncoderError(
            f"no encoder {identifier!r}{hint} Give a shipped name "
            f"({', '.join(runtime.shipped())}), a path that exists, hf_hub:owner/name or a "
            "network of timm"
        )
    return Source(identifier, "timm", (), "", name)
