"""The project's docstrings as griffe's parser wants them.

They say ``name : what it is`` where NumPy's convention has ``name : type``: the annotation gives
the type already.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":\w+:`~?\.?([^`]+)`")
_ITEM = re.compile(r"^(\w[\w, *]*) : (.+)$")
_TYPE = re.compile(r"(?:[A-Z][\w.]*|int|str|float|bool|bytes|dict|list|tuple|or|None|[\[\], |])+")
_SECTION = re.compile(r"^(Parameters|Returns)\n-+$", re.MULTILINE)
_RAISES = re.compile(r"^Raises\n-+\n(?=As )", re.MULTILINE)


class Docstrings(griffe.Extension):
    """Rewrites each docstring before it is parsed."""

    def on_instance(self, *, obj: Any, **kwargs: Any) -> None:
        if obj.docstring:
            obj.docstring.value = plain(obj.docstring.value)


def plain(text: str) -> str:
    """A docstring with its items' explanations where the convention has them."""
    text = _ROLE.sub(r"`\1`", text).replace("``", "`")
    text = _RAISES.sub("Errors: ", text)
    if not _SECTION.search(text):
        return text
    lines = []
    for line in text.splitlines():
        found = _ITEM.match(line)
        if found and not _TYPE.fullmatch(found[2].strip()):
            lines += [found[1], f"    {found[2]}"]
        else:
            lines.append(line)
    return "\n".join(lines)
