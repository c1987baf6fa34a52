"""What each way of opening a survey finds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa

from skerry.survey.readers import Reader


@dataclass(frozen=True)
class Found:
    """The parts of a survey; see ``skerry.survey.survey.Survey``."""

    kind: Literal["files", "parquet", "vectors"]
    sources: pa.Table
    choices: dict[str, str]
    notes: tuple[str, ...]
    reader: Reader
    catalogs: tuple[Path, ...] = ()
