"""Writing files so that they are there whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from skerry.errors import DiskError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path`` to write to; it becomes ``path`` when the block ends.

    The name, ``.NAME.….part``, is this call's own, so that two processes may write the same file.

    Raises
    ------
    DiskError
        The disk is full or the folder cannot be written; nothing is left half-written.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise explained(error, path) from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def explained(error: OSError, path: Path) -> Exception:
    """An error of writing ``path`` that says what to do, where it is one of the disk."""
    # pyarrow keeps the errno in its message alone
    text = str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left" in text:
        return DiskError(
            f"the disk is full: {path} could not be written; free some space and run the same "
            "command again, it goes on where it stopped"
        )
    if error.errno == errno.EFBIG or "File too large" in text:
        return DiskError(
            f"{path} is larger than a file may be here; raise the limit (ulimit -f) or choose "
            "another file system, and run the same command again, it goes on where it stopped"
        )
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return DiskError(f"{path} cannot be written ({error.strerror}); choose another folder")
    return error


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file atomically."""
    write_pieces(path, [data])


def write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a whole file atomically, piece by piece."""
    with replacing(path) as partial, partial.open("wb") as file:
        file.writelines(pieces)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 file atomically."""
    write_bytes(path, text.encode("utf-8"))
