"""The table of sources: ids as text, coordinates in degrees, where each image is."""

from __future__ import annotations

from pathlib import PurePath

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from skerry.config import SourcesConfig
from skerry.errors import CatalogError, InputError
from skerry.survey.catalog import Catalog
from skerry.survey.columns import Choice, choose, listed

SCHEMA = pa.schema(
    [
        ("id_str", pa.string()),
        ("ra", pa.float64()),
        ("dec", pa.float64()),
        ("location", pa.string()),
    ]
)
"""``ra`` and ``dec`` in degrees (ICRS), null where there are none."""

_NAMED = 5


def numeric(kind: pa.DataType) -> bool:
    """Whether a type can hold a coordinate: a number, or a number as text."""
    return bool(
        pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)
    ) or textual(kind)


def textual(kind: pa.DataType) -> bool:
    """Whether a type is text, dictionaries of text included."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def choose_position(
    catalog: Catalog, config: SourcesConfig, where: str
) -> tuple[Choice, Choice, list[str]]:
    """The columns of ``ra`` and ``dec``, both or neither, and notes of what was passed over.

    Raises
    ------
    CatalogError
        A configured column is missing, or one was configured and the other is not found.
    """
    usable = catalog.of_type(numeric)
    if not usable and not (config.ra_column or config.dec_column):
        return Choice(None), Choice(None), []
    ra = choose("ra", catalog.columns, config.ra_column, where, usable)
    dec = choose("dec", catalog.columns, config.dec_column, where, usable)
    if (ra.column is None) == (dec.column is None):
        return ra, dec, [*ra.note("ra"), *dec.note("dec")]
    found, lacks = ("ra", "dec") if ra.column else ("dec", "ra")
    if config.ra_column or config.dec_column:
        raise CatalogError(
            f"{where} has {found} but no column is found for {lacks}; set sources.{lacks}_column. "
            f"Columns: {listed(catalog.columns)}"
        )
    note = (
        f"{found}: column {ra.column or dec.column!r} was left out, as no column is found for "
        f"{lacks}; set sources.{lacks}_column to have positions"
    )
    return Choice(None), Choice(None), [note]


def as_location(path: PurePath) -> str:
    """A path as the text of ``location``, with forward slashes.

    Raises
    ------
    InputError
        The name is not UTF-8, so no table can hold it.
    """
    text = path.as_posix()
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"the file name {text!r} is not UTF-8 text; rename the file") from error
    return text


def ids_as_text(column: pa.ChunkedArray | pa.Array, name: str, where: str) -> pa.Array:
    """Ids as text, every digit kept and surrounding white space dropped; string, shape (n,).

    ``name`` is that of the column in ``where``; empty where it has none, as a file of ids alone.

    Raises
    ------
    CatalogError
        The column is not text or whole numbers (floats lose digits of long ids), or an id is
        empty.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
        column = column.cast(kind)
    ids = f"ids in column {name!r}" if name else "ids"
    other = ", or set sources.id_column to another column" if name else ""
    whole = pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0)
    binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    if pa.types.is_floating(kind) or (pa.types.is_decimal(kind) and not whole):
        raise CatalogError(
            f"{where}: the {ids} are {kind}, which loses digits of long ids; "
            f"store them as text or as 64-bit integers{other}"
        )
    if not (whole or binary or textual(kind)):
        raise CatalogError(f"{where}: the {ids} are {kind}; expected text or whole numbers")
    try:
        text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    except pa.ArrowException as error:
        raise CatalogError(f"{where}: the {ids} are not UTF-8 text") from error
    if isinstance(text, pa.ChunkedArray):
        text = text.combine_chunks()
    bad = pc.fill_null(pc.equal(text, ""), True).to_numpy(zero_copy_only=False)
    if bad.any():
        rows = ", ".join(str(i + 1) for i in np.flatnonzero(bad)[:_NAMED])
        raise CatalogError(
            f"{where}: {bad.sum()} of {len(text)} {ids} are empty "
            f"(row {rows}{'...' if bad.sum() > _NAMED else ''}); give every source an id"
        )
    return text


def require_unique(ids: pa.Array, where: str, remedy: str) -> None:
    """Check that no id is repeated.

    Raises
    ------
    CatalogError
        Some are: how many, a few of them, and the remedy.
    """
    counts = pc.value_counts(ids)
    repeated = pc.filter(counts.field("values"), pc.greater(counts.field("counts"), 1))
    if len(repeated):
        names = listed(sorted(repeated.to_pylist()), _NAMED)
        raise CatalogError(
            f"{where}: {len(repeated)} ids stand for more than one source: {names}; {remedy}"
        )


def degrees(
    column: pa.ChunkedArray | pa.Array, name: str, where: str, unit: str = ""
) -> npt.NDArray[np.float64]:
    """A column of coordinates as float64 degrees, shape (n,), NaN where empty.

    Raises
    ------
    CatalogError
        The column's own unit is not degrees, or a value is not a number.
    """
    if unit and not unit.lower().startswith("deg"):
        raise CatalogError(f"{where}: column {name!r} is in {unit}; convert it to degrees")
    try:
        if textual(column.type):
            text = pc.utf8_trim_whitespace(column.cast(pa.string()))
            column = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
        values = pc.cast(column, pa.float64(), safe=False)
    except pa.ArrowException as error:
        raise CatalogError(
            f"{where}: column {name!r} is not in decimal degrees: {error}; convert it"
        ) from error
    values = pc.fill_null(values, float("nan"))
    return np.array(values.to_numpy(), dtype=np.float64)


def checked_position(
    ra: npt.NDArray[np.float64],
    dec: npt.NDArray[np.float64],
    ids: pa.Array,
    where: str,
    remedy: str = "correct them, or set sources.{name}_column to another column",
) -> list[str]:
    """Bring positions, in place, to ``ra`` in [0, 360) and to both or neither; notes of it.

    Raises
    ------
    CatalogError
        A value is outside [-180, 360) or [-90, 90]: radians and hours are not guessed.
    """
    for name, values, bad, expected in (
        ("ra", ra, ~np.isnan(ra) & ~((ra >= -180) & (ra < 360)), "[0, 360) or [-180, 180)"),
        ("dec", dec, ~np.isnan(dec) & ~((dec >= -90) & (dec <= 90)), "[-90, 90]"),
    ):
        if bad.any():
            i = int(np.flatnonzero(bad)[0])
            raise CatalogError(
                f"{where}: {int(bad.sum())} of {len(values)} values of {name} are outside "
                f"{expected} degrees, as {values[i]:g} of {ids[i].as_py()!r}; "
                f"{remedy.format(name=name)}"
            )
    notes = []
    negative = ra < 0
    if negative.any():
        ra[negative] = (ra[negative] + 360.0) % 360.0  # % sends -1e-20 + 360 = 360 to 0
        notes.append(f"{int(negative.sum())} negative values of ra were brought to [0, 360)")
    half = np.isnan(ra) != np.isnan(dec)
    if half.any():
        ra[half] = dec[half] = np.nan
        notes.append(f"{int(half.sum())} sources have only one of ra and dec: taken as neither")
    return notes


def make_sources(
    ids: pa.Array,
    location: pa.Array,
    ra: npt.NDArray[np.float64] | None = None,
    dec: npt.NDArray[np.float64] | None = None,
) -> pa.Table:
    """Put the columns together; ``ra`` and ``dec`` in degrees, NaN or None for no position."""
    none = pa.nulls(len(ids), pa.float64())
    return pa.table(
        [
            ids,
            none if ra is None else pa.array(ra, from_pandas=True),
            none if dec is None else pa.array(dec, from_pandas=True),
            location,
        ],
        schema=SCHEMA,
    )
