"""What an identifier stands for."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from skerry.errors import EncoderError

Kind = Literal["skerry", "hub", "folder", "checkpoint", "timm"]


@dataclass(frozen=True)
class Source:
    """Where an encoder comes from.

    Attributes
    ----------
    identifier
        As it was given.
    kind
        ``skerry`` (its own file, ready to use), ``hub`` (a snapshot of a Hugging Face
        repository), ``folder`` (the same format), ``checkpoint`` (of Lightning) or ``timm``
        (random weights: ``untrained``).
    files
        What is read, the weights last; empty for ``timm``.
    sha256
        Of the weights' file, in hex; empty for ``timm``.
    architecture
        timm's name for the network; empty where skerry's own file does not say.
    config
        ``config.json`` in the format of timm's hub: ``model_args`` to build the network with,
        ``pretrained_cfg`` with the size and normalization it expects.
    revision
        The commit of a ``hub`` snapshot.
    """

    identifier: str
    kind: Kind
    files: tuple[Path, ...]
    sha256: str
    architecture: str
    config: Mapping[str, Any] = field(default_factory=dict)
    revision: str = ""

    @property
    def untrained(self) -> bool:
        """Whether the weights are random."""
        return self.kind == "timm"

    @property
    def weights(self) -> Path:
        """The file with the weights."""
        return self.files[-1]

    @property
    def record(self) -> str:
        """The identifier as it is recorded: the same wherever local files lie."""
        if self.kind == "hub":
            return f"{self.identifier.partition('@')[0]}@{self.revision}"
        if self.kind == "timm":
            return f"timm:{self.architecture} (untrained)"
        path, mark, name = self.identifier.partition("::")
        return Path(path).name + mark + name


def unnormalized(source: Source) -> Source:
    """The same encoder, given pixels in [0, 1] as they are, whatever its configuration says.

    Training code may have normalized nothing although timm wrote its defaults into the
    configuration: Zoobot's own transforms (galaxy-datasets) leave ``normalize`` off.

    Raises
    ------
    EncoderError
        The configuration holds no table ``pretrained_cfg``.
    """
    stored = source.config.get("pretrained_cfg", source.config)
    if not isinstance(stored, Mapping):
        raise EncoderError(f"pretrained_cfg of {source.record} is {stored!r}; expected a table")
    plain = {**stored, "mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]}
    return replace(source, config={**source.config, "pretrained_cfg": plain})


def require_train(*modules: str) -> None:
    """Check that libraries of the extra ``train`` are installed.

    Raises
    ------
    EncoderError
        One is missing.
    """
    for name in modules or ("torch", "timm", "onnx"):
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise EncoderError(
                f"this needs the extra 'train' ({name} is missing): pip install 'skerry[train]'"
            ) from error


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
