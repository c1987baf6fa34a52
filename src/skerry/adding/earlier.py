"""What a run takes from the finished one that a survey is added to, in place of making it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skerry.config import Config, NeighborsConfig
from skerry.discover.joining import KnownGraph
from skerry.store import encoded, nouns, read_manifest, read_table
from skerry.store.runfolder import read_config

_OWN = ("input", "sources", "representations", "format")
"""What shards are made under that tells one run from another and nothing of how they are made."""


@dataclass(frozen=True)
class Earlier:
    """The finished run in ``path``."""

    path: Path

    @property
    def config(self) -> Config:
        """Its settings."""
        return read_config(self.path)

    def made_by(self, stage: str) -> dict[str, str]:
        """What the shards of a stage were made by: the encoder and how it computed."""
        manifest = read_manifest(self.path / stage)
        return maker(manifest.inputs) if manifest is not None else {}

    def shards(self, stage: str, made_by: Mapping[str, str]) -> list[Path]:
        """The shards of a stage, in order; none where they were made by something else."""
        if self.made_by(stage) != dict(made_by):
            return []
        return encoded.shard_paths(self.path / stage)

    def graph(
        self, ids: Sequence[str], places: Sequence[int], config: NeighborsConfig
    ) -> KnownGraph | None:
        """Its neighbor graph, as rows of a new one; None where it is not exact, or too narrow.

        Parameters
        ----------
        ids, places : all sources of the new run, and the row of each one's vector in its graph
        config : how the new graph is made
        """
        manifest = read_manifest(self.path / "neighbors")
        exact = manifest is not None and manifest.counts.get("exact", False)
        if not exact or self.config.neighbors.k < config.k:
            return None
        place = dict(zip(ids, places, strict=True))
        names = read_table(self.path / "neighbors" / "ids.parquet")["id_str"].to_pylist()
        if not all(name in place for name in names):
            return None
        rows = np.array([place[name] for name in names], dtype=np.int64)
        # the canonical order goes by content: what was in order stays so among more
        if not (np.diff(rows) > 0).all():
            return None
        graph = nouns.read_graph(self.path / "neighbors")
        k = config.k
        return KnownGraph(rows, rows[graph.indices[:, :k]], graph.distances[:, :k])


def maker(inputs: Mapping[str, str]) -> dict[str, str]:
    """Of what a stage of shards depends on, what they are made by."""
    return {name: value for name, value in inputs.items() if name not in _OWN}
