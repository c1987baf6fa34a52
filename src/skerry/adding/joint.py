"""The inputs of a run as one survey: a run that others were added to has several."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa

from skerry.config import SourcesConfig
from skerry.errors import InputError
from skerry.survey import Survey, open_survey
from skerry.types import Failure, FloatArray

NAMED = 5


@dataclass(frozen=True)
class Joint(Survey):
    """Several surveys, one after the other; ``path`` and ``choices`` are those of the first."""

    parts: tuple[Survey, ...] = ()

    def fingerprint(self) -> str:
        """SHA-256, in hex, of those of its parts, in order."""
        return hashlib.sha256("\n".join(p.fingerprint() for p in self.parts).encode()).hexdigest()


def parts_of(survey: Survey) -> tuple[Survey, ...]:
    """The surveys that one consists of: itself, unless it is joint."""
    return survey.parts if isinstance(survey, Joint) else (survey,)


def open_inputs(paths: Sequence[str | Path], config: SourcesConfig | None = None) -> Survey:
    """The inputs of a run, the first first, as one survey.

    Raises
    ------
    InputError
        One cannot be opened, or two have the same source.
    """
    found = [open_survey(path, config) for path in paths]
    return found[0] if len(found) == 1 else joined(found)


def joined(surveys: Sequence[Survey]) -> Joint:
    """Surveys as one, one after the other.

    Raises
    ------
    InputError
        Two have the same source.
    """
    parts = tuple(part for survey in surveys for part in parts_of(survey))
    first, known = parts[0], set(parts[0].sources["id_str"].to_pylist())
    for part in parts[1:]:
        ids = part.sources["id_str"].to_pylist()
        twice = sorted(known.intersection(ids))
        if twice:
            raise InputError(
                f"{part.path} has {len(twice)} sources that are in an input before it: "
                f"{', '.join(twice[:NAMED])}; leave them out of it"
            )
        known.update(ids)
    notes = [f"{p.path.name}: {note}" for p in parts[1:] for note in p.notes]
    return Joint(
        kind=first.kind,
        path=first.path,
        sources=pa.concat_tables([part.sources for part in parts]),
        choices=first.choices,
        notes=(*first.notes, *notes),
        _reader=_Reader(parts),
        catalogs=tuple(path for part in parts for path in part.catalogs),
        parts=parts,
    )


class _Reader:
    """Reads each source from the survey that it is in."""

    def __init__(self, parts: Sequence[Survey]) -> None:
        self._parts = parts
        self._starts = np.cumsum([0, *(len(part) for part in parts)]).tolist()

    @property
    def files(self) -> Iterator[str]:
        return (file for part in self._parts for file in part._reader.files)

    def _part_of(self, row: int) -> int:
        return int(np.searchsorted(self._starts, row, side="right")) - 1

    def images(self, sources: pa.Table, rows: Sequence[int]) -> Iterator[bytes | Failure]:
        for number, own in groupby(rows, self._part_of):
            start = self._starts[number]
            yield from self._parts[number].images([row - start for row in own])

    def vectors(self, start: int, stop: int) -> FloatArray:
        found = []
        for part, first in zip(self._parts, self._starts, strict=False):
            low, high = max(start - first, 0), min(stop - first, len(part))
            if low < high:
                found.append(part.vectors(slice(low, high))[0])
        return np.concatenate(found) if found else self._parts[0].vectors(slice(0, 0))[0]
