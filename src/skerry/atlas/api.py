"""What the page asks for: every answer is a plain value, or the bytes of an image."""

from __future__ import annotations

import secrets
import threading
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from skerry.atlas.chart import Chart
from skerry.atlas.coloring import SEA, VERDICTS, Coloring, coloring, look_of
from skerry.atlas.painting import paint
from skerry.atlas.sea import DEEPEST, Sea
from skerry.atlas.selection import FURTHEST, inside
from skerry.errors import InputError
from skerry.publish.sheets import gallery
from skerry.publish.words import count

SHOWN = 24
"""Members in a gallery."""

LISTED = 200
"""Ids of a selection that are listed; a download has all."""


class Api:
    """The answers about a chart. Safe for several threads.

    Places are in the chart's own square, x and y from 0 to 1, y up; see ``Sea``.
    """

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.sea = Sea(chart.points)
        self.version = secrets.token_hex(4)  # addresses of tiles hold for one process
        self._lock = threading.Lock()
        self._coloring = lru_cache(maxsize=8)(self._made_coloring)
        self.tile = lru_cache(maxsize=1024)(self._tile)

    def run(self) -> dict[str, Any]:
        """The run's facts and its classes, as the page begins with."""
        chart = self.chart
        return {
            "title": chart.title,
            "n": len(chart),
            "placed": len(self.sea),
            "said": self._said(),
            "note": "",
            "home": self.sea.home,
            "deepest": DEEPEST,
            "version": self.version,
            "images": chart.cutout is not None,
            "no_images": "" if chart.cutout else chart.no_images,
            "positions": chart.positions is not None,
            "can_review": chart.reviews is not None,
            "can_similar": chart.similar is not None,
            "gray": "#{:02x}{:02x}{:02x}".format(*SEA),
            "verdicts": VERDICTS,
            "classes": self._classes(),
        }

    def _said(self) -> str:
        """How many sources, and where they are."""
        found = self.chart.classes
        kept = np.array([rare.verdict != "rejected" for rare in found] + [False], bool)
        n_kept, n_rejected = int(kept.sum()), len(found) - int(kept.sum())
        label = self.chart.label
        inside = int(kept[label].sum())
        others = int((label >= 0).sum()) - inside
        parts = [count(len(self.chart), "source")]
        if n_kept:
            parts.append(f"{inside:,} in {count(n_kept, 'class', 'classes')}")
        if n_rejected:
            parts.append(f"{others:,} in {count(n_rejected, 'rejected candidate')}")
        return ", ".join(parts) + "; the others are the sea, in gray."

    def _classes(self) -> list[dict[str, Any]]:
        found, place = [], 0
        for rare in self.chart.classes:
            look = look_of(place, rare.verdict)
            place += rare.verdict != "rejected"
            found.append(
                {"id": rare.class_id, "rank": rare.rank, "size": rare.size,
                 "verdict": rare.verdict, **look}
            )  # fmt: skip
        return found

    def members(self) -> dict[str, list[Any]]:
        """The places of all members on the map, with the place of each one's class."""
        label = self.chart.label
        rows = np.flatnonzero((label >= 0) & np.isfinite(self.sea.unit).all(axis=1))
        rows = rows[np.argsort(label[rows], kind="stable")]
        unit = np.round(self.sea.unit[rows], 6)
        return {
            "x": unit[:, 0].tolist(),
            "y": unit[:, 1].tolist(),
            "c": label[rows].tolist(),
            "row": rows.tolist(),
        }

    def columns(self) -> dict[str, list[str]]:
        """The names of what the map can be colored by, by group."""
        return self.chart.columns.names()

    def gone(self) -> dict[str, str]:
        """``reason``: why there are no images and columns of the run's input; empty: there are."""
        return {"reason": self.chart.why_gone()}

    def legend(self, color: str) -> dict[str, Any]:
        """What the colors of a column mean.

        Raises
        ------
        InputError
            There is no such column.
        """
        found = self.color_of(color)
        return found.legend if found else {}

    def color_of(self, color: str) -> Coloring | None:
        """The coloring of ``group:name``; None for an empty text, the gray sea.

        Raises
        ------
        InputError
            There is no such column.
        """
        if not color:
            return None
        with self._lock:
            return self._coloring(color)

    def _made_coloring(self, color: str) -> Coloring:
        group, _, name = color.partition(":")
        return coloring(self.chart.columns.values(group, name), name)

    def _tile(self, z: int, x: int, y: int, color: str) -> bytes:
        with self._lock:
            self.sea.crowding(z)  # one thread looks over the whole level, the others wait
        return paint(self.sea, z, x, y, self.color_of(color))

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import cKDTree

        with self._lock:
            placed = self.sea.unit[self.sea.rows]
            return cKDTree(placed, balanced_tree=False, compact_nodes=False)

    def nearest(self, x: float, y: float, color: str = "") -> dict[str, Any]:
        """The source nearest to a place, as ``source``, with its ``distance``.

        Raises
        ------
        InputError
            The place is not below ``FURTHEST``, or there is no such column.
        """
        if not (np.abs([x, y]) < FURTHEST).all():
            raise InputError(f"x and y are {x:g} and {y:g}; expected numbers below {FURTHEST:g}")
        distance, place = self._tree.query([x, y])
        found = self._source(int(self.sea.rows[place]), color)
        return {**found, "distance": float(distance)}

    def source(self, id_str: str, color: str = "") -> dict[str, Any]:
        """What is known of a source: as ``Chart.source``, its place ``x``, ``y`` and the ``value``
        of the column that colors the map.

        Raises
        ------
        InputError
            There is no such source or column.
        """
        return self._source(self.chart.row(id_str), color)

    def _source(self, row: int, color: str) -> dict[str, Any]:
        x, y = (v if np.isfinite(v) else None for v in self.sea.unit[row].tolist())
        found = {**self.chart.source(row), "x": x, "y": y}
        if color:
            group, _, name = color.partition(":")
            value = self.chart.columns.values(group, name)[row]
            text = str(value) if isinstance(value, str) else f"{value:.5g}"
            found["value"] = {"name": name, "text": "no value" if text in ("", "nan") else text}
        return found

    def cutout(self, id_str: str) -> bytes:
        """The cutout of a source as JPEG bytes.

        Raises
        ------
        InputError
            There is no such source, or no image of it.
        """
        self.chart.row(id_str)
        if self.chart.cutout is None:
            raise InputError(self.chart.no_images)
        return self.chart.cutout(id_str)

    def class_of(self, class_id: str) -> dict[str, Any]:
        """A class: its facts, checks, and the members to show.

        Raises
        ------
        InputError
            The run has no such class.
        """
        i, rare = self.chart.class_of(class_id)
        rows = self.chart.class_rows[i]
        unit = self.sea.unit[rows]
        unit = unit[np.isfinite(unit).all(axis=1)]
        exemplars = set(rare.exemplars)
        return {
            "id": class_id,
            "facts": self.chart.facts.get(class_id, []),
            "checks": [{"text": c.sentence, "passed": c.passed} for c in rare.checks],
            "gallery": [{"id": m, "exemplar": m in exemplars} for m in gallery(rare, SHOWN)],
            "box": [*unit.min(axis=0).tolist(), *unit.max(axis=0).tolist()] if len(unit) else None,
        }

    def similar(self, id_str: str, n: int) -> list[dict[str, Any]]:
        """The ``n`` sources most like one, nearest first, with their ``distance``.

        Raises
        ------
        InputError
            There is no such source, ``n`` is not from 1 to 200, or it cannot be asked of the run.
        """
        if self.chart.similar is None:
            raise InputError("similar sources cannot be looked up here")
        if not 1 <= n <= 200:
            raise InputError(f"n is {n}; expected 1 to 200")
        self.chart.row(id_str)
        with self._lock:
            found = self.chart.similar(id_str, n)
        return [{**self.source(name), "distance": distance} for name, distance in found]

    def select(self, polygon: Any, everything: bool = False) -> dict[str, Any]:
        """The sources in a polygon, [[x, y], …]: ``n``, ``classes`` with how many of each, the sea
        under an empty id, and the first ``LISTED`` ``rows``, or all: id and class, members first.

        Raises
        ------
        InputError
            It is no polygon.
        """
        try:
            corners = np.asarray(polygon, dtype=np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError("polygon is no list of [x, y]; expected numbers") from error
        rows = np.flatnonzero(inside(self.sea.unit, corners))
        label = self.chart.label[rows]
        order = np.argsort(np.where(label < 0, len(self.chart.classes), label), kind="stable")
        rows, label = rows[order], label[order]
        names = [rare.class_id for rare in self.chart.classes] + [""]
        counted = np.bincount(label % len(names), minlength=len(names))
        shown = slice(None) if everything else slice(LISTED)
        return {
            "n": len(rows),
            "classes": [[c, int(n)] for c, n in zip(names, counted, strict=True) if n],
            "rows": [
                [self.chart.ids[row], names[i]]
                for row, i in zip(rows[shown], label[shown], strict=True)
            ],
        }
