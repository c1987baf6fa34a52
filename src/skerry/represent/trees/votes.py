"""Vote counts from the tables that Galaxy Zoo catalogs come in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from skerry.errors import CatalogError, ConfigError, InputError
from skerry.represent.trees.schema import Schema
from skerry.types import FloatArray

Kind = Literal["auto", "counts", "fractions", "conditional"]
Floats = npt.NDArray[np.float64]

TOLERANCE = 0.02
"""How far fractions may be from adding up when a reading is checked: they come rounded."""

NOBODY = 0.5
"""Fewer expected votes than this count as nobody asked."""


def read_counts(
    table: pa.Table, schema: Schema, *, kind: Kind = "auto", volunteers: float = 40.0
) -> FloatArray:
    """Votes for each answer of a decision tree, float32 (n, n_columns); zeros without votes.

    Parameters
    ----------
    table
        One row a galaxy. A row whose columns are all missing is a galaxy without votes.
    kind
        ``counts``: columns ``question_answer`` hold votes. The other two read columns
        ``question_answer_fraction`` from 0 to 1. ``fractions`` are cumulative: of all
        volunteers, whether asked or not. ``conditional`` are shares of those asked, missing or
        zero where nobody was; columns ``question_total-votes``, where there are any, say how
        many were asked, and elsewhere the votes for the answers that lead to the question.
        ``auto`` takes counts where all are there, or else the reading of the fractions under
        which they add up.
    volunteers
        How many classified each galaxy (about 40 in Galaxy Zoo 2; Willett et al. 2013, MNRAS
        435, 2835): for ``fractions``, and for ``conditional`` where vote totals do not say.

    Raises
    ------
    ConfigError
        ``kind`` is unknown or ``volunteers`` not positive.
    CatalogError
        A column is missing or there twice.
    InputError
        A value is out of range, missing in part of a galaxy's answers, or no number; columns
        of counts hold fractions; or
        ``auto`` finds that both readings of the fractions hold and differ, or neither does.
    """
    if kind not in get_args(Kind):
        raise ConfigError(f"votes is {kind!r}; expected one of {', '.join(get_args(Kind))}")
    if not (volunteers > 0 and np.isfinite(volunteers)):
        raise ConfigError(f"volunteers is {volunteers}; expected a positive number")
    names = [f"{c}_fraction" for c in schema.columns]
    if kind == "auto" and not _absent(table, schema.columns):
        kind = "counts"
    if kind == "counts":
        counts = _numbers(table, schema.columns, np.inf)
        _check_no_fractions(table, counts, schema.columns)
        _check_whole(table, counts, schema.columns)
    elif kind == "auto" and _absent(table, names):
        raise CatalogError(
            f"the table has not all votes of the decision tree {schema.name!r}; missing of the "
            f"counts: {_listed(_absent(table, schema.columns))}; missing of the fractions: "
            f"{_listed(_absent(table, names))}; add them, or take a tree without their questions"
        )
    else:
        fractions = _numbers(table, names, 1.0)
        if kind != "fractions":
            for s in schema.slices:
                _check_whole(table, fractions[:, s], names[s])
        if kind == "auto":
            counts = _either_reading(table, schema, fractions, volunteers)
        elif kind == "fractions":
            counts = _from_cumulative(table, schema, fractions, volunteers)
        else:
            counts = _from_conditional(table, schema, fractions, volunteers)
    return np.nan_to_num(counts, nan=0.0).astype(np.float32)


def _from_cumulative(
    table: pa.Table, schema: Schema, fractions: Floats, volunteers: float
) -> Floats:
    _check_whole(table, fractions, [f"{c}_fraction" for c in schema.columns])
    return fractions * volunteers


def _from_conditional(table: pa.Table, schema: Schema, shares: Floats, volunteers: float) -> Floats:
    counts, asked = _conditional_counts(table, schema, shares, volunteers)
    for q, (question, s) in enumerate(zip(schema.questions, schema.slices, strict=True)):
        missing = _voted(shares) & np.isnan(shares[:, s.start])
        lost = np.flatnonzero(missing & (asked[:, q] >= NOBODY))
        if len(lost):
            raise InputError(
                f"{question.name!r} has no shares at {_place(table, lost[0])}, where "
                f"{asked[lost[0], q]:.3g} were asked; fill them in, or say in a column "
                f"'{question.name}_total-votes' that none were"
            )
    return counts


def _conditional_counts(
    table: pa.Table, schema: Schema, shares: Floats, volunteers: float
) -> tuple[Floats, Floats]:
    """Votes (n, n_columns) from shares of those asked, and how many were (n, n_questions)."""
    counts = np.zeros_like(shares)
    asked = np.zeros((len(shares), len(schema.questions)))
    for q, (question, s) in enumerate(zip(schema.questions, schema.slices, strict=True)):
        total = f"{question.name}_total-votes"
        if total in table.column_names:
            asked[:, q] = _numbers(table, [total], np.inf)[:, 0]
            lost = np.flatnonzero(_voted(shares) & np.isnan(asked[:, q]))
            if len(lost):
                raise InputError(f"column {total!r} is missing at {_place(table, lost[0])}")
        elif question.asked_if:
            asked[:, q] = counts[:, schema.leading(question)].sum(1)
        else:
            asked[:, q] = volunteers
        counts[:, s] = np.nan_to_num(shares[:, s] * asked[:, [q]], nan=0.0)
    return counts, asked


def _either_reading(
    table: pa.Table, schema: Schema, fractions: Floats, volunteers: float
) -> Floats:
    """Counts under the one reading of the fractions that holds."""
    not_cumulative = _doubt_cumulative(table, schema, fractions)
    not_conditional = _doubt_conditional(table, schema, fractions, volunteers)
    if not_cumulative and not_conditional:
        raise InputError(
            "the fractions add up under neither reading: as cumulative fractions, "
            f"{not_cumulative}; as shares of those asked, {not_conditional}. Mend the table, or "
            "if it is right set votes=fractions or votes=conditional"
        )
    if not_conditional:
        return _from_cumulative(table, schema, fractions, volunteers)
    counts = _from_conditional(table, schema, fractions, volunteers)
    if not_cumulative:
        return counts
    other = _from_cumulative(table, schema, fractions, volunteers)
    if not np.allclose(counts, np.nan_to_num(other), atol=1e-3):
        raise InputError(
            "the fractions add up both as cumulative fractions and as shares of those asked, "
            "with other counts; set votes=fractions or votes=conditional"
        )
    return counts


def _doubt_cumulative(table: pa.Table, schema: Schema, fractions: Floats) -> str:
    """What speaks against cumulative fractions; empty if nothing does."""
    voted = _voted(fractions)
    for question, s in zip(schema.questions, schema.slices, strict=True):
        total = fractions[:, s].sum(1)
        chance = np.ones(len(fractions))
        if question.asked_if:
            chance = fractions[:, schema.leading(question)].sum(1)
        bad = np.flatnonzero(voted & ~(np.abs(total - chance) <= TOLERANCE))
        if len(bad):
            return (
                f"the answers to {question.name!r} {_sum(total[bad[0]])} at "
                f"{_place(table, bad[0])}, where {chance[bad[0]]:.3g} of the volunteers were asked"
            )
    return ""


def _doubt_conditional(table: pa.Table, schema: Schema, shares: Floats, volunteers: float) -> str:
    """What speaks against shares of those asked; empty if nothing does."""
    voted = _voted(shares)
    asked = _conditional_counts(table, schema, shares, volunteers)[1]
    for q, (question, s) in enumerate(zip(schema.questions, schema.slices, strict=True)):
        total = shares[:, s].sum(1)
        unasked = (asked[:, q] < NOBODY) & (np.isnan(total) | (total == 0))
        bad = np.flatnonzero(voted & ~unasked & ~(np.abs(total - 1) <= TOLERANCE))
        if len(bad):
            return (
                f"the answers to {question.name!r} {_sum(total[bad[0]])} at "
                f"{_place(table, bad[0])}, where {asked[bad[0], q]:.3g} volunteers were asked"
            )
    return ""


def _sum(total: float) -> str:
    return "are missing" if np.isnan(total) else f"sum to {total:.3g}"


def _voted(values: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray(~np.isnan(values).all(1))


def _numbers(table: pa.Table, names: Sequence[str], highest: float) -> Floats:
    """Columns as float64 (n, n_names), NaN where missing, all others from 0 to ``highest``."""
    absent = _absent(table, names)
    if absent:
        raise CatalogError(
            f"the table must have each of these columns once: {_listed(absent)}; "
            "add them, or take a tree without their questions"
        )
    columns = []
    for name in names:
        column = table[name]
        kind = column.type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind)):
            raise InputError(f"column {name!r} is {kind}; expected numbers")
        values = np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
        # sums in float32 exceed 1 by a few of its units
        bad = np.flatnonzero((values < 0) | (values > highest + 1e-5) | np.isinf(values))
        if len(bad):
            expected = "0 or more" if np.isinf(highest) else f"from 0 to {highest:g}"
            raise InputError(
                f"column {name!r} is {values[bad[0]]:g} at {_place(table, bad[0])}; "
                f"expected {expected}"
            )
        columns.append(values)
    return np.stack(columns, 1)


def _check_whole(table: pa.Table, values: Floats, names: Sequence[str]) -> None:
    """Raise InputError where some of a row's values are missing, but not all."""
    missing = np.isnan(values)
    rows = np.flatnonzero(missing.any(1) & ~missing.all(1))
    if len(rows):
        name = names[int(np.argmax(missing[rows[0]]))]
        raise InputError(
            f"column {name!r} is missing at {_place(table, rows[0])}, which has other votes; "
            "fill it in, or leave all of them out"
        )


def _check_no_fractions(table: pa.Table, counts: Floats, names: Sequence[str]) -> None:
    """Raise InputError where counts are shares by the look of them; weighted votes exceed 1."""
    broken = (counts > 0) & (counts < 1)
    if broken.any() and np.nanmax(counts) <= 1 + 1e-5:
        row, column = np.argwhere(broken)[0]
        raise InputError(
            f"column {names[column]!r} is {counts[row, column]:.3g} at {_place(table, row)} and no "
            "column of counts exceeds 1: these are fractions. Name the columns "
            f"'{names[column]}_fraction' and so on, and set votes=fractions (shares of all "
            "volunteers) or votes=conditional (shares of those asked)"
        )


def _absent(table: pa.Table, names: Sequence[str]) -> list[str]:
    return [name for name in names if table.column_names.count(name) != 1]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(map(repr, names[:3])) + more


def _place(table: pa.Table, row: int) -> str:
    galaxy = f" (id_str {table['id_str'][int(row)]})" if "id_str" in table.column_names else ""
    return f"row {row}{galaxy}"
