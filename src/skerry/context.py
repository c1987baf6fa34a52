"""What the stages of one run share: each noun is read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from skerry.adding.earlier import Earlier
from skerry.adding.joint import parts_of
from skerry.backends import parallel
from skerry.config import Config
from skerry.discover import Ordered, Space, read_in_order, space_of
from skerry.discover.lineage import Known
from skerry.errors import ConfigError, InputError
from skerry.executors.executor import Executor
from skerry.executors.local import Local
from skerry.progress import OnEvent
from skerry.represent.contract import hold
from skerry.represent.encoder import Encoder, load
from skerry.store import encoded, nouns, read_manifest
from skerry.store.runfolder import RunFolder
from skerry.store.tables import rows_named
from skerry.survey import Facts, Survey, facts, view
from skerry.types import ByteArray, Contract, Failure, FloatArray, IntArray

VIEW_SIZE = 128
"""Side in pixels of the cutouts in sheets and report."""


@dataclass
class Context:
    """One run at work; each noun is read once, when first asked for.

    Images are encoded, featureless data searched and searches repeated by ``executor``, on
    ``threads`` here or in each of its tasks.
    ``earlier`` is the run that an input is added to, of which what is the same is taken.
    """

    folder: RunFolder
    survey: Survey
    config: Config
    on_event: OnEvent
    threads: int = 0
    executor: Executor = field(default_factory=Local)
    earlier: Earlier | None = None

    def path(self, stage: str) -> Path:
        """The folder of a stage."""
        return self.folder.path / stage

    def counts(self, stage: str) -> dict[str, Any]:
        """What a stage counted; nothing where it has not ended."""
        manifest = read_manifest(self.path(stage))
        return dict(manifest.counts) if manifest is not None else {}

    @property
    def distinct(self) -> int:
        """How many vectors are searched, each once, by what stages counted: none is read for it."""
        represented = self.counts("representations").get("represented", 0)
        return int(represented - self.counts("neighbors").get("copies", 0))

    @cached_property
    def fingerprint(self) -> str:
        """Of the input, by its sources and the size and time of change of its files."""
        return self.survey.fingerprint()

    @cached_property
    def encoder(self) -> Encoder | None:
        """The encoder, None for a table of representations."""
        if self.survey.kind == "vectors":
            return None
        return load(self.config.representations.encoder)

    @cached_property
    def facts(self) -> Facts:
        """What the survey's images say of themselves: of several inputs those of the first."""
        return facts(parts_of(self.survey)[0], self.config.sources)

    @cached_property
    def image_notes(self) -> tuple[str, ...]:
        """What a user must know of the images of each input, as a sample of them shows."""
        others = parts_of(self.survey)[1:]
        told = [
            *self.facts.notes,
            *(n for s in others for n in facts(s, self.config.sources).notes),
        ]
        return tuple(dict.fromkeys(told))

    @cached_property
    def contract(self) -> Contract | None:
        """The encoder's contract, held against the survey; None for representations.

        Raises
        ------
        ContractError
            The images are not what the encoder expects.
        """
        return self._held(self.encoder)

    @cached_property
    def second_encoder(self) -> Encoder | None:
        """The second encoder, None where none is set.

        Raises
        ------
        ConfigError
            One is set, but the survey is a table of representations.
        """
        name = self.config.replication.encoder
        if not name:
            return None
        if self.survey.kind == "vectors":
            raise ConfigError(
                f"replication.encoder = {name}: {self.survey.path} holds representations, not "
                "images; leave it empty or give the images"
            )
        return load(name)

    @cached_property
    def second_contract(self) -> Contract | None:
        """The second encoder's contract, held against the survey.

        Raises
        ------
        ContractError
            The images are not what it expects.
        """
        return self._held(self.second_encoder)

    def _held(self, encoder: Encoder | None) -> Contract | None:
        if encoder is None:
            return None
        settings = self.config.representations
        return hold(encoder.contract, self.facts, encoder.name, settings.crop, settings.accept)

    @cached_property
    def representations(self) -> Ordered:
        """All sources in canonical order: by content, so that names do not matter."""
        self.on_event("putting in order", 0, 1)
        ordered = read_in_order(self.path("representations"))
        parallel.give_back()
        self.on_event("putting in order", 1, 1)
        return ordered

    @property
    def firsts(self) -> IntArray:
        """Rows of :attr:`representations` that are searched: of identical vectors the first."""
        return self.representations.firsts

    @property
    def vectors(self) -> FloatArray:
        """The vectors that are searched, float32 (n, d)."""
        return self.representations.vectors

    @cached_property
    def searched(self) -> tuple[str, ...]:
        """Ids of the rows that are searched."""
        return self.representations.searched

    @cached_property
    def places(self) -> IntArray:
        """For each row of :attr:`representations` its position among those searched."""
        starts = np.zeros(len(self.representations), dtype=np.int64)
        starts[self.firsts] = 1
        return np.cumsum(starts) - 1

    @cached_property
    def copies(self) -> dict[str, tuple[str, ...]]:
        """Sources whose vector is that of a searched one, by its id."""
        ids, firsts, ends = self.representations.id_str, self.firsts, self.representations.ends
        several = np.flatnonzero(ends - firsts > 1)
        return {ids[firsts[i]]: ids[firsts[i] + 1 : ends[i]] for i in several}

    @cached_property
    def space(self) -> Space:
        """The searched vectors with the neighbor graph of the run."""
        graph = nouns.read_graph(self.path("neighbors"))
        return Space(self.vectors, graph, self.config.neighbors)

    @cached_property
    def previous(self) -> tuple[list[Known], set[str]]:
        """Classes and ids of all sources of the previous run; empty where none is named.

        Raises
        ------
        ConfigError
            It has no classes, or is this very run.
        RunError
            Its files are damaged.
        """
        run = self.config.classes.previous
        if not run:
            return [], set()
        if Path(run).resolve() == self.folder.path.resolve():
            raise ConfigError(
                f"classes.previous = {run} is the folder of this very run; expected that of an "
                "earlier one: choose another folder with -o"
            )
        known = nouns.read_classes(classes_file(run))
        ids = nouns.read_embedding_ids(Path(run) / "embedding" / "embedding.parquet")
        return [Known(rare.class_id, frozenset(rare.members)) for rare in known], set(ids)

    @cached_property
    def second_space(self) -> Space | None:
        """The searched sources as the second encoder sees them, None where none is set.

        Raises
        ------
        InputError
            The second encoder gave no vector to some of them.
        """
        if self.second_encoder is None:
            return None
        data = encoded.read_representations(self.path("second"))
        row = {name: i for i, name in enumerate(data.id_str)}
        absent = [name for name in self.searched if name not in row]
        if absent:
            raise InputError(
                f"{self.second_encoder.name} gave {len(absent)} sources no vector, as "
                f"{absent[0]}: see {self.path('second') / 'failures.parquet'}"
            )
        rows = [row[name] for name in self.searched]
        return space_of(data.vectors[rows], self.config.neighbors)

    def views(self, ids: Sequence[str]) -> dict[str, ByteArray]:
        """Cutouts to look at, by id, read in one pass.

        Raises
        ------
        InputError
            One could be read before and cannot now.
        """
        contract = self.contract
        if contract is None:
            return {}
        rows = sorted(rows_named(self.survey.sources["id_str"], ids).values())
        chosen = self.survey.sources.take(pa.array(rows, pa.int64())).to_pylist()
        found = {}
        for source, raw in zip(chosen, self.survey.images(rows), strict=True):
            if isinstance(raw, Failure):
                raise InputError(
                    f"{raw.location} was readable before, now it is not: {raw.reason}; put it back "
                    "as it was, or start the same command again, which lists it as a failure"
                )
            found[source["id_str"]] = view(
                raw, source["location"], VIEW_SIZE, contract, self.config.representations.crop
            )
        return found


def classes_file(run: str | Path) -> Path:
    """Where a run keeps its classes.

    Raises
    ------
    ConfigError
        It has none.
    """
    path = Path(run) / "classes" / "classes.json"
    if not path.is_file():
        raise ConfigError(
            f"classes.previous = {run}: no {path}; expected the folder of a finished run"
        )
    return path
