"""Settings as TOML, and as a digest."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re

from skerry.config.settings import ASSUMED, Config


def toml_value(value: str | int | float) -> str:
    """One value as TOML, which reads JSON's but for the escapes beyond its first plane."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_key(name: str) -> str:
    """A key as TOML, in quotes where it needs them."""
    return name if re.fullmatch("[A-Za-z0-9_-]+", name) else toml_value(name)


def to_toml(config: Config) -> str:
    """The fully resolved settings as TOML, assumed values marked."""
    assumed = ASSUMED.get(config.preset, ())
    lines = [f'preset = "{config.preset}"']
    for section in dataclasses.fields(config):
        if section.name == "preset":
            continue
        lines += ["", f"[{section.name}]"]
        for key, value in dataclasses.asdict(getattr(config, section.name)).items():
            mark = (
                "  # assumed: the paper does not give it"
                if (f"{section.name}.{key}" in assumed)
                else ""
            )
            lines.append(f"{key} = {toml_value(value)}{mark}")
    return "\n".join(lines) + "\n"


def digest(*parts: object) -> str:
    """SHA-256, in hex, of dataclasses, mappings, sequences and scalars, by content."""

    def plain(part: object) -> object:
        if dataclasses.is_dataclass(part) and not isinstance(part, type):
            return dataclasses.asdict(part)
        return part

    text = json.dumps([plain(p) for p in parts], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
