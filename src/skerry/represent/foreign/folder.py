"""The three files of an encoder: what runs it, its weights to go on from, what it is."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skerry.errors import EncoderError
from skerry.represent.foreign.source import require_train
from skerry.represent.trees.schema import Question, Schema
from skerry.store import replacing, write_text

if TYPE_CHECKING:
    from torch import nn

    from skerry.represent.network import VoteNetwork

WEIGHTS_FILE = "encoder.safetensors"
CONFIG_FILE = "config.json"


def write_beside(folder: Path, network: nn.Module, config: Mapping[str, Any]) -> None:
    """Write a network's weights and ``config.json`` beside its ``encoder.onnx``."""
    from safetensors.torch import save_file

    state = {k: v.detach().cpu().contiguous().clone() for k, v in network.state_dict().items()}
    with replacing(folder / WEIGHTS_FILE) as partial:
        save_file(state, partial)
    versions = {name: importlib.metadata.version(name) for name in ("skerry", "timm", "torch")}
    stored = {**config, "versions": versions}
    write_text(folder / CONFIG_FILE, json.dumps(stored, indent=1, sort_keys=True) + "\n")


def network_from_folder(folder: Path) -> VoteNetwork:
    """The trained network of a folder that ``export_folder`` wrote, to train further.

    Raises
    ------
    EncoderError
        The folder holds none: files are missing or damaged, or it was imported from elsewhere
        and has no vote heads.
    """
    require_train()
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from skerry.represent.network import VoteNetwork

    try:
        stored = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        state = load_file(folder / WEIGHTS_FILE)
    except (OSError, ValueError, SafetensorError) as error:
        raise EncoderError(
            f"{folder} holds no trained encoder ({error}); expected {CONFIG_FILE} and "
            f"{WEIGHTS_FILE} as skerry exports them"
        ) from error
    if "schema" not in stored or "network" not in stored:
        raise EncoderError(
            f"{folder} was imported and has no vote heads; only an encoder that skerry trained "
            "can be trained further"
        )
    network = VoteNetwork(schema=_schema(stored["schema"]), **stored["network"])
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise EncoderError(f"{WEIGHTS_FILE} of {folder} is of another network: {error}") from error
    return network


def _schema(stored: Mapping[str, Any]) -> Schema:
    questions = tuple(
        Question(q["name"], tuple(q["answers"]), tuple((a, b) for a, b in q["asked_if"]))
        for q in stored["questions"]
    )
    return Schema(stored["name"], questions, stored["survey"], stored["source"])
