"""One measured number: a row of ``scores.json``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Section = Literal[
    "votes", "enrichment", "precision", "artifacts", "probe", "first", "top5", "dimensions"
]

ENCODER = "encoder"
VIEWS = "encoder, 8 views"
RIDGE = "encoder, ridge"
UNTRAINED = "untrained network"
PIXELS = "pixels"
SHUFFLED = "shuffled labels"
MEAN = "survey's mean"
WAYS = (ENCODER, VIEWS, RIDGE, UNTRAINED, PIXELS, SHUFFLED, MEAN)
"""Ways to come to a number, in the order of the tables: the encoder's, then the controls'."""


@dataclass(frozen=True)
class Row:
    """One number with its 95% interval.

    ``subject`` is a group of answers, a kind or a change of the image; ``n`` how many galaxies
    the value is a mean over (queries, members or twins). ``low`` and ``high`` are None where no
    interval is given, ``ceiling`` where there is none below the measure's own.
    """

    section: Section
    subject: str
    way: str
    n: int
    value: float
    low: float | None = None
    high: float | None = None
    ceiling: float | None = None

    @property
    def finite(self) -> bool:
        """Whether the number and what stands beside it could be measured."""
        numbers = (self.value, self.low, self.high, self.ceiling)
        return all(number is None or math.isfinite(number) for number in numbers)
