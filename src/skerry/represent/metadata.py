"""What an encoder's file says of itself, and its graph: checked before any of it is believed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from skerry.errors import EncoderError


def require_sound(stored: Any, name: str) -> None:
    """Check the metadata of an encoder's file, as JSON gave it.

    ``size``, ``crops``, ``field`` and ``vote_columns`` must be there; of the others those that
    are. Keys that are not known are left alone: a later skerry may have written them.

    Raises
    ------
    EncoderError
        One is missing or is not what it must be.
    """
    if not isinstance(stored, Mapping):
        raise EncoderError(
            f"encoder {name} carries {stored!r} as its contract; export it with skerry"
        )
    for key, (holds, expected) in _TERMS.items():
        if key not in stored and key not in _REQUIRED:
            continue
        if not holds(stored.get(key)):
            raise EncoderError(
                f"encoder {name} says {key} is {stored.get(key)!r}; expected {expected}: export "
                "it with skerry again"
            )


def require_graph(session: Any, stored: Mapping[str, Any], name: str) -> tuple[int, int]:
    """Check that a graph takes and gives what its metadata, which is sound, says.

    It must take ``pixels`` alone, uint8 (batch, size, size, 3), and give ``representation``,
    float32 (batch, dimensions), and ``votes``, float32 (batch, as many as ``vote_columns``).
    Returns batch and dimensions.

    Raises
    ------
    EncoderError
        It takes or gives something else.
    """
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1:
        raise EncoderError(
            f"encoder {name} takes {_told(inputs)}; expected pixels alone: export it with skerry "
            "again"
        )
    size, answers = stored["size"], len(stored["vote_columns"])
    batch = _shape(inputs, "pixels", "uint8", (None, size, size, 3), f"encoder {name} takes")[0]
    gives = f"encoder {name} gives"
    dimensions = _shape(outputs, "representation", "float", (batch, None), gives)[1]
    _shape(outputs, "votes", "float", (batch, answers), gives)
    return batch, dimensions


def _shape(
    values: Sequence[Any], term: str, kind: str, expected: Sequence[int | None], verb: str
) -> Sequence[int]:
    """The shape of one of a graph's inputs or outputs; expected None is any number above 0."""
    for value in values:
        alike = len(value.shape) == len(expected) and all(
            _whole(found) and (found > 0 if side is None else found == side)
            for found, side in zip(value.shape, expected, strict=True)
        )
        if value.name == term and value.type == f"tensor({kind})" and alike:
            return tuple(value.shape)
    sides = ", ".join("any" if side is None else str(side) for side in expected)
    raise EncoderError(
        f"{verb} {_told(values)}; expected {term} tensor({kind}) [{sides}]: export it with skerry "
        "again"
    )


def _told(values: Sequence[Any]) -> str:
    return ", ".join(f"{v.name} {v.type} {v.shape}" for v in values) or "nothing"


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _positive(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 < value < math.inf


def _crops(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        str(side).isdecimal() and int(side) > 0 and _positive(share) and share <= 1
        for side, share in value.items()
    )


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _equalized(value: Any) -> bool:
    if not isinstance(value, Mapping) or not _whole(value.get("images")):
        return False
    power: Any = value.get("power")
    share: Any = value.get("structure", 0.5)
    sound = (power == 0 or (_positive(power) and power <= 1)) and _positive(share) and share < 1
    return value["images"] > 0 and _positive(value.get("floor")) and sound


_REQUIRED = ("size", "crops", "field", "vote_columns")
_TERMS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "size": (lambda v: _whole(v) and v > 0, "a whole number of pixels"),
    "crops": (_crops, "shares above 0 and at most 1 by side in pixels"),
    "field": (_text, "text"),
    "bands": (lambda v: _texts(v) and len(v) in (1, 3), "the names of one band or three"),
    "pixel_scale": (lambda v: v is None or _positive(v), "arcsec a pixel, or null"),
    "stretch": (_text, "text"),
    "vote_columns": (_texts, "a list of names"),
    "architecture": (_text, "text"),
    "options": (lambda v: isinstance(v, Mapping), "a table"),
    "structure_dimensions": (lambda v: _whole(v) and v >= 0, "a whole number"),
    "source": (_text, "text"),
    "measured": (lambda v: _whole(v) and v > 0, "a whole number above 0"),
    "equalized": (
        _equalized,
        "a table of a power from 0 to 1, a floor above 0, a number of images and, if anything, "
        "a share of structure between 0 and 1",
    ),
}
