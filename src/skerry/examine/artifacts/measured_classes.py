"""The images of each class and of the sea, measured, each with its cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skerry.examine.artifacts.causes import NONE, Usual, cause_of, usual
from skerry.examine.artifacts.pixels import Evidence, evidence_of
from skerry.examine.displayed import own_stretch
from skerry.examine.subject import Subject
from skerry.types import IntArray

ANY = "any"
"""All causes together."""
SEA = 400
"""Sources in no class that are measured, at random."""
MOST_MEMBERS = 400
"""Members of a class that are measured, at random where there are more."""
FEWEST = 20
"""Sources in no class, with fewer of which nothing is told of what is usual."""


@dataclass(frozen=True)
class Measured:
    """Rows of sources that were measured, what was found, and its cause."""

    rows: tuple[int, ...]
    found: tuple[Evidence, ...]
    causes: tuple[str, ...]

    def count(self, cause: str) -> int:
        """How many show a cause, or ``ANY``."""
        if cause == ANY:
            return len(self.causes) - self.causes.count(NONE)
        return self.causes.count(cause)


def all_measured(
    subject: Subject, seed: int, notes: list[str]
) -> tuple[Measured, list[Measured | None]] | None:
    """The sea and each class; None, with a note, where the images say nothing."""
    if subject.images is None:
        notes.append("The run began with representations: it has no images to look at.")
        return None
    rng = np.random.default_rng(seed)
    sea = _evidence(subject, _some(subject, np.flatnonzero(subject.label < 0), SEA, rng))
    if len(sea) < FEWEST:
        notes.append(
            f"Only {len(sea)} sources in no class have an image that can be measured; {FEWEST} or "
            "more are needed to know what is usual."
        )
        return None
    fixed = not own_stretch(subject)
    if not fixed:
        notes.append(
            "Each image is stretched by its own sky: a sky of another level or cut off at black "
            "cannot be told."
        )
    norm = usual(list(sea.values()), fixed)
    members: list[Measured | None] = []
    for rows in subject.members:
        found = _evidence(subject, _some(subject, rows, MOST_MEMBERS, rng))
        members.append(_measured(found, norm) if found else None)
    if next(iter(sea.values())).gray:
        notes.append(
            "Images show one band: trails are told from spikes by a star's halo alone, and neither "
            "bleeding, cosmic rays nor missing bands can be told."
        )
    return _measured(sea, norm), members


def _some(subject: Subject, rows: IntArray, most: int, rng: np.random.Generator) -> list[int]:
    """So many of the rows at random, whatever their order; in that of their ids."""
    named = sorted(rows.tolist(), key=lambda row: subject.ids[row])
    if len(named) > most:
        picked = np.sort(rng.choice(len(named), most, replace=False)).tolist()
        named = [named[i] for i in picked]
    return named


def _evidence(subject: Subject, rows: Sequence[int]) -> dict[int, Evidence]:
    """By row, of images that can be read and are large enough."""
    assert subject.images is not None
    found = {}
    images = subject.images([subject.ids[row] for row in rows])
    for row, (_, pixels) in zip(rows, images, strict=True):
        one = None if pixels is None else evidence_of(pixels)
        if one is not None:
            found[row] = one
    return found


def _measured(found: dict[int, Evidence], norm: Usual) -> Measured:
    causes = tuple(cause_of(one, norm) for one in found.values())
    return Measured(tuple(found), tuple(found.values()), causes)
