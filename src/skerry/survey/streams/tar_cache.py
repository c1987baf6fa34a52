"""What tars of a store elsewhere hold, kept on this machine: each is looked through once.

An index is known by the address of its tar, its size and its tag, in ``skerry/tars`` of the user's
cache (``XDG_CACHE_HOME``); it may be deleted at any time.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from skerry.errors import RunError
from skerry.store.atomic import write_bytes
from skerry.survey.streams.place import Place, RemotePath
from skerry.survey.streams.tar_index import Sample, scan

_VERSION = "2"


def samples_of(tar: Place) -> Iterable[Sample]:
    """The samples of a tar; see :func:`skerry.survey.streams.tar_index.scan`.

    Raises
    ------
    CatalogError
        It is no tar, is compressed, is damaged or ends early.
    """
    path = _path(tar) if isinstance(tar, RemotePath) else None
    if path is None:
        return scan(tar)
    found = _read(path)
    if found is not None:
        return found
    found = list(scan(tar))
    lines = (json.dumps(asdict(sample)) for sample in found)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, gzip.compress("\n".join(lines).encode(), 5, mtime=0))
    except (OSError, RunError):
        pass  # it will be looked through again
    return found


def _path(tar: RemotePath) -> Path | None:
    """Where the index is kept; None for a tar that cannot be told from a later one."""
    state = tar.state()
    if not state.tag:
        return None
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    known = hashlib.sha256(f"{_VERSION}\0{tar}\0{state}".encode()).hexdigest()
    return Path(home, "skerry", "tars", f"{known}.jsonl.gz")


def _read(path: Path) -> list[Sample] | None:
    """What is kept; None where that is nothing or damaged."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return [Sample(**json.loads(line)) for line in file]
    except (OSError, EOFError, ValueError, TypeError):
        return None
