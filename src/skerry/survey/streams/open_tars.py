"""Surveys of WebDataset tars: an image and its metadata a sample, read where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skerry.config import SourcesConfig
from skerry.errors import CatalogError
from skerry.survey.catalog import Catalog
from skerry.survey.columns import ALIASES, listed, normalized
from skerry.survey.columns import choose as chosen
from skerry.survey.found import Found
from skerry.survey.sources import (
    checked_position,
    choose_position,
    degrees,
    ids_as_text,
    make_sources,
    require_unique,
)
from skerry.survey.streams.place import Place, of_each
from skerry.survey.streams.tar_cache import samples_of
from skerry.survey.streams.tar_columns import KEY, Columns, one_table, wider
from skerry.survey.streams.tar_images import Members, TarImages
from skerry.survey.streams.tar_index import Sample

_ROLES = frozenset(name for role in ("id", "ra", "dec") for name in ALIASES[role])
_PREFERRED = ("jpg", "jpeg", "png", "fits")
_AT_ONCE = 8
"""Tars that are indexed at a time: each holds some blocks of a megabyte."""
NO_IMAGE = "the sample has no image"
KEY_OF_SAMPLE = "key of the sample"
"""What is told as the choice of ids where these are the samples' keys."""


@dataclass(frozen=True)
class _Tar:
    """What a tar gives: a row a sample, text as Arrow's, which is small.

    ``names`` are of the images' files, or the keys of samples without; ``ends`` what images end in.
    """

    keys: pa.Array
    names: pa.Array
    ends: frozenset[str]
    members: Members
    table: pa.Table
    types: dict[str, pa.DataType]


def from_tars(tars: Sequence[Place], names: Sequence[str], config: SourcesConfig) -> Found:
    """A survey of the samples of some tars, ``names`` as which they are shown.

    The id is a column of the samples' JSON, by its usual name or ``sources.id_column``, else, or
    where that is ``__key__``, the sample's key. A sample has one image: that named by
    ``sources.image_column`` (what follows the first dot, as ``jpg``), else the only one. One with
    no image, or whose JSON cannot be read, is a failure of its own.

    Raises
    ------
    CatalogError
        A tar cannot be read or ends early, an id stands for two samples, a sample has several
        images, or none has the one that is named.
    """

    def indexed(tar: Place) -> _Tar:
        return _indexed(tar, config)

    held = list(of_each(indexed, tars, _AT_ONCE))
    where = str(tars[0]) if len(tars) == 1 else f"{len(tars)} tars from {tars[0]}"
    if not any(len(tar.keys) for tar in held):
        raise CatalogError(f"{where} hold no sample; expected images, as KEY.jpg with KEY.json")
    if config.image_column and not any(tar.ends for tar in held):
        raise CatalogError(
            f"sources.image_column is {config.image_column!r}, and no sample of {where} has an "
            "image of that name; give what follows the key's dot, as jpg or left.png"
        )
    types: dict[str, pa.DataType] = {}
    for tar in held:
        for name, kind in tar.types.items():
            types[name] = wider(types[name], kind) if name in types else kind
    table = one_table(
        [tar.table for tar in held], {n: k for n, k in types.items() if _kept(n, config)}
    )
    members = Members.joined([tar.members for tar in held])

    def load(columns: Sequence[str]) -> pa.Table:
        return table.select(list(columns))

    catalog = Catalog(tars[0], tuple(types), tuple(types.values()), load)
    keys = pa.concat_arrays([tar.keys for tar in held])
    ids, choices, notes = _ids(catalog, keys, members, config, where)
    _require_unique(ids, names, [len(tar.keys) for tar in held], "id" in choices)
    choices = {"id": KEY_OF_SAMPLE, "image": _images(held), **choices}
    ra_choice, dec_choice, more = choose_position(catalog, config, where)
    ra = dec = None
    if ra_choice.column and dec_choice.column:
        choices |= {"ra": ra_choice.column, "dec": dec_choice.column}
        ra, dec = (degrees(table[c], c, where) for c in (ra_choice.column, dec_choice.column))
        more += checked_position(ra, dec, ids, where)
    location = pa.concat_arrays(
        [
            pc.binary_join_element_wise(name, tar.names, "#")
            for name, tar in zip(names, held, strict=True)
        ]
    )
    sources = make_sources(ids, location, ra, dec)
    reader = TarImages(tars, members)
    return Found("tars", sources, choices, (*notes, *more), reader, tuple(tars))


def _kept(name: str, config: SourcesConfig) -> bool:
    configured = (config.id_column, config.ra_column, config.dec_column)
    return name in configured or normalized(name) in _ROLES


def _indexed(tar: Place, config: SourcesConfig) -> _Tar:
    columns = Columns(lambda name: _kept(name, config))
    keys: list[str] = []
    names: list[str] = []
    ends: set[str] = set()
    rows: list[tuple[int, int, int]] = []
    problems: dict[int, str] = {}
    for sample in samples_of(tar):
        end = _image_of(sample, config.image_column.lower().removeprefix("."), str(tar))
        if not end and not sample.problem:
            said = ["json"] if sample.said is not None else []
            there = listed([*sample.images, *sample.others, *said])
            wanted = f" {config.image_column!r}" if config.image_column else ""
            sample.problem = f"{NO_IMAGE}{wanted} ({there})"
        if sample.problem:
            problems[len(keys)] = sample.problem
        keys.append(sample.key)
        names.append(f"{sample.key}.{end}" if end else sample.key)
        ends.add(end)
        rows.append(sample.images.get(end, (0, 0, 0)))
        columns.add(sample.said or {})
    held = np.array(rows, np.int64).reshape(-1, 3)
    text = (pa.array(keys, pa.string()), pa.array(names, pa.string()))
    return _Tar(
        *text,
        frozenset(ends - {""}),
        Members.of_one(held, problems),
        columns.table(),
        columns.types(),
    )


def _image_of(sample: Sample, configured: str, where: str) -> str:
    """What follows the key in the name of a sample's image; "" where there is none."""
    if configured:
        return configured if configured in sample.images else ""
    if len(sample.images) < 2:
        return next(iter(sample.images), "")
    plain = [end for end in _PREFERRED if end in sample.images]
    if len(plain) == 1:
        return plain[0]
    raise CatalogError(
        f"{where}: sample {sample.key!r} has several images ({listed(sample.images)}): set "
        "sources.image_column to one, as jpg. The key is the name up to its first dot: where ids "
        "have dots, write them without"
    )


def _images(held: Sequence[_Tar]) -> str:
    ends = sorted({end for tar in held for end in tar.ends})
    return f"files {listed('.' + end for end in ends)} of the tars"


def _ids(
    catalog: Catalog, keys: pa.Array, members: Members, config: SourcesConfig, where: str
) -> tuple[pa.Array, dict[str, str], list[str]]:
    """The ids of all samples, the column they are of and what was passed over.

    A sample without a usable id in its metadata has its key for an id, and is a failure.
    """
    named = pc.replace_substring_regex(keys, r"^.*/", "")
    by_key = config.id_column == KEY or not catalog.columns
    choice = None if by_key else chosen("id", catalog.columns, config.id_column, where)
    if choice is None or choice.column is None:
        return ids_as_text(named, "key", where), {}, []
    column = catalog.load([choice.column])[choice.column]
    missing = pc.is_null(column).to_numpy(zero_copy_only=False)
    for row in np.flatnonzero(missing).tolist():
        members.problems.setdefault(row, f"its metadata have no {choice.column!r}, the others' id")
    text = column if column.type == pa.float64() else column.cast(pa.string())
    if missing.any() and text.type == pa.string():
        text = pc.if_else(pa.array(missing), named, text.combine_chunks())
    return ids_as_text(text, choice.column, where), {"id": choice.column}, [*choice.note("id")]


def _require_unique(ids: pa.Array, names: Sequence[str], counts: Sequence[int], told: bool) -> None:
    """That no id stands for two samples; names the tars that hold the first such."""
    counted = pc.value_counts(ids)
    repeated = pc.filter(counted.field("values"), pc.greater(counted.field("counts"), 1))
    if not len(repeated):
        return
    one = min(repeated.to_pylist())
    rows = np.flatnonzero(pc.equal(ids, one).to_numpy(zero_copy_only=False))
    tars = sorted({names[i] for i in np.searchsorted(np.cumsum(counts), rows, side="right")})
    remedy = (
        "give each sample an id of its own"
        if told
        else ("their keys repeat: write an id_str into each sample's JSON")
    )
    require_unique(ids, f"{listed(tars, 5)} ({one!r})", remedy)
