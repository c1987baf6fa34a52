"""Inputs by name: a path of this machine, or the address of a store elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def is_address(text: str) -> bool:
    """Whether a text is an address (``s3://bucket/folder``, ``https://...``) and no path;
    ``file://`` is a path."""
    return bool(_ADDRESS.match(text)) and not text.lower().startswith("file://")


def settled(given: str | Path) -> str:
    """An input as a run keeps it: an absolute path without links, or the address without a slash
    at its end."""
    text = str(given)
    if is_address(text):
        return text.rstrip("/")
    return str(local(text).resolve())


def local(text: str) -> Path:
    """The path that a text is, ``file://`` included."""
    if text.lower().startswith("file://"):
        return Path(unquote(urlsplit(text).path))
    return Path(text)
