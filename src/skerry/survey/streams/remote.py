"""Bytes from a store elsewhere, through fsspec: whole or not at all, tried again, in time."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from skerry.errors import ConfigError, InputError

TIMEOUT = 30.0
"""Seconds without a byte after which a request has failed."""
_LONGEST = 20
"""How many times as long a request may take in all, on a web server."""
TRIES = 4
"""How many times a request is made at most."""
WAIT = 0.25
"""Seconds before the second try; twice as long before each that follows."""
AT_ONCE = 32
"""Requests under way at a time."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Unreadable(InputError):
    """What is asked for cannot be had: the reason, without the address."""


class Missing(Unreadable):
    """There is nothing of that name."""


class Refused(Unreadable):
    """Access is refused; some stores say so of what is not there."""


@dataclass(frozen=True)
class State:
    """What tells one state of a file from another: its size in bytes, None where the server does
    not say, and a tag: its ETag or time of change, empty where there is none."""

    size: int | None
    tag: str

    def __str__(self) -> str:
        return f"{self.size}\0{self.tag}"


def filesystem(address: str) -> Any:
    """The fsspec file system of an address, with the time limits of this module.

    Raises
    ------
    ConfigError
        fsspec or what it needs for this kind of address is not installed, or it is unknown.
    """
    scheme = address.partition("://")[0].lower()
    return _filesystem(scheme, TIMEOUT, os.getpid())


@lru_cache(maxsize=16)
def _filesystem(scheme: str, timeout: float, process: int) -> Any:
    options: dict[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False}
    try:
        import fsspec

        if scheme in ("http", "https"):
            import aiohttp

            limits = aiohttp.ClientTimeout(
                total=_LONGEST * timeout, sock_connect=timeout, sock_read=timeout
            )
            options["client_kwargs"] = {"timeout": limits}
        elif scheme in ("s3", "s3a"):
            # its own tries would multiply those made here
            options["config_kwargs"] = {
                "connect_timeout": timeout,
                "read_timeout": timeout,
                "retries": {"total_max_attempts": 1},
                "max_pool_connections": AT_ONCE,
            }
        elif scheme == "memory":
            options = {}
        found = fsspec.filesystem(scheme, **options)
    except ImportError as error:
        raise ConfigError(
            f"{scheme}:// needs what is not installed here ({error}): pip install "
            "'skerry[streams]', or copy the input to this machine"
        ) from error
    except ValueError as error:
        raise ConfigError(
            f"{scheme}:// is no kind of address that is known ({error}); expected a path, s3://, "
            "http(s):// or another that fsspec reads"
        ) from error
    if hasattr(found, "retries"):
        found.retries = 1
    return found


def read(address: str, start: int = 0, size: int | None = None) -> bytes:
    """``size`` bytes of a file from byte ``start``, or all of it; never fewer.

    Raises
    ------
    Unreadable
        They cannot be had after ``TRIES`` tries; ``Missing``: there is no such file.
    """
    if size is None:
        return _tried(address, lambda fs: bytes(fs.cat_file(address)))
    if size == 0:
        return b""

    def part(fs: Any) -> bytes:
        found: bytes = fs.cat_file(address, start=start, end=start + size)
        if len(found) > size:
            raise Unreadable(
                "the server gives whole files where a part is asked for (no range requests); "
                "use another server, or copy the input to this machine"
            )
        if len(found) < size:
            raise _Short(f"{len(found)} of {size} bytes came")
        return found

    return _tried(address, part)


def state(address: str) -> State:
    """Size and tag of a file.

    Raises
    ------
    Unreadable
        They cannot be had; ``Missing``: there is no such file.
    """
    return state_of(_tried(address, lambda fs: fs.info(address)))


def state_of(info: dict[str, Any]) -> State:
    """Size and tag from what fsspec says of a file."""
    keys = ("ETag", "etag", "md5Hash", "Last-Modified", "LastModified", "mtime", "created")
    tag = next((str(info[key]) for key in keys if info.get(key)), "")
    size = info.get("size")
    return State(None if size is None else int(size), tag)


def is_folder(address: str) -> bool:
    """Whether a store has files below an address.

    Raises
    ------
    Unreadable
        It cannot tell.
    """
    return bool(_tried(address, lambda fs: fs.isdir(address)))


def listing(address: str) -> list[dict[str, Any]]:
    """What fsspec says of all files in a folder, at any depth; empty where there is none.

    Raises
    ------
    Unreadable
        It cannot be listed.
    """
    try:
        found = _tried(address, lambda fs: fs.find(address.rstrip("/") + "/", detail=True))
    except Missing:
        return []
    return [info for info in found.values() if info.get("type", "file") == "file"]


def in_order(
    task: Callable[[Item], Result], items: Sequence[Item], at_once: int = AT_ONCE
) -> Iterator[Result]:
    """Results of a task that waits for a server, in order, so many at a time."""
    if len(items) < 2:
        yield from map(task, items)
        return
    with ThreadPoolExecutor(min(at_once, len(items)), thread_name_prefix="skerry-read") as pool:
        yield from pool.map(task, items)


class _Short(Exception):
    """Fewer bytes came than were asked for."""


def _tried(address: str, ask: Callable[[Any], Result]) -> Result:
    fs = filesystem(address)
    reason = ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(WAIT * 2 ** (attempt - 1))
        try:
            return ask(fs)
        except (Unreadable, ConfigError):
            raise
        except Exception as error:  # each library behind fsspec raises its own kinds
            final, reason = _reason(error)
            if final is not None:
                raise final from error
    raise Unreadable(f"{reason}, {TRIES} tries")


def _reason(error: Exception) -> tuple[Unreadable | None, str]:
    """What an error means: one that no further try can mend, or a reason to try again."""
    cause = error
    if isinstance(error, FileNotFoundError) and isinstance(error.__cause__, Exception):
        # fsspec says so of an http file whatever kept it from knowing it
        of_http = isinstance(error.__cause__, TimeoutError | ConnectionError) or (
            type(error.__cause__).__module__.startswith("aiohttp")
        )
        cause = error.__cause__ if of_http else error
    status = getattr(cause, "status", None)
    if status in (401, 403) or isinstance(cause, PermissionError):
        return Refused("the server refuses access; see the credentials"), ""
    if "Credentials" in type(cause).__name__:
        return Refused(
            "there are no credentials for it; for an open bucket set FSSPEC_S3_ANON=true"
        ), ""
    if status in (404, 410):
        return Missing("no such file"), ""
    if status is not None:
        return None, f"the server answered {status}"
    if isinstance(cause, FileNotFoundError):
        return Missing("no such file"), ""
    if isinstance(cause, (TimeoutError, asyncio.TimeoutError)) or "Timeout" in type(cause).__name__:
        return None, f"no answer within {TIMEOUT:g} s"
    text = " ".join(str(cause).split())[:200]
    if isinstance(cause, _Short) or re.search(
        "payload is not completed|not enough data", text, re.I
    ):
        return None, f"the answer was cut short ({text})"
    return None, f"the server cannot be read ({type(cause).__name__}: {text})"
