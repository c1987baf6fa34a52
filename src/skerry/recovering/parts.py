"""The realizations of a recovery as files: each one a part of its own, kept over a restart."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from skerry.discover.separation import Separation
from skerry.recovering.search import Outcome
from skerry.store import read_table, table_metadata, write_table
from skerry.store.nouns import KEY

OUTCOMES_SCHEMA = pa.schema(
    [
        ("control", pa.bool_()),
        ("visibility", pa.float64()),
        ("realization", pa.int32()),
        ("prevalence", pa.float64()),
        ("found", pa.bool_()),
        ("planted", pa.int64()),
        ("searched", pa.int64()),
        ("jaccard", pa.float64()),
        ("purity", pa.float64()),
        ("completeness", pa.float64()),
        ("verdict", pa.string()),
        ("q_value", pa.float64()),
        ("containment", pa.float64()),
        ("replication", pa.float64()),
        ("failed", pa.string()),
        ("joined", pa.float64()),
        ("pieces", pa.int64()),
        ("new", pa.int64()),
    ]
)
"""``realizations``: one row a search; see :class:`Outcome`. ``visibility`` is null in a control."""

_SEPARATION = "separation"


@dataclass(frozen=True)
class Part:
    """One realization: the same draws at every prevalence. ``visibility`` None: a control."""

    visibility: float | None
    realization: int

    @property
    def name(self) -> str:
        """The name of its file."""
        kind = "control" if self.visibility is None else f"visibility-{self.visibility!r}"
        return f"{kind}-{self.realization:04d}.parquet"


def write_part(
    path: Path,
    part: Part,
    outcomes: Sequence[tuple[float, Outcome]],
    apart: Separation | None,
    key: str,
) -> None:
    """Write the outcomes of one realization, each with its prevalence, and the separation of its
    sources where that was measured."""
    rows = [
        {
            "control": part.visibility is None,
            "visibility": part.visibility,
            "realization": part.realization,
            "prevalence": prevalence,
            "found": outcome.found,
            **dataclasses.asdict(outcome),
        }
        for prevalence, outcome in outcomes
    ]
    metadata = {KEY: key}
    if apart is not None:
        metadata[_SEPARATION] = json.dumps(dataclasses.asdict(apart))
    write_table(path, pa.Table.from_pylist(rows, OUTCOMES_SCHEMA), metadata)


def read_part(path: Path) -> list[Outcome]:
    """The outcomes of one realization, in the order of its prevalences."""
    names = [field.name for field in dataclasses.fields(Outcome)]
    return [Outcome(*(row[name] for name in names)) for row in read_table(path).to_pylist()]


def read_separation(path: Path) -> Separation | None:
    """The separation that was measured with a part, None where none was."""
    stored = table_metadata(path).get(_SEPARATION)
    return Separation(**json.loads(stored)) if stored else None
