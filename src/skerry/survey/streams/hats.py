"""HATS catalogs: Parquet partitioned by HEALPix pixel, with what it says of itself.

The format: https://www.ivoa.net/documents/Notes/HATS/ (Hierarchical Adaptive Tiling Scheme),
as the packages ``hats`` and ``lsdb`` write it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from skerry.config import SourcesConfig
from skerry.errors import CatalogError, InputError
from skerry.survey.catalog import open_catalog
from skerry.survey.columns import listed
from skerry.survey.found import Found
from skerry.survey.open_parquet import from_parquet
from skerry.survey.streams.place import Place, walk
from skerry.survey.streams.remote import Refused

_PROPERTIES = ("hats.properties", "properties")
_COLLECTION = "collection.properties"
_INDEX_ORDER = 29
_HELD = ("object", "source")
"""Kinds of HATS tables that have a row a source."""


def open_hats(folder: Place, config: SourcesConfig) -> Found | None:
    """A survey of a HATS catalog, or of the main one of a collection; None where it is none.

    What a column holds decides as for other Parquet: images' bytes, vectors, or names of images,
    which lie relative to the catalog's folder.

    Raises
    ------
    CatalogError
        It has other rows or partitions than it says, or no row a source; as for other Parquet.
    """
    collection = _read(folder, (_COLLECTION,))
    primary = collection.get("hats_primary_table_url", "")
    if primary:
        folder = folder / primary
    said = _read(folder, _PROPERTIES)
    if primary and not said:
        raise CatalogError(
            f"{folder}, the main catalog of the collection, has no {_PROPERTIES[0]}; copy it "
            "again, or give the catalog that is there"
        )
    kind = said.get("dataproduct_type", said.get("catalog_type", ""))
    if not kind:
        return None
    if kind not in _HELD:
        raise CatalogError(
            f"{folder} is a HATS table of kind {kind!r}; expected one of {listed(_HELD)}: give the "
            "catalog that it belongs to"
        )
    paths = _partitions(folder, said)
    if not paths:
        raise CatalogError(f"{folder} is a HATS catalog without partitions; copy it again")
    found = from_parquet(paths, folder, _with_positions(paths[0], said, config), folder)
    expected = said.get("hats_nrows", "")
    if expected.isdigit() and int(expected) != len(found.sources):
        raise CatalogError(
            f"{folder} has {len(found.sources)} rows; its properties say {expected}: partitions "
            "are missing or were changed; copy it again"
        )
    return found


def _read(folder: Place, names: tuple[str, ...]) -> Mapping[str, str]:
    """The settings of the first of some Java properties files that is there."""
    for name in names:
        path = folder / name
        if _there(path):
            lines = (line.strip() for line in _text(path).splitlines())
            pairs = (re.split(r"\s*(?<!\\)[=:]\s*", line, maxsplit=1) for line in lines)
            return {
                p[0]: re.sub(r"\\(.)", r"\1", p[1])
                for p in pairs
                if len(p) == 2 and not p[0].startswith(("#", "!"))
            }
    return {}


def _text(path: Place) -> str:
    """Of a properties file: UTF-8, or Latin-1 as Java writes them."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _there(path: Place) -> bool:
    """Whether a file that may lack is there."""
    try:
        return path.exists()
    except InputError as error:
        if isinstance(error.__cause__, Refused):
            return False
        raise


def _with_positions(path: Place, said: Mapping[str, str], config: SourcesConfig) -> SourcesConfig:
    """The columns of positions are those that the catalog names, unless the settings name some."""
    ra, dec = said.get("hats_col_ra", ""), said.get("hats_col_dec", "")
    if config.ra_column or config.dec_column or not ra or not dec:
        return config
    if not {ra, dec} <= set(open_catalog(path).columns):
        return config
    return replace(config, ra_column=ra, dec_column=dec)


def _partitions(folder: Place, said: Mapping[str, str]) -> list[Place]:
    """The files of all partitions, in the order of their pixels on the sky.

    Raises
    ------
    CatalogError
        One that the catalog lists is not there.
    """
    wanted = _listed(folder)
    suffix = said.get("hats_npix_suffix", ".parquet")
    if wanted and suffix != "/" and not isinstance(folder, Path):
        # no listing: a web server may give none; what is missing is found when it is opened
        return [folder / f"{_name(order, pixel)}{suffix}" for order, pixel in wanted]
    held: dict[tuple[int, int], list[Place]] = {}
    for _, _, files in walk(folder / "dataset"):
        for path in files:
            pixel = re.search(r"Norder=(\d+)/(?:Dir=\d+/)?Npix=(\d+)", path.as_posix())
            if pixel and not path.name.startswith(("_", ".")):
                held.setdefault((int(pixel[1]), int(pixel[2])), []).append(path)
    missing = [_name(*pixel) for pixel in wanted if pixel not in held]
    if missing:
        raise CatalogError(
            f"{folder} lacks {len(missing)} of the {len(wanted)} partitions that it lists: "
            f"{listed(missing, 5)}; copy it again"
        )
    return [path for pixel in sorted(held, key=_along) for path in sorted(held[pixel])]


def _listed(folder: Place) -> list[tuple[int, int]]:
    """Order and pixel of each partition in ``partition_info.csv``; none where there is no such."""
    path = folder / "partition_info.csv"
    if not _there(path):
        return []
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    try:
        pixels = [(int(row["Norder"]), int(row["Npix"])) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} does not list partitions: {error}") from error
    return sorted(pixels, key=_along)


def _along(pixel: tuple[int, int]) -> tuple[int, int]:
    order, number = pixel
    return number << 2 * (_INDEX_ORDER - order), order


def _name(order: int, pixel: int) -> str:
    return f"dataset/Norder={order}/Dir={pixel // 10000 * 10000}/Npix={pixel}"
