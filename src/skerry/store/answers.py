"""An answer as files: what it says as JSON, its tables as Parquet."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from skerry.answer import Answer, Plot, Series
from skerry.errors import RunError
from skerry.store.atomic import write_text
from skerry.store.tables import read_table, write_table

NAME = "answer.json"


def write_answer(folder: Path, answer: Answer) -> None:
    """Write ``answer.json`` and a Parquet file a table."""
    record = {
        "question": answer.question,
        "sentence": answer.sentence,
        "caveat": answer.caveat,
        "answered": answer.answered,
        "notes": list(answer.notes),
        "of_class": dict(answer.of_class),
        "plots": [_plain(plot) for plot in answer.plots],
        "class_plots": {name: _plain(plot) for name, plot in answer.class_plots.items()},
        "tables": list(answer.tables),
    }
    for name, table in answer.tables.items():
        write_table(folder / f"{name}.parquet", table)
    write_text(folder / NAME, json.dumps(record, indent=1, ensure_ascii=False) + "\n")


def read_answer(folder: Path) -> Answer:
    """Read an answer.

    Raises
    ------
    RunError
        A file is missing or damaged.
    """
    try:
        record: Mapping[str, Any] = json.loads((folder / NAME).read_text(encoding="utf-8"))
        return Answer(
            question=record["question"],
            sentence=record["sentence"],
            caveat=record["caveat"],
            tables={name: read_table(folder / f"{name}.parquet") for name in record["tables"]},
            plots=tuple(_plot(plot) for plot in record["plots"]),
            of_class=record["of_class"],
            class_plots={name: _plot(plot) for name, plot in record["class_plots"].items()},
            notes=tuple(record["notes"]),
            answered=record["answered"],
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(
            f"{folder / NAME} is missing or damaged ({error!r}); delete {folder} and examine again"
        ) from error


def _plain(plot: Plot) -> dict[str, Any]:
    """As JSON holds it: arrays as lists, what is not finite as null."""

    def plain(value: object) -> object:
        if isinstance(value, np.ndarray):
            return [float(v) if np.isfinite(v) else None for v in value]
        return value

    record = {f.name: getattr(plot, f.name) for f in dataclasses.fields(plot)}
    record["series"] = [
        {f.name: plain(getattr(series, f.name)) for f in dataclasses.fields(series)}
        for series in plot.series
    ]
    return record


def _plot(record: Mapping[str, Any]) -> Plot:
    series = tuple(
        Series(
            **{
                **one,
                **{
                    name: None if one[name] is None else np.array(one[name], dtype=np.float64)
                    for name in ("x", "y", "low", "high")
                },
                "text": tuple(one["text"]),
            }
        )
        for one in record["series"]
    )
    lists = {k: tuple(record[k]) for k in ("x_ticks", "y_ticks", "at_x", "at_y")}
    return Plot(**{**record, **lists, "series": series})
