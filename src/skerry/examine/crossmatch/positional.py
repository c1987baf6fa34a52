"""Another catalog's labels, by position: from a file, or from a service of the Virtual Observatory.

What lies at a source's place on the sky may be another object. How often is measured, by looking
at places a little away from the sources, where every match is by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from skerry.errors import CannotAnswerError
from skerry.examine.crossmatch.entries import Entries, entries_of
from skerry.examine.crossmatch.labels import (
    Bools,
    Labelling,
    checked_column,
    is_labelling,
    labelling_of,
)
from skerry.examine.crossmatch.matching import chance_matches, match, shift_of
from skerry.survey.sources import textual
from skerry.survey.vo import is_address, rows_around
from skerry.types import DoubleArray, IntArray

ASKED = 300
"""Sources in no class for which a cone search is asked, a request each."""
ASKED_AT_ONCE = 5000
"""Sources in no class for which a TAP service is asked."""


@dataclass(frozen=True)
class Matched:
    """What a catalog says of the sources.

    ``asked`` bool (n,): those that were looked for, all that have a position but for a service.
    ``row`` int64 (n,): the catalog's row, -1 for none; ``separation`` (n,) arcsec, NaN for none.
    ``chance`` float64 (n,): in what share of the shifted places a row lies, NaN where not asked.
    ``weight``: how many sources in no class each of those asked for stands for. ``notes``: what
    to know of the catalog.
    """

    name: str
    asked: Bools
    row: IntArray
    separation: DoubleArray
    chance: DoubleArray
    labellings: tuple[Labelling, ...]
    weight: float = 1.0
    notes: tuple[str, ...] = ()

    @property
    def expected(self) -> float:
        """Matches expected by chance."""
        return float(self.chance[self.asked].sum())

    @property
    def matches(self) -> int:
        """Sources with a match."""
        return int((self.row >= 0).sum())


def catalog_labels(
    catalog: str,
    positions: DoubleArray | None,
    members: IntArray,
    columns: Sequence[str],
    radius: float,
    seed: int,
) -> tuple[Matched, list[str]]:
    """Another catalog's labels for the sources (n).

    Parameters
    ----------
    catalog : a file, or the address of a service as :func:`skerry.survey.vo.rows_around` has it
    positions : float64 (n, 2), degrees, NaN where there is none
    members : rows of all members: a service is asked for them and for a random part of the others
    columns : those that hold labels; none: every column that looks so
    radius : arcsec

    Returns
    -------
    matched : its labellings are whether a source is in the catalog at all, and the columns'
    missing : those of ``columns`` that the catalog lacks

    Raises
    ------
    CannotAnswerError
        The sources have no positions, or the catalog's file has none; a named column has numbers
        other than 0 and 1, or too many different words.
    InputError
        The file or the service cannot be read; the file's positions are not in degrees.
    """
    if positions is None:
        raise CannotAnswerError(
            f"the sources have no positions to match with {catalog}; give their catalog columns ra "
            "and dec"
        )
    asked: Bools = np.asarray(np.isfinite(positions).all(axis=1))
    outside = np.isin(np.arange(len(asked)), members, invert=True)
    placed = int((asked & outside).sum())
    if is_address(catalog):
        asked &= _part(asked, members, ASKED_AT_ONCE if "#" in catalog else ASKED, seed)
        reach = shift_of(radius) + radius
        name = catalog.partition("#")[2] or catalog.partition("//")[2].partition("/")[0]
        entries = Entries(name, *rows_around(catalog, positions[asked], reach))
    else:
        entries = entries_of(Path(catalog))
    places = np.where(asked[:, None], positions, np.nan)
    row, separation = match(places, entries.places, radius)
    chance = chance_matches(places, entries.places, radius)
    weight = placed / max(1, int((asked & outside).sum()))
    found = Matched(entries.name, asked, row, separation, chance, (), weight, entries.notes)
    labellings = _labellings(found, entries.rows, columns)
    missing = [column for column in columns if column not in entries.rows.column_names]
    used = [labelling.name for labelling in labellings if not labelling.presence]
    doubtful = entries.ambiguous(row[row >= 0], used)
    if doubtful:
        note = (
            f"At {doubtful} of the positions matched {entries.name} has rows with different "
            "labels: the first of them, by the text of its columns, was taken."
        )
        found = replace(found, notes=(*found.notes, note))
    return replace(found, labellings=labellings), missing


def _part(asked: Bools, members: IntArray, most: int, seed: int) -> Bools:
    """The members, and at most so many others at random."""
    inside = np.zeros(len(asked), dtype=bool)
    inside[members] = True
    others = np.flatnonzero(asked & ~inside)
    rng = np.random.default_rng([seed, len(asked)])
    inside[rng.permutation(others)[:most]] = True
    return inside


def _labellings(found: Matched, rows: pa.Table, columns: Sequence[str]) -> tuple[Labelling, ...]:
    matched = found.row >= 0
    chance = min(1.0, found.expected / max(1, found.matches))
    present = np.where(matched, f"in {found.name}", "").astype(object)
    made = [
        Labelling(f"in {found.name}", present, found.asked, flag=True, chance=chance, presence=True)
    ]
    taken = rows.take(pa.array(found.row[matched], pa.int64()))
    for name in rows.column_names:
        if columns and name not in columns:
            continue
        held = ["" if value is None else str(value) for value in taken[name].to_pylist()]
        if not columns and not (textual(rows[name].type) and is_labelling(held)):
            continue
        texts = np.full(len(matched), "", dtype=object)
        texts[matched] = held
        labelling = labelling_of(name, texts.tolist(), matched)
        made.append(replace(checked_column(labelling) if columns else labelling, chance=chance))
    return tuple(replace(labelling, weight=found.weight) for labelling in made)
