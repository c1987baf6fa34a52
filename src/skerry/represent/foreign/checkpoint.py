"""Files of PyTorch, read as data: nothing in them is ever run."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

from skerry.errors import EncoderError
from skerry.represent.encoder import to_be_exported
from skerry.represent.foreign.source import Source, require_train, sha256_of

_TRAINING = {"recipe", "average", "step"}  # what a checkpoint of skerry's own training holds


def read(path: Path) -> Any:
    """What a file of PyTorch holds, if it is plain containers, numbers, text and tensors.

    Raises
    ------
    EncoderError
        It holds anything else, which would run code when read, or it is damaged.
    """
    require_train("torch")
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL (\S+)", str(error))
        if found is None:
            raise EncoderError(f"{path} is no file of PyTorch, or is damaged") from error
        raise EncoderError(
            f"{path} was not read: it holds the object {found[1]}, and reading such objects runs "
            "code of whoever wrote the file. If you trust it, save its encoder's state_dict as "
            "safetensors (safetensors.torch.save_file) with the tool that made it, and give the "
            "folder with that and a config.json"
        ) from error
    except Exception as error:  # a malformed pickle leads the reader to any error
        raise EncoderError(f"{path} is no file of PyTorch, or is damaged: {error}") from error


def source(identifier: str, path: Path, name: str) -> Source:
    """A checkpoint of Lightning, such as Zoobot's.

    ``name`` is the network's name in timm; if it is empty, the checkpoint's ``hyper_parameters``
    must give it as ``architecture_name``. Zoobot's transforms give pixels in [0, 1] without
    further normalization, so mean 0 and deviation 1 are taken.

    Raises
    ------
    EncoderError
        No such file, an unsafe one, a training of skerry's, or no name of a network.
    """
    if not path.is_file():
        raise EncoderError(f"there is no checkpoint {path}; give the path of one")
    stored = read(path)
    if isinstance(stored, dict) and stored.keys() >= _TRAINING:
        raise to_be_exported(str(path), path)
    known = stored.get("hyper_parameters", {}) if isinstance(stored, dict) else {}
    known = known if isinstance(known, dict) else {}
    architecture = name or known.get("architecture_name") or ""
    if not isinstance(architecture, str) or not architecture:
        raise EncoderError(
            f"{path} does not say which network it holds (no architecture_name in its "
            f"hyper_parameters); give it as {path.name}::NAME with timm's name"
        )
    options = known.get("timm_kwargs")
    config = {
        "model_args": dict(options) if isinstance(options, dict) else {},
        "pretrained_cfg": {"mean": [0.0] * 3, "std": [1.0] * 3},
    }
    return Source(identifier, "checkpoint", (path,), sha256_of(path), architecture, config)


def state_dict(path: Path) -> dict[str, Any]:
    """The tensors of a file of PyTorch or safetensors, by name.

    Raises
    ------
    EncoderError
        There are none.
    """
    if path.suffix == ".safetensors":
        return _safetensors(path)
    import torch

    stored = read(path)
    if isinstance(stored, dict) and isinstance(stored.get("state_dict"), dict):
        stored = stored["state_dict"]
    tensors = stored if isinstance(stored, dict) else {}
    tensors = {str(k): v for k, v in tensors.items() if isinstance(v, torch.Tensor)}
    if not tensors:
        raise EncoderError(f"{path} holds no weights; expected a state_dict of tensors")
    return tensors


def _safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except SafetensorError as error:
        raise EncoderError(f"{path} is damaged ({error}); get the file again") from error
