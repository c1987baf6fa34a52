"""Checkpoints: written whole or not at all, read by name, split into parts and joined again."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from skerry.errors import ConfigError, EncoderError
from skerry.represent.encoder import TRAINING_FILE
from skerry.represent.network import VoteNetwork, network_of
from skerry.represent.training.recipe import Recipe, recipe_from, tree_of
from skerry.represent.trees.schema import Question, Schema
from skerry.store import file_digest, replacing, write_bytes, write_text

CHECKPOINT = TRAINING_FILE
"""The last state of a training, from which it goes on."""
BEST = "best.pt"
"""The average with the lowest held-out loss; only where ``patience`` is set."""
KINDS: Mapping[str, type] = {"recipe": dict, "step": int, "average": dict}
"""What every checkpoint holds."""
PARTS = ".parts.json"
"""Ending of the list of a split checkpoint's parts."""


@dataclass(frozen=True)
class Trained:
    """What a training made: ``weights`` are the averaged ones, by the network's names."""

    recipe: Recipe
    schema: Schema
    step: int
    weights: Mapping[str, Tensor]
    path: Path

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the weights, in hex, wherever they came from."""
        content = hashlib.sha256()
        for name in sorted(self.weights):
            content.update(name.encode())
            content.update(self.weights[name].contiguous().numpy().tobytes())
        return content.hexdigest()

    def network(self) -> VoteNetwork:
        """The network with these weights, in evaluation mode.

        Raises
        ------
        EncoderError
            The weights are of another network than the recipe's.
        """
        network = network_of(self.recipe, self.schema)
        load_weights(network, self.weights, self.path)
        network.eval()
        return network


def load_weights(network: VoteNetwork, weights: Mapping[str, Tensor], path: Path) -> None:
    """Put weights into a network.

    Raises
    ------
    EncoderError
        Their names or shapes are another network's.
    """
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise EncoderError(
            f"{path} holds the weights of another network than the recipe's: {str(error)[:400]}"
        ) from error


def save(path: Path, payload: Mapping[str, Any], recipe: Recipe, schema: Schema) -> None:
    """Write a checkpoint atomically, with its recipe and tree.

    Raises
    ------
    DiskError
        The disk is full or cannot be written; the last checkpoint stays as it was.
    """
    stored = {"recipe": vars(recipe), "schema": asdict(schema), **payload}
    with replacing(path) as partial:
        torch.save(stored, partial)


def load(path: Path) -> dict[str, Any]:
    """A checkpoint's content; plain containers, numbers and tensors on the CPU, nothing else.

    Parameters
    ----------
    path
        A checkpoint, or a folder with the parts of one.

    Raises
    ------
    EncoderError
        There is none, it is damaged, or it is no checkpoint of a training.
    """
    if path.is_dir():
        data: Any = io.BytesIO(_joined(_parts_list(path)))
    else:
        data = path
    try:
        saved = torch.load(data, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle raises whatever its last whole word does
        raise EncoderError(f"{path} cannot be read as a checkpoint: {error}") from error
    if not isinstance(saved, dict) or not _is_sound(saved):
        raise EncoderError(
            f"{path} is no checkpoint of 'skerry train': it lacks {', '.join(KINDS)}, or they are "
            "of other types"
        )
    return saved


def _is_sound(saved: Mapping[str, Any]) -> bool:
    return (
        all(isinstance(saved.get(key), kind) for key, kind in KINDS.items())
        and saved["step"] >= 0
        and all(isinstance(weights, Tensor) for weights in saved["average"].values())
    )


def meaning(saved: Mapping[str, Any], path: Path) -> tuple[Recipe, Schema]:
    """Recipe and tree of a checkpoint's content.

    Raises
    ------
    EncoderError
        The recipe has fields or values that this version does not know, or the tree is none.
    """
    try:
        recipe = recipe_from(saved["recipe"], str(path))
    except ConfigError as error:
        raise EncoderError(f"{error} (a checkpoint of another version of skerry?)") from error
    if "schema" not in saved:
        try:
            return recipe, tree_of(recipe)
        except ConfigError as error:
            raise EncoderError(f"{path} names a decision tree that is not here: {error}") from error
    try:
        tree = dict(saved["schema"])
        questions = tuple(Question(**question) for question in tree.pop("questions"))
        return recipe, Schema(questions=questions, **tree)
    except (AttributeError, ConfigError, KeyError, TypeError, ValueError) as error:
        raise EncoderError(f"{path} holds no decision tree: {error}") from error


def read_trained(path: Path) -> Trained:
    """What a training made, from its folder, a checkpoint, or a folder with the parts of one.

    Of a training's folder the best average is taken where its recipe stops early, else the last.

    Raises
    ------
    EncoderError
        See :func:`load`.
    """
    if (path / CHECKPOINT).is_file():
        best = path / BEST
        path = path / CHECKPOINT
        if best.is_file() and meaning(load(path), path)[0].patience:
            path = best
    saved = load(path)
    recipe, schema = meaning(saved, path)
    return Trained(recipe, schema, saved["step"], saved["average"], path)


def part_size(text: str) -> int:
    """Bytes from words such as ``15MiB``, ``20MB`` or ``5000``.

    Raises
    ------
    ConfigError
        Not such words, or no bytes.
    """
    units = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
    units |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
    found = re.fullmatch(r"(\d+)\s*([A-Z]*)", text.strip().upper())
    size = int(found[1]) * units.get(found[2], 0) if found else 0
    if not size:
        raise ConfigError(f"{text!r} is no size of a part; write it as 15MiB")
    return size


def split_checkpoint(path: Path, folder: Path, size: int) -> Path:
    """Write a file as ``NAME.part-000``… of at most ``size`` bytes; the list of the parts.

    The list, ``NAME.parts.json``, has the SHA-256 of the whole and of each part, and is written
    last. Parts of an earlier split are removed.
    """
    remove_parts(folder)
    parts: list[dict[str, str]] = []
    with path.open("rb") as file:
        while data := file.read(size):
            name = f"{path.name}.part-{len(parts):03d}"
            write_bytes(folder / name, data)
            parts.append({"name": name, "sha256": hashlib.sha256(data).hexdigest()})
    said = {"name": path.name, "sha256": file_digest(path), "parts": parts}
    written = folder / f"{path.name}{PARTS}"
    write_text(written, json.dumps(said, indent=1) + "\n")
    return written


def remove_parts(folder: Path) -> None:
    """Remove the parts of checkpoints in a folder, and their lists first."""
    for listed in sorted(folder.glob(f"*{PARTS}")):
        listed.unlink()
        for part in folder.glob(f"{listed.name.removesuffix(PARTS)}.part-*"):
            part.unlink()


def join_checkpoint(folder: Path, output: Path) -> Path:
    """Join the parts in a folder to the file ``output``.

    Raises
    ------
    EncoderError
        There is no list of parts, or a part is missing or is not what the list says.
    """
    write_bytes(output, _joined(_parts_list(folder)))
    return output


def _parts_list(folder: Path) -> Path:
    found = sorted(folder.glob(f"*{PARTS}"))
    if len(found) != 1:
        raise EncoderError(
            f"{folder} holds {len(found)} lists of parts (*{PARTS}) and no {CHECKPOINT}; expected "
            "a checkpoint, the folder of a training, or a folder with the parts of one checkpoint"
        )
    return found[0]


def _joined(parts_list: Path) -> bytes:
    try:
        said = json.loads(parts_list.read_text(encoding="utf-8"))
        parts = [(parts_list.parent / Path(p["name"]).name, p["sha256"]) for p in said["parts"]]
        whole = str(said["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderError(f"{parts_list} is no list of a checkpoint's parts") from error
    data = bytearray()
    for path, expected in parts:
        if not path.is_file():
            raise EncoderError(f"{path} is missing: bring all {len(parts)} parts together")
        part = path.read_bytes()
        if hashlib.sha256(part).hexdigest() != expected:
            raise EncoderError(f"{path} is not what {parts_list.name} says: bring it again")
        data += part
    if hashlib.sha256(data).hexdigest() != whole:
        raise EncoderError(f"the parts of {parts_list} do not make the whole it says")
    return bytes(data)
