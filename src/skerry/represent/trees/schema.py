"""The Galaxy Zoo decision trees that ship, and those that users write, as TOML files."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from skerry import config
from skerry.errors import ConfigError
from skerry.represent.trees.tree import Question, Schema, nearest

__all__ = [
    "GZ2",
    "GZ2_TRAINED",
    "ODD_QUESTIONS",
    "TRAINED",
    "Question",
    "Schema",
    "get",
    "names",
    "to_toml",
]

TRAINED = "gz2-trained"
"""Name of the tree of Galaxy Zoo 2 without its odd features, which score discovery."""

ODD_QUESTIONS = ("something-odd-gz2", "odd-feature-gz2")
"""The questions that score discovery; no encoder that ships is trained on them."""

_SHIPPED = resources.files("skerry.represent.trees") / "schemas"


def names() -> tuple[str, ...]:
    """Names of the trees that ship, in alphabetical order; beside them there is ``TRAINED``."""
    files = (Path(file.name) for file in _SHIPPED.iterdir())
    return tuple(sorted(file.stem for file in files if file.suffix == ".toml"))


def get(name_or_path: str) -> Schema:
    """A decision tree by the name of one that ships, or by the path of a ``.toml`` file.

    Raises
    ------
    ConfigError
        No such tree (the nearest name is suggested), or its file is not one: no TOML, a key
        missing, unknown or of the wrong type, or questions that make no tree
        (:class:`~skerry.represent.trees.tree.Schema`).
    """
    if name_or_path == TRAINED:
        return get("gz2").without(ODD_QUESTIONS)
    if name_or_path in names():
        text = (_SHIPPED / f"{name_or_path}.toml").read_text(encoding="utf-8")
        return _parse(tomllib.loads(text))
    path = Path(name_or_path)
    if path.suffix != ".toml":
        known = (*names(), TRAINED)
        raise ConfigError(
            f"no decision tree {name_or_path!r}; did you mean {nearest(name_or_path, known)!r}? "
            f"Known: {', '.join(known)}; or give the path of a .toml file"
        )
    tables = config.load(path)
    try:
        return _parse(tables)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def to_toml(schema: Schema) -> str:
    """A tree as the text of a TOML file that :func:`get` reads back equal."""
    lines = [f"{key} = {config.toml_value(getattr(schema, key))}" for key in _TEXTS]
    for question in schema.questions:
        lines += ["", "[[questions]]", f"name = {config.toml_value(question.name)}"]
        lines.append(f"answers = {_array(question.answers)}")
        if question.asked_if:
            lines.append(f"asked_if = [{', '.join(_array(pair) for pair in question.asked_if)}]")
    return "\n".join(lines) + "\n"


_TEXTS = ("name", "survey", "source")
_KEYS = (*_TEXTS, "questions")
_QUESTION_KEYS = ("name", "answers", "asked_if")


def _array(texts: tuple[str, ...]) -> str:
    return f"[{', '.join(config.toml_value(text) for text in texts)}]"


def _parse(tables: Mapping[str, Any]) -> Schema:
    _check_keys(tables, _KEYS, ("name", "questions"), "the tree")
    texts = {key: _text(tables[key], key) for key in _TEXTS if key in tables}
    questions = tables["questions"]
    if not isinstance(questions, list) or not all(isinstance(q, dict) for q in questions):
        raise ConfigError("questions is no list of tables; write each under [[questions]]")
    return Schema(questions=tuple(map(_question, questions, range(1, len(questions) + 1))), **texts)


def _question(table: Mapping[str, Any], number: int) -> Question:
    where = f"question {table.get('name', f'number {number}')!r}"
    _check_keys(table, _QUESTION_KEYS, ("name", "answers"), where)
    asked_if = table.get("asked_if", [])
    if not isinstance(asked_if, list):
        raise ConfigError(f'{where}: asked_if is {asked_if!r}; expected [["question", "answer"]]')
    pairs = [_text_list(pair, f"{where}: a pair of asked_if") for pair in asked_if]
    for pair in pairs:
        if len(pair) != 2:
            raise ConfigError(f'{where}: asked_if has {pair!r}; expected ["question", "answer"]')
    return Question(
        _text(table["name"], f"{where}: name"),
        _text_list(table["answers"], f"{where}: answers"),
        tuple((asked, answer) for asked, answer in pairs),
    )


def _check_keys(
    table: Mapping[str, Any], known: tuple[str, ...], required: tuple[str, ...], where: str
) -> None:
    for key in table:
        if key not in known:
            raise ConfigError(
                f"{where} has an unknown key {key!r}; did you mean {nearest(key, known)!r}? "
                f"Known: {', '.join(known)}"
            )
    for key in required:
        if key not in table:
            raise ConfigError(f"{where} has no {key!r}; add it")


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{where} is {value!r}; expected a string in quotes")
    return value


def _text_list(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"{where} is {value!r}; expected a list of strings")
    return tuple(_text(item, f"{where}: item {i}") for i, item in enumerate(value, 1))


GZ2 = get("gz2")
"""Galaxy Zoo 2 (Willett et al. 2013, MNRAS 435, 2835, table 2)."""

GZ2_TRAINED = get(TRAINED)
"""What the shipped encoder learns: Galaxy Zoo 2 without the odd features."""
