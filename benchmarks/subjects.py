"""Subjects for questions, of surveys on disk and classes that are given: no search is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from skerry.config import Config
from skerry.discover import Space
from skerry.examine import Subject
from skerry.survey import Attributes, Survey, attributes, decode, facts, open_survey
from skerry.types import ByteArray, Embedding, Failure, NeighborGraph, RareClass


def subject_of(path: Path, pixel_scale: float = 0.0) -> Subject:
    """A survey (its folder or catalog) with its columns, positions and images, and no class.

    ``pixel_scale`` (arcsec) where images do not say; the vectors are empty.
    """
    config = Config()
    config = replace(config, sources=replace(config.sources, pixel_scale=pixel_scale))
    survey = open_survey(path, config.sources)
    ids = tuple(survey.sources["id_str"].to_pylist())
    places = np.stack([survey.sources[c].to_numpy().astype(float) for c in ("ra", "dec")], axis=1)
    n = len(ids)
    empty = np.zeros((n, 2), np.float32)
    graph = NeighborGraph(np.zeros((n, 0), np.int64), np.zeros((n, 0), np.float32))
    return Subject(
        ids=ids,
        space=Space(empty, graph, config.neighbors),
        classes=(),
        members=(),
        config=config,
        embedding=Embedding(empty, empty),
        votes=np.zeros((n, 0), np.float32),
        attributes=attributes(survey, ids),
        positions=places if np.isfinite(places).any() else None,
        images=_Images(survey),
        pixel_scale=facts(survey, config.sources).pixel_scale,
    )


def with_classes(subject: Subject, classes: Mapping[str, Sequence[int]]) -> Subject:
    """The same with classes of these rows, by name."""
    named = {name: np.asarray(rows, dtype=np.int64) for name, rows in classes.items()}
    return replace(
        subject,
        classes=tuple(_class(name, [subject.ids[r] for r in rows]) for name, rows in named.items()),
        members=tuple(named.values()),
    )


def truth(subject: Subject, column: str) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """A column of a simulated survey's truth, as words."""
    return subject.attributes.words[f"truth_{column}"]


def without_truth(subject: Subject) -> Subject:
    """The same without columns of the truth, for a question to answer."""
    known = subject.attributes
    kept = Attributes(
        {k: v for k, v in known.numbers.items() if not k.startswith("truth_")},
        {k: v for k, v in known.words.items() if not k.startswith("truth_")},
        known.units,
    )
    return replace(subject, attributes=kept)


def _class(name: str, ids: Sequence[str]) -> RareClass:
    return RareClass(name, 1, tuple(ids), (1.0,) * len(ids), tuple(ids[:9]), 0.5, "given")


class _Images:
    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._row = {name: i for i, name in enumerate(survey.sources["id_str"].to_pylist())}

    def __call__(self, ids: Sequence[str]) -> Iterator[tuple[str, ByteArray | None]]:
        found = self._survey.images([self._row[name] for name in ids])
        for name, raw in zip(ids, found, strict=True):
            yield name, None if isinstance(raw, Failure) else decode(raw, name)
