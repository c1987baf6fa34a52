"""What a WebDataset tar holds, from its headers: samples by key, where each image lies.

The format: https://github.com/webdataset/webdataset. Files of one sample share a key: the name up
to the first dot behind its folder.
"""

from __future__ import annotations

import json
import posixpath
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from skerry.errors import CatalogError
from skerry.survey.headers import SUFFIXES as IMAGES
from skerry.survey.streams.place import Place

BLOCK = tarfile.BLOCKSIZE
_AT_ONCE = 1 << 20
_LONGEST_CHAIN = 16


@dataclass
class Sample:
    """A key with the names behind it, and what is wrong with it, if anything.

    ``images`` has, by what follows the first dot: byte of the data, size, CRC-32 of the 512 bytes
    of header before the data. ``said`` is the JSON object of ``KEY.json``, None without one.
    """

    key: str
    images: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    said: dict[str, Any] | None = None
    others: list[str] = field(default_factory=list)
    problem: str = ""


def scan(tar: Place) -> Iterator[Sample]:
    """The samples of a tar in the order of their first files; only headers and JSON are read.

    Names that begin with a dot, or lie in a folder that does, are left out, as in folders. A link
    stands for the file of the tar that it leads to.

    Raises
    ------
    CatalogError
        It is no tar, is compressed, is damaged or ends early.
    """
    samples: dict[str, Sample] = {}
    links: list[tuple[Sample, str, str]] = []
    try:
        with tar.open("rb") as file:
            for info in _members(file, str(tar)):
                name = _as_text(info.name)
                if _hidden(name):
                    continue
                key, end = _split(name)
                sample = samples.setdefault(key, Sample(key))
                if name != info.name.removeprefix("./"):
                    sample.problem = f"its name in the tar, {name!r}, is not UTF-8"
                if info.islnk() or info.issym():
                    links.append((sample, end, _target(name, info)))
                else:
                    _add(sample, end, info, file)
    except OSError as error:
        raise CatalogError(f"{tar} cannot be read: {error}") from error
    leads = {f"{sample.key}.{end}": to for sample, end, to in links}
    for sample, end, to in links:
        _follow(sample, end, _last(to, leads), samples)
    yield from samples.values()


def _members(file: Any, where: str) -> Iterator[tarfile.TarInfo]:
    """The files and links of a tar, of several that were joined one after the other of each."""
    try:
        archive = tarfile.TarFile(fileobj=file, mode="r")
    except tarfile.TarError as error:
        raise CatalogError(_no_tar(file, where, error)) from error
    last = "its start"
    try:
        while True:
            while (info := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # else all headers are kept
                last = repr(info.name)
                if info.isreg() or info.islnk() or info.issym():
                    yield info
            file.seek(archive.offset)
            marker = file.read(BLOCK)
            if marker != b"\0" * BLOCK:
                short = len(marker) < BLOCK
                what = "no end marker" if short else f"no header at byte {archive.offset}"
                raise CatalogError(_ends_early(where, last, what))
            behind = _next_block(file, archive.offset + BLOCK)
            if behind is None:
                return
            archive.offset = behind
    except tarfile.TarError as error:
        raise CatalogError(_ends_early(where, last, str(error))) from error


def _next_block(file: Any, start: int) -> int | None:
    """Where the first block that is not zeros lies from a byte on; None where all are."""
    file.seek(start)
    while data := file.read(_AT_ONCE):
        rest = data.lstrip(b"\0")
        if rest:
            return int(start + (len(data) - len(rest)) // BLOCK * BLOCK)
        start += len(data)
    return None


def _no_tar(file: Any, where: str, error: Exception) -> str:
    file.seek(0)
    head = file.read(BLOCK)
    if not head:
        return f"{where} is empty: 0 bytes; expected a tar"
    if head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"(\xb5/\xfd")):
        return f"{where} is compressed, which cannot be read by parts: unpack it to .tar"
    return f"{where} is no tar ({error}); expected an uncompressed one, from its first byte on"


def _ends_early(where: str, last: str, what: str) -> str:
    return (
        f"{where} ends early or is damaged after {last} ({what}): samples behind it are lost; copy "
        "it again, or leave it out"
    )


def _as_text(name: str) -> str:
    """A name within a tar, bytes that are not UTF-8 by their number."""
    sound = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return sound.removeprefix("./")


def _hidden(name: str) -> bool:
    return any(part.startswith(".") and part not in (".", "..") for part in name.split("/"))


def _split(name: str) -> tuple[str, str]:
    """Key of a file's name and what is behind the first dot, in small letters."""
    folder, slash, base = name.rpartition("/")
    stem, _, end = base.partition(".")
    return f"{folder}{slash}{stem}", end.lower()


def _target(name: str, info: tarfile.TarInfo) -> str:
    """The name within the tar that a link leads to; a symbolic one goes from its own folder."""
    to = _as_text(info.linkname)
    return to if info.islnk() else posixpath.normpath(posixpath.join(posixpath.dirname(name), to))


def _last(target: str, leads: Mapping[str, str]) -> str:
    """The end of a chain of links."""
    for _ in range(_LONGEST_CHAIN):
        key, end = _split(target)
        if f"{key}.{end}" not in leads:
            break
        target = leads[f"{key}.{end}"]
    return target


def _follow(sample: Sample, end: str, target: str, samples: Mapping[str, Sample]) -> None:
    """Give a sample the file that its link leads to."""
    key, other = _split(target)
    found = samples.get(key)
    if end == "json" and found is not None and found.said is not None:
        _have(sample, found.said)
    elif _of_image(end) and found is not None and other in found.images:
        _hold(sample, end, found.images[other])
    elif end == "json" or _of_image(end):
        sample.problem = f"it is a link to {target!r}, which is no file of the tar that is read"
    else:
        sample.others.append(end)


def _add(sample: Sample, end: str, info: tarfile.TarInfo, file: Any) -> None:
    if end == "json":
        file.seek(info.offset_data)
        _say(sample, file.read(info.size))
    elif _of_image(end):
        if info.issparse():
            sample.problem = "its file is sparse, which cannot be read by parts"
        file.seek(info.offset_data - BLOCK)
        check = zlib.crc32(file.read(BLOCK))
        _hold(sample, end, (info.offset_data, info.size, check))
    else:
        sample.others.append(end)


def _of_image(end: str) -> bool:
    return f".{end.rpartition('.')[2]}" in IMAGES


def _hold(sample: Sample, end: str, image: tuple[int, int, int]) -> None:
    if end in sample.images:
        sample.problem = f"the tar has two files {f'{sample.key}.{end}'!r}"
    sample.images[end] = image


def _have(sample: Sample, said: dict[str, Any]) -> None:
    if sample.said is not None:
        sample.problem = f"the tar has two files {f'{sample.key}.json'!r}"
    sample.said = said


def _say(sample: Sample, data: bytes) -> None:
    try:
        said = json.loads(data.decode("utf-8-sig"))
        if b"\\u" in data:  # half of a pair, which no text can hold
            json.dumps(said, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        sample.problem = f"its metadata, the file .json, are not JSON: {error}"
        return
    if isinstance(said, dict):
        _have(sample, said)
    else:
        sample.problem = f"its metadata, the file .json, are {type(said).__name__}, not an object"


def flat(value: object) -> bool:
    """Whether a value of JSON can stand in a column: text, a number, true, false or null."""
    return value is None or isinstance(value, str | int | float)
