"""What a finished stage says of itself: ``manifest.json``, written last."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from skerry.errors import RunError
from skerry.store.atomic import write_text

NAME = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """A finished stage.

    ``key`` digests everything the stage depends on; ``outputs`` are its files, relative to the
    stage's folder, with their SHA-256. Nothing here depends on time, host or threads.
    """

    stage: str
    key: str
    config: Mapping[str, Any]
    inputs: Mapping[str, str]
    versions: Mapping[str, str]
    counts: Mapping[str, Any]
    outputs: Mapping[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 of the stage's outputs: what stages after it depend on."""
        return hashlib.sha256(json.dumps(dict(self.outputs), sort_keys=True).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions(libraries: tuple[str, ...]) -> dict[str, str]:
    """Installed versions of skerry and of some libraries; ``unknown`` where another
    distribution provides one."""
    found = {}
    for name in ("skerry", *libraries):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found


def require_versions(expected: Mapping[str, str]) -> None:
    """That this process has the versions that :func:`versions` gave where the run was started.

    Raises
    ------
    RunError
        It has others.
    """
    found = _found(tuple(expected))
    other = [f"{n} {found[n]}, not {expected[n]}" for n in expected if found[n] != expected[n]]
    if other:
        raise RunError(
            f"{socket.gethostname()} has other versions than where the run was started "
            f"({'; '.join(other)}); results may depend on them: install the same"
        )


@lru_cache(maxsize=4)
def _found(libraries: tuple[str, ...]) -> dict[str, str]:
    # looked up once a process, not for every task
    return versions(libraries)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a stage's manifest, which makes the stage done."""
    write_text(folder / NAME, json.dumps(asdict(manifest), indent=1, sort_keys=True) + "\n")


def read_manifest(folder: Path) -> Manifest | None:
    """A stage's manifest, or None where the stage is not done or its files are gone."""
    try:
        manifest = Manifest(**json.loads((folder / NAME).read_text(encoding="utf-8")))
        whole = all((folder / name).is_file() for name in manifest.outputs)
    except (OSError, ValueError, TypeError):
        return None
    return manifest if whole else None


def drop_damaged(folder: Path, manifest: Manifest) -> list[str]:
    """Delete the outputs that are no longer what the stage wrote; their names."""
    damaged = [n for n, sha256 in manifest.outputs.items() if file_digest(folder / n) != sha256]
    for name in damaged:
        (folder / name).unlink()
    return damaged
