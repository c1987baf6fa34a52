"""Which column of a catalog means what: usual names, configured names, families of numbers."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from skerry.errors import CatalogError

ALIASES: Mapping[str, tuple[str, ...]] = {
    "id": (
        "id_str", "iauname", "dr8_id", "object_id", "objid", "id", "source_id", "name",
        "obj_id", "objectid", "sourceid", "dr7objid", "dr8objid", "galaxy_id", "image_id",
        "designation",
    ),
    "ra": ("ra", "right_ascension", "ra_deg", "raj2000", "ra_j2000", "alpha_j2000", "ra_icrs"),
    "dec": (
        "dec", "declination", "dec_deg", "dej2000", "decj2000", "dec_j2000", "delta_j2000",
        "de_icrs", "dec_icrs",
    ),
    "image": (
        "file_loc", "filename", "file_name", "file", "filepath", "file_path", "path",
        "image_path", "image_file", "image_loc", "image", "images", "img", "jpg_loc", "png_loc",
        "fits_loc", "cutout",
    ),
}  # fmt: skip
"""Usual names of each role, the preferred first.

They match whatever their case, with spaces and punctuation as underscores
(``Right Ascension`` is ``right_ascension``). Where a catalog has several, the first of this
list is taken and the others are named in a note.
"""

_SHOWN = 40


@dataclass(frozen=True)
class Choice:
    """The column taken for a role (None: there is none) and the usual names passed over."""

    column: str | None
    passed_over: tuple[str, ...] = ()

    def note(self, role: str) -> tuple[str, ...]:
        """A sentence for the user where there was a choice."""
        if not self.passed_over:
            return ()
        others = ", ".join(repr(c) for c in self.passed_over)
        return (
            f"{role}: column {self.column!r} was taken, not {others}; "
            f"set sources.{role}_column to choose another",
        )


def listed(names: Iterable[str], shown: int = _SHOWN) -> str:
    """Names for an error message, the rest counted where there are many."""
    known = list(names)
    rest = f" and {len(known) - shown} more" if len(known) > shown else ""
    return (", ".join(repr(n) for n in known[:shown]) or "none") + rest


def normalized(name: str) -> str:
    """A column's name in lower case, anything but letters and digits as one underscore."""
    return re.sub(r"[^0-9a-z]+", "_", name.strip().lower()).strip("_")


def choose(
    role: str, columns: Sequence[str], configured: str, where: str, usable: Iterable[str] = ()
) -> Choice:
    """The column for a role (``id``, ``ra``, ``dec``, ``image``).

    Parameters
    ----------
    columns
        All columns of the table; a configured name is looked for in these.
    configured
        The name the user set; empty to go by the usual names.
    where
        The table, for messages.
    usable
        The columns whose type suits the role; all of them where empty.

    Raises
    ------
    CatalogError
        The configured column is missing, or two columns have the name chosen.
    """
    if configured:
        if configured not in columns:
            raise CatalogError(_missing(f"sources.{role}_column", configured, columns, where))
        return Choice(_once(configured, columns, where))
    suited = list(usable) or list(columns)
    by_name: dict[str, list[str]] = {}
    for column in suited:
        by_name.setdefault(normalized(column), []).append(column)
    found = [c for alias in ALIASES[role] for c in dict.fromkeys(by_name.get(alias, []))]
    if not found:
        return Choice(None)
    return Choice(_once(found[0], columns, where), tuple(found[1:]))


def _once(column: str, columns: Sequence[str], where: str) -> str:
    if list(columns).count(column) > 1:
        raise CatalogError(f"{where} has two columns named {column!r}; rename one of them")
    return column


def _missing(setting: str, value: str, columns: Sequence[str], where: str) -> str:
    near = difflib.get_close_matches(value, list(columns), n=1, cutoff=0.0)
    nearest = f"; the nearest is {near[0]!r}" if near else ""
    return (
        f"{setting} is {value!r}, but {where} has no such column{nearest}. "
        f"Columns: {listed(columns)}"
    )


def families(columns: Iterable[str]) -> dict[str, list[str]]:
    """Numbered columns by what stands before the number, in numeric order: ``feat_2`` comes
    before ``feat_10``. A lone numbered column is no family."""
    found: dict[str, list[tuple[int, str]]] = {}
    for column in columns:
        match = re.fullmatch(r"(.*?)([0-9]+)", column)
        if match:
            found.setdefault(match[1], []).append((int(match[2]), column))
    return {p: [c for _, c in sorted(cs)] for p, cs in found.items() if len(cs) > 1}


def choose_vectors(
    numbered: Iterable[str],
    lists: Sequence[str],
    configured: str,
    columns: Sequence[str],
    where: str,
) -> list[str] | None:
    """The columns that hold the representations: one list column, or a family in order.

    Parameters
    ----------
    numbered
        Columns of floating-point numbers.
    lists
        Columns of lists of floating-point numbers.
    configured
        The prefix of the family, or the list column's name; empty to take the only one.

    Returns
    -------
    list of str or None
        None where the table has no such columns.

    Raises
    ------
    CatalogError
        Several families and none chosen, the chosen one is missing, or its numbers have gaps.
    """
    grouped = families(numbered)
    known = [*lists, *grouped]
    if configured and configured not in known:
        near = difflib.get_close_matches(configured, known, n=1, cutoff=0.0)
        hint = f"; the nearest is {near[0]!r}" if near else ""
        raise CatalogError(
            f"sources.vector_prefix is {configured!r}, but {where} has no columns of floats "
            f"{configured}0, {configured}1... and no list of floats of that name{hint}. "
            f"Columns: {listed(columns)}"
        )
    if not configured and len(known) > 1:
        raise CatalogError(
            f"{where} has several sets of numbered or list columns: {listed(known)}; "
            f"set sources.vector_prefix to the one that holds the representations"
        )
    if not known:
        return None
    chosen = configured or known[0]
    if chosen in lists:
        return [chosen]
    _require_gapless(grouped[chosen], chosen, where)
    return grouped[chosen]


def vector_sets(numbered: Iterable[str], lists: Sequence[str]) -> list[str]:
    """What may hold vectors: list columns, and the prefixes of families numbered without gaps."""
    grouped = families(numbered)
    return [*lists, *(p for p, columns in grouped.items() if _gapless(columns, p))]


def _gapless(columns: Sequence[str], prefix: str) -> bool:
    numbers = [int(c[len(prefix) :]) for c in columns]
    first = numbers[0]
    return first in (0, 1) and numbers == list(range(first, first + len(numbers)))


def _require_gapless(columns: Sequence[str], prefix: str, where: str) -> None:
    if not _gapless(columns, prefix):
        raise CatalogError(
            f"{where}: the columns {prefix}0, {prefix}1... are not numbered without gaps from 0 "
            f"or 1: found {listed(columns)}"
        )
