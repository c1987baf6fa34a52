"""What a recovery found, as an object, as tables and as a figure."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import csv

from skerry.discover.separation import Separation
from skerry.publish.recovery_figure import Line, recovery_figure
from skerry.recovering.curve import REACHED, Limit, Point
from skerry.recovering.parts import Part
from skerry.recovering.sentences import (
    cautions,
    of_controls,
    of_limit,
    of_separation,
    of_unreachable,
)
from skerry.store import read_table, write_bytes, write_table, write_text
from skerry.using import as_table

if TYPE_CHECKING:
    from astropy.table import Table

CURVE_SCHEMA = pa.schema(
    [
        ("class", pa.string()),
        ("visibility", pa.float64()),
        ("prevalence", pa.float64()),
        ("planted", pa.int64()),
        ("realizations", pa.int64()),
        ("found", pa.int64()),
        ("share", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("tentative", pa.int64()),
        ("candidate", pa.int64()),
        ("jaccard", pa.float64()),
        ("purity", pa.float64()),
        ("completeness", pa.float64()),
        ("joined", pa.float64()),
        ("pieces", pa.int64()),
        ("new", pa.int64()),
        ("unreachable", pa.string()),
    ]
)
"""``curve``: one row a point, the controls (``visibility`` null) last; see :class:`Point`.
``class`` says what was planted, and where the curve is an optimistic bound."""


@dataclass(frozen=True)
class Recovery:
    """How often planted classes were found in the survey of a run.

    ``planted`` says what was, ``optimistic`` why the result is a bound, empty where it is none;
    ``searched`` is how many sources the run searched. ``points`` are the curves, of the controls
    last; ``limits`` where each reaches 90%. ``separations`` says for each visibility, and for
    the controls (None), how far the planted sources stand apart from the survey's own.
    """

    path: Path
    planted: str
    optimistic: str
    searched: int
    points: tuple[Point, ...]
    limits: tuple[Limit, ...]
    separations: Mapping[float | None, Separation | None]
    notes: tuple[str, ...]

    @property
    def curve(self) -> Table:
        """``CURVE_SCHEMA`` as an astropy table; what was not measured is NaN."""
        return as_table(self._curve)

    @property
    def _curve(self) -> pa.Table:
        rows = [
            {"class": "ordinary sources" if p.visibility is None else self.title, **asdict(p)}
            for p in self.points
        ]
        return pa.Table.from_pylist(rows, CURVE_SCHEMA)

    @property
    def title(self) -> str:
        """What was planted, and whether the result is an optimistic bound."""
        return f"{self.planted} (optimistic bound)" if self.optimistic else self.planted

    @property
    def sentence(self) -> str:
        """What was found, to be quoted."""
        return " ".join(self.sentences)

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """One on what bound this is, where it is one, on each visibility, and on the controls."""
        told = [self.optimistic] if self.optimistic else []
        several = len(self.limits) > 1
        told += [of_limit(found, self._reached(found.visibility), several) for found in self.limits]
        told += [self._unreachable] if self._unreachable else []
        return (*told, of_controls(self._reached(None)))

    @cached_property
    def separated(self) -> tuple[str, ...]:
        """One sentence on how far each planted kind, and the controls, stand apart."""
        told = []
        for visibility, found in self.separations.items():
            if found is not None:
                of_class = f"the planted class at visibility {visibility:g}" if visibility else ""
                told.append(of_separation(of_class or "ordinary sources made alike", found))
        return tuple(told)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What a user must know before the curve is used."""
        reached = [p for p in self.points if not p.unreachable]
        planted = [p for p in reached if p.visibility is not None]
        told = cautions(planted, self._reached(None), self.separations[None])
        return (*told, *self.notes)

    @property
    def _unreachable(self) -> str:
        gone = {p.prevalence: p for p in self.points if p.unreachable}
        return of_unreachable(list(gone.values()))

    def _reached(self, visibility: float | None) -> list[Point]:
        return [p for p in self.points if p.visibility == visibility and not p.unreachable]

    def summary(self) -> dict[str, Any]:
        """All of it for JSON. Of a limit, ``prevalence``, ``low`` and ``high`` are null where they
        lie beyond what was planted: at or below the least where ``below``, above the most where
        ``above`` names them."""
        return {
            "planted": self.planted,
            "searched": self.searched,
            "optimistic_bound": bool(self.optimistic),
            "sentences": list(self.sentences),
            "separation_sentences": list(self.separated),
            "warnings": list(self.warnings),
            "limits": [_plain(found) for found in self.limits],
            "curve": self._curve.to_pylist(),
            "separations": [
                {"visibility": v, **asdict(found)}
                for v, found in self.separations.items()
                if found is not None
            ],
        }

    def figure(self) -> bytes:
        """The curves, as PNG bytes."""
        kinds = [found.visibility for found in self.limits]
        lines = [_line(f"visibility {v:g}", self._reached(v)) for v in kinds]
        control = _line("ordinary sources", self._reached(None))
        return recovery_figure(lines, control, REACHED, self.title)


def _plain(found: Limit) -> dict[str, Any]:
    values = {name: getattr(found, name) for name in ("prevalence", "low", "high")}
    finite = {k: v if 0 < v < math.inf else None for k, v in values.items()}
    return {
        "visibility": found.visibility,
        **finite,
        "below": [name for name, value in values.items() if value == 0],
        "above": [name for name, value in values.items() if math.isinf(value)],
    }


def _line(label: str, points: list[Point]) -> Line:
    columns = [
        [getattr(p, name) for p in points] for name in ("prevalence", "share", "low", "high")
    ]
    return Line(label, *columns)


def write_results(found: Recovery, parts: Mapping[Part, Path]) -> None:
    """Write ``realizations.parquet``, ``curve.csv``, ``recovery.json`` and ``recovery.png``."""
    folder = found.path
    tables = [read_table(path) for path in parts.values()]
    plain = [table.replace_schema_metadata(None) for table in tables]
    write_table(folder / "realizations.parquet", pa.concat_tables(plain))
    buffer = io.BytesIO()
    csv.write_csv(found._curve, buffer)
    write_bytes(folder / "curve.csv", buffer.getvalue())
    write_bytes(folder / "recovery.png", found.figure())
    text = json.dumps(found.summary(), indent=1, ensure_ascii=False) + "\n"
    write_text(folder / "recovery.json", text)
