"""A finished run, opened to be used."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from skerry.config import Config
from skerry.discover import Space, read_in_order
from skerry.discover.assign import Assigner
from skerry.discover.classes import members_of
from skerry.discover.grow import grow as grow_class
from skerry.errors import ConfigError, InputError, RunError
from skerry.pipeline import status
from skerry.progress import OnEvent, silent
from skerry.review import corrected, open_reviews
from skerry.review.known import Known
from skerry.store import nouns, read_table, write_bytes
from skerry.store.runfolder import open_folder, read_config
from skerry.surroundings import kept
from skerry.types import FloatArray, IntArray, RareClass
from skerry.using.imaged import sheet_of, vector_of
from skerry.using.on_sky import nearest_on_sky
from skerry.using.placing import Placed, open_new, place, require_dimensions
from skerry.using.similar import Similar, SimilarIndex
from skerry.using.tables import GROWN_SCHEMA


@dataclass(frozen=True)
class Finished:
    """A finished run, opened to be used.

    Raises
    ------
    RunError
        There is no run in ``path``, or it has not ended.
    """

    path: Path

    def __post_init__(self) -> None:
        open_folder(self.path)
        waiting = [
            k for k, stage in status(self.path)["stages"].items() if stage["state"] != "done"
        ]
        if waiting:
            raise RunError(
                f"the run in {self.path} has not ended ({', '.join(waiting)} missing or out of "
                "date); start what made it again, with the same input, folder and settings"
            )

    @cached_property
    def config(self) -> Config:
        """Its settings."""
        return read_config(self.path)

    @cached_property
    def classes(self) -> tuple[RareClass, ...]:
        """Its classes, rejected candidates too."""
        return nouns.read_classes(self.path / "classes" / "classes.json")

    def class_of(self, class_id: str) -> RareClass:
        """The class of this id.

        Raises
        ------
        InputError
            The run has no such class; names those it has.
        """
        by_id = {rare.class_id: rare for rare in self.classes}
        if class_id not in by_id:
            known = ", ".join(list(by_id)[:10]) or "none"
            more = f" and {len(by_id) - 10} more" if len(by_id) > 10 else ""
            raise InputError(f"{self.path} has no class {class_id!r}; its classes: {known}{more}")
        return by_id[class_id]

    @cached_property
    def _searched(self) -> tuple[FloatArray, list[tuple[str, ...]]]:
        """The vectors searched, each once, and the ids of all sources that have each."""
        data = read_in_order(self.path / "representations")
        alike = [data.id_str[a:b] for a, b in zip(data.firsts, data.ends, strict=True)]
        return data.vectors, alike

    def _rows(self, *classes: RareClass) -> list[IntArray]:
        return members_of(classes, [names[0] for names in self._searched[1]])

    def grow(self, class_id: str, limit: int = 100, *, reviewed: bool = False) -> pa.Table:
        """The most likely further members of a class, best first: ``GROWN_SCHEMA``.

        Of sources with the same vector each is listed, with the same score.

        Parameters
        ----------
        reviewed : grow from the class as it was reviewed (``skerry.review.corrected``): with the
            members of classes merged into it and the endorsed sources outside, without the
            dismissed ones, which are not proposed again

        Raises
        ------
        InputError
            The run has no such class; or, as reviewed, it is merged into another or has fewer
            than two members left.
        ConfigError
            ``limit`` is below 1.
        """
        rare = self.class_of(class_id)
        if limit < 1:
            raise ConfigError(f"limit is {limit}; expected 1 source or more")
        vectors, alike = self._searched
        space = Space(vectors, nouns.read_graph(self.path / "neighbors"), self.config.neighbors)
        members, dismissed = self._reviewed(class_id) if reviewed else (self._rows(rare)[0], set())
        rows, scores = grow_class(space, members, limit + len(dismissed))
        proposed = [(n, s) for r, s in zip(rows, scores, strict=True) for n in alike[r]]
        found = [(name, score) for name, score in proposed if name not in dismissed][:limit]
        owner = self._owner
        columns = {
            "order": np.arange(1, len(found) + 1),
            "id_str": [name for name, _ in found],
            "score": [float(score) for _, score in found],
            "class_id": [owner.get(name, "") for name, _ in found],
        }
        return pa.table(columns, schema=GROWN_SCHEMA)

    def _reviewed(self, class_id: str) -> tuple[IntArray, frozenset[str]]:
        """The rows of a class as it was reviewed, and the sources dismissed from it."""
        found = corrected(class_id, self.classes, open_reviews(self.path).state())
        row_of = {name: i for i, names in enumerate(self._searched[1]) for name in names}
        rows = list(dict.fromkeys(row_of[m] for m in found.members if m in row_of))
        if len(rows) < 2:
            raise InputError(
                f"{class_id} has {len(rows)} distinct members after the reviews; expected 2 or "
                "more: endorse some sources, or undo a dismissal"
            )
        return np.array(rows, np.int64), found.dismissed

    @cached_property
    def _owner(self) -> dict[str, str]:
        """The class of each member of those that were not rejected."""
        return {m: rare.class_id for rare in kept(self.classes) for m in rare.members}

    @cached_property
    def _index(self) -> SimilarIndex:
        vectors, alike = self._searched
        graph = nouns.read_graph(self.path / "neighbors")
        table = read_table(self.path / "sources" / "sources.parquet", ["id_str", "ra", "dec"])
        ra, dec = (table[name].cast(pa.float64()).to_numpy() for name in ("ra", "dec"))
        at = dict(zip(table["id_str"].to_pylist(), zip(ra, dec, strict=True), strict=True))
        settings = self.config.neighbors
        exact = len(vectors) <= settings.exact_below or settings.device != "cpu"
        positions = {name: at[name] for names in alike for name in names}
        return SimilarIndex(vectors, alike, graph, exact, self._owner, positions)

    @cached_property
    def _ids(self) -> tuple[str, ...]:
        return tuple(name for names in self._searched[1] for name in names)

    def similar(
        self,
        id_str: str | None = None,
        *,
        image: str | Path | None = None,
        position: tuple[float, float] | None = None,
        radius: float = 5.0,
        limit: int = 20,
    ) -> Similar:
        """The sources nearest to one, or to an image, in the space of the representations.

        Parameters
        ----------
        id_str : a source of the run
        image : a JPEG, PNG or FITS file, encoded as the run's images were
        position : ra and dec, degrees, ICRS: of the source nearest to it
        radius : arcsec, within which that has to lie
        limit : how many at most

        Returns
        -------
        Similar
            ``SIMILAR_SCHEMA``, nearest first, of equal distances by id; a source never lists
            itself, but other sources with its very vector, at distance 0.

        Raises
        ------
        InputError
            No such source, none at the position, or the image cannot be read or compared.
        ConfigError
            ``limit`` is below 1, the position is none, or not one of the three is given.
        ContractError
            The image is not what the encoder expects.
        """
        if sum(given is not None for given in (id_str, image, position)) != 1:
            raise ConfigError("give one of an id, an image and a position to look for")
        if limit < 1:
            raise ConfigError(f"limit is {limit}; expected 1 source or more")
        if image is not None:
            vector, warnings = vector_of(self.path, self.config, Path(image))
            found = self._index.of_vector(vector, limit)
            return Similar(found, {"by": "image", "image": str(image)}, warnings)
        query: dict[str, Any] = {"by": "id", "id_str": id_str}
        if position is not None:
            ra, dec = position
            id_str, separation = nearest_on_sky(self._index.positions, ra, dec, radius)
            query = {"by": "position", "ra": ra, "dec": dec, "id_str": id_str}
            query["separation"] = separation
        assert id_str is not None
        try:
            return Similar(self._index.of_source(id_str, limit), query)
        except InputError:
            failed = Known(self.path).failed
            if id_str not in failed:
                raise
            raise InputError(
                f"{id_str} could not be read ({failed[id_str]}), so that it has no representation; "
                "give another source, or an image"
            ) from None

    def similar_to_row(self, row: int, limit: int = 20) -> pa.Table:
        """As :meth:`similar`, of the source in a row of ``embedding/embedding.parquet``
        (``Run.ids``): ``SIMILAR_SCHEMA``.

        For interactive use: the first call reads the run, the others take milliseconds.

        Raises
        ------
        InputError
            There is no such row.
        ConfigError
            ``limit`` is below 1.
        """
        if not 0 <= row < len(self._ids):
            raise InputError(f"no row {row}; expected 0 to {len(self._ids) - 1}")
        return self._index.of_source(self._ids[row], limit)

    def write_sheet(self, path: Path, similar: Similar) -> None:
        """Write a contact sheet of a query and what is like it, as JPEG.

        Raises
        ------
        InputError
            The run's images are not where they were.
        ConfigError
            The run was made from representations.
        DiskError
            The file cannot be written.
        """
        write_bytes(path, sheet_of(self.path, self.config, similar))

    def assign(
        self,
        new: str | Path,
        config: Config | None = None,
        *,
        threads: int = 0,
        on_event: OnEvent = silent,
    ) -> Placed:
        """Place the sources of another survey into the classes of this run, or into none.

        Every source is placed by itself: part of a survey gets what it got in the whole.

        Parameters
        ----------
        config : this run's settings, with other ``sources``, ``representations.crop`` or
            ``representations.accept`` where the new survey asks for them; None: the run's
        threads : how many encode, 0 for all; changes no result

        Raises
        ------
        SkerryError
            The run has no class that was not rejected, the input or the settings cannot be used,
            or the representations would be of another encoder than the run's.
        """
        found = kept(self.classes)
        if not found:
            raise InputError(
                f"{self.path} has no class that was not rejected, so that nothing can be placed; "
                "give a run that has one"
            )
        # a survey that cannot be used ends it here, before anything long
        context = open_new(self.path, Path(new), self.config, config, threads, on_event)
        vectors, _ = self._searched
        require_dimensions(context, vectors.shape[1])
        on_event("calibrating", 0, 1)
        assigner = Assigner.fit(vectors, self._rows(*found))
        on_event("calibrating", 1, 1)
        return place(context, self.config, found, assigner)
