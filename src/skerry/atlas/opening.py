"""A finished run as a chart: what is small is read at once, the rest when it is asked for."""

from __future__ import annotations

import json
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skerry.atlas.chart import Chart, Words
from skerry.atlas.cutouts import Cutouts, Opened
from skerry.errors import InputError
from skerry.examine.columns import TRUTH
from skerry.publish.words import count, percent
from skerry.review import open_reviews
from skerry.store import encoded, read_manifest, read_table
from skerry.store.tables import table_metadata, vectors_from
from skerry.survey import Attributes, attributes
from skerry.types import DoubleArray, RareClass
from skerry.using import Finished


def chart_of(run: str | Path) -> Chart:
    """The chart of a finished run.

    Raises
    ------
    RunError
        There is no run in the folder, it has not ended, or it is damaged.
    """
    path = Path(run)
    finished = Finished(path)
    placed = read_table(path / "embedding" / "embedding.parquet", ["id_str", "map_x", "map_y"])
    ids: tuple[str, ...] = tuple(placed["id_str"].to_pylist())
    points = np.stack([placed[c].to_numpy() for c in ("map_x", "map_y")], 1).astype(np.float64)
    classes = tuple(sorted(finished.classes, key=lambda c: (c.rank, c.class_id)))
    opened = Opened(path, finished.config)
    made = read_manifest(path / "representations")
    given = made is None or made.inputs.get("encoder") == "given"

    def similar(id_str: str, limit: int) -> list[tuple[str, float]]:
        found = finished.similar(id_str, limit=limit).sources
        return list(zip(found["id_str"].to_pylist(), found["distance"].to_pylist(), strict=True))

    return Chart(
        title=path.resolve().name,
        ids=ids,
        points=points,
        classes=classes,
        facts=_facts(path, classes),
        positions=_positions(path, placed["id_str"]),
        columns=RunColumns(path, ids, opened),
        cutout=None if given else Cutouts(opened),
        no_images="This run began with representations, so there are no images to show.",
        why_gone=lambda: opened.reason,
        similar=similar,
        reviews=open_reviews(path),
    )


def _positions(run: Path, ids: pa.ChunkedArray) -> DoubleArray | None:
    sources = read_table(run / "sources" / "sources.parquet", ["id_str", "ra", "dec"])
    rows = pc.index_in(ids, sources["id_str"])
    columns = [sources[name].cast(pa.float64()).take(rows) for name in ("ra", "dec")]
    found = np.stack([column.to_numpy() for column in columns], 1)
    return found if np.isfinite(found).any() else None


def _facts(run: Path, classes: tuple[RareClass, ...]) -> dict[str, list[tuple[str, str]]]:
    rows = read_table(run / "products" / "classes.parquet").to_pylist()
    by_id = {row["class_id"]: row for row in rows}
    return {rare.class_id: _facts_of(rare, by_id.get(rare.class_id, {})) for rare in classes}


def _facts_of(rare: RareClass, row: dict[str, Any]) -> list[tuple[str, str]]:
    found = [
        ("Verdict", rare.verdict),
        ("Size", f"{count(rare.size, 'member')}, judged by {rare.core or rare.size}"),
    ]
    if row.get("prevalence") is not None:
        interval = f"{percent(row['prevalence_low'])} to {percent(row['prevalence_high'])}"
        found.append(("Prevalence", f"{percent(row['prevalence'])} ({interval})"))
    found.append(("Containment", f"{rare.containment:.1f}"))
    if rare.q_value is not None:
        found.append(("q", f"{rare.q_value:.2g}"))
    if rare.replication is not None:
        found.append(("Replication", percent(rare.replication)))
    if rare.checks:
        passed = sum(check.passed for check in rare.checks)
        found.append(("Checks passed", f"{passed} of {len(rare.checks)}"))
    texts = {"Distinctive votes": row.get("distinctive", ""), "Why": " ".join(rare.reasons)}
    texts["History"] = rare.history
    return found + [(label, text) for label, text in texts.items() if text]


class RunColumns:
    """The votes of a run and the columns of its catalog, but for a simulation's truth."""

    def __init__(self, run: Path, ids: tuple[str, ...], opened: Opened) -> None:
        self._run, self._ids, self._opened = run, ids, opened
        self._lock = threading.Lock()
        self._read = lru_cache(maxsize=8)(self._values)
        self._catalog: Attributes | None = None

    def names(self) -> dict[str, list[str]]:
        """``votes``, those that the encoder expects, and ``catalog``."""
        catalog = self._attributes()
        own = [n for n in (*catalog.numbers, *catalog.words) if not n.startswith(TRUTH)]
        found = {"votes": list(self._vote_columns()), "catalog": own}
        return {group: names for group, names in found.items() if names}

    def values(self, group: str, name: str) -> DoubleArray | Words:
        """A column by source; the last few are kept.

        Raises
        ------
        InputError
            There is no such column.
        """
        return self._read(group, name)

    def _values(self, group: str, name: str) -> DoubleArray | Words:
        if group == "votes" and name in self._vote_columns():
            return self._votes(self._vote_columns().index(name))
        catalog = self._attributes()
        if group == "catalog" and not name.startswith(TRUTH):
            if name in catalog.numbers:
                return catalog.numbers[name]
            if name in catalog.words:
                return catalog.words[name]
        raise InputError(f"there is no column {name!r} in {group!r}; see api/columns")

    def _attributes(self) -> Attributes:
        with self._lock:
            if self._catalog is None:
                survey = self._opened.survey
                self._catalog = attributes(survey, self._ids) if survey else Attributes()
            return self._catalog

    def _shards(self) -> list[Path]:
        return encoded.shard_paths(self._run / "representations")

    def _vote_columns(self) -> tuple[str, ...]:
        shards = self._shards()
        return tuple(json.loads(table_metadata(shards[0])["vote_columns"])) if shards else ()

    def _votes(self, place: int) -> DoubleArray:
        width = len(self._vote_columns())
        at: dict[str, float] = {}
        for path in self._shards():
            table = read_table(path, ["id_str", "votes", "failure"])
            table = table.filter(pc.is_null(table["failure"]))
            votes = vectors_from(table["votes"], width)[:, place]
            at.update(zip(table["id_str"].to_pylist(), votes.tolist(), strict=True))
        return np.array([at.get(name, np.nan) for name in self._ids])
