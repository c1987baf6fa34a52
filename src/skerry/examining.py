"""A finished run examined: its nouns gathered into a subject, questions asked, answers kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from skerry.answer import Answer
from skerry.answered import FOLDER, search_digests
from skerry.config import digest
from skerry.context import Context
from skerry.discover import pooled
from skerry.discover.classes import members_of
from skerry.errors import CannotAnswerError, ConfigError, ImageError
from skerry.examine import QUESTIONS, ExamineConfig, Question, Subject
from skerry.examine.settings import names_of
from skerry.pipeline import publish
from skerry.progress import OnEvent, silent
from skerry.reopening import reopened
from skerry.searching import read_nulls
from skerry.store import Manifest, drop_damaged, nouns, read_manifest, write_manifest
from skerry.store.answers import read_answer, write_answer
from skerry.store.manifest import NAME, file_digest, versions
from skerry.store.runfolder import clear
from skerry.store.tables import rows_named
from skerry.surroundings import kept
from skerry.survey import Attributes, attributes, attributes_of, decode
from skerry.survey.streams.place import stamp
from skerry.types import ByteArray, DoubleArray, Failure, RareClass
from skerry.using import Finished

FORMAT = 2
"""Raised whenever a question would be answered otherwise with the same run and settings."""
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "astropy")


def examine(
    run: Path,
    names: Sequence[str] = (),
    settings: ExamineConfig | None = None,
    *,
    threads: int = 0,
    on_event: OnEvent = silent,
) -> list[Answer]:
    """Answer questions about a finished run, keep the answers in it and show them in its report.

    An answer that the run has already, of the same search and settings, is read, not made again.
    A question that the run cannot answer is answered by what it lacks.

    Parameters
    ----------
    names : the questions, of ``skerry.examine.QUESTIONS``; none: all of them
    settings : None: the defaults
    threads : how many encode where a question needs that; changes no result

    Raises
    ------
    ConfigError
        A question, a class or a column that is named does not exist.
    RunError
        The run has not ended, or its folder is damaged.
    InputError
        The run's input is not there any more, or is not what it was.
    """
    settings = settings or ExamineConfig()
    asked = _asked(names)
    context = _opened(run, threads, on_event)
    _check_classes(context, settings)
    with context.folder.locked():
        found = []
        subject: Subject | None = None
        for question in asked:
            on_event(question.name, 0, 1)
            manifest = _still_good(question, context, settings)
            if manifest is None:
                subject = subject or _subject(context, settings)
                _build(question, context, subject, settings)
            found.append(read_answer(run / FOLDER / question.name))
            on_event(question.name, 1, 1)
    publish(run, threads=threads, on_event=on_event)
    return found


def subject_of_run(
    run: Path,
    settings: ExamineConfig | None = None,
    *,
    threads: int = 0,
    on_event: OnEvent = silent,
) -> Subject:
    """A finished run as the questions are asked of it: its nouns in memory, by searched source.

    Raises
    ------
    As :func:`examine`.
    """
    settings = settings or ExamineConfig()
    context = _opened(run, threads, on_event)
    _check_classes(context, settings)
    return _subject(context, settings)


def _asked(names: Sequence[str]) -> list[Question]:
    known = {question.name: question for question in QUESTIONS}
    for name in names:
        if name not in known:
            raise ConfigError(f"no question {name!r}; expected one of {', '.join(known)}")
    return [question for question in QUESTIONS if not names or question.name in names]


def _opened(run: Path, threads: int, on_event: OnEvent) -> Context:
    Finished(run)  # it has ended, or this says what it lacks
    return reopened(run, threads=threads, on_event=on_event)


def _all_classes(context: Context) -> tuple[RareClass, ...]:
    return nouns.read_classes(context.path("classes") / "classes.json")


def _check_classes(context: Context, settings: ExamineConfig) -> None:
    known = {rare.class_id for rare in _all_classes(context)}
    missing = [name for name in names_of(settings.classes) if name not in known]
    if missing:
        listed = ", ".join(sorted(known)[:10]) or "none"
        raise ConfigError(f"the run has no class {', '.join(missing)}; its classes: {listed}")


def _chosen(context: Context, settings: ExamineConfig) -> tuple[RareClass, ...]:
    found = _all_classes(context)
    if settings.classes:
        return tuple(rare for rare in found if rare.class_id in names_of(settings.classes))
    return tuple(kept(found)) or found


def _inputs(context: Context, settings: ExamineConfig) -> dict[str, str]:
    """What answers depend on beside their settings."""
    found = {**search_digests(context.folder.path), "format": str(FORMAT)}
    for i, path in enumerate(context.survey.catalogs):
        found[f"catalog {i}"] = f"{path.name} {stamp(path)}"
    for name in (settings.table, settings.catalog):
        if name and Path(name).is_file():
            found[name] = file_digest(Path(name))
    return found


def _settings_of(question: Question, settings: ExamineConfig) -> dict[str, object]:
    return {k: v for k, v in asdict(settings).items() if k in (*question.uses, "classes")}


def _key(question: Question, settings: ExamineConfig, inputs: dict[str, str]) -> str:
    return digest(question.name, _settings_of(question, settings), inputs)


def _still_good(question: Question, context: Context, settings: ExamineConfig) -> Manifest | None:
    folder = context.path(FOLDER) / question.name
    manifest = read_manifest(folder)
    if manifest is None or manifest.key != _key(question, settings, _inputs(context, settings)):
        return None
    return None if drop_damaged(folder, manifest) else manifest


def _build(question: Question, context: Context, subject: Subject, settings: ExamineConfig) -> None:
    folder = context.path(FOLDER) / question.name
    inputs = _inputs(context, settings)
    try:
        answer = question.answer(subject, settings)
    except CannotAnswerError as error:
        answer = Answer(question.name, f"Cannot be answered: {error}.", answered=False)
    if "table" in question.uses:
        answer = replace(answer, notes=(*answer.notes, *subject.attributes.notes))
    rejected = [rare for rare in subject.classes if rare.verdict == "rejected"]
    if rejected and not settings.classes:
        note = "No class was left by the nulls: the rejected candidates were examined instead."
        answer = replace(answer, notes=(note, *answer.notes))
    clear(folder)
    write_answer(folder, answer)
    outputs = {p.name: file_digest(p) for p in sorted(folder.iterdir()) if p.name != NAME}
    manifest = Manifest(
        stage=f"{FOLDER}/{question.name}",
        key=_key(question, settings, inputs),
        config=_settings_of(question, settings),
        inputs=inputs,
        versions=versions(_LIBRARIES),
        counts={"answered": answer.answered},
        outputs=outputs,
    )
    write_manifest(folder, manifest)


def _subject(context: Context, settings: ExamineConfig) -> Subject:
    """The run's nouns in memory, by searched source."""
    data, rows = context.representations, context.firsts
    classes = _chosen(context, settings)
    placed = nouns.read_embedding(context.path("embedding") / "embedding.parquet")
    encoder = context.encoder
    return Subject(
        ids=context.searched,
        space=context.space,
        classes=classes,
        members=tuple(members_of(classes, context.searched)),
        config=context.config,
        embedding=replace(
            placed, coordinates=placed.coordinates[rows], map=placed.map[rows]
        ),
        votes=data.votes[rows],
        vote_columns=data.vote_columns,
        attributes=_attributes(context, settings),
        positions=_positions(context),
        null_measures={kind: pooled(found) for kind, found in read_nulls(context).items()},
        images=None if encoder is None else _Images(context),
        pixel_scale=context.facts.pixel_scale if encoder is not None else None,
        encoder=encoder.name if encoder is not None else "given",
        second=context.second_space,
        second_name=context.second_encoder.name if context.second_encoder else "",
        extras={name: i for i, first in enumerate(context.searched)
                for name in context.copies.get(first, ())},
    )  # fmt: skip


def _attributes(context: Context, settings: ExamineConfig) -> Attributes:
    found = attributes(context.survey, context.searched)
    if not settings.table:
        return found
    path = Path(settings.table)
    if not path.is_file():
        raise ConfigError(f"table is {settings.table!r}; expected a file with a column id_str")
    return found.joined(attributes_of(path, context.searched))


def _positions(context: Context) -> DoubleArray | None:
    """ra and dec (n, 2) of the searched sources; None where no source has them."""
    sources = context.survey.sources
    row = {name: i for i, name in enumerate(sources["id_str"].to_pylist())}
    both = np.stack([sources[c].to_numpy().astype(np.float64) for c in ("ra", "dec")], axis=1)
    found = both[[row[name] for name in context.searched]]
    return found if np.isfinite(found).any() else None


class _Images:
    """Images of sources at their full size, read from the survey as they are asked for."""

    def __init__(self, context: Context) -> None:
        self._survey = context.survey
        self._ids = context.survey.sources["id_str"]
        self._location = context.survey.sources["location"]

    def __call__(self, ids: Sequence[str]) -> Iterator[tuple[str, ByteArray | None]]:
        named = rows_named(self._ids, ids)
        rows = [named[name] for name in ids]
        for name, row, raw in zip(ids, rows, self._survey.images(rows), strict=True):
            yield name, None if isinstance(raw, Failure) else self._decoded(raw, row)

    def _decoded(self, raw: bytes, row: int) -> ByteArray | None:
        try:
            return decode(raw, self._location[row].as_py())
        except ImageError:
            return None
