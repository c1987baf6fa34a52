"""Another catalog's labels, by position: from a file, or from a service of the Virtual Observatory.

What lies at a source's place on the sky may be another object. How often is measured, by looking
at places a little away from the sources, where every match is by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from skerry.errors import CannotAnswerError
from skerry.examine.crossmatch.labels import Bools, Labelling, is_labelling, labelling_of
from skerry.survey.catalog import open_catalog
from skerry.survey.columns import choose, listed
from skerry.survey.sources import textual
from skerry.survey.vo import is_address, rows_around
from skerry.types import DoubleArray, IntArray

SHIFTS = 8
"""Directions in which positions are shifted to count chance matches."""
SHIFTED = 30.0
"""Arcsec by which they are shifted at the least; never less than 10 times the radius."""
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
    ``weight``: how many sources in no class each of those asked for stands for.
    """

    name: str
    asked: Bools
    row: IntArray
    separation: DoubleArray
    chance: DoubleArray
    labellings: tuple[Labelling, ...]
    weight: float = 1.0

    @property
    def expected(self) -> float:
        """Matches expected by chance."""
        return float(self.chance[self.asked].sum())

    @property
    def matches(self) -> int:
        """Sources with a match."""
        return int((self.row >= 0).sum())


def shift_of(radius: float) -> float:
    """How far, in arcsec, positions are shifted to count chance matches within ``radius``."""
    return max(SHIFTED, 10 * radius)


def match(
    positions: DoubleArray, others: DoubleArray, radius: float
) -> tuple[IntArray, DoubleArray]:
    """The row of ``others`` (m, 2) nearest to each of ``positions`` (n, 2), within ``radius``.

    One row goes to one source alone, the nearest to it (of equals the first). Positions are ra
    and dec in degrees (ICRS); what is not finite has no match.

    Returns
    -------
    row : int64 (n,), -1 for none
    separation : float64 (n,), arcsec, NaN for none
    """
    row, separation = _nearest(positions, others, radius)
    found = np.flatnonzero(row >= 0)
    order = found[np.lexsort((found, separation[found], row[found]))]
    again = np.r_[False, row[order][1:] == row[order][:-1]] if len(order) else np.zeros(0, bool)
    row[order[again]] = -1
    separation[order[again]] = np.nan
    return row, separation


def _nearest(
    positions: DoubleArray, others: DoubleArray, radius: float
) -> tuple[IntArray, DoubleArray]:
    from astropy import units
    from astropy.coordinates import SkyCoord

    row = np.full(len(positions), -1, dtype=np.int64)
    separation = np.full(len(positions), np.nan)
    known = np.flatnonzero(np.isfinite(positions).all(axis=1))
    there = np.flatnonzero(np.isfinite(others).all(axis=1))
    if len(known) and len(there):
        own, other = (SkyCoord(*p.T, unit="deg") for p in (positions[known], others[there]))
        at, apart, _ = own.match_to_catalog_sky(other)
        near = apart.to_value(units.arcsec)
        within = near <= radius
        row[known[within]] = there[np.asarray(at)[within]]
        separation[known[within]] = near[within]
    return row, separation


def chance_matches(positions: DoubleArray, others: DoubleArray, radius: float) -> DoubleArray:
    """In what share of ``SHIFTS`` places around it a row lies within ``radius``, (n,).

    The places lie :func:`shift_of` away in evenly spread directions: as dense a part of the
    catalog as the source's own, but for its own entry. NaN where there is no position.
    """
    from astropy import units
    from astropy.coordinates import SkyCoord

    share = np.full(len(positions), np.nan)
    known = np.flatnonzero(np.isfinite(positions).all(axis=1))
    if not len(known):
        return share
    share[known] = 0.0
    own = SkyCoord(*positions[known].T, unit="deg")
    for i in range(SHIFTS):
        angle = 360 / SHIFTS * i * units.deg
        moved = own.directional_offset_by(angle, shift_of(radius) * units.arcsec)
        places = np.stack([moved.ra.deg, moved.dec.deg], axis=1)
        share[known] += (_nearest(places, others, radius)[0] >= 0) / SHIFTS
    return share


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
        The sources have no positions, or the catalog's file has none.
    InputError
        The file or the service cannot be read.
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
        others, rows = rows_around(catalog, positions[asked], reach)
        name = catalog.partition("#")[2] or catalog.partition("//")[2].partition("/")[0]
    else:
        others, rows = _from_file(Path(catalog))
        name = Path(catalog).name
    places = np.where(asked[:, None], positions, np.nan)
    row, separation = match(places, others, radius)
    chance = chance_matches(places, others, radius)
    weight = placed / max(1, int((asked & outside).sum()))
    found = Matched(name, asked, row, separation, chance, (), weight)
    labellings = _labellings(found, rows, columns)
    missing = [column for column in columns if column not in rows.column_names]
    return replace(found, labellings=labellings), missing


def _part(asked: Bools, members: IntArray, most: int, seed: int) -> Bools:
    """The members, and at most so many others at random."""
    inside = np.zeros(len(asked), dtype=bool)
    inside[members] = True
    others = np.flatnonzero(asked & ~inside)
    rng = np.random.default_rng([seed, len(asked)])
    inside[rng.permutation(others)[:most]] = True
    return inside


def _from_file(path: Path) -> tuple[DoubleArray, pa.Table]:
    """Positions (m, 2) and the columns that may be labels."""
    catalog = open_catalog(path)
    chosen = {role: choose(role, catalog.columns, "", str(path)).column for role in ("ra", "dec")}
    if None in chosen.values():
        raise CannotAnswerError(
            f"{path} has no columns ra and dec to match by; its columns: {listed(catalog.columns)}"
        )
    wanted = [
        name
        for name, kind in zip(catalog.columns, catalog.types, strict=True)
        if catalog.columns.count(name) == 1
        and (textual(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)
             or pa.types.is_floating(kind))
    ]  # fmt: skip
    table = catalog.load(wanted)
    places = [_degrees(table[str(chosen[role])]) for role in ("ra", "dec")]
    return np.stack(places, axis=1), table


def _degrees(column: pa.ChunkedArray) -> DoubleArray:
    if not textual(column.type):
        return np.array(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
    found = np.full(len(column), np.nan)
    for i, value in enumerate(column.to_pylist()):
        try:
            found[i] = float(value)
        except (TypeError, ValueError):
            continue
    return found


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
        held = [_plain(value) for value in taken[name].to_pylist()]
        if columns or (textual(rows[name].type) and is_labelling(held)):
            texts = np.full(len(matched), "", dtype=object)
            texts[matched] = held
            made.append(replace(labelling_of(name, texts.tolist(), matched), chance=chance))
    return tuple(replace(labelling, weight=found.weight) for labelling in made)


def _plain(value: Any) -> str:
    """As text; 1.0 as 1."""
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)
