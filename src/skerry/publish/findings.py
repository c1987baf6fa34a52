"""Everything a product is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from skerry.config import Config
from skerry.types import ByteArray, Failure, FloatArray, RareClass

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

    Raises
    ------
    ValueError
        ``map`` is not of shape (len(ids), 2).
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

    def __post_init__(self) -> None:
        if self.map.shape != (len(self.ids), 2):
            raise ValueError(f"map is {self.map.shape}; expected ({len(self.ids)}, 2)")

    @property
    def ranked(self) -> tuple[RareClass, ...]:
        """The classes by rank, ties by ``class_id``."""
        return tuple(sorted(self.classes, key=lambda c: (c.rank, c.class_id)))

    @property
    def n_searched(self) -> int:
        """How many sources have a representation: the n of every prevalence."""
        return len(self.ids)

    @property
    def n_in_classes(self) -> int:
        """How many sources are a member of some class."""
        return len({member for found in self.classes for member in found.members})
