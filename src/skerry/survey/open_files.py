"""Surveys of image files: a catalog that names them, or a folder that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

import pyarrow as pa
import pyarrow.compute as pc

from skerry.config import SourcesConfig
from skerry.errors import CatalogError, InputError
from skerry.store.addresses import is_address
from skerry.store.runfolder import CONFIG, LOG
from skerry.survey.catalog import SUFFIXES, Catalog, open_catalog
from skerry.survey.columns import choose, listed
from skerry.survey.found import Found
from skerry.survey.headers import SUFFIXES as SUFFIXES_OF_IMAGES
from skerry.survey.readers import ImageFiles
from skerry.survey.sources import (
    as_location,
    checked_position,
    choose_position,
    degrees,
    ids_as_text,
    make_sources,
    require_unique,
    textual,
)
from skerry.survey.streams.place import Place, folders_of, relative, walk

IMAGE_SUFFIXES = frozenset(SUFFIXES_OF_IMAGES)
"""Files taken as images in a folder; those in a format that is not read become failures."""

_MARKS_OF_A_RUN = {CONFIG, LOG}
_SAMPLE = 64


@dataclass(frozen=True)
class Listing:
    """What a folder holds, as sorted paths: images, Parquet and tars at any depth, tables at its
    top.

    ``runs`` are the folders of runs within it, which are not looked into: their contact sheets
    and tables are no survey. ``compressed`` counts tars that cannot be read as they are.
    """

    images: tuple[Place, ...]
    parquet: tuple[Place, ...]
    tables: tuple[Place, ...]
    others: int
    runs: tuple[Place, ...]
    tars: tuple[Place, ...] = ()
    compressed: int = 0

    def catalog(self) -> Place | None:
        """The one table to use: the only one, or the only one called a catalog."""
        named = [t for t in self.tables if t.stem.lower() in ("catalog", "catalogue")]
        for choice in (list(self.tables), named):
            if len(choice) == 1:
                return choice[0]
        return None

    def left_out(self, used: str, catalog: Place | None = None) -> tuple[str, ...]:
        """What is there beside what is ``used``, ``images``, ``tars`` or ``Parquet``, for notes."""
        by_name = used == "images" and catalog is None
        parquet = set(self.parquet)
        tables = [t for t in self.tables if by_name or (t != catalog and t not in parquet)]
        named = set(self.tables) if by_name else {catalog}
        packed = {"images": len(parquet - named), "tars": len(parquet), "Parquet": 0}[used]
        apart = "were left out: give them in a folder of their own"
        notes = {
            f"none of the tables {listed(t.name for t in tables)} was used, only the {used}: to "
            "use one, give its path": len(tables),
            f"{self.others} files that are no images were left out": by_name and self.others,
            f"{len(self.tars)} tars {apart}": used != "tars" and len(self.tars),
            f"{packed} Parquet files {apart}": packed,
            f"{self.compressed} compressed tars were left out: unpack them": self.compressed,
        }
        return tuple(note for note, number in notes.items() if number)


def listing(folder: Place) -> Listing:
    """Sort a folder's files into images, Parquet, tars and tables; hidden ones are left out.

    Raises
    ------
    InputError
        The folder cannot be listed, or is itself the folder of a run.
    """
    images: list[Place] = []
    parquet: list[Place] = []
    tables: list[Place] = []
    tars: list[Place] = []
    runs: list[Place] = []
    others = compressed = 0
    for place, folders, files in walk(folder):
        if {path.name for path in files} >= _MARKS_OF_A_RUN:
            runs.append(place)
            folders.clear()
            continue
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        top = place == folder
        for path in sorted((p for p in files if not p.name.startswith(".")), key=lambda p: p.name):
            suffix = path.suffix.lower()
            if top and path.stem.lower() in ("catalog", "catalogue") and suffix in SUFFIXES:
                tables.append(path)
            elif suffix in IMAGE_SUFFIXES:
                images.append(path)
            elif SUFFIXES.get(suffix) == "Parquet":
                parquet.append(path)
                if top:
                    tables.append(path)
            elif top and suffix in SUFFIXES:
                tables.append(path)
            elif suffix == ".tar":
                tars.append(path)
            elif is_compressed_tar(path.name):
                compressed += 1
            else:
                others += 1
    if folder in runs:
        raise InputError(
            f"{folder} is the folder of a run of skerry; give the folder of images or the catalog"
        )
    return Listing(
        tuple(images), tuple(parquet), tuple(tables), others, tuple(runs), tuple(tars), compressed
    )


def is_compressed_tar(name: str) -> bool:
    """Whether a file is a tar that has to be unpacked first, by its name."""
    return name.lower().endswith((".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"))


def from_images(folder: Place, held: Listing) -> Found:
    """A survey of a folder of images: the id is the file's name without its suffix.

    Raises
    ------
    CatalogError
        Two images have the same name in different folders or formats.
    InputError
        A name is not UTF-8.
    """
    locations = pa.array([as_location(relative(p, folder)) for p in held.images], pa.string())
    stems = pa.array([p.stem for p in held.images], pa.string())
    ids = ids_as_text(stems, "file name", str(folder))
    require_unique(
        ids, str(folder), "rename the files, or put a catalog with id_str and file_loc beside them"
    )
    sources = make_sources(ids, locations).sort_by("id_str")
    choices = {"id": "file name without suffix", "image": "files of the folder"}
    return Found("files", sources, choices, (), ImageFiles(folder, sources["location"]))


def from_catalog(path: Place, config: SourcesConfig) -> Found:
    """A survey of image files that a catalog names, relative to the catalog's folder, or by
    addresses of their own.

    Raises
    ------
    CatalogError
        The table is unreadable or empty, lacks a column for ids or images, repeats an id, or
        has positions out of range.
    """
    return from_table(open_catalog(path), path.parent, str(path), (path,), config)


def from_table(
    catalog: Catalog, root: Place, where: str, files: tuple[Place, ...], config: SourcesConfig
) -> Found:
    """As :func:`from_catalog`, of an opened table, kept in ``files`` and called ``where``; its
    images lie relative to ``root``."""
    id_choice = choose("id", catalog.columns, config.id_column, where)
    image_choice = choose(
        "image", catalog.columns, config.image_column, where, catalog.of_type(textual) or [""]
    )
    columns = f"Columns: {listed(catalog.columns)}"
    if id_choice.column is None:
        raise CatalogError(f"{where} has no column of ids; set sources.id_column. {columns}")
    if image_choice.column is None:
        raise CatalogError(
            f"{where} has no column that names images; set sources.image_column. {columns}"
        )
    ra_choice, dec_choice, notes = choose_position(catalog, config, where)
    picked = {
        "id": id_choice, "image": image_choice, "ra": ra_choice, "dec": dec_choice
    }  # fmt: skip
    choices = {role: c.column for role, c in picked.items() if c.column is not None}
    table = catalog.load(list(choices.values()))
    if table.num_rows == 0:
        raise CatalogError(f"{where} has a header but no rows; expected one row a source")
    notes = [*id_choice.note("id"), *image_choice.note("image"), *notes]
    if set(choices) & {"ra", "dec"}:
        notes += _wrong_pair(choices)

    ids = _ids(table, choices, where)
    require_unique(ids, where, "remove the repeated rows, or set sources.id_column to another")
    location = _locations(table[choices["image"]], choices["image"], where)
    prefix = _folder_of_images(root, location)
    if prefix:
        notes.append(f"images were found in {prefix!r} beside the catalog, not relative to it")
        named = pc.and_(pc.not_equal(location, ""), pc.invert(pc.match_substring(location, "://")))
        location = pc.if_else(named, pc.binary_join_element_wise(prefix, location, "/"), location)
    ra = dec = None
    if "ra" in choices:
        ra, dec = (
            degrees(table[choices[c]], choices[c], where, catalog.units.get(choices[c], ""))
            for c in ("ra", "dec")
        )
        notes += checked_position(ra, dec, ids, where)
    sources = make_sources(ids, location, ra, dec).sort_by("id_str")
    reader = ImageFiles(root, sources["location"])
    return Found("files", sources, choices, tuple(notes), reader, files)


def _there(image: Place) -> bool:
    """Whether a file is there; a name that no file can have is that of none."""
    try:
        return image.is_file()
    except OSError:
        return False


def _ids(table: pa.Table, choices: dict[str, str], where: str) -> pa.Array:
    """The ids; where the user takes them from the names of images, folder and suffix go."""
    ids = ids_as_text(table[choices["id"]], choices["id"], where)
    if choices["id"] != choices["image"]:
        return ids
    choices["id"] = f"{choices['id']}, without folder and suffix"
    return ids_as_text(pa.array([PurePath(i).stem for i in ids.to_pylist()]), choices["id"], where)


def _wrong_pair(choices: dict[str, str]) -> list[str]:
    if choices.get("ra") != choices.get("dec"):
        return []
    raise CatalogError(f"ra and dec are both set to the column {choices['ra']!r}")


def _locations(column: pa.ChunkedArray, name: str, where: str) -> pa.Array:
    """Names of images as text, empty where there is none."""
    if not textual(column.type):
        raise CatalogError(
            f"{where}: column {name!r} is {column.type}; expected the names of image files"
        )
    text = pc.fill_null(pc.utf8_trim_whitespace(column.cast(pa.string())), "")
    return text.combine_chunks()


def _folder_of_images(root: Place, location: pa.Array) -> str:
    """The one folder beside the catalog that its images lie in, or '' where they lie as named.

    Catalogs often give bare file names. A sample is looked at, none of which lies as named.
    """
    sample = [at for at in location.slice(0, _SAMPLE).to_pylist() if at and "\0" not in at]
    sample = [at for at in sample if not is_address(at)]
    if not sample or any(_there(root / at) for at in sample):
        return ""
    folders = folders_of(root)
    holding = [f.name for f in folders if any(_there(f / at) for at in sample)]
    return as_location(PurePath(holding[0])) if len(holding) == 1 else ""
