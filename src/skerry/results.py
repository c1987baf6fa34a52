"""A finished run as a Python object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skerry import pipeline
from skerry.config import Config
from skerry.store.encoded import read_failures
from skerry.store.nouns import read_classes, read_embedding, read_embedding_ids
from skerry.store.runfolder import read_config
from skerry.types import Embedding, Failure, RareClass
from skerry.using import Finished, as_table

if TYPE_CHECKING:
    import pandas as pd
    from astropy.table import Table

    from skerry.notebook import ClassView, Figures
    from skerry.review import Kind, Reviews


@dataclass(frozen=True)
class Run:
    """A complete run's folder, read when asked."""

    path: Path

    @cached_property
    def config(self) -> Config:
        """The resolved settings."""
        return read_config(self.path)

    @cached_property
    def rare_classes(self) -> tuple[RareClass, ...]:
        """The classes as objects, by rank."""
        return read_classes(self.path / "classes" / "classes.json")

    @cached_property
    def failures(self) -> tuple[Failure, ...]:
        """Sources that could not be read."""
        return read_failures(self.path / "representations" / "failures.parquet")

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Ids in the order of :attr:`embedding`."""
        return read_embedding_ids(self.path / "embedding" / "embedding.parquet")

    @cached_property
    def embedding(self) -> Embedding:
        """UMAP coordinates of each of :attr:`ids`."""
        return read_embedding(self.path / "embedding" / "embedding.parquet")

    @property
    def classes(self) -> Table:
        """One row a class, with units and descriptions."""
        return self._product("classes")

    @property
    def members(self) -> Table:
        """One row a member of a class."""
        return self._product("members")

    @property
    def checks(self) -> Table:
        """One row a check of a class; empty where none was made."""
        return self._product("checks")

    @property
    def unclustered(self) -> Table:
        """One row a source in no class: the nearest class, how far outside, and why."""
        return self._product("unclustered")

    def frame(self, name: str) -> pd.DataFrame:
        """``classes``, ``members``, ``checks`` or ``unclustered`` as a pandas DataFrame.

        Raises
        ------
        ConfigError
            There is no such table, or pandas is not installed.
        """
        from skerry.notebook import frame

        return frame(self.path, name)

    @cached_property
    def figures(self) -> Figures:
        """The figures of the report: ``run.figures.map()`` and so on."""
        from skerry.notebook import Figures

        return Figures(self.path, self.config)

    def __getitem__(self, class_id: str) -> ClassView:
        """A class by its id, which a notebook shows with its images.

        Raises
        ------
        InputError
            The run has no such class; names those it has.
        """
        from skerry.notebook import ClassView

        return ClassView(self._finished.class_of(class_id), self.path, self.config)

    # a run is looked into by class_id: without this Python would try 0, 1, 2...
    __iter__ = None

    @cached_property
    def _finished(self) -> Finished:
        return Finished(self.path)

    def grow(self, class_id: str, limit: int = 100, *, reviewed: bool = False) -> Table:
        """The sources most likely to be further members of a class, best first:
        ``using.GROWN_SCHEMA``. ``reviewed``: of the class as it was reviewed.

        Raises
        ------
        InputError
            The run has no such class; or none that can be grown, as it was reviewed.
        ConfigError
            ``limit`` is below 1.
        """
        return as_table(self._finished.grow(class_id, limit, reviewed=reviewed))

    def similar(
        self,
        id_str: str | None = None,
        *,
        image: str | Path | None = None,
        position: tuple[float, float] | None = None,
        radius: float = 5.0,
        limit: int = 20,
    ) -> Table:
        """The sources most like one, like an image, or like the one at a position (degrees,
        within ``radius`` arcsec): ``using.SIMILAR_SCHEMA``.

        ``meta`` of the table has ``query``, what was asked, and ``warnings``.

        Raises
        ------
        SkerryError
            As ``using.Finished.similar``.
        """
        found = self._finished.similar(
            id_str, image=image, position=position, radius=radius, limit=limit
        )
        table = as_table(found.sources)
        table.meta = {"query": dict(found.query), "warnings": list(found.warnings)}
        return table

    @property
    def reviews(self) -> Reviews:
        """What people said of the classes and their members, as it stands now."""
        from skerry.review import open_reviews

        return open_reviews(self.path).state()

    def review(
        self,
        kind: Kind,
        class_id: str = "",
        id_str: str = "",
        *,
        text: str = "",
        others: Sequence[str] = (),
        parts: Mapping[str, Sequence[str]] | None = None,
        undoes: int = 0,
        by: str = "",
    ) -> Reviews:
        """Log a review, and tell what stands after it.

        Parameters
        ----------
        kind : name, endorse, dismiss, note, merge, split or undo
        class_id, id_str : the class, and where it is about one source of it, the source
        text : the name, the note, or a reason
        others : of ``merge``, the classes that become part of ``class_id``
        parts : of ``split``, the members of each part by its name
        undoes : of ``undo``, the number of what it takes back, 0 for the last
        by : who; empty for the user at work

        Raises
        ------
        SkerryError
            As ``review.ReviewLog.append``.
        """
        from skerry.review import Action, open_reviews

        log = open_reviews(self.path)
        split = tuple((name, tuple(ids)) for name, ids in (parts or {}).items())
        log.append(Action(kind, class_id, id_str, text, tuple(others), split, undoes, by))
        return log.state()

    def assign(self, new: str | Path, config: Config | None = None) -> Table:
        """Other sources placed into the classes of this run: ``using.ASSIGNED_SCHEMA``.

        ``config``: this run's settings with other ``sources``, ``representations.crop`` or
        ``representations.accept``, where the new survey asks for them. ``meta`` of the table
        has ``classes``, the calibration of each, and ``warnings``.

        Raises
        ------
        SkerryError
            As ``using.Finished.assign``.
        """
        placed = self._finished.assign(new, config)
        table = as_table(placed.sources)
        table.meta = {"classes": placed.classes, "warnings": placed.warnings}
        return table

    def status(self) -> dict[str, Any]:
        """As :func:`skerry.status`."""
        return pipeline.status(self.path)

    def _product(self, name: str) -> Table:
        from skerry.notebook.products import product

        return product(self.path, name)

    def _repr_html_(self) -> str:
        from skerry.notebook import overview

        return overview(self.path)

    def _ipython_key_completions_(self) -> list[str]:
        return [rare.class_id for rare in self.rare_classes]


def open(path: str | Path) -> Run:
    """Open a complete run.

    Raises
    ------
    RunError
        There is no run in the folder, or it has not ended.
    """
    return Run(Finished(Path(path)).path)
