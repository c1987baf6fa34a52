"""What is examined: a finished run, in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from skerry.config import Config
from skerry.discover import Space
from skerry.errors import CannotAnswerError
from skerry.survey import Attributes
from skerry.types import (
    ByteArray,
    DoubleArray,
    Embedding,
    FloatArray,
    IntArray,
    Measures,
    RareClass,
)

Images = Callable[[Sequence[str]], Iterator[tuple[str, ByteArray | None]]]
"""Images by ``id_str``, in that order: uint8 (rows, columns, 3) at their full size, None where one
cannot be read now."""


@dataclass(frozen=True)
class Subject:
    """All that the run has, by searched source (n), in canonical order.

    ``ids`` (n,) name the rows of ``space``. ``classes`` are those examined, ``members`` their
    rows, most central first. ``votes`` float32 (n, n_answers) are the shares that the encoder
    expects, (n, 0) where it has no heads. ``attributes`` are the columns of the user's catalogs.
    ``positions`` float64 (n, 2), ra and dec in degrees (ICRS), NaN where there is none.
    ``null_measures``: by kind of featureless data, those of every group found in it.
    ``images`` is None where the run began with representations, ``pixel_scale`` (arcsec a pixel)
    where it is not known. ``second`` are the same sources through a second encoder, if any.
    ``extras`` are sources whose vector is that of a searched one: id and row of that one.
    """

    ids: tuple[str, ...]
    space: Space
    classes: tuple[RareClass, ...]
    members: tuple[IntArray, ...]
    config: Config
    embedding: Embedding
    votes: FloatArray
    vote_columns: tuple[str, ...] = ()
    attributes: Attributes = field(default_factory=Attributes)
    positions: DoubleArray | None = None
    null_measures: Mapping[str, Measures] = field(default_factory=dict)
    images: Images | None = None
    pixel_scale: float | None = None
    encoder: str = ""
    second: Space | None = None
    second_name: str = ""
    extras: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def label(self) -> IntArray:
        """The class that each source is in, int64 (n,), -1 for none."""
        label = np.full(len(self), -1, dtype=np.int64)
        for number, rows in enumerate(self.members):
            label[rows] = number
        return label

    @cached_property
    def row(self) -> dict[str, int]:
        """The row of each id."""
        return {name: i for i, name in enumerate(self.ids)}

    def require_classes(self) -> None:
        """Raises CannotAnswerError where there is no class to be examined."""
        if not self.classes:
            raise CannotAnswerError(
                "the run has no class and no candidate; search with a smaller classes.min_size"
            )
