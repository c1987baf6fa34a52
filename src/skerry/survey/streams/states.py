"""What tells whether the files of a survey have changed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path

from skerry.errors import InputError
from skerry.store.addresses import is_address
from skerry.survey.streams import remote
from skerry.survey.streams.place import Place, RemotePath, walk

MISSING = "missing"
_FEW = 8
"""Files of a folder above which it is listed rather than asked for each."""


def states(root: Place, files: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The place of each file and its state: size and time of change, or size and tag; ``missing``
    where there is none.

    Parameters
    ----------
    root : the input; the place of a file in its folder is relative to it, however it is written:
        relative, absolute or through links
    files : paths and addresses, sorted

    Raises
    ------
    InputError
        A server cannot tell.
    """
    here = [file for file in files if not is_address(file)]
    yield from _here(root, here)
    start = f"{str(root).rstrip('/')}/"
    for address, state in _elsewhere([file for file in files if is_address(file)]):
        yield address.removeprefix(start), state


def _here(root: Place, files: Iterable[str]) -> Iterator[tuple[str, str]]:
    real = cache(os.path.realpath)
    folder = ""
    if isinstance(root, Path):
        folder = os.path.join(real(root if root.is_dir() else root.parent), "")
    for path in files:
        try:
            stat = os.stat(path)
            state = f"{stat.st_size}\0{stat.st_mtime_ns}"
        except (OSError, ValueError):
            state = MISSING
        where, name = os.path.split(path)
        yield os.path.join(real(where), name).removeprefix(folder), state


def _elsewhere(addresses: Sequence[str]) -> Iterator[tuple[str, str]]:
    for folder, group in groupby(addresses, key=lambda address: address.rpartition("/")[0]):
        names = list(group)
        # an http server's listing has no sizes
        if len(names) > _FEW and not folder.lower().startswith("http"):
            held = _listed(folder)
            yield from ((name, held.get(name, MISSING)) for name in names)
        else:
            yield from zip(names, remote.in_order(_state, names), strict=True)


def _listed(folder: str) -> dict[str, str]:
    return {
        path.text: str(path.state())
        for place, _, files in walk(RemotePath(folder))
        if str(place) == folder
        for path in files
        if isinstance(path, RemotePath)
    }


def _state(address: str) -> str:
    try:
        return str(remote.state(address))
    except remote.Missing:
        return MISSING
    except remote.Unreadable as error:
        raise InputError(f"{address} cannot be read: {error}") from error
