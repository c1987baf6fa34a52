"""What a labeled folder says of each galaxy: its catalog's columns, votes and kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from skerry.errors import CatalogError, InputError
from skerry.represent.trees.schema import ODD_QUESTIONS, Schema, get, names
from skerry.survey import Survey
from skerry.survey.catalog import Catalog, open_catalog
from skerry.survey.open_files import listing
from skerry.survey.sources import ids_as_text, numeric

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

FEWEST_FITTED = 50
"""Galaxies with votes that a ridge regression needs at the least."""

SLACK = 0.02
"""By how much rounding may make an answer's parts more than the answer."""

LABEL = "label"
"""The column whose categories are kinds."""

MISSING = ("", "nan")
"""Text of a label, in small letters, that says there is none."""

NO_KIND = ("other",)
"""Answers to the question about odd features that name no kind of galaxy."""

_YES, _NO = ("1", "1.0", "true"), ("0", "0.0", "false")


@dataclass(frozen=True)
class Voted:
    """Galaxies to fit on: those ``rows`` of a survey that have votes.

    ``fractions`` float64 (n, n_columns) are of all the survey's sources.
    """

    survey: Survey
    rows: tuple[int, ...]
    fractions: Floats


def voted(survey: Survey, schema: Schema) -> Voted:
    """The galaxies of a survey that have votes on a tree.

    Raises
    ------
    InputError
        The survey lacks the tree's columns, or fewer than ``FEWEST_FITTED`` have votes.
    """
    table = read_columns(survey)
    if schema_of(table.column_names, (schema,)) is None:
        raise InputError(
            f"{survey.path} lacks vote fractions of {schema.name!r}; expected columns such as "
            f"{schema.columns[0]}_fraction"
        )
    found = fractions(table, schema)
    rows = np.flatnonzero(~np.isnan(found).any(1)).tolist()
    if len(rows) < FEWEST_FITTED:
        raise InputError(
            f"{survey.path} holds {len(rows)} galaxies with votes; expected at least "
            f"{FEWEST_FITTED} to fit on"
        )
    return Voted(survey, tuple(rows), found)


def read_columns(survey: Survey) -> pa.Table:
    """All scalar columns of a survey's catalog or Parquet, one row a source, in its order.

    Raises
    ------
    InputError
        The folder has images but no catalog, so nothing is known of them.
    """
    if survey.kind == "parquet":
        paths = listing(survey.path).parquet if survey.path.is_dir() else (survey.path,)
        return pa.concat_tables(_scalars(open_catalog(p)) for p in paths)
    if survey.path.is_dir():
        held = listing(survey.path)
        path = held.catalog() or (held.tables[0] if len(held.tables) == 1 else None)
    else:
        path = survey.path
    column = survey.choices["id"]
    catalog = None if path is None else open_catalog(path)
    if catalog is None or column not in catalog.columns:
        raise InputError(
            f"{survey.path} has images but no catalog with their ids and labels; put one beside "
            "them (columns id_str, file_loc and the labels)"
        )
    table = _scalars(catalog)
    row_of = {
        name: row
        for row, name in enumerate(ids_as_text(table[column], column, str(path)).to_pylist())
    }
    rows = [row_of[i] for i in survey.sources["id_str"].to_pylist()]
    return table.take(pa.array(rows, pa.int64()))


def _scalars(catalog: Catalog) -> pa.Table:
    return catalog.load(catalog.of_type(numeric, pa.types.is_boolean))


def schema_of(columns: Sequence[str], schemas: Sequence[Schema] = ()) -> Schema | None:
    """The first tree all of whose fractions, ``{column}_fraction``, are among the columns.

    The trees that ship are looked for where none are given.
    """
    known = schemas or [get(name) for name in names()]
    return next((s for s in known if {f"{c}_fraction" for c in s.columns} <= set(columns)), None)


def fractions(table: pa.Table, schema: Schema) -> Floats:
    """Cumulative vote fractions, float64 (n, n_columns); rows of NaN without votes.

    Raises
    ------
    CatalogError
        A value is not a number in [0, 1], a galaxy has a part of its votes, or more say an
        answer than were asked: the fractions are not cumulative.
    """
    found = np.stack([_numbers(table, f"{c}_fraction") for c in schema.columns], 1)
    missing = np.isnan(found)
    broken = missing.any(1) & ~missing.all(1)
    if broken.any():
        row = int(np.flatnonzero(broken)[0])
        name = schema.columns[int(np.flatnonzero(missing[row])[0])]
        raise CatalogError(
            f"{int(broken.sum())} galaxies lack some of their votes, as row {row + 1} "
            f"{name}_fraction; give all answers of a galaxy or none"
        )
    with np.errstate(invalid="ignore"):
        outside = (found < 0) | (found > 1)
    if outside.any():
        row, column = (int(i[0]) for i in np.nonzero(outside))
        raise CatalogError(
            f"row {row + 1} has {found[row, column]:g} in {schema.columns[column]}_fraction; "
            "expected a fraction of the volunteers, 0 to 1"
        )
    _require_cumulative(found, schema)
    return found


def _require_cumulative(found: Floats, schema: Schema) -> None:
    for question, s in zip(schema.questions, schema.slices, strict=True):
        asked = found[:, schema.leading(question)].sum(1) if question.asked_if else 1.0
        with np.errstate(invalid="ignore"):
            more = found[:, s].sum(1) > asked + SLACK
        if more.any():
            raise CatalogError(
                f"row {int(np.flatnonzero(more)[0]) + 1}: the answers to {question.name} add up "
                "to more than the fraction that was asked; expected cumulative fractions, each "
                "multiplied by the chance of reaching its question"
            )


def _numbers(table: pa.Table, name: str) -> Floats:
    values = table[name].to_pylist()
    try:
        numbers = [np.nan if v is None or v == "" else float(v) for v in values]
    except ValueError as error:
        raise CatalogError(f"column {name} is not a number throughout: {error}") from error
    return np.array(numbers, np.float64)


def kinds(table: pa.Table) -> dict[str, Bools]:
    """Which galaxies are of which kind, bool (n,) each.

    The kinds are the odd features of Galaxy Zoo 2 (something odd for more than half, and one
    feature with more than half of the votes on odd features), the categories of a column
    ``label``, and the columns that hold 0 and 1 alone. Where two have one name, the later also
    says its column.
    """
    found: dict[str, Bools] = {}
    schema = schema_of(table.column_names)
    if schema is not None:
        found |= _odd_kinds(fractions(table, schema), schema)
    if LABEL in table.column_names:
        labels = table[LABEL].cast(pa.string()).to_pylist()
        for name in sorted({label for label in labels if (label or "").lower() not in MISSING}):
            mask = np.array([label == name for label in labels])
            found[f"{name} (column {LABEL})" if name in found else name] = mask
    for name, (mask, missing) in _flags(table).items():
        if not missing:
            found[f"{name} (column)" if name in found else name] = mask
    return found


def incomplete(table: pa.Table) -> dict[str, int]:
    """Columns of 0 and 1 that are no kind, and how many galaxies they say nothing of."""
    return {k: missing for k, (_, missing) in _flags(table).items() if missing and k != LABEL}


def _flags(table: pa.Table) -> dict[str, tuple[Bools, int]]:
    """Columns of 0 and 1: where they say 1, bool (n,), and how often nothing."""
    found = {}
    for name in table.column_names:
        values = ["" if v is None else str(v).lower() for v in table[name].to_pylist()]
        told = set(values) - set(MISSING)
        flag = told <= {*_YES, *_NO} and not told.isdisjoint(_YES) and not told.isdisjoint(_NO)
        if flag and not name.endswith("_fraction"):
            missing = sum(v in MISSING for v in values)
            found[name] = np.array([v in _YES for v in values]), missing
    return found


def _odd_kinds(votes: Floats, schema: Schema) -> Mapping[str, Bools]:
    names = [q.name for q in schema.questions]
    if not set(ODD_QUESTIONS) <= set(names):
        return {}
    odd, feature = ODD_QUESTIONS
    where = schema.slices[names.index(feature)]
    given = votes[:, where]
    with np.errstate(invalid="ignore"):
        is_odd = votes[:, schema.index(odd, "yes")] > 0.5
        most = given > 0.5 * given.sum(1, keepdims=True)
    answers = schema.questions[names.index(feature)].answers
    return {a: is_odd & most[:, i] for i, a in enumerate(answers) if a not in NO_KIND}
