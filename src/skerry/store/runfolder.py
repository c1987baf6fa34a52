"""The folder of a run: whose it is, that one process writes it, and its log."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import time
import tomllib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from skerry.config import Config, from_mapping, to_toml, toml_value
from skerry.errors import ConfigError, DiskError, RunError
from skerry.store.addresses import settled
from skerry.store.atomic import explained, write_text

CONFIG = "config.toml"
LOG = "log.jsonl"
LOCK = ".lock"
BEGIN = ".begin.lock"
"""Held by one of several processes that encode for a run, while it begins the run."""


@dataclass(frozen=True)
class RunFolder:
    """A run's folder and the input it belongs to; ``added`` are those added to it, in order."""

    path: Path
    input: str
    added: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """All its inputs, the first first."""
        return (self.input, *self.added)

    def log(self, event: str, **details: Any) -> None:
        """Append to ``log.jsonl``, the one file with times and hosts in it."""
        entry = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "event": event}
        path = self.path / LOG
        try:
            with path.open("ab+") as file:
                torn = b"" if _whole(file) else b"\n"
                file.write(torn + json.dumps({**entry, **details}).encode() + b"\n")
        except OSError as error:
            raise explained(error, path) from error

    @contextmanager
    def locked(self, shared: bool = False) -> Iterator[None]:
        """Hold the folder for this process, or together with others that share it.

        Raises
        ------
        RunError
            Another process is at work in it.
        DiskError
            It cannot be made, or its file system has no locks.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DiskError(
                f"{self.path} cannot be made: {error.strerror}; choose another folder with -o"
            ) from error
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        with self._flocked(LOCK, kind | fcntl.LOCK_NB):
            yield

    @contextmanager
    def beginning(self) -> Iterator[None]:
        """Of several processes that share the folder, wait to be the one that begins the run."""
        with self._flocked(BEGIN, fcntl.LOCK_EX):
            yield

    @contextmanager
    def _flocked(self, name: str, how: int) -> Iterator[None]:
        try:
            file = (self.path / name).open("a+")
        except OSError as error:
            raise DiskError(
                f"{self.path} cannot be written: {error.strerror}; choose another folder with -o"
            ) from error
        with file:
            try:
                fcntl.flock(file, how)
            except BlockingIOError as error:
                raise RunError(
                    f"another process is at work in {self.path}; wait for it or choose another "
                    "folder with -o"
                ) from error
            except OSError as error:
                raise DiskError(
                    f"{self.path} cannot be locked: {error.strerror}; choose a folder with -o on a "
                    "file system with locks (flock)"
                ) from error
            yield

    def start(self, config: Config) -> None:
        """Write the settings, clear what killed processes left, and log the start."""
        for leftover in self.path.rglob(".*.part"):
            leftover.unlink(missing_ok=True)
        remove(self.path / BEGIN)
        self.write_config(config)
        self.log("start", host=socket.gethostname(), pid=os.getpid())

    def write_config(self, config: Config) -> None:
        """Write the settings, which make the folder this run's."""
        said = f"input = {toml_value(self.input)}\n"
        if self.added:
            said += f"added = [{', '.join(toml_value(path) for path in self.added)}]\n"
        write_text(self.path / CONFIG, said + to_toml(config))


def _whole(log: BinaryIO) -> bool:
    """Whether a log's last line was written to its end: a full disk may cut one off."""
    if not log.seek(0, os.SEEK_END):
        return True
    log.seek(-1, os.SEEK_END)
    return log.read(1) == b"\n"


def clear(folder: Path, keep: Collection[Path] = ()) -> None:
    """Make a stage's folder, with nothing in it but the files to keep."""
    if folder.is_file():
        folder.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path not in keep:
            remove(path)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def claim(path: Path, input_path: str | Path, added: Sequence[str | Path] = ()) -> RunFolder:
    """A folder for a run on ``input_path``: a new or empty one, or one that this input has.

    ``added`` are the inputs added to the first. Nothing is written yet.

    Raises
    ------
    RunError
        The folder holds something else, or a run on another input.
    """
    first, *others = (settled(one) for one in (input_path, *added))
    for place in (path.resolve(), first, *others):
        try:
            str(place).encode()
        except UnicodeEncodeError as error:
            raise RunError(f"the path {str(place)!r} is not UTF-8 text; rename the folder") from (
                error
            )
    wanted = RunFolder(path, first, tuple(others))
    if path.exists() and not path.is_dir():
        raise RunError(f"{path} is a file; give a folder for the run with -o")
    if path.is_dir() and not all(_of_a_start(p) for p in path.iterdir()):
        found = open_folder(path)
        if found.inputs != wanted.inputs:
            raise RunError(
                f"{path} belongs to a run on {' + '.join(found.inputs)}, not on "
                f"{' + '.join(wanted.inputs)}; choose another folder with -o, or delete this one"
                + _one_of_several(found, wanted)
            )
        return found
    return wanted


def _one_of_several(found: RunFolder, wanted: RunFolder) -> str:
    """What to do where a run of several inputs is to be run as if it had one."""
    if not found.added or wanted.added:
        return ""
    return (
        ". It was made by 'skerry add', which goes on when it is started again as it was; inputs "
        "are added to it by 'skerry add' with this folder as RUN"
    )


def _of_a_start(path: Path) -> bool:
    """Whether a file is what a run killed at its very start leaves."""
    return path.name in (LOCK, BEGIN, LOG) or path.match(".*.part")


def open_folder(path: Path) -> RunFolder:
    """An existing run's folder.

    Raises
    ------
    RunError
        There is no run in it.
    """
    stored = _stored(path)
    return RunFolder(path, str(stored["input"]), tuple(map(str, stored.get("added", ()))))


def read_config(path: Path) -> Config:
    """The resolved settings of a run."""
    stored = _stored(path)
    return from_mapping({k: v for k, v in stored.items() if k not in ("input", "added")})


def _stored(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads((path / CONFIG).read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(
            f"{path} is no folder of a run: it has no readable {CONFIG}; give the folder that "
            "'skerry run' made with -o, or an empty one"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RunError(f"{path / CONFIG} is damaged: {error}; delete the folder") from error
    if "input" not in values:
        raise RunError(f"{path / CONFIG} names no input; it was not made by skerry")
    return values


def require_outside(output: Path, *taken: Path, option: str, what: str = "folder") -> None:
    """That an output lies in none of some folders, such as a run's or an input's.

    Raises
    ------
    ConfigError
        It does; ``option`` is how the user named it, ``what`` the kind of place to choose.
    """
    full = output.resolve()
    for path in taken:
        if full.is_relative_to(path.resolve()):
            raise ConfigError(f"{option} {output} is part of {path}; choose a {what} outside it")
