"""What a finished run is used for: growing a class, and placing new sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from skerry.config import Config
from skerry.context import Context
from skerry.discover import Space, first_of_each, in_canonical_order
from skerry.discover.assign import Assigner
from skerry.discover.grow import grow as grow_class
from skerry.errors import InputError, RunError
from skerry.pipeline import status
from skerry.progress import OnEvent, silent
from skerry.represent.encode import encode, given
from skerry.store import nouns, read_manifest
from skerry.store.runfolder import RunFolder, open_folder, read_config
from skerry.surroundings import kept, members_of
from skerry.survey import open_survey
from skerry.types import Failure, FloatArray, RareClass, Representations

ASSIGNED_SCHEMA = pa.schema(
    [
        ("id_str", pa.string()),
        ("class_id", pa.string()),
        ("p_value", pa.float64()),
        ("nearest_class", pa.string()),
        ("distance_ratio", pa.float64()),
        ("failure", pa.string()),
    ]
)
"""``assign``: one row a new source. ``class_id`` is empty for none of them; ``failure`` says why
a source could not be read, else null."""


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

    @cached_property
    def searched(self) -> Representations:
        """What was searched: representations in canonical order, each vector once."""
        data = in_canonical_order(nouns.read_representations(self.path / "representations"))
        rows = first_of_each(data.vectors)
        return Representations(
            tuple(data.id_str[i] for i in rows),
            data.vectors[rows],
            data.votes[rows],
            data.sides[rows],
            data.vote_columns,
        )

    def grow(self, class_id: str, limit: int = 100) -> list[dict[str, Any]]:
        """The most likely further members of a class, best first.

        Returns
        -------
        list of dict
            ``order`` from 1, ``id_str``, ``score`` (a conformal p-value, ``discover.grow``) and
            ``class_id``: the class the source is in already, or empty.

        Raises
        ------
        InputError
            The run has no such class.
        """
        by_id = {rare.class_id: rare for rare in self.classes}
        if class_id not in by_id:
            known = ", ".join(list(by_id)[:10]) or "none"
            raise InputError(f"{self.path} has no class {class_id!r}; its classes: {known}")
        ids = self.searched.id_str
        graph = nouns.read_graph(self.path / "neighbors")
        space = Space(self.searched.vectors, graph, self.config.neighbors)
        rows, scores = grow_class(space, members_of([by_id[class_id]], ids)[0], limit)
        owner = {m: rare.class_id for rare in kept(self.classes) for m in rare.members}
        return [
            {"order": i, "id_str": ids[r], "score": float(s), "class_id": owner.get(ids[r], "")}
            for i, (r, s) in enumerate(zip(rows, scores, strict=True), start=1)
        ]

    def assign(
        self, new: str | Path, *, threads: int = 0, on_event: OnEvent = silent
    ) -> tuple[pa.Table, list[dict[str, Any]]]:
        """Place the sources of another survey into the classes of this run, or into none.

        Every source is placed by itself: part of a survey gets what it got in the whole.

        Returns
        -------
        table
            ``ASSIGNED_SCHEMA``, in the order of the input.
        calibration
            For each class ``class_id``, ``kept`` and ``false_rate`` (``discover.assign``).

        Raises
        ------
        SkerryError
            The run has no class, the input cannot be read, or the encoder is not the run's.
        """
        found = kept(self.classes)
        if not found:
            raise InputError(
                f"{self.path} has no class that was not rejected, so that nothing can be placed"
            )
        data = self.encoded(Path(new), threads, on_event)
        assigner = Assigner.fit(self.searched.vectors, members_of(found, self.searched.id_str))
        table = _assigned(assigner, [rare.class_id for rare in found], data)
        calibration = [
            {"class_id": rare.class_id, "kept": known.kept, "false_rate": known.false_rate}
            for rare, known in zip(found, assigner.classes, strict=True)
        ]
        return table, calibration

    def encoded(self, new: Path, threads: int, on_event: OnEvent) -> Representations:
        """The representations of another survey, by this run's encoder and settings."""
        survey = open_survey(new, self.config.sources)
        context = Context(RunFolder(self.path, str(new)), survey, self.config, on_event, threads)
        made = read_manifest(self.path / "representations")
        before = made.inputs.get("encoder") if made else None
        encoder = context.encoder
        if before != (encoder.sha256 if encoder else "given"):
            raise InputError(
                f"the run in {self.path} was made from {_what(before)}, {new} would be from "
                f"{_what(encoder.sha256 if encoder else 'given')}; give what the run was given"
            )
        total, size = len(survey.sources), self.config.representations.shard_size
        shards = [range(s, min(s + size, total)) for s in range(0, total, size)]

        def told(done: int) -> None:
            on_event("encoding", done, total)

        crop = self.config.representations.crop
        stream = (
            given(survey, shards, on_event=told)
            if encoder is None
            else encode(
                survey, encoder, shards, contract=context.contract, crop=crop, threads=threads,
                on_event=told,
            )
        )  # fmt: skip
        parts = [part for _, part in sorted(stream, key=lambda pair: pair[0])]
        return _joined(parts, survey.sources["id_str"].to_pylist())


def _what(encoder: str | None) -> str:
    return "given representations" if encoder == "given" else f"images by the encoder {encoder}"


def _joined(parts: Sequence[Representations], ids: Sequence[str]) -> Representations:
    """All parts as one, in the order of ``ids``."""
    place = {name: i for i, name in enumerate(ids)}
    names = [name for part in parts for name in part.id_str]
    order = sorted(range(len(names)), key=lambda i: place[names[i]])
    failures: list[Failure] = [failure for part in parts for failure in part.failures]
    return Representations(
        tuple(names[i] for i in order),
        np.concatenate([part.vectors for part in parts])[order],
        np.concatenate([part.votes for part in parts])[order],
        np.concatenate([part.sides for part in parts])[order],
        parts[0].vote_columns,
        tuple(failures),
    )


def _assigned(assigner: Assigner, class_ids: Sequence[str], data: Representations) -> pa.Table:
    vectors: FloatArray = data.vectors
    told = assigner.assign(vectors)
    names = np.array([*class_ids, ""], dtype=object)
    failed = len(data.failures)
    columns = {
        "id_str": [*data.id_str, *(f.id_str for f in data.failures)],
        "class_id": [*names[told.label], *[""] * failed],
        "p_value": [*told.p_value.tolist(), *[None] * failed],
        "nearest_class": [*names[told.nearest], *[""] * failed],
        "distance_ratio": [*told.distance.tolist(), *[None] * failed],
        "failure": [*[None] * len(data), *(f.reason for f in data.failures)],
    }
    return pa.table(columns, schema=ASSIGNED_SCHEMA)
