"""Pages made from the program itself: its commands, its settings, its questions."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from typing import Any, get_type_hints

CLI, CONFIG, EXAMINE = (f"reference/{name}.md" for name in ("cli", "config", "examine"))
PAGES = (CLI, CONFIG, EXAMINE)
"""The pages that are made, by their place in the site."""

_MADE = "<!-- made by docs/site/reference.py -->\n\n"


def pages() -> dict[str, str]:
    """The text of every page that is made."""
    return {CLI: _MADE + cli(), CONFIG: _MADE + config(), EXAMINE: _MADE + examine()}


def cli() -> str:
    """All commands with their arguments and options."""
    import typer.main

    from skerry.cli import app

    top = typer.main.get_command(app)
    lines = ["# Commands", "", f"{top.help}", ""]
    for name, command in _commands(top, "skerry"):
        lines += _command(name, command)
    return "\n".join(lines) + "\n"


def _commands(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{prefix} {name}")
        elif not command.hidden:
            yield f"{prefix} {name}", command


def _command(name: str, command: Any) -> list[str]:
    params = [p for p in command.params if p.name != "help"]
    arguments = [p for p in params if p.param_type_name == "argument"]
    options = [p for p in params if p.param_type_name == "option"]
    words = [name, *map(_argument, arguments), *(["[OPTIONS]"] if options else [])]
    lines = [
        f"## {name}",
        "",
        "```text",
        " ".join(words),
        "```",
        "",
        _prose(command.help or ""),
        "",
    ]
    if arguments:
        rows = [[f"`{_metavar(p)}`", _help(p)] for p in arguments]
        lines += [*_table(("argument", ""), rows), ""]
    if options:
        kinds = get_type_hints(inspect.unwrap(command.callback))
        rows = [[_flags(p, kinds), _default(p), _help(p)] for p in options]
        lines += [*_table(("option", "default", ""), rows), ""]
    return lines


def _argument(param: Any) -> str:
    return _metavar(param) if param.required else f"[{_metavar(param)}]"


def _metavar(param: Any) -> str:
    name = str(param.metavar or param.name.upper())
    return f"{name}..." if param.nargs == -1 and not name.endswith("...") else name


def _flags(param: Any, kinds: dict[str, Any]) -> str:
    """Its names, and what it takes: typer's own objects name that otherwise in each version."""
    flags = ", ".join(f"`{flag}`" for flag in [*param.opts, *param.secondary_opts])
    if param.is_flag:
        return flags
    parts = re.findall(r"\w+", str(kinds.get(param.name, "")))
    known = (name for name in ("Path", "int", "float") if name in parts)
    return f"{flags} `{param.metavar or next(known, 'text').upper()}`"


def _default(param: Any) -> str:
    if param.required:
        return "required"
    value = param.default
    if callable(value) or value is None or value is False or value in ("", ()):
        return ""
    return f"`{value}`"


def _help(param: Any) -> str:
    again = " May be repeated." if param.multiple and "repeated" not in (param.help or "") else ""
    return (param.help or "") + again


def config() -> str:
    """Every setting of a run, by section."""
    from skerry import config as configuration

    assumed = {key: name for name, keys in configuration.ASSUMED.items() for key in keys}
    lines = [
        "# Settings of a run", "",
        "Given as `--set section.key=value`, or in a TOML file with `--config`; every run keeps "
        "its own in `RUN/config.toml`. A changed setting makes again only what depends on it. "
        "The presets:", "",
    ]  # fmt: skip
    for name, preset in configuration.PRESETS.items():
        lines.append(f"- `{name}`: {_differences(preset, configuration.Config())}")
    lines += ["", "† in the preset `walmsley2023` assumed: the paper does not give it."]
    for section in dataclasses.fields(configuration.Config):
        if section.name == "preset":
            continue
        kind = type(getattr(configuration.Config(), section.name))
        lines += ["", f"## {section.name}", "", _prose(inspect.getdoc(kind) or ""), ""]
        rows = [
            [f"`{section.name}.{key}`" + (" †" if f"{section.name}.{key}" in assumed else ""), t, v]
            for key, t, v in _fields(kind)
        ]
        lines += _table(("setting", "type", "default"), rows)
    return "\n".join(lines) + "\n"


def _differences(preset: Any, default: Any) -> str:
    found = []
    for section in dataclasses.fields(preset):
        mine, theirs = getattr(preset, section.name), getattr(default, section.name)
        if section.name == "preset" or mine == theirs:
            continue
        for key, value in dataclasses.asdict(mine).items():
            if value != getattr(theirs, key):
                found.append(f"`{section.name}.{key} = {value}`")
    return ", ".join(found) or "the defaults"


def examine() -> str:
    """The questions of `skerry examine` and their settings."""
    from skerry.examine import QUESTIONS, ExamineConfig

    lines = [
        "# Questions and their settings", "",
        "`skerry examine RUN [QUESTION]... -s name=value`; "
        "[what each asks and how](../examine.md).", "",
    ]  # fmt: skip
    rows = [
        [
            f"[{q.name}](../examine/{q.name}.md)",
            q.title,
            ", ".join(f"`{name}`" for name in ("classes", *q.uses)),
            ", ".join({"images": "images", "second": "a second encoder"}[i] for i in q.inputs),
        ]
        for q in QUESTIONS
    ]
    lines += _table(("question", "asks", "settings", "needs"), rows)
    lines += ["", "## Settings", "", _prose(inspect.getdoc(ExamineConfig) or ""), ""]
    lines += _table(
        ("setting", "type", "default", "used by"),
        [
            [f"`{key}`", t, v, ", ".join(q.name for q in QUESTIONS if key in q.uses) or "all"]
            for key, t, v in _fields(ExamineConfig)
        ],
    )
    return "\n".join(lines) + "\n"


def _fields(kind: type) -> list[tuple[str, str, str]]:
    """Name, type and default of every setting of a dataclass."""
    types, default = get_type_hints(kind), kind()
    return [
        (field.name, types[field.name].__name__, _value(getattr(default, field.name)))
        for field in dataclasses.fields(kind)  # type: ignore[arg-type]
    ]


def _value(value: object) -> str:
    return "(empty)" if value == "" else f"`{value}`"


def _prose(text: str) -> str:
    """A docstring as Markdown."""
    return re.sub(r":\w+:`~?\.?([^`]+)`", r"`\1`", inspect.cleandoc(text)).replace("``", "`")


def _table(heads: tuple[str, ...], rows: list[list[str]]) -> list[str]:
    def line(cells: list[str] | tuple[str, ...]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return [line(heads), "|" + "---|" * len(heads), *map(line, rows)]
