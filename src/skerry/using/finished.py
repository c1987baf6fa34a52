"""A finished run, opened to be used."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from skerry.config import Config
from skerry.discover import Space, first_of_each, in_canonical_order
from skerry.discover.assign import Assigner
from skerry.discover.grow import grow as grow_class
from skerry.errors import ConfigError, InputError, RunError
from skerry.pipeline import status
from skerry.progress import OnEvent, silent
from skerry.store import nouns
from skerry.store.runfolder import open_folder, read_config
from skerry.surroundings import kept, members_of
from skerry.types import FloatArray, IntArray, RareClass
from skerry.using.placing import Placed, open_new, place, require_dimensions
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
                "date); start 'skerry run' again with the same input and folder"
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
        data = in_canonical_order(nouns.read_representations(self.path / "representations"))
        firsts = first_of_each(data.vectors)
        ends = [*firsts[1:], len(data)]
        alike = [data.id_str[a:b] for a, b in zip(firsts, ends, strict=True)]
        return data.vectors[firsts], alike

    def _rows(self, *classes: RareClass) -> list[IntArray]:
        return members_of(classes, [names[0] for names in self._searched[1]])

    def grow(self, class_id: str, limit: int = 100) -> pa.Table:
        """The most likely further members of a class, best first: ``GROWN_SCHEMA``.

        Of sources with the same vector each is listed, with the same score.

        Raises
        ------
        InputError
            The run has no such class.
        ConfigError
            ``limit`` is below 1.
        """
        rare = self.class_of(class_id)
        if limit < 1:
            raise ConfigError(f"limit is {limit}; expected 1 source or more")
        vectors, alike = self._searched
        space = Space(vectors, nouns.read_graph(self.path / "neighbors"), self.config.neighbors)
        rows, scores = grow_class(space, self._rows(rare)[0], limit)
        found = [(n, s) for r, s in zip(rows, scores, strict=True) for n in alike[r]][:limit]
        owner = {m: other.class_id for other in kept(self.classes) for m in other.members}
        columns = {
            "order": np.arange(1, len(found) + 1),
            "id_str": [name for name, _ in found],
            "score": [float(score) for _, score in found],
            "class_id": [owner.get(name, "") for name, _ in found],
        }
        return pa.table(columns, schema=GROWN_SCHEMA)

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
