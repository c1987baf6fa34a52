"""What each way of opening a survey finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from skerry.survey.readers import Reader
from skerry.survey.streams.place import Place


@dataclass(frozen=True)
class Found:
    """The parts of a survey; see ``skerry.survey.survey.Survey``."""

    kind: Literal["files", "parquet", "tars", "vectors"]
    sources: pa.Table
    choices: dict[str, str]
    notes: tuple[str, ...]
    reader: Reader
    catalogs: tuple[Place, ...] = ()
