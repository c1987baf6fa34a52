"""skerry examine: the open questions, answered about a finished run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from skerry.cli.common import AsJson, Threads, report
from skerry.cli.printed import printable_lines


def examine(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    questions: Annotated[
        list[str] | None, typer.Argument(metavar="QUESTION", help="Which; all if none is named.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", help="One setting, as matched=mass,redshift; may be repeated."),
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="Another table by id, whose columns are looked at too.")
    ] = None,
    list_them: Annotated[bool, typer.Option("--list", help="List the questions.")] = False,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Answer questions about RUN's classes: what they are, and how far each can be believed.

    Answers are kept in RUN/examine and shown in the report. Nothing that RUN has is computed again.
    """

    def work() -> dict[str, Any]:
        from skerry.examine import QUESTIONS, from_settings
        from skerry.examining import examine as examine_run
        from skerry.progress import bar

        if list_them:
            return {"questions": {q.name: {"title": q.title, "uses": q.uses} for q in QUESTIONS}}
        texts = [*([f"table={table.resolve()}"] if table else []), *(settings or ())]
        with bar() as on_event:
            found = examine_run(
                folder, questions or (), from_settings(texts), threads=threads, on_event=on_event
            )
        return {
            "run": str(folder),
            "answers": [
                {
                    "question": answer.question,
                    "answered": answer.answered,
                    "sentence": answer.sentence,
                    "caveat": answer.caveat,
                    "notes": list(answer.notes),
                    "of_class": dict(answer.of_class),
                    "tables": {
                        name: str(folder / "examine" / answer.question / f"{name}.parquet")
                        for name in answer.tables
                    },
                }
                for answer in found
            ],
        }

    report(work, _show, as_json)


def _show(found: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console()

    def tell(text: str) -> None:
        console.print(printable_lines(text), markup=False, highlight=False)

    for name, question in found.get("questions", {}).items():
        console.print(f"[bold]{name}[/bold]", highlight=False)
        tell(f"  {question['title']}")
        tell(f"  settings: {', '.join(question['uses'])}")
    for answer in found.get("answers", ()):
        console.print(f"[bold]{answer['question']}[/bold]", highlight=False)
        tell(answer["sentence"])
        for class_id, sentence in list(answer["of_class"].items())[:20]:
            tell(f"  {class_id}: {sentence}")
        for note in answer["notes"]:
            tell(f"  Note: {note}")
    if "run" in found:
        console.print(f"Report: {found['run']}/report.html", markup=False, soft_wrap=True)
