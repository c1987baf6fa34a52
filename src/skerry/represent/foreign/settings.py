"""A network's configuration as others wrote it: checked before timm or torch is given any of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import timm

from skerry.errors import EncoderError
from skerry.represent.foreign.source import Source
from skerry.represent.options import forbidden

ALIASES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "efficientnet": ("efficientnet_b0", {}),
    "maxvit_rmlp_tiny_rw_224": ("maxvit_rmlp_tiny_rw_256", {"img_size": 224}),
}
"""Names that are in use for networks of timm and that timm does not know, and what they mean."""

LARGEST = 1024
"""Largest side of an encoder's images in pixels: beyond it a batch outgrows memory."""


def network_of(source: Source) -> tuple[str, dict[str, Any]]:
    """timm's name of a source's network and the options to build it with.

    Raises
    ------
    EncoderError
        timm has no such network, or ``model_args`` is no table.
    """
    name, extra = ALIASES.get(source.architecture, (source.architecture, {}))
    require_known(name, source.record)
    stored = source.config.get("model_args", {})
    if not isinstance(stored, Mapping):
        raise EncoderError(f"model_args of {source.record} is {stored!r}; expected a table")
    left = forbidden(stored)
    return name, {**extra, **{k: v for k, v in stored.items() if k not in left}}


def require_known(name: object, whose: str) -> None:
    """Check that timm has a network, for it fetches what other names stand for.

    Raises
    ------
    EncoderError
        It has none of this name.
    """
    if not isinstance(name, str) or not timm.is_model(name):
        raise EncoderError(
            f"{whose} is a network {name!r}, which this timm ({timm.__version__}) does "
            "not have; install the timm it was made with, or give a name that timm knows"
        )


def config_of(source: Source) -> dict[str, Any]:
    """What timm says of a source's network, over it the source's ``pretrained_cfg``.

    In old files all of the configuration is that. Checked are ``input_size`` (bands, side,
    side), ``mean`` and ``std`` (a number for each band, three, or one), and the names of layers
    ``first_conv`` and ``classifier``.

    Raises
    ------
    EncoderError
        One of these is not what it must be.
    """
    name, _ = network_of(source)
    stored = source.config.get("pretrained_cfg", source.config)
    if not isinstance(stored, Mapping):
        raise EncoderError(f"pretrained_cfg of {source.record} is {stored!r}; expected a table")
    config = {**defaults(name), **stored}
    expected = {
        "input_size": (_is_size, "three whole numbers, [bands, side, side]"),
        "mean": (_is_mean, "a list of one or three numbers"),
        "std": (_is_std, "a list of one or three numbers above 0"),
        "first_conv": (_is_layer, "the name of a layer"),
        "classifier": (_is_layer, "the name of a layer"),
    }
    for key, (holds, words) in expected.items():
        if not holds(config.get(key)):
            raise EncoderError(
                f"{key} of {source.record} is {config.get(key)!r}; expected {words} in "
                "pretrained_cfg"
            )
    return config


def input_size(source: Source) -> int:
    """Side of the images that a source's network was made for, in pixels.

    Raises
    ------
    EncoderError
        Its configuration does not say.
    """
    built = network_of(source)[1].get("img_size")
    return built if isinstance(built, int) else int(config_of(source)["input_size"][1])


def defaults(name: str) -> dict[str, Any]:
    """timm's own configuration of a network; empty without one."""
    found = timm.get_pretrained_cfg(name)
    return {} if found is None else found.to_dict()


def _is_size(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == 3
        and all(isinstance(v, int) and not isinstance(v, bool) and v > 0 for v in value)
        and value[1] == value[2]
    )


def _is_mean(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) in (1, 3)
        and all(isinstance(v, int | float) and math.isfinite(v) for v in value)
    )


def _is_std(value: Any) -> bool:
    return _is_mean(value) and all(v > 0 for v in value)


def _is_layer(value: Any) -> bool:
    """One name or several; nothing where there is no such layer."""
    if value is None or isinstance(value, str):
        return True
    return isinstance(value, list | tuple) and all(isinstance(v, str) for v in value)
