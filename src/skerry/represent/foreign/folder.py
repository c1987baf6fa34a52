"""The three files of an encoder: what runs it, its weights to go on from, what it is."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skerry.errors import EncoderError
from skerry.represent.foreign.source import require_train
from skerry.represent.options import FORBIDDEN, forbidden
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

    try:
        stored = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        state = load_file(folder / WEIGHTS_FILE)
    except (OSError, ValueError, SafetensorError) as error:
        raise EncoderError(
            f"{folder} holds no trained encoder ({error}); expected {CONFIG_FILE} and "
            f"{WEIGHTS_FILE} as skerry exports them"
        ) from error
    if not isinstance(stored, dict) or not {"schema", "network"} <= stored.keys():
        raise EncoderError(
            f"{folder} was imported and has no vote heads; only an encoder that skerry trained "
            "can be trained further"
        )
    network = vote_network(stored["network"], _schema_of(stored["schema"], folder), str(folder))
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise EncoderError(f"{WEIGHTS_FILE} of {folder} is of another network: {error}") from error
    return network


def vote_network(described: Any, schema: Schema, whose: str) -> VoteNetwork:
    """A network with vote heads and random weights, as a file that anyone may have written says.

    ``described`` holds ``architecture``, ``options`` and the other arguments of ``VoteNetwork``.

    Raises
    ------
    EncoderError
        timm has no such network or cannot build it, or an option would make it load other
        weights.
    """
    require_train()
    from skerry.represent.foreign.settings import require_known
    from skerry.represent.network import VoteNetwork

    shape = dict(described) if isinstance(described, Mapping) else {}
    require_known(shape.get("architecture"), whose)
    options = shape.get("options") or {}
    if not isinstance(options, Mapping) or forbidden(options):
        raise EncoderError(
            f"options of {whose} are {options!r}; expected a table without {', '.join(FORBIDDEN)}"
        )
    try:
        return VoteNetwork(schema=schema, **shape)
    except Exception as error:  # timm raises whatever an option it does not expect leads to
        raise EncoderError(f"the network of {whose} cannot be built: {error}") from error


def _schema_of(stored: Any, folder: Path) -> Schema:
    try:
        return _schema(stored)
    except (KeyError, TypeError, ValueError) as error:
        raise EncoderError(
            f"{CONFIG_FILE} of {folder} describes no tree of questions: {error!r}"
        ) from error


def _schema(stored: Mapping[str, Any]) -> Schema:
    questions = tuple(
        Question(q["name"], tuple(q["answers"]), tuple((a, b) for a, b in q["asked_if"]))
        for q in stored["questions"]
    )
    return Schema(stored["name"], questions, stored["survey"], stored["source"])
