"""A class as a subject set for Zooniverse: images of its members and of controls, a manifest."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from skerry.adding.joint import parts_of
from skerry.errors import ConfigError, ImageError, InputError
from skerry.reopening import reopened
from skerry.store import write_bytes, write_text
from skerry.store.runfolder import require_outside
from skerry.store.tables import rows_named
from skerry.survey import Survey, decode
from skerry.types import ByteArray, Failure, RareClass
from skerry.using import Finished

LARGEST = 1_000_000
"""Bytes below which Zooniverse takes an image."""

COLUMNS = ("image", "id", "ra", "dec", "#class", "#control")
"""Of the manifest. Those that begin with # are never shown to volunteers (help.zooniverse.org,
Subject sets and manifest details), but come back with their classifications."""

_QUALITIES = (95, 90, 85, 75, 60, 40)


@dataclass(frozen=True)
class SubjectSet:
    """What was written: how many members and controls, and ``(id, reason)`` of each source
    whose image could not be read."""

    manifest: Path
    members: int
    controls: int
    unreadable: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Subject:
    id_str: str
    class_id: str
    number: int


def subject_set(
    run: Path, class_id: str, folder: Path, controls: int = 0, seed: int = 0
) -> SubjectSet:
    """Write the images of a class's members and of ``controls`` sources in no class, as JPEG
    below 1 MB, with ``manifest.csv``.

    Members and controls are numbered in one random order, so that neither a name nor a place in
    the manifest tells which is which: only the hidden columns do. A control whose image cannot
    be read is replaced by another. The manifest is written last. The same run, class, number and
    seed give the same bytes.

    Parameters
    ----------
    folder : new or empty; not inside the run or its input
    controls : drawn at random from ``products/unclustered``, without members of this class

    Raises
    ------
    InputError
        The run has no such class or no images, or its input is not what it was.
    ConfigError
        The folder is not empty or is part of the run or the input, or there are not so many
        sources in no class.
    """
    finished = Finished(run)
    found = finished.class_of(class_id)
    survey = _opened(finished)
    paths = (part.path for part in parts_of(survey))
    _check_folder(folder, run, *(path for path in paths if isinstance(path, Path)))
    others = _controls_of(run, found, controls)
    rng = np.random.default_rng(seed)
    places = rng.permutation(len(found.members) + controls) + 1
    drawn = [others[i] for i in rng.permutation(len(others))]
    numbers = places.tolist()
    members = [_Subject(m, class_id, n) for m, n in zip(found.members, numbers, strict=False)]
    unreadable: list[tuple[str, str]] = []
    written = _write_images(survey, members, folder, unreadable)
    n_members = len(written)
    free = numbers[len(members) :]
    while free and drawn:
        taken, drawn = drawn[: len(free)], drawn[len(free) :]
        tried = [_Subject(name, "", n) for name, n in zip(taken, free, strict=False)]
        made = _write_images(survey, tried, folder, unreadable)
        written += made
        free = sorted(set(free) - {one.number for one in made})
    path = folder / "manifest.csv"
    write_text(path, _manifest(survey, sorted(written, key=lambda one: one.number)))
    return SubjectSet(path, n_members, len(written) - n_members, tuple(sorted(unreadable)))


def _opened(finished: Finished) -> Survey:
    """The run's input, as it was."""
    survey = reopened(finished.path).survey
    if survey.kind == "vectors":
        raise InputError(
            f"{survey.path} holds representations and no images; a subject set needs images"
        )
    return survey


def _check_folder(folder: Path, *taken: Path) -> None:
    require_outside(folder, *taken, option="--output")
    full = folder.resolve()
    if full.exists() and (not full.is_dir() or any(full.iterdir())):
        raise ConfigError(f"--output {folder} is not empty; choose a new folder")


def _controls_of(run: Path, found: RareClass, controls: int) -> list[str]:
    """Ids of the sources in no class that may be controls, ascending."""
    if controls < 0:
        raise ConfigError(f"controls are {controls}; expected 0 or more")
    if not controls:
        return []
    table = pq.read_table(run / "products" / "unclustered.parquet", columns=["id_str"])
    others = sorted(set(table["id_str"].to_pylist()) - set(found.members))
    if controls > len(others):
        raise ConfigError(
            f"controls are {controls}; only {len(others)} sources are in no class and not in "
            f"{found.class_id}"
        )
    return others


def _write_images(
    survey: Survey, subjects: list[_Subject], folder: Path, unreadable: list[tuple[str, str]]
) -> list[_Subject]:
    """Write the image of each that can be read; those, and to ``unreadable`` the others."""
    written = []
    for one, image in _images(survey, subjects):
        if isinstance(image, str):
            unreadable.append((one.id_str, image))
            continue
        write_bytes(folder / _file(one), below_limit(image))
        written.append(one)
    return written


def _file(one: _Subject) -> str:
    return f"{one.number:06d}.jpg"


def _images(survey: Survey, subjects: list[_Subject]) -> Iterator[tuple[_Subject, ByteArray | str]]:
    """Each with its pixels, uint8 (h, w, 3) RGB, or why there are none; in the survey's order."""
    row_of = rows_named(survey.sources["id_str"], [one.id_str for one in subjects])
    ordered = sorted(subjects, key=lambda one: row_of[one.id_str])
    rows = [row_of[one.id_str] for one in ordered]
    for one, row, raw in zip(ordered, rows, survey.images(rows), strict=True):
        if isinstance(raw, Failure):
            yield one, raw.reason
            continue
        try:
            yield one, decode(raw, survey.sources["location"][row].as_py())
        except ImageError as error:
            yield one, str(error)


def below_limit(pixels: ByteArray, limit: int = LARGEST) -> bytes:
    """An image, uint8 (h, w, 3) RGB, as JPEG of less than ``limit`` bytes: of the best quality
    that fits, and halved in size until one does."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    while True:
        for quality in _QUALITIES:
            buffer = io.BytesIO()
            # not optimized: Pillow cannot do that for large images of noise
            image.save(buffer, "JPEG", quality=quality, subsampling=0)
            if buffer.tell() < limit:
                return buffer.getvalue()
        half = max(1, image.width // 2), max(1, image.height // 2)
        image = image.resize(half, Image.Resampling.LANCZOS)


def _manifest(survey: Survey, subjects: Sequence[_Subject]) -> str:
    sources = survey.sources
    row_of = rows_named(sources["id_str"], [one.id_str for one in subjects])
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in subjects:
        row = row_of[one.id_str]
        at = [_degrees(sources[c][row].as_py()) for c in ("ra", "dec")]
        control = "false" if one.class_id else "true"
        writer.writerow([_file(one), one.id_str, *at, one.class_id, control])
    return out.getvalue()


def _degrees(value: float | None) -> str:
    return repr(float(value)) if value is not None and np.isfinite(value) else ""
