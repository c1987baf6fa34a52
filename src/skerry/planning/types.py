"""What a prediction is made of, and what it says."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Machine:
    """Where a run is to be made: ``memory`` and ``disk`` are bytes that can be had now.

    ``cores`` are as many as the run uses, one a thread, and ``available`` those that there are,
    0 for the same; ``gpu`` is the GPU's name, empty where none can be used.
    """

    cores: int
    memory: int
    disk: int
    gpu: str = ""
    available: int = 0

    @property
    def there(self) -> int:
        """The cores that there are."""
        return self.available or self.cores

    @property
    def busy(self) -> int:
        """The cores that the run keeps busy: more threads do no more."""
        return min(self.cores, self.there)


@dataclass(frozen=True)
class Workload:
    """What is to be searched: sources, whether they are images, and columns of their vectors."""

    sources: int
    images: bool
    dimensions: int
    votes: int
    catalog_bytes: int


@dataclass(frozen=True)
class Growth:
    """Seconds on one core as ``square`` n^2 + ``linear`` n (k + 17), ``k`` the neighbors."""

    square: float
    linear: float


@dataclass(frozen=True)
class Rates:
    """What a probe measured, in seconds on one core unless said otherwise.

    Attributes
    ----------
    opening
        To read the catalog, all of it.
    encoding, second
        A source, from file to vector, by all threads together; 0 where nothing is encoded.
    graph, rest
        Of a search: its neighbor graph with every pair compared, and candidates and measures.
    communities
        A source and partition into communities.
    indexed
        A source, of the graph of 8,000 by an inverted index; 0: not measured, or the vectors
        have so little structure that every pair is compared.
    drawing
        A source of a null.
    layout, clusterer
        A source and epoch of UMAP, a source of HDBSCAN.
    start
        To load the libraries, once a run.
    side_by_side
        How many searches' worth of work all threads do in the time of one.
    resident
        Bytes that the probe took at most, its libraries and encoder among them.
    """

    opening: float
    encoding: float
    second: float
    graph: Growth
    rest: Growth
    communities: float
    indexed: float
    drawing: float
    layout: float
    clusterer: float
    start: float
    side_by_side: float
    resident: int


@dataclass(frozen=True)
class StageCost:
    """Seconds, peak memory in bytes, and bytes on disk of a stage; ``gpu`` seconds of a GPU."""

    name: str
    seconds: float
    memory: int
    disk: int
    searches: int = 0
    gpu: float = 0.0


@dataclass(frozen=True)
class Plan:
    """What a run will cost, and whether it fits.

    ``factor``: the truth is expected between the prediction over and times so much. ``problems``
    say what does not fit, ``advice`` what would; a run without problems fits.
    """

    workload: Workload
    machine: Machine
    rates: Rates
    stages: tuple[StageCost, ...]
    factor: float
    problems: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Of all stages, one after the other."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def memory(self) -> int:
        """Of the stage that needs most."""
        return max(stage.memory for stage in self.stages)

    @property
    def disk(self) -> int:
        """Of all stages."""
        return sum(stage.disk for stage in self.stages)

    @property
    def gpu_hours(self) -> float:
        """For which a GPU is in use."""
        return sum(stage.gpu for stage in self.stages) / 3600

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON has it: seconds and bytes."""
        return {
            "sources": self.workload.sources,
            "seconds": self.seconds,
            "memory_bytes": self.memory,
            "disk_bytes": self.disk,
            "gpu_hours": self.gpu_hours,
            "factor": self.factor,
            "stages": [dataclasses.asdict(stage) for stage in self.stages],
            "machine": dataclasses.asdict(self.machine),
            "measured": dataclasses.asdict(self.rates),
            "problems": list(self.problems),
            "advice": list(self.advice),
            "notes": list(self.notes),
        }
