"""A survey as it is found on disk: its sources, and their images or vectors as streams."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skerry.config import SourcesConfig
from skerry.errors import InputError
from skerry.survey import open_files, open_npy, open_parquet
from skerry.survey.columns import listed
from skerry.survey.found import Found
from skerry.survey.readers import Reader, ReadsAhead, one_by_one
from skerry.survey.sources import as_location
from skerry.survey.streams.hats import open_hats
from skerry.survey.streams.open_tars import from_tars
from skerry.survey.streams.patterns import folder_of, names_of, several
from skerry.survey.streams.place import Place, place_of, relative
from skerry.survey.streams.states import MISSING, states
from skerry.types import Failure, FloatArray

_LINES = 2**16

Kind = Literal["files", "parquet", "tars", "vectors"]


@dataclass(frozen=True)
class Survey:
    """The sources of a survey and access to what is known of each.

    Attributes
    ----------
    kind
        ``files`` (an image a file), ``parquet`` (images in Parquet), ``tars`` (images in tars) or
        ``vectors`` (representations that were computed elsewhere).
    sources
        One row a source: ``id_str``, ``ra`` and ``dec`` (degrees, null where there are none),
        ``location`` (``images/a.jpg``, ``train-0.parquet#123``, ``0.tar#a.jpg``). Sorted by
        ``id_str`` for ``files``; as in the file otherwise, so that reading in order is a stream.
    choices
        Which column was taken for what.
    notes
        What a user should know: what was passed over, left out or brought into range.
    catalogs
        The tables that name the sources, whose other columns ``attributes`` reads; none where
        ids are the names of images.
    """

    kind: Kind
    path: Place
    sources: pa.Table
    choices: Mapping[str, str]
    notes: tuple[str, ...]
    _reader: Reader = field(repr=False, compare=False)
    catalogs: tuple[Place, ...] = ()

    def __len__(self) -> int:
        return int(self.sources.num_rows)

    def images(self, rows: Sequence[int]) -> Iterator[bytes | Failure]:
        """The images' bytes, as stored, for the sources of these row numbers, in that order.

        Parquet is read a row group at a time: once each where rows ascend, also from one call
        to the next. Not for several threads at once.

        Raises
        ------
        InputError
            The survey has no images.
        """
        return self._reader.images(self.sources, rows)

    def ahead(self, batches: Iterable[Sequence[int]]) -> Iterator[list[bytes | Failure]]:
        """The images of each batch of rows, as :meth:`images`; from a store elsewhere those to
        come are read while one is worked on."""
        if isinstance(self._reader, ReadsAhead):
            return self._reader.ahead(self.sources, batches)
        return one_by_one(self._reader, self.sources, batches)

    def vectors(self, rows: slice) -> tuple[FloatArray, list[Failure | None]]:
        """The vectors of consecutive sources.

        Returns
        -------
        vectors : float32, shape (m, dimensions)
        failures : list of length m
            None where the vector is sound; a Failure where it is missing, of another length,
            or has a NaN or infinite value.

        Raises
        ------
        InputError
            The survey has no vectors.
        """
        start, stop, step = rows.indices(len(self))
        if step != 1:
            raise ValueError(f"rows are {rows}; expected consecutive rows")
        vectors = self._reader.vectors(start, max(start, stop))
        failures: list[Failure | None] = [None] * len(vectors)
        finite = np.isfinite(vectors)
        for i in np.flatnonzero(~finite.all(axis=1)).tolist():
            at = self.sources.slice(start + i, 1)
            bad = int((~finite[i]).sum())
            reason = (
                f"the vector is missing or does not have {vectors.shape[1]} values"
                if bad == vectors.shape[1]
                else f"{bad} of {vectors.shape[1]} values of the vector are NaN or infinite"
            )
            failures[i] = Failure(at["id_str"][0].as_py(), at["location"][0].as_py(), reason)
        return vectors, failures

    def fingerprint(self) -> str:
        """SHA-256, in hex, of the sources by id and of the size and time of change of each file
        of images or vectors.

        It is the same wherever the folder lies and, for image files, in whatever order a catalog
        names them; a row of Parquet or ``.npy`` is known by its place in the file.
        """
        content = hashlib.sha256()
        for line in _lines(self.sources):
            content.update(line)
        for place, state in states(self.path, sorted(set(self._reader.files))):
            content.update(f"{place}\0{state}\n".encode())
        return content.hexdigest()

    def missing(self) -> list[str]:
        """The files of images or vectors that are not there, sorted."""
        files = sorted(set(self._reader.files))
        return [place for place, state in states(self.path, files) if state == MISSING]


def _lines(sources: pa.Table) -> Iterator[bytes]:
    ordered = sources.sort_by("id_str")
    for start in range(0, len(ordered), _LINES):
        block = ordered.slice(start, _LINES)
        columns = [block[name].cast(pa.string()) for name in block.column_names]
        lines = pc.binary_join_element_wise(
            *columns, "\0", null_handling="replace", null_replacement=""
        )
        yield ("\n".join(lines.to_pylist()) + "\n").encode()


def open_survey(path: str | Place, config: SourcesConfig | None = None) -> Survey:
    """Open a survey: a folder of images, a catalog, images in Parquet or in tars, or vectors.

    Parameters
    ----------
    path
        A path, or the address of a store elsewhere (``s3://``, ``https://``: extra ``streams``),
        of one of

        - a folder of images (JPEG, PNG, FITS), at any depth, whose ids are the names without
          suffix; one catalog beside them is used,
        - a catalog (CSV, ECSV, FITS, VOTable, Parquet) that names image files relative to its
          own folder, or by addresses,
        - Parquet, one file or a folder, with the images' bytes in a column,
        - WebDataset tars: one, a folder, or several as ``{000..099}.tar`` or ``*.tar``,
        - a HATS catalog, with images or their names in a column,
        - Parquet with representations (a list column, or ``feat_0``, ``feat_1``...), or an
          ``.npy`` of shape (n, d) with its ids beside it.
    config
        Names of columns; the usual ones are looked for where they are empty.

    Raises
    ------
    InputError
        The path does not exist, or holds nothing that can be read.
    CatalogError
        No usable column, an id that is empty or repeated, positions out of range.
    ConfigError
        What an address needs is not installed.
    """
    config = config or SourcesConfig()
    place = place_of(path)
    found = _opened(place, config)
    return Survey(
        found.kind, place, found.sources, found.choices, found.notes, found.reader, found.catalogs
    )


def _opened(place: Place, config: SourcesConfig) -> Found:
    named = several(place)
    if named:
        return _open_several(place, named, config)
    if place.is_dir():
        return _open_folder(place, config)
    if not place.exists():
        raise InputError(
            f"{place} does not exist; give a folder of images, a catalog, Parquet or tars"
        )
    suffix = place.suffix.lower()
    if suffix == ".npy":
        return open_npy.from_npy(place, config)
    if suffix in (".parquet", ".pq"):
        return open_parquet.from_parquet([place], place.parent, config)
    if suffix == ".tar":
        return from_tars([place], [place.name], config)
    if open_files.is_compressed_tar(place.name):
        raise InputError(f"{place} is a compressed tar, which is not read by parts: unpack it")
    return open_files.from_catalog(place, config)


def _open_several(pattern: Place, named: Sequence[Place], config: SourcesConfig) -> Found:
    suffixes = {place.suffix.lower() for place in named}
    if suffixes == {".tar"}:
        return from_tars(named, names_of(named), config)
    if suffixes <= {".parquet", ".pq"}:
        return open_parquet.from_parquet(named, folder_of(named), config)
    odd = next(p for p in named if p.suffix.lower() not in (".tar", ".parquet", ".pq"))
    raise InputError(
        f"{pattern} names {len(named)} files, as {odd.name}; expected tars or Parquet: of images "
        "give the folder, or a catalog"
    )


def _open_folder(folder: Place, config: SourcesConfig) -> Found:
    hats = open_hats(folder, config)
    if hats is not None:
        return hats
    held = open_files.listing(folder)
    catalog = held.catalog() if held.images else None
    if catalog in held.parquet and open_parquet.holds_images(catalog):
        catalog = None
    if held.images and catalog is None:
        _require_one_kind(folder, held)
    if held.images:
        used = "images"
        found = (
            open_files.from_images(folder, held)
            if catalog is None
            else open_files.from_catalog(catalog, config)
        )
    elif held.tars:
        used = "tars"
        names = [as_location(relative(tar, folder)) for tar in held.tars]
        found = from_tars(held.tars, names, config)
    elif held.parquet:
        used = "Parquet"
        found = open_parquet.from_parquet(held.parquet, folder, config)
    elif len(held.tables) == 1:
        used, catalog = "images", held.tables[0]
        found = open_files.from_catalog(catalog, config)
    else:
        raise InputError(
            f"{folder} holds no images, no tars and no Parquet (tables: "
            f"{listed(t.name for t in held.tables)}; other files: {held.others}; compressed tars, "
            f"to be unpacked: {held.compressed}); give a folder of JPEG, PNG or FITS images, or a "
            "catalog"
        )
    return replace(found, notes=(*found.notes, *held.left_out(used, catalog)))


def _require_one_kind(folder: Place, held: open_files.Listing) -> None:
    """That a folder of image files has no other images that may be meant: previews are no survey.

    Of Parquet the first and the last file are looked at.
    """
    ends = {*held.parquet[:1], *held.parquet[-1:]}
    packed = [p for p in held.parquet if p in ends and open_parquet.holds_images(p)]
    others = [*held.tars[:1], *packed[:1]]
    if others:
        raise InputError(
            f"{folder} holds {len(held.images)} image files, as "
            f"{relative(held.images[0], folder)}, and others in {relative(others[0], folder)}; "
            "give the folder of one kind alone, or a catalog that names the images"
        )
