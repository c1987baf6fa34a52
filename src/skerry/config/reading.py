"""Settings from TOML and from the command line, unknown ones refused."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

from skerry.config.rules import validate
from skerry.config.settings import PRESETS, Config
from skerry.errors import ConfigError

_LISTS = ("nulls.scales",)
"""Settings of numbers in a text, of which one number alone is one too."""


def _section(kind: type, name: str, values: Mapping[str, Any]) -> Any:
    known = get_type_hints(kind)
    for key, value in values.items():
        if key not in known:
            raise ConfigError(_unknown(f"{name}.{key}", [f"{name}.{k}" for k in known]))
        allowed, expected = _allowed(f"{name}.{key}", known[key])
        if isinstance(value, bool) or not isinstance(value, allowed):
            raise ConfigError(f"{name}.{key} is {value!r}; expected {expected}")
    return kind(**{k: known[k](v) for k, v in values.items()})


def _allowed(key: str, kind: type) -> tuple[tuple[type, ...], str]:
    """The types that a setting of a kind may be given in, and how they are called."""
    if key in _LISTS:
        return (int, float, str), 'a text, as "1,2,4"'
    return (int, float) if kind is float else (kind,), kind.__name__


def _unknown(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
    return f"unknown setting {key!r}; did you mean {near[0]!r}? Known: {', '.join(known)}"


def from_mapping(values: Mapping[str, Any], base: Config | None = None) -> Config:
    """Settings from nested tables as TOML gives them; what is not named comes from the preset.

    Raises
    ------
    ConfigError
        A table or key is unknown (the nearest is suggested), of the wrong type or out of range.
    """
    preset = values.get("preset", base.preset if base else "skerry")
    if not isinstance(preset, str) or preset not in PRESETS:
        raise ConfigError(_unknown(str(preset), list(PRESETS)))
    config = base if base and base.preset == preset else PRESETS[preset]
    sections = {f.name: type(getattr(config, f.name)) for f in dataclasses.fields(config)}
    changed: dict[str, Any] = {}
    for name, table in values.items():
        if name == "preset":
            continue
        if name not in sections:
            raise ConfigError(_unknown(name, list(sections)))
        if not isinstance(table, Mapping):
            raise ConfigError(f"{name} is {table!r}; expected a table of settings, [{name}]")
        merged = {**dataclasses.asdict(getattr(config, name)), **table}
        changed[name] = _section(sections[name], name, merged)
    resolved = dataclasses.replace(config, **changed)
    validate(resolved)
    return resolved


def parse_override(text: str) -> dict[str, Any]:
    """One ``section.key=value`` of the command line as nested tables.

    Raises
    ------
    ConfigError
        The text has no ``=`` or no section.
    """
    key, equals, value = text.partition("=")
    section, dot, name = key.strip().partition(".")
    if not equals or not dot:
        raise ConfigError(f"{text!r} is no setting; write section.key=value, as neighbors.k=30")
    try:
        parsed: Any = tomllib.loads(f"v = {value.strip()}")["v"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    return {section: {name: parsed}}


def load(path: Path) -> Mapping[str, Any]:
    """The tables of a TOML file, in UTF-8 with or without a byte order mark.

    Raises
    ------
    ConfigError
        The file is missing or no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"no configuration file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
