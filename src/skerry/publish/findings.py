"""Everything a product is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from skerry.answer import Answer
from skerry.config import Config
from skerry.discover.surrogates import surrogate_size
from skerry.types import ByteArray, DoubleArray, Failure, FloatArray, RareClass

Images = Mapping[str, ByteArray]
"""Cutouts of the sources to show by ``id_str``: uint8 (s, s, 3), RGB; one may be missing."""


@dataclass(frozen=True)
class Findings:
    """What a search found, in memory: the one argument of every product.

    ``ids`` are the sources with a representation and ``map`` float32 (n, 2) their coordinates,
    in the same order. ``sources`` has the columns ``id_str``, ``ra``, ``dec`` (deg, ICRS) and
    ``location``; ``n_sources`` counts the input's rows, failures included. ``distinctive`` says
    by ``class_id`` which votes set a class apart. ``assumed`` names the settings, as
    ``section.key``, that the preset's paper does not give. ``provenance`` is shown as it is.

    ``null_containment`` holds for each kind of featureless data the containment, float64 (any,), of
    every group found in it, of all ``n_nulls`` searches of that kind together. ``unclustered``
    has the columns of ``types.UNCLUSTERED_SCHEMA``, one row for each of ``ids`` that is in none
    of ``kept``; None where that was not looked into. ``area`` is the footprint in deg2, None
    where it is not known. A ``map`` that is NaN throughout was not made.

    Raises
    ------
    ValueError
        ``map`` is not of shape (len(ids), 2), there are nulls without a number of searches,
        or verdicts without nulls.
    """

    classes: tuple[RareClass, ...]
    sources: pa.Table
    map: FloatArray
    ids: tuple[str, ...]
    n_sources: int
    config: Config
    failures: tuple[Failure, ...] = ()
    distinctive: Mapping[str, str] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    null_containment: Mapping[str, DoubleArray] = field(default_factory=dict)
    n_nulls: int = 0
    unclustered: pa.Table | None = None
    area: float | None = None
    answers: tuple[Answer, ...] = ()

    def __post_init__(self) -> None:
        if self.map.shape != (len(self.ids), 2):
            raise ValueError(f"map is {self.map.shape}; expected ({len(self.ids)}, 2)")
        if bool(self.null_containment) != (self.n_nulls > 0):
            raise ValueError(
                f"{self.n_nulls} searches of {len(self.null_containment)} kinds of null"
            )
        if not self.n_nulls and any(found.verdict != "unjudged" for found in self.classes):
            raise ValueError("classes have a verdict, but no nulls are given; expected both")

    @property
    def null_times(self) -> float:
        """How many times as many sources were searched as are in each featureless data set."""
        return len(self.ids) / surrogate_size(max(1, len(self.ids)), self.config)

    @property
    def ranked(self) -> tuple[RareClass, ...]:
        """The classes by rank, ties by ``class_id``."""
        return tuple(sorted(self.classes, key=lambda c: (c.rank, c.class_id)))

    @property
    def n_searched(self) -> int:
        """How many sources have a representation: the n of every prevalence."""
        return len(self.ids)

    @property
    def kept(self) -> tuple[RareClass, ...]:
        """The classes that are not rejected, by rank."""
        return tuple(c for c in self.ranked if c.verdict != "rejected")

    @property
    def rejected(self) -> tuple[RareClass, ...]:
        """The rejected candidates, by rank."""
        return tuple(c for c in self.ranked if c.verdict == "rejected")

    @property
    def n_in_classes(self) -> int:
        """How many sources are a member of some class that is not rejected."""
        return len({member for found in self.kept for member in found.members})

    @property
    def has_map(self) -> bool:
        """Whether any source has a place on the map."""
        return bool(np.isfinite(self.map).all(axis=1).any())
