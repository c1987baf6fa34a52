"""The products of a run as astropy Tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from astropy.table import Table


def product(run: Path, name: str) -> Table:
    """A product of a run, with units and descriptions."""
    from astropy.table import Table

    table = Table.read(run / "products" / f"{name}.vot", format="votable")
    # text comes as Python objects, which FITS cannot hold
    for column in table.itercols():
        if column.dtype == object:
            table[column.name] = column.astype(str)
    return table


def of_class(table: Table, class_id: str) -> Table:
    """The rows of one class."""
    return table[np.asarray(table["class_id"]).astype(str) == class_id]
