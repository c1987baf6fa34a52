"""A product as a pandas DataFrame."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from skerry.errors import ConfigError
from skerry.store import read_table

FRAMES = ("classes", "members", "checks", "unclustered")
"""Products that are tables."""


def frame(run: Path, name: str) -> Any:
    """A product of a run as a pandas DataFrame, one row as in the file.

    What is not known is NaN or None. Units are in the astropy Tables, ``run.classes`` and so on.

    Raises
    ------
    ConfigError
        There is no such product, or pandas is not installed.
    """
    if name not in FRAMES:
        raise ConfigError(f"no table {name!r}; expected one of {', '.join(FRAMES)}")
    if importlib.util.find_spec("pandas") is None:
        raise ConfigError(
            f"a DataFrame needs pandas: pip install pandas, or use run.{name}, an astropy Table"
        )
    return read_table(run / "products" / f"{name}.parquet").to_pandas()
