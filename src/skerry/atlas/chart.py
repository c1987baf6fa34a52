"""What the atlas shows, in memory, whatever it was read from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from skerry.errors import InputError
from skerry.types import DoubleArray, IntArray, RareClass

if TYPE_CHECKING:
    from skerry.review import ReviewLog

Words = np.ndarray[tuple[int], np.dtype[np.object_]]


class Columns(Protocol):
    """What the map can be colored by, read when asked for."""

    def names(self) -> dict[str, list[str]]:
        """Names by group, as ``votes`` and ``catalog``."""

    def values(self, group: str, name: str) -> DoubleArray | Words:
        """The column for each of the chart's sources; NaN or "" where there is none.

        Raises
        ------
        InputError
            There is no such column.
        """


class NoColumns:
    """Nothing to color by."""

    def names(self) -> dict[str, list[str]]:
        return {}

    def values(self, group: str, name: str) -> DoubleArray | Words:
        raise InputError(f"there is no column {name!r} in {group!r}: this map has no columns")


@dataclass(frozen=True)
class Chart:
    """The map of a run with all that is shown of it.

    Attributes
    ----------
    title
        The run's name.
    ids
        Of the sources, in the order of ``points``.
    points
        Map coordinates, float64 (n, 2); NaN where a source has none.
    classes
        By rank, rejected candidates too.
    facts
        What is said of each class: pairs of a label and a text, by ``class_id``.
    positions
        ra and dec (n, 2), deg, ICRS, NaN where unknown; None where no source has one.
    columns
        What the map can be colored by.
    cutout
        JPEG bytes by id; raises InputError where there is none.
    no_images
        Why there are no cutouts at all; empty where there are.
    why_gone
        Why the run's input cannot be shown any more; empty where it can. Opens it, which may take
        long.
    similar
        The ids most like one, with their distance; None where that cannot be asked.
    reviews
        The log of the run's reviews; None where it cannot be reviewed.
    """

    title: str
    ids: Sequence[str]
    points: DoubleArray
    classes: tuple[RareClass, ...]
    facts: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    positions: DoubleArray | None = None
    columns: Columns = field(default_factory=NoColumns)
    cutout: Callable[[str], bytes] | None = None
    no_images: str = "This run has no images."
    why_gone: Callable[[], str] = lambda: ""
    similar: Callable[[str, int], list[tuple[str, float]]] | None = None
    reviews: ReviewLog | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def row_of(self) -> dict[str, int]:
        """By id the row of ``points``."""
        return {name: row for row, name in enumerate(self.ids)}

    @cached_property
    def class_rows(self) -> list[IntArray]:
        """The rows of the members of each class, most central first."""
        row_of = self.row_of
        return [
            np.array([row_of[m] for m in rare.members if m in row_of], np.int64)
            for rare in self.classes
        ]

    @cached_property
    def label(self) -> npt.NDArray[np.int32]:
        """For each source the place of its class in ``classes``, -1 in the sea, (n,); of several
        the first that was not rejected."""
        found = np.full(len(self.ids), -1, np.int32)
        order = sorted(
            range(len(self.classes)), key=lambda i: (self.classes[i].verdict == "rejected", i)
        )
        for i in reversed(order):
            found[self.class_rows[i]] = i
        return found

    def row(self, id_str: str) -> int:
        """The row of a source.

        Raises
        ------
        InputError
            It is not on the map.
        """
        if id_str not in self.row_of:
            raise InputError(f"no source {id_str!r} is on the map of {self.title}")
        return self.row_of[id_str]

    def class_of(self, class_id: str) -> tuple[int, RareClass]:
        """A class and its place in ``classes``.

        Raises
        ------
        InputError
            The run has no such class.
        """
        for i, rare in enumerate(self.classes):
            if rare.class_id == class_id:
                return i, rare
        raise InputError(f"{self.title} has no class {class_id!r}")

    def source(self, row: int) -> dict[str, Any]:
        """What is told of a source: ``id``, ``class_id``, ``verdict``, its place on the map as it
        was embedded (``map``), ``ra`` and ``dec``; None where unknown."""
        i = int(self.label[row])
        rare = self.classes[i] if i >= 0 else None
        at = [None, None] if self.positions is None else _known(self.positions[row])
        return {
            "id": self.ids[row],
            "class_id": rare.class_id if rare else "",
            "verdict": rare.verdict if rare else "",
            "map": _known(self.points[row]),
            "ra": at[0],
            "dec": at[1],
        }


def _known(values: DoubleArray) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in values]
