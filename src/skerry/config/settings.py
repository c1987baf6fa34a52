"""Every setting of a run: one frozen dataclass a stage."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SourcesConfig:
    """Reading the catalog. Column names are found by their usual aliases where left empty.

    ``pixel_scale`` (arcsec a pixel), ``bands`` (in the order of the images' planes: red first
    in JPEG and PNG, as stored in FITS; joined by commas) and ``stretch`` say what the images
    are. What is left empty is read from FITS headers where there are any, else not known and
    not held against the encoder's contract.
    """

    id_column: str = ""
    ra_column: str = ""
    dec_column: str = ""
    image_column: str = ""
    vector_prefix: str = ""
    max_failed: float = 0.2
    pixel_scale: float = 0.0
    bands: str = ""
    stretch: str = ""


@dataclass(frozen=True)
class RepresentationsConfig:
    """Preparing cutouts and encoding them. ``crop`` is the share of an image's width kept;
    0 means as the encoder's field of view asks. ``accept`` names what may differ from the
    encoder's contract (``pixel_scale``, ``bands``, ``stretch``, joined by commas). ``device``
    ``cuda`` encodes on a GPU, in float16: vectors differ from those of ``cpu`` by a thousandth."""

    encoder: str = "default"
    crop: float = 0.0
    accept: str = ""
    shard_size: int = 2048
    device: str = "cpu"


@dataclass(frozen=True)
class NeighborsConfig:
    """The graph of each source's ``k`` nearest neighbors. On ``device`` ``cpu`` every pair is
    compared up to ``exact_below`` sources, on ``cuda``, a GPU, always."""

    k: int = 30
    exact_below: int = 30_000
    device: str = "cpu"


@dataclass(frozen=True)
class EmbeddingConfig:
    """UMAP. ``epochs`` are its rounds of moving points; 0: as many as UMAP itself would take.
    Of more sources than ``whole_below`` it is fitted on about so many, some of every group, and
    the others are placed among these. On ``device`` ``cuda``, a GPU, cuML makes it, of all
    sources, and what HDBSCAN finds in it: another embedding."""

    n_neighbors: int = 15
    n_components: int = 5
    min_dist: float = 0.0
    map_min_dist: float = 0.1
    epochs: int = 0
    seed: int = 0
    device: str = "cpu"
    whole_below: int = 100_000


@dataclass(frozen=True)
class ClustersConfig:
    """The search: ``route`` is ``graph`` or ``umap-hdbscan``. A place is as dense as its
    ``min_samples`` nearest neighbors are near."""

    route: str = "graph"
    min_samples: int = 5


@dataclass(frozen=True)
class NullsConfig:
    """Featureless data on which the whole search is run to see what chance finds.

    ``n`` of each kind, 0 for none. ``scales`` are those below which the smooth null has no
    clumps, in units of the largest class, joined by commas. Of more than ``sources`` each holds
    a random part as large as that.
    """

    n: int = 20
    scales: str = "1,2,4"
    seed: int = 0
    sources: int = 100_000


@dataclass(frozen=True)
class ReplicationConfig:
    """Repeated searches: how many random ``subsamples`` of a ``share`` of the sources, and how
    many UMAP ``seeds`` (for the route that uses it); 0 of both for none at all. ``encoder``
    names a second encoder in which each class is looked at, empty for none. Of more sources than
    ``whole_below`` only those around the candidates that chance does not explain are searched
    again."""

    subsamples: int = 10
    share: float = 0.8
    seeds: int = 3
    encoder: str = ""
    seed: int = 0
    whole_below: int = 100_000


@dataclass(frozen=True)
class ClassesConfig:
    """The smallest and the largest class, in sources.

    ``max_share`` is the largest as a share of all sources: the smaller of the two holds.
    ``previous`` is the folder of an earlier run, whose classes' ids are kept. ``area`` is that
    of the footprint in square degrees; 0: estimated from the positions.
    """

    min_size: int = 10
    max_size: int = 1000
    max_share: float = 0.05
    exemplars: int = 12
    previous: str = ""
    area: float = 0.0


@dataclass(frozen=True)
class Config:
    """All settings of a run."""

    preset: str = "skerry"
    sources: SourcesConfig = field(default_factory=SourcesConfig)
    representations: RepresentationsConfig = field(default_factory=RepresentationsConfig)
    neighbors: NeighborsConfig = field(default_factory=NeighborsConfig)
    embedding: EmbeddingConfig = field(default_factory=EmbeddingConfig)
    clusters: ClustersConfig = field(default_factory=ClustersConfig)
    nulls: NullsConfig = field(default_factory=NullsConfig)
    replication: ReplicationConfig = field(default_factory=ReplicationConfig)
    classes: ClassesConfig = field(default_factory=ClassesConfig)


DEVICES = ("cpu", "cuda")
"""Where representations and embedding are made and neighbors looked for; ``cuda`` is a GPU."""

ON_DEVICE = ("representations", "neighbors")
"""Sections that ``--device`` speaks for, computed by torch on a GPU; ``embedding`` is by cuML."""

ROUTES = ("graph", "umap-hdbscan")
"""From vectors to candidates: communities of the neighbor graph, or UMAP and HDBSCAN."""

PRESETS: Mapping[str, Config] = {
    "skerry": Config(),
    "walmsley2023": Config(
        preset="walmsley2023", clusters=ClustersConfig(route="umap-hdbscan", min_samples=10)
    ),
}
"""Named settings. ``walmsley2023`` goes the way of Walmsley & Scaife 2023 (arXiv 2312.02910)."""

ASSUMED: Mapping[str, tuple[str, ...]] = {
    "walmsley2023": (
        "neighbors.k",
        "neighbors.exact_below",
        "embedding.n_neighbors",
        "embedding.n_components",
        "embedding.min_dist",
        "embedding.map_min_dist",
        "embedding.epochs",
        "embedding.seed",
        "embedding.whole_below",
        "clusters.min_samples",
        "classes.min_size",
        "classes.max_size",
        "classes.max_share",
        "classes.exemplars",
    )
}
"""Settings of a preset that its paper does not give: chosen here, marked in every report."""


def asks_for_gpu(config: Config) -> bool:
    """Whether images are to be encoded or neighbors looked for on a GPU."""
    return any(getattr(config, section).device != "cpu" for section in ON_DEVICE)


def scales_of(nulls: NullsConfig) -> tuple[float, ...]:
    """The scales of the smooth null, ascending and each once; empty where they are no numbers."""
    try:
        found = {float(part) for part in nulls.scales.split(",")}
    except ValueError:
        return ()
    # they name files: no two of one name
    named = len({f"{scale:g}" for scale in found}) == len(found)
    return tuple(sorted(found)) if named and all(0 < s < math.inf for s in found) else ()
