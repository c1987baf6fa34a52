"""The tables that using a run gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skerry.publish.columns import DEC, NEAREST, RA, RATIO, SOURCE, Column, with_meaning

if TYPE_CHECKING:
    from astropy.table import Table

_IN = Column("Class it is in already, empty for none", "meta.id.parent")

GROWN_SCHEMA = with_meaning(
    pa.schema(
        [
            ("order", pa.int64()),
            ("id_str", pa.string()),
            ("score", pa.float64()),
            ("class_id", pa.string()),
        ]
    ),
    {
        "order": Column("1 for the most likely further member", "stat.rank"),
        "id_str": SOURCE,
        "score": Column("Conformal p-value of being a member", "stat.probability"),
        "class_id": _IN,
    },
)
"""``grow``: one row a source outside the class, best first. ``score`` is a conformal p-value
(``discover.grow``); ``class_id`` the class the source is in already, or empty."""

SIMILAR_SCHEMA = with_meaning(
    pa.schema(
        [
            ("rank", pa.int64()),
            ("id_str", pa.string()),
            ("distance", pa.float64()),
            ("nth", pa.int64()),
            ("ra", pa.float64()),
            ("dec", pa.float64()),
            ("class_id", pa.string()),
        ]
    ),
    {
        "rank": Column("1 for the nearest", "stat.rank"),
        "id_str": SOURCE,
        "distance": Column("Euclidean, in the space of the representations", "stat.value"),
        "nth": Column("How near the query is to it among all sources", "stat.rank"),
        "ra": RA,
        "dec": DEC,
        "class_id": _IN,
    },
)
"""``similar``: one row a source, nearest first. ``distance`` is Euclidean, in the space of the
representations; ``nth`` the other way round: the query is the source's nth nearest, so that two
that are each other's nearest have rank and nth 1, and a large nth beside a small rank tells of a
query that stands alone. ``ra`` and ``dec`` in degrees, null where unknown; ``class_id`` the class
the source is in, rejected candidates not counted, or empty."""

ASSIGNED_SCHEMA = with_meaning(
    pa.schema(
        [
            ("id_str", pa.string()),
            ("class_id", pa.string()),
            ("p_value", pa.float64()),
            ("nearest_class", pa.string()),
            ("distance_ratio", pa.float64()),
            ("failure", pa.string()),
        ]
    ),
    {
        "id_str": SOURCE,
        "class_id": Column("Class it is placed in, empty for none", "meta.id.parent"),
        "p_value": Column("Conformal p-value of being a member", "stat.probability"),
        "nearest_class": NEAREST,
        "distance_ratio": RATIO,
        "failure": Column("Why it could not be read", "meta.note"),
    },
)
"""``assign``: one row a new source. ``class_id`` is empty for none of them; ``failure`` says why
a source could not be read, else null."""


def as_table(table: pa.Table) -> Table:
    """One of these tables for astropy, with units and descriptions: a null number is NaN, a null
    text empty."""
    from astropy.table import Column as Held
    from astropy.table import Table

    columns = {}
    for field in table.schema:
        column = table[field.name]
        if pa.types.is_string(field.type):
            values = np.array([v or "" for v in column.to_pylist()], dtype=np.str_)
        else:
            values = column.to_numpy()
        said = {key.decode(): text.decode() for key, text in (field.metadata or {}).items()}
        columns[field.name] = Held(
            values, unit=said.get("unit"), description=said.get("description")
        )
    return Table(columns)
