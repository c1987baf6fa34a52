"""What the report shows of the answers to the open questions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from skerry.answer import Answer, Plot
from skerry.examine import QUESTIONS
from skerry.publish.galleries import data_uri
from skerry.publish.plot_figure import plot_figure

LISTED = 25
"""Rows of a table shown; the file has all."""

_TITLES = {question.name: question.title for question in QUESTIONS}


def title_of(question: str) -> str:
    """A question in words, by its name."""
    return _TITLES.get(question, question)


@dataclass(frozen=True)
class Shown:
    """An answer as the page shows it: ``figures`` are pairs of a data URI and a caption, ``tables``
    have their ``name``, ``file``, ``columns``, ``rows`` as text, and how many there are."""

    answer: Answer
    title: str
    figures: list[tuple[str, str]]
    tables: list[dict[str, Any]]


def shown_answers(answers: tuple[Answer, ...]) -> list[Shown]:
    """The answers as sections of the report."""
    return [
        Shown(
            answer,
            title_of(answer.question),
            [(_drawn(plot), plot.caption) for plot in answer.plots],
            [_table(answer.question, name, table) for name, table in answer.tables.items()],
        )
        for answer in answers
    ]


def of_class(answers: tuple[Answer, ...], class_id: str) -> list[dict[str, str]]:
    """What the answers say of one class: ``title``, ``sentence``, ``figure`` and ``caption``."""
    found = []
    for answer in answers:
        if class_id not in answer.of_class:
            continue
        plot = answer.class_plots.get(class_id)
        found.append(
            {
                "question": answer.question,
                "title": title_of(answer.question),
                "sentence": answer.of_class[class_id],
                "figure": _drawn(plot) if plot else "",
                "caption": plot.caption if plot else "",
            }
        )
    return found


def _drawn(plot: Plot) -> str:
    return data_uri("image/png", plot_figure(plot))


def _table(question: str, name: str, table: pa.Table) -> dict[str, Any]:
    rows = table.slice(0, LISTED).to_pylist()
    return {
        "name": name.replace("_", " "),
        "file": f"examine/{question}/{name}.parquet",
        "columns": [column.replace("_", " ") for column in table.column_names],
        "rows": [[_cell(value) for value in row.values()] for row in rows],
        "total": table.num_rows,
    }


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}" if value == value else "-"
    return str(value)
