"""The log of a run's reviews: a JSON object a line, only ever added to."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skerry.errors import DiskError, RunError
from skerry.store.atomic import write_bytes
from skerry.store.runfolder import RunFolder

FOLDER = "reviews"
NAME = "reviews.jsonl"
WAIT = 10.0
"""Seconds to wait for another process that is writing."""

Record = dict[str, Any]


@dataclass(frozen=True)
class Stored:
    """What a log holds: its ``records`` in order, and ``torn``, the text of a last line that was
    cut short, as by a crash; empty where none was. ``whole`` bytes hold the records."""

    records: tuple[Record, ...]
    torn: str = ""
    whole: int = 0


def path_of(run: Path) -> Path:
    """Where a run keeps its reviews."""
    return run / FOLDER / NAME


def read(run: Path) -> Stored:
    """All that was logged; nothing where there is no log.

    Raises
    ------
    RunError
        A line other than the last is no JSON object.
    """
    path = path_of(run)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Stored(())
    except OSError as error:
        raise RunError(
            f"{path} cannot be read: {error.strerror}; see that it is a file that you may read"
        ) from error
    *lines, last = data.split(b"\n")
    records = []
    for number, line in enumerate(lines, start=1):
        found = _record(line)
        if found is None:
            raise RunError(
                f"line {number} of {path} is damaged: {line[:60]!r}; expected a JSON object: mend "
                "or delete that line by hand, the others are sound"
            )
        records.append(found)
    found = _record(last)
    if found is not None:  # whole, but for its end of line
        return Stored((*records, found), "", len(data))
    return Stored(tuple(records), last.decode("utf-8", "replace"), len(data) - len(last))


def _record(line: bytes) -> Record | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def append(run: Path, make: Callable[[Sequence[Record]], Record]) -> Record:
    """Add the record that ``make`` gives, told those there are, and wait until it is on the disk.

    One process at a time reads, makes and writes, so that two lose nothing. A last line that was
    cut short is taken off and kept as text in a record of ``kind`` ``mended``.

    Raises
    ------
    RunError
        As :func:`read`, or another process holds the log for longer than ``WAIT`` seconds.
    DiskError
        It cannot be written; it is as it was.
    """
    with _held(run):
        stored = read(run)
        record = make(stored.records)
        mended = [{"kind": "mended", "torn": stored.torn}] if stored.torn else []
        _write(path_of(run), stored.whole, _lines([*mended, record]))
        return record


def bring(run: Path, previous: Path) -> int:
    """Copy the reviews of a previous run to a run that has none; how many records came along.

    A last record, of ``kind`` ``brought``, says where from. No time is in it: the same two runs
    give the same bytes.

    Raises
    ------
    RunError
        As :func:`read`.
    DiskError
        They cannot be written.
    """
    if path_of(run).exists():
        return 0
    stored = read(previous)
    if not stored.records:
        return 0
    with _held(run):
        if path_of(run).exists():
            return 0
        note: Record = {"kind": "brought", "from": str(previous), "records": len(stored.records)}
        if stored.torn:
            note["torn"] = stored.torn
        write_bytes(path_of(run), _lines([*stored.records, note]))
    return len(stored.records)


def _lines(records: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records).encode()


@contextmanager
def _held(run: Path) -> Iterator[None]:
    """The lock of the log, which is its own: an action need not wait for the end of a search."""
    folder = RunFolder(run / FOLDER, "")
    until = time.monotonic() + WAIT
    while True:
        held = folder.locked()
        try:
            held.__enter__()
        except DiskError as error:
            raise DiskError(
                f"{folder.path} cannot be written; see that it is a folder that you may write to"
            ) from error
        except RunError as error:
            if time.monotonic() > until:
                raise RunError(
                    f"another process has been writing reviews in {run} for {WAIT:g} s; nothing "
                    "was added: try again"
                ) from error
            time.sleep(0.01)
        else:
            break
    try:
        yield
    finally:
        held.__exit__(None, None, None)


def _write(path: Path, whole: int, lines: bytes) -> None:
    """Put ``lines`` after the first ``whole`` bytes of a file, or leave it as it was."""
    try:
        fresh = not path.exists()
        with path.open("wb" if fresh else "r+b", buffering=0) as file:
            if whole:
                file.seek(whole - 1)
                lines = lines if file.read(1) == b"\n" else b"\n" + lines
            try:
                file.truncate(whole)
                file.seek(whole)
                _write_all(file.fileno(), lines)
                os.fsync(file.fileno())
            except OSError:
                file.truncate(whole)
                raise
        if fresh:
            _sync_folder(path.parent)
    except OSError as error:
        raise DiskError(
            f"{path} cannot be written: {error.strerror}; nothing was added: free some space, or "
            "see that you may write there, and try again"
        ) from error


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
