"""Several files by one name: ``{000..099}.tar``, ``*.tar``."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from skerry.errors import InputError
from skerry.survey.streams.place import Place, RemotePath, place_of, walk


def expanded(pattern: str) -> list[str]:
    """A text with braces, ``{000..099}`` or ``{a,b}``, as all that it stands for."""
    found = re.search(r"\{([^{}]*)\}", pattern)
    if not found:
        return [pattern]
    inside = found[1]
    span = re.fullmatch(r"(\d+)\.\.(\d+)", inside)
    if span:
        width = len(span[1]) if span[1].startswith("0") else 0
        numbers = range(int(span[1]), int(span[2]) + 1)
        if not numbers:
            raise InputError(f"{pattern} counts down in {{{inside}}}; name the smaller first")
        parts = [f"{n:0{width}d}" for n in numbers]
    else:
        parts = inside.split(",")
    head, tail = pattern[: found.start()], pattern[found.end() :]
    return [text for part in parts for text in expanded(head + part + tail)]


def names_of(files: Sequence[Place]) -> list[str]:
    """What files are called behind the folder that all of them share."""
    shared = _shared(files)
    return [str(file).removeprefix(shared).lstrip("/") for file in files]


def folder_of(files: Sequence[Place]) -> Place:
    """The folder that all files share."""
    return place_of(_shared(files) or ".")


def _shared(files: Sequence[Place]) -> str:
    # commonpath would take the two slashes of an address for one
    return os.path.commonprefix([str(f) for f in files]).rpartition("/")[0]  # noqa: RUF071


def several(place: Place) -> list[Place]:
    """The files that a pattern names, in its order: braces as written, ``*`` sorted; none where
    the place is no pattern.

    Raises
    ------
    InputError
        A pattern names no file, or a range runs down.
    """
    text = str(place)
    is_web = isinstance(place, RemotePath) and text.startswith("http")
    if not re.search(r"[{*]" if is_web else r"[{*?\[]", text):
        return []
    if isinstance(place, Path) and place.exists():
        return []
    found: list[Place] = []
    for pattern in expanded(text):
        if not glob.has_magic(pattern) or (is_web and "*" not in pattern):
            found.append(place_of(pattern))
            continue
        if isinstance(place, Path):
            matches: list[Place] = [Path(name) for name in sorted(glob.glob(pattern))]
        else:
            folder, _, name = pattern.rpartition("/")
            files = (
                f for at, _, held in walk(RemotePath(folder)) if str(at) == folder for f in held
            )
            matches = sorted((f for f in files if fnmatch(f.name, name)), key=str)
        if not matches:
            raise InputError(f"{pattern} names no file; give a folder or other names")
        found += matches
    return list(dict.fromkeys(found))
