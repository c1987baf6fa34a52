"""What a run has that can be reviewed: its classes with their members, and its sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from skerry.errors import InputError
from skerry.store import encoded, nouns, read_table
from skerry.store.runfolder import open_folder


@dataclass(frozen=True)
class Known:
    """The classes and sources of a run, read when asked for.

    Raises
    ------
    RunError
        There is no run in ``run``, or it has no classes yet.
    """

    run: Path

    def __post_init__(self) -> None:
        open_folder(self.run)

    @cached_property
    def classes(self) -> Mapping[str, tuple[str, ...]]:
        """By id the members of each class, most central first; by rank."""
        found = nouns.read_classes(self.run / "classes" / "classes.json")
        return {rare.class_id: rare.members for rare in found}

    @cached_property
    def sources(self) -> frozenset[str]:
        """The ids of all sources, those that could not be read too."""
        table = read_table(self.run / "sources" / "sources.parquet", ["id_str"])
        return frozenset(table["id_str"].to_pylist())

    @cached_property
    def failed(self) -> Mapping[str, str]:
        """Why each source that could not be read could not."""
        found = encoded.read_failures(self.run / "representations" / "failures.parquet")
        return {failure.id_str: failure.reason for failure in found}

    def require_class(self, class_id: str) -> None:
        """Check that the run has a class.

        Raises
        ------
        InputError
            It has not; names those it has.
        """
        if not class_id:
            raise InputError(f"no class is named; the classes of {self.run}: {self._listed()}")
        if class_id not in self.classes:
            raise InputError(f"{self.run} has no class {class_id!r}; its classes: {self._listed()}")

    def _listed(self) -> str:
        return some(self.classes)

    def require_source(self, id_str: str) -> None:
        """Check that the run has a source.

        Raises
        ------
        InputError
            It has not; says what its ids look like.
        """
        if id_str not in self.sources:
            raise InputError(
                f"{self.run} has no source {id_str!r}; it has {len(self.sources)}, as "
                f"{', '.join(sorted(self.sources)[:3])} (sources/sources.parquet lists all)"
            )


def some(names: Iterable[str], most: int = 10) -> str:
    """The first few of some names, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return (", ".join(listed[:most]) or "none") + more
