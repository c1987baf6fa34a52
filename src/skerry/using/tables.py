"""The tables that using a run gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from astropy.table import Table

GROWN_SCHEMA = pa.schema(
    [
        ("order", pa.int64()),
        ("id_str", pa.string()),
        ("score", pa.float64()),
        ("class_id", pa.string()),
    ]
)
"""``grow``: one row a source outside the class, best first. ``score`` is a conformal p-value
(``discover.grow``); ``class_id`` the class the source is in already, or empty."""

SIMILAR_SCHEMA = pa.schema(
    [
        ("rank", pa.int64()),
        ("id_str", pa.string()),
        ("distance", pa.float64()),
        ("nth", pa.int64()),
        ("ra", pa.float64()),
        ("dec", pa.float64()),
        ("class_id", pa.string()),
    ]
)
"""``similar``: one row a source, nearest first. ``distance`` is Euclidean, in the space of the
representations; ``nth`` the other way round: the query is the source's nth nearest, so that two
that are each other's nearest have rank and nth 1, and a large nth beside a small rank tells of a
query that stands alone. ``ra`` and ``dec`` in degrees, null where unknown; ``class_id`` the class
the source is in, rejected candidates not counted, or empty."""

ASSIGNED_SCHEMA = pa.schema(
    [
        ("id_str", pa.string()),
        ("class_id", pa.string()),
        ("p_value", pa.float64()),
        ("nearest_class", pa.string()),
        ("distance_ratio", pa.float64()),
        ("failure", pa.string()),
    ]
)
"""``assign``: one row a new source. ``class_id`` is empty for none of them; ``failure`` says why
a source could not be read, else null."""


def as_table(table: pa.Table) -> Table:
    """One of these tables for astropy: a null number is NaN, a null text empty."""
    from astropy.table import Table

    columns = {}
    for field in table.schema:
        column = table[field.name]
        if pa.types.is_string(field.type):
            columns[field.name] = np.array([v or "" for v in column.to_pylist()], dtype=np.str_)
        else:
            columns[field.name] = column.to_numpy()
    return Table(columns)
