"""A finished run, opened so that its search can be made again with sources planted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from skerry.config import Config
from skerry.dependencies import settings_of
from skerry.discover import Space, kinds_of, read_in_order
from skerry.discover.classes import members_of
from skerry.errors import ConfigError, RunError
from skerry.pipeline import require_gpu
from skerry.store import Manifest, nouns, read_manifest
from skerry.surroundings import kept
from skerry.types import IntArray, Measures
from skerry.using import Finished


@dataclass(frozen=True)
class Opened:
    """What a finished run searched, and what it judged by.

    ``space`` holds its distinct vectors in canonical order with their graph, ``ids`` the first
    id that has each, ``own`` the rows by which each class was judged that was not rejected,
    ``nulls`` the measures of what each null search found, by kind.
    """

    path: Path
    config: Config
    space: Space
    ids: tuple[str, ...]
    own: tuple[IntArray, ...]
    nulls: dict[str, list[Measures]]

    def __len__(self) -> int:
        return len(self.space)

    def manifest(self, stage: str) -> Manifest:
        """What a stage of the run says of itself."""
        found = read_manifest(self.path / stage)
        if found is None:
            raise RunError(f"{self.path / stage} is damaged; start 'skerry run' again")
        return found

    @property
    def identity(self) -> dict[str, object]:
        """All of the run that a search with planted sources depends on."""
        stages = ("representations", "nulls", "classes")
        made = {stage: self.manifest(stage).digest for stage in stages}
        return {**made, "settings": settings_of("replication", self.config)}


def open_run(path: str | Path) -> Opened:
    """Open a finished run to plant sources in it.

    Raises
    ------
    RunError
        There is no run in ``path``, or it has not ended.
    ConfigError
        It judged by no null or repeated no search: it could not confirm a class. Or it searched
        on a GPU, which cannot be used here.
    """
    path = Path(path)
    finished = Finished(path)
    config = finished.config
    require_gpu(config, "neighbors", "embedding")
    _require_judged(path, config)
    data = read_in_order(path / "representations")
    ids = data.searched
    space = Space(data.vectors, nouns.read_graph(path / "neighbors"), config.neighbors)
    judged = [replace(c, members=c.members[: c.core]) for c in kept(finished.classes)]
    own = members_of(judged, ids)
    return Opened(path, config, space, ids, tuple(np.sort(m) for m in own), _nulls(path, config))


def _require_judged(path: Path, config: Config) -> None:
    if config.nulls.n == 0:
        raise ConfigError(
            f"the run in {path} searched no featureless data (nulls.n = 0), so that it can confirm "
            "no class, planted or not; make it again with nulls.n = 20"
        )
    if config.replication.subsamples == 0 and config.replication.seeds == 0:
        raise ConfigError(
            f"the run in {path} repeated no search (replication.subsamples = 0), so that it can "
            "confirm no class, planted or not; make it again with replication.subsamples = 10"
        )


def _nulls(path: Path, config: Config) -> dict[str, list[Measures]]:
    return {
        kind: [
            nouns.read_measures(path / "nulls" / f"{kind}-{number:03d}.parquet")
            for number in range(config.nulls.n)
        ]
        for kind in kinds_of(config)
    }
