"""Where training galaxies come from: a survey's folder, Parquet with images, or tar shards."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from skerry.errors import InputError
from skerry.represent.trees.schema import Schema
from skerry.survey import Place, Survey, open_survey
from skerry.survey.catalog import open_catalog
from skerry.survey.open_files import listing
from skerry.survey.sources import ids_as_text, require_unique
from skerry.types import Failure

SUMMARY = "summary"
"""Column of class labels."""


@dataclass(frozen=True)
class Galaxies:
    """A data set before its images are read.

    ``table`` holds what is said of each galaxy, row for row with ``ids``: votes, under the names
    of a tree's answers, and ``summary``. ``images`` gives the bytes of some rows' images as they
    are stored, in order; ``names`` is where each lies, and ``fingerprint`` tells whether the
    files changed.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    table: pa.Table
    images: Callable[[Sequence[int]], Iterator[bytes | Failure]]
    fingerprint: str


def open_galaxies(path: Path, schema: Schema) -> Galaxies:
    """Open a data set; no image is read yet.

    Parameters
    ----------
    path
        A folder of images with a catalog, a catalog, Parquet with images inside (one file or a
        folder; Hugging Face's ``image: {bytes, path}`` too), or WebDataset shards: ``.tar`` with
        ``KEY.jpg`` or ``KEY.png`` and ``KEY.json`` for each galaxy.
    schema
        The tree whose columns are wanted.

    Raises
    ------
    InputError
        There are no images, an id is repeated, or a file cannot be read.
    """
    path = Path(path)
    shards = sorted(path.glob("*.tar")) if path.is_dir() else [path]
    if shards and all(shard.suffix == ".tar" for shard in shards) and path.exists():
        return _from_shards(shards, schema)
    survey = open_survey(path)
    if survey.kind == "vectors":
        raise InputError(f"{path} holds vectors; training needs images")
    return Galaxies(
        tuple(survey.sources["id_str"].to_pylist()),
        tuple(survey.sources["location"].to_pylist()),
        _survey_table(survey, schema),
        survey.images,
        survey.fingerprint(),
    )


def _wanted(names: Iterable[str], schema: Schema) -> list[str]:
    """Names of columns that say something of the tree."""
    known = {SUMMARY, *(f"{question.name}_total-votes" for question in schema.questions)}
    known |= {name for column in schema.columns for name in (column, f"{column}_fraction")}
    return [name for name in names if name in known]


def _survey_table(survey: Survey, schema: Schema) -> pa.Table:
    """What the survey's catalog says of its sources, in their order."""
    path = survey.path
    if path.is_dir():
        held = listing(path)
        one = held.catalog()
        paths = list(held.parquet) if survey.kind == "parquet" else [one] if one else []
    else:
        paths = [path]
    parts = []
    for part in paths:
        catalog = open_catalog(part)
        key = survey.choices.get("id") if survey.kind == "files" else None
        names = _wanted(catalog.columns, schema)
        table = catalog.load([*names, *([key] if key else [])])
        if key:
            order = pc.index_in(survey.sources["id_str"], ids_as_text(table[key], key, str(part)))
            table = table.take(order)
        if not names:
            table = pa.table({"row": pa.nulls(len(survey) if key else table.num_rows)})
        parts.append(table.select(names) if names else table)
    return _joined(parts, path) if parts else pa.table({"row": pa.nulls(len(survey))})


def _joined(parts: Sequence[pa.Table], path: Place) -> pa.Table:
    """One table of parts that need not have the same columns: some may be without votes."""
    numbers = [
        pa.table({name: _numbers(part[name], name, path) for name in part.column_names})
        for part in parts
    ]
    try:
        return pa.concat_tables(numbers, promote_options="permissive")
    except pa.ArrowException as error:
        raise InputError(f"{path}: columns of its files do not fit together: {error}") from error


def _numbers(column: pa.ChunkedArray, name: str, path: Place) -> pa.ChunkedArray:
    """Votes as numbers, for a CSV has only text; empty is missing."""
    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        return column
    text = pc.utf8_trim_whitespace(column)
    text = pc.if_else(pc.equal(text, ""), pa.scalar(None, text.type), text)
    if name == SUMMARY:
        return text
    try:
        return pc.cast(text, pa.float64())
    except pa.ArrowException as error:
        raise InputError(f"{path}: column {name!r} of votes holds no numbers: {error}") from error


@dataclass(frozen=True)
class _Member:
    """Where a file lies within a shard, in bytes."""

    shard: Path
    start: int
    size: int

    def read(self) -> bytes:
        with self.shard.open("rb") as file:
            file.seek(self.start)
            return file.read(self.size)


def _from_shards(shards: Sequence[Path], schema: Schema) -> Galaxies:
    """Galaxies of tar shards, shard after shard, sorted by key in each."""
    keys: list[str] = []
    images: list[_Member] = []
    said: list[dict[str, Any]] = []
    state = hashlib.sha256()
    for shard in shards:
        members = _index(shard)
        for key in sorted(members):
            image = next((members[key][s] for s in _IMAGES if s in members[key]), None)
            if image is None:
                raise InputError(f"{shard}: {key!r} has no image ({', '.join(_IMAGES)})")
            keys.append(key)
            images.append(image)
            said.append(_said(members[key].get(".json"), key, schema))
        stat = shard.stat()
        state.update(f"{shard.name}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    if not keys:
        raise InputError(f"{shards[0].parent}: its .tar shards hold no galaxy")
    ids = tuple(row.get("id_str", key) for key, row in zip(keys, said, strict=True))
    require_unique(pa.array(ids), str(shards[0].parent), "give each galaxy an id of its own")
    names = _wanted(sorted({name for row in said for name in row}), schema)
    kinds = {name: pa.string() if name == SUMMARY else pa.float64() for name in names}
    columns = {n: pa.array([row.get(n) for row in said], kind) for n, kind in kinds.items()}
    return Galaxies(
        ids,
        tuple(f"{m.shard.name}#{key}" for m, key in zip(images, keys, strict=True)),
        pa.table(columns or {"row": pa.nulls(len(ids))}),
        lambda rows: (images[row].read() for row in rows),
        state.hexdigest(),
    )


_IMAGES = (".jpg", ".jpeg", ".png")


def _index(shard: Path) -> dict[str, dict[str, _Member]]:
    """Files of a shard by key, the name up to its first dot, and by what follows it."""
    found: dict[str, dict[str, _Member]] = {}
    try:
        with tarfile.open(shard, "r:") as archive:
            for member in archive:
                if member.isfile():
                    folder, _, name = member.name.rpartition("/")
                    stem, dot, suffix = name.partition(".")
                    key = f"{folder}/{stem}" if folder else stem
                    place = _Member(shard, member.offset_data, member.size)
                    found.setdefault(key, {})[(dot + suffix).lower()] = place
    except (tarfile.TarError, OSError) as error:
        raise InputError(f"{shard} is no sound, uncompressed tar: {error}") from error
    return found


def _said(member: _Member | None, key: str, schema: Schema) -> dict[str, Any]:
    """What ``KEY.json`` says of a galaxy and its tree; nothing where there is none."""
    if member is None:
        return {}
    try:
        said = json.loads(member.read())
    except ValueError as error:
        raise InputError(f"{member.shard}: {key}.json is not JSON: {error}") from error
    if not isinstance(said, dict):
        raise InputError(f"{member.shard}: {key}.json is no table of columns")
    where = f"{member.shard}: {key}.json"
    found = {name: _value(said[name], name, where) for name in _wanted(said, schema)}
    if "id_str" in said:
        if not isinstance(said["id_str"], str | int):
            raise InputError(f"{where} says id_str = {said['id_str']!r}; expected text")
        found["id_str"] = str(said["id_str"])
    return found


def _value(value: object, name: str, where: str) -> str | float | None:
    """A label, or votes as a number; empty is missing, as in a CSV."""
    if name == SUMMARY and isinstance(value, str):
        return value.strip() or None
    if value is None:
        return None
    if name != SUMMARY and isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            pass
    expected = "text" if name == SUMMARY else "a number"
    raise InputError(f"{where} says {name} = {value!r:.60}; expected {expected} or null")
