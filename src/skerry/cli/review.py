"""skerry review: what people say of a run's classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skerry.cli.common import AsJson, report
from skerry.cli.printed import printable_lines
from skerry.errors import ConfigError

if TYPE_CHECKING:
    from skerry.review import Action, ReviewLog

_GRAMMAR = {
    "name": "name CLASS TEXT",
    "endorse": "endorse CLASS [SOURCE]",
    "dismiss": "dismiss CLASS [SOURCE]",
    "note": "note CLASS [SOURCE] TEXT, or note SOURCE TEXT",
    "merge": "merge CLASS CLASS...",
    "split": "split CLASS FILE NAME [FILE NAME]..., each file with an id a line",
    "undo": "undo [NUMBER]",
}
"""How each action is written."""


def review(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    action: Annotated[
        str, typer.Argument(metavar="ACTION", help=f"{'; '.join(_GRAMMAR.values())}.")
    ] = "",
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="ARGUMENT", help="As ACTION takes them.")
    ] = None,
    by: Annotated[str, typer.Option(help="Who reviews; the user at work if left out.")] = "",
    note: Annotated[str, typer.Option(help="The reason for an endorsement or the like.")] = "",
    export: Annotated[
        Path | None, typer.Option(help="Folder for the reviews with classes and members.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what was reviewed of RUN, or review: name, endorse, dismiss, note, merge, split, undo.

    Reviews are kept in RUN/reviews and leave the verdicts, and all else in RUN, as they are.
    """

    def work() -> dict[str, Any]:
        from skerry.review import export as export_to
        from skerry.review import open_reviews

        log = open_reviews(folder)
        done = None
        if action:
            done = log.append(_action(log, action, arguments or [], by, note)).to_record()
        elif by or note:
            raise ConfigError("--by and --note go with an action, as: endorse CLASS")
        written = [str(path) for path in export_to(folder, export)] if export is not None else []
        return {**_record(log), "done": done, "written": written}

    report(work, _show, as_json)


def _action(log: ReviewLog, kind: str, given: Sequence[str], by: str, note: str) -> Action:
    from skerry.review import Action

    if kind not in _GRAMMAR:
        raise ConfigError(f"no action {kind!r}; expected one of {', '.join(_GRAMMAR)}")
    if note and kind in ("name", "note", "undo"):
        raise ConfigError(f"--note does not go with {kind}; write a note by itself")
    try:
        fields = _READ[kind](log, given)
    except ValueError as error:
        raise ConfigError(f"{kind} {' '.join(given)}; expected: {_GRAMMAR[kind]}") from error
    return Action(**{"text": note, **fields, "kind": kind, "who": by})


def _name(log: ReviewLog, given: Sequence[str]) -> dict[str, Any]:
    class_id, text = given
    return {"class_id": class_id, "text": text}


def _hold(log: ReviewLog, given: Sequence[str]) -> dict[str, Any]:
    class_id, *source = given
    if len(source) > 1:
        raise ValueError
    return {"class_id": class_id, "id_str": source[0] if source else ""}


def _note(log: ReviewLog, given: Sequence[str]) -> dict[str, Any]:
    *about, text = given
    if len(about) == 1 and about[0] not in log.known.classes and about[0] in log.known.sources:
        return {"id_str": about[0], "text": text}
    return {**_hold(log, about), "text": text}


def _merge(log: ReviewLog, given: Sequence[str]) -> dict[str, Any]:
    class_id, *others = given
    return {"class_id": class_id, "others": tuple(others)}


def _split(log: ReviewLog, given: Sequence[str]) -> dict[str, Any]:
    class_id, *rest = given
    if not rest or len(rest) % 2:
        raise ValueError
    pairs = zip(rest[::2], rest[1::2], strict=True)
    return {
        "class_id": class_id,
        "parts": tuple((" ".join(name.split()), _ids(Path(file))) for file, name in pairs),
    }


def _ids(file: Path) -> tuple[str, ...]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read ({error}); give a text file, an id a line") from (
            error
        )
    return tuple(line.strip() for line in lines if line.strip())


def _undo(log: ReviewLog, given: Sequence[str]) -> dict[str, Any]:
    if not given:
        return {}
    (number,) = given
    if int(number) < 1:
        raise ValueError
    return {"undoes": int(number)}


_READ: dict[str, Callable[[ReviewLog, Sequence[str]], dict[str, Any]]] = {
    "name": _name,
    "endorse": _hold,
    "dismiss": _hold,
    "note": _note,
    "merge": _merge,
    "split": _split,
    "undo": _undo,
}


def _record(log: ReviewLog) -> dict[str, Any]:
    from dataclasses import asdict

    state = log.state()
    known = log.known.classes
    return {
        "run": str(log.run),
        "classes": [
            {**asdict(one), "parts": dict(one.parts), "in_run": one.class_id in known}
            for one in state.classes.values()
        ],
        "sources": [
            {**asdict(one), "in_run": not one.class_id or one.class_id in known}
            for one in state.sources.values()
        ],
        "actions": [
            {**a.to_record(), "undone": a.number in state.undone} for a in state.log
        ],
        "told": list(state.told),
    }  # fmt: skip


def _show(found: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console()

    def line(text: str) -> None:
        console.print(printable_lines(text), markup=False, highlight=False, soft_wrap=True)

    for told in found["told"]:
        line(f"Note: {told}")
    if found["done"]:
        done = found["done"]
        what = f"undoes {done['undoes']}" if done["kind"] == "undo" else done["kind"]
        line(f"Number {done['number']}: {what}, by {done['who']}.")
    for one in found["classes"]:
        line(_class_line(one))
        for name, members in one["parts"].items():
            line(f"    part {name}: {len(members)} members")
        for note in one["notes"]:
            line(f"    {note['who']}: {note['text']}")
        for source in found["sources"]:
            if source["class_id"] == one["class_id"]:
                _show_source(source, line)
    with_own = {one["class_id"] for one in found["classes"]}
    for source in found["sources"]:
        if source["class_id"] not in with_own:
            _show_source(source, line, alone=True)
    if not found["actions"]:
        line("Nobody has reviewed this run. Begin with: skerry review RUN endorse CLASS")
    for path in found["written"]:
        line(f"Written: {path}")


def _class_line(one: dict[str, Any]) -> str:
    said = [one["review"], f"merged into {one['merged_into']}" if one["merged_into"] else ""]
    name = f" {one['name']!r}" if one["name"] else ""
    words = ", ".join(word for word in said if word)
    return f"{one['class_id']}{name}{f': {words}' if words else ''} ({_by(one)}){_gone(one)}"


def _by(one: dict[str, Any]) -> str:
    return f"{one['who']}, {one['when']}"


def _gone(one: dict[str, Any]) -> str:
    return "" if one["in_run"] else ", of a class that is not in this run"


def _show_source(one: dict[str, Any], line: Callable[[str], None], alone: bool = False) -> None:
    of = f" of {one['class_id']}" if alone and one["class_id"] else ""
    words = f" {one['review']}" if one["review"] else ""
    line(f"  {one['id_str']}{of}:{words} ({_by(one)}){_gone(one) if alone else ''}")
    for note in one["notes"]:
        line(f"    {note['who']}: {note['text']}")
