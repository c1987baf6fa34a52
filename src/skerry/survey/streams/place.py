"""One way to name files and folders, here or in a store elsewhere."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from skerry.errors import InputError
from skerry.store.addresses import is_address, local
from skerry.survey.streams import remote
from skerry.survey.streams.ranged import RangeFile

Result = TypeVar("Result")

_FILES = frozenset(
    [
        *(".csv", ".tsv", ".ecsv", ".fits", ".fit", ".vot", ".votable", ".xml"),
        *(".parquet", ".pq", ".tar", ".npy"),
    ]
)
"""What names of files that a survey is opened by end in."""


@dataclass(frozen=True, order=True)
class RemotePath:
    """A file or folder of a store elsewhere, with as much of ``pathlib.Path`` as a survey needs.

    Names are shown as they are; in the text of an http address they are quoted.
    """

    text: str
    known: remote.State | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return self.text

    def __truediv__(self, name: str) -> RemotePath:
        return RemotePath(joined(self.text, name))

    @property
    def _plain(self) -> PurePosixPath:
        scheme, _, rest = self.text.partition("://")
        if scheme.lower() in ("http", "https"):
            rest = unquote(rest.partition("?")[0].partition("#")[0])
        return PurePosixPath(rest)

    @property
    def _is_store(self) -> bool:
        """Whether it is a server or a bucket itself, whose name may have dots."""
        return len(self._plain.parts) < 2

    @property
    def name(self) -> str:
        return self._plain.name

    @property
    def stem(self) -> str:
        return self.name if self._is_store else self._plain.stem

    @property
    def suffix(self) -> str:
        return "" if self._is_store else self._plain.suffix

    @property
    def parent(self) -> RemotePath:
        return RemotePath(self.text.partition("?")[0].rstrip("/").rpartition("/")[0])

    def as_posix(self) -> str:
        """The rest of the address behind its scheme."""
        return self._plain.as_posix()

    def relative_to(self, root: RemotePath) -> PurePosixPath:
        """The rest of the address behind a folder's."""
        return self._plain.relative_to(root._plain)

    def state(self) -> remote.State:
        """Its size and tag, asked for once."""
        if self.known is None:
            try:
                object.__setattr__(self, "known", remote.state(self.text))
            except remote.Unreadable as error:
                raise InputError(f"{self} cannot be read: {error}") from error
        assert self.known is not None
        return self.known

    def size(self) -> int:
        """In bytes.

        Raises
        ------
        InputError
            It cannot be read, or the server does not say.
        """
        size = self.state().size
        if size is None:
            raise InputError(f"{self}: the server does not say how large it is; copy it here")
        return size

    def exists(self) -> bool:
        """Whether there is such a file."""
        try:
            remote.state(self.text)
        except remote.Missing:
            return False
        except remote.Unreadable as error:
            raise InputError(f"{self} cannot be read: {error}") from error
        return True

    is_file = exists

    def is_dir(self) -> bool:
        """Whether it is a folder: of a web server, which does not tell, by its name."""
        if self.text.lower().startswith(("http://", "https://")):
            return self.suffix.lower() not in _FILES
        try:
            return self._is_store or remote.is_folder(self.text)
        except remote.Unreadable as error:
            raise InputError(f"{self} cannot be read: {error}") from error

    def open(self, mode: str = "rb") -> io.BufferedReader:
        """The file's bytes, by ranges."""
        assert mode == "rb"
        return io.BufferedReader(RangeFile(self.text, self.size()), 1 << 16)

    def read_bytes(self) -> bytes:
        return remote.read(self.text)

    def read_text(self, encoding: str = "utf-8") -> str:
        return self.read_bytes().decode(encoding)


Place = Path | RemotePath
"""Where a survey, or a part of it, lies."""


def place_of(given: str | Place) -> Place:
    """The place that a path or an address names."""
    if isinstance(given, RemotePath | Path):
        return given
    return RemotePath(given.rstrip("/")) if is_address(given) else local(given)


def joined(folder: str, name: str) -> str:
    """The path or address of a name within a folder; a name that is itself an address stays."""
    if is_address(name):
        return name
    if not is_address(folder):
        return os.path.join(folder, name)
    web = folder.lower().startswith(("http://", "https://"))
    return f"{folder.rstrip('/')}/{quote(name, safe='/=,:@') if web else name}"


def size_of(place: Place) -> int:
    """Bytes of a file."""
    return place.stat().st_size if isinstance(place, Path) else place.size()


def stamp(place: Place) -> str:
    """Size and time of change of a file, or its tag."""
    if isinstance(place, Path):
        stat = place.stat()
        return f"{stat.st_size} {stat.st_mtime_ns}"
    return f"{place.size()} {place.state().tag}"


def opened(place: Place) -> Any:
    """What pyarrow reads Parquet from."""
    return place if isinstance(place, Path) else RangeFile(place.text, place.size())


def of_each(
    task: Callable[[Place], Result], items: Sequence[Place], at_once: int = remote.AT_ONCE
) -> Iterator[Result]:
    """A task for each of some places, in order: so many at a time where it waits for a server."""
    if any(isinstance(item, RemotePath) for item in items):
        return remote.in_order(task, items, at_once)
    return map(task, items)


def walk(folder: Place) -> Iterator[tuple[Place, list[str], list[Place]]]:
    """As ``os.walk``, files as places: each folder, the names of its folders (which may be changed
    to leave some out), its files.

    Raises
    ------
    InputError
        A folder cannot be listed.
    """
    if isinstance(folder, Path):
        yield from _walk_here(folder)
        return
    try:
        infos = remote.listing(folder.text)
    except remote.Unreadable as error:
        raise InputError(f"{folder} cannot be listed: {error}") from error
    held: dict[str, list[Place]] = {}
    for info in infos:
        if "name" not in info:
            raise InputError(
                f"{folder} cannot be listed: what the server answers names no file; give a catalog "
                "that names the images, or tars as {000..099}.tar"
            )
        address = _address(folder.text, str(info["name"]))
        held.setdefault(address.rpartition("/")[0], []).append(
            RemotePath(address, remote.state_of(info) if info.get("ETag") else None)
        )
    left_out: list[str] = []
    for parent in sorted(held):
        if not any(parent == out or parent.startswith(out + "/") for out in left_out):
            below = {p[len(parent) + 1 :].split("/")[0] for p in held if p.startswith(parent + "/")}
            names = sorted(below)
            yield RemotePath(parent), names, held[parent]
            left_out += [f"{parent}/{name}" for name in below.difference(names)]


def _walk_here(folder: Path) -> Iterator[tuple[Place, list[str], list[Place]]]:
    def fail(error: OSError) -> None:
        raise InputError(f"{error.filename} cannot be listed: {error.strerror}") from error

    for place, folders, names in os.walk(folder, onerror=fail):
        yield Path(place), folders, [Path(place, name) for name in names]


def _address(folder: str, name: str) -> str:
    """fsspec names files with or without the scheme."""
    if is_address(name):
        return name
    return f"{folder.partition('://')[0]}://{name.lstrip('/')}"


def relative(place: Place, root: Place) -> PurePath:
    """The name of a place within a folder that holds it."""
    if isinstance(place, Path):
        assert isinstance(root, Path)
        return place.relative_to(root)
    assert isinstance(root, RemotePath)
    return place.relative_to(root)


def folders_of(folder: Place) -> list[Place]:
    """The folders at the top of one, sorted.

    Raises
    ------
    InputError
        It cannot be listed.
    """
    if isinstance(folder, Path):
        return sorted(f for f in folder.iterdir() if f.is_dir())
    names = {
        relative(p, folder).parts[0]
        for _, _, files in walk(folder)
        for p in files
        if len(relative(p, folder).parts) > 1
    }
    return [folder / name for name in sorted(names)]
