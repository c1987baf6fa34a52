"""What a WebDataset tar holds, from its headers: samples by key, where each image lies.

The format: https://github.com/webdataset/webdataset. Files of one sample share a key: the name up
to the first dot behind its folder.
"""

from __future__ import annotations

import json
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from skerry.errors import CatalogError
from skerry.survey.headers import SUFFIXES as IMAGES
from skerry.survey.streams.place import Place

BLOCK = tarfile.BLOCKSIZE


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

    Raises
    ------
    CatalogError
        It is no tar, is compressed, is damaged or ends early.
    """
    samples: dict[str, Sample] = {}
    try:
        with tar.open("rb") as file:
            for info in _members(file, str(tar)):
                key, end = _split(info.name)
                _add(samples.setdefault(key, Sample(key)), end, info, file)
    except OSError as error:
        raise CatalogError(f"{tar} cannot be read: {error}") from error
    yield from samples.values()


def _members(file: Any, where: str) -> Iterator[tarfile.TarInfo]:
    """The regular files of a tar up to its end marker."""
    try:
        archive = tarfile.TarFile(fileobj=file, mode="r")
    except tarfile.TarError as error:
        raise CatalogError(
            f"{where} is no uncompressed tar ({error}); a compressed one cannot be read by parts: "
            "unpack it to .tar"
        ) from error
    last = "its start"
    try:
        while (info := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]  # else all headers are kept
            last = repr(info.name)
            if info.isreg() and not info.issparse():
                yield info
    except tarfile.TarError as error:
        raise CatalogError(_ends_early(where, last, str(error))) from error
    file.seek(archive.offset)
    marker = file.read(BLOCK)
    if marker != b"\0" * BLOCK:
        what = f"no header at byte {archive.offset}" if len(marker) == BLOCK else "no end marker"
        raise CatalogError(_ends_early(where, last, what))


def _ends_early(where: str, last: str, what: str) -> str:
    return (
        f"{where} ends early or is damaged after {last} ({what}): samples behind it are lost; copy "
        "it again, or leave it out"
    )


def _split(name: str) -> tuple[str, str]:
    """Key of a file's name and what is behind the first dot, in small letters."""
    folder, slash, base = name.removeprefix("./").rpartition("/")
    stem, _, end = base.partition(".")
    return f"{folder}{slash}{stem}", end.lower()


def _add(sample: Sample, end: str, info: tarfile.TarInfo, file: Any) -> None:
    if end == "json":
        file.seek(info.offset_data)
        _say(sample, file.read(info.size))
    elif f".{end.rpartition('.')[2]}" in IMAGES:
        if end in sample.images:
            sample.problem = f"the tar has two files {info.name!r}"
        file.seek(info.offset_data - BLOCK)
        check = zlib.crc32(file.read(BLOCK))
        sample.images[end] = (info.offset_data, info.size, check)
    else:
        sample.others.append(end)


def _say(sample: Sample, data: bytes) -> None:
    try:
        said = json.loads(data)
    except (ValueError, RecursionError) as error:
        sample.problem = f"its metadata, the file .json, are not JSON: {error}"
        return
    if isinstance(said, dict):
        sample.said = said
    else:
        sample.problem = f"its metadata, the file .json, are {type(said).__name__}, not an object"


def flat(value: object) -> bool:
    """Whether a value of JSON can stand in a column: text, a number, true, false or null."""
    return value is None or isinstance(value, str | int | float)
