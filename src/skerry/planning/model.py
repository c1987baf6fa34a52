"""From what a probe measured to what each stage of a run costs: a pure function.

Seconds on one core of a search of n vectors for their k nearest:

- its graph with every pair compared: ``square`` n^2 + ``linear`` n (k + 17);
- communities: n times the partitions that are made of them;
- measures: as a graph, as candidates, a share of n, are compared with all;
- the graph by an inverted index, above ``neighbors.exact_below``: what 8,000 take, times
  (n / 8000)^1.25;
- UMAP: those it is fitted on, times its epochs (500 up to 10,000 sources in all, 200 above);
  HDBSCAN: n log n. The communities that choose those are counted where they are used again.

Encoding grows as n. The nulls are their number times one search and drawing its data; repeated
searches the number of their vectors' share. What runs side by side is divided by what the probe
found threads to do at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from skerry.config import Config, asks_for_gpu
from skerry.discover.candidates import largest_size
from skerry.discover.communities import partition_sizes
from skerry.discover.elsewhere import ON_PROCESSES, PROCESS, without_gpu
from skerry.discover.part import at_same_share
from skerry.discover.reduce import epochs_of
from skerry.discover.surrogates import kinds_of, surrogate_size
from skerry.discover.variants import Variant, every_variant
from skerry.planning.types import Machine, Plan, Rates, StageCost, Workload

INDEXED_AT = 8000
"""Vectors of the search by an inverted index that a probe measures."""

INDEX_GROWTH = 1.25
"""Exponent of a search by an inverted index: from 8,000 to 1,000,000 sources (docs/scale.md)."""

FACTOR, FAR = 1.6, 2.5
"""How far off the seconds may be, and from where on the probe's sizes are far away."""

_FAR_SOURCES = 100_000
_MORE = 17  # candidates beyond the neighbors asked for
_STAND_IN = 10_000
_GPU_IMAGES = 28_410.0  # a second, from JPEG of 424 px, 16 cores: benchmarks/gpu_encoding.md
_GPU_PAIR = 1.3e-12, 1.6e-14  # seconds a pair, and for each neighbor: benchmarks/gpu_neighbors.md
_LIBRARIES = 530 * 10**6  # of a process that has loaded all of them: benchmarks/judged_speed.md
_THREAD = 60 * 10**6
_COMMUNITIES, _UMAP = 1400, 5200  # bytes a source beyond vectors and graph
_KEPT = 700  # of the communities, while all else is searched
_OF_EVERY_GROUP = 0.07  # of the others, kept in what UMAP is fitted on: benchmarks/umap_part.md
_PAGES = 7 * 10**6  # bytes of report, pages and sheets beside the tables
_OPENING = 2.5e-5  # seconds a source: listing and stating its file
_GIVEN = 1e-5  # seconds a source whose vector is given
_PRODUCTS = 8.0, 4e-4  # seconds, and a source
_SECONDS_OF_CLASSES = 2.5e-4  # a source


def predict(workload: Workload, rates: Rates, config: Config, machine: Machine) -> Plan:
    """What a run with ``config`` costs; whether that fits is not looked at here."""
    model = _Model(workload, rates, config, machine)
    n = workload.sources
    return Plan(
        workload,
        machine,
        rates,
        tuple(model.stages()),
        factor=FACTOR if n <= _FAR_SOURCES else FAR,
        notes=tuple(model.notes()),
    )


def search_seconds(n: int, rates: Rates, config: Config, route: str) -> float:
    """One search of n vectors by a route, on one core: graph, communities and measures."""
    found = graph_seconds(n, rates, config) + rest_seconds(n, rates, config)
    found += communities_seconds(n, rates, config, route)
    if route == "umap-hdbscan":
        found += layout_seconds(n, rates, config) + clusterer_seconds(n, rates)
    return found


def graph_seconds(n: int, rates: Rates, config: Config) -> float:
    """The neighbor graph of n vectors, on one core and, where the settings say so, on a GPU."""
    if config.neighbors.device != "cpu":
        return gpu_graph_seconds(n, config) + rates.graph.linear * n
    if uses_index(n, rates, config):
        grown: float = (n / INDEXED_AT) ** INDEX_GROWTH
        return rates.indexed * INDEXED_AT * grown
    return rates.graph.square * n**2 + rates.graph.linear * n * (config.neighbors.k + _MORE)


def communities_seconds(n: int, rates: Rates, config: Config, route: str) -> float:
    """The communities that measures rest on and, where more, those of the route, on one core."""
    asked = config.classes
    reach = (asked.min_size, largest_size(n, asked)) if route == "graph" else ()
    return rates.communities * n * len(partition_sizes(n, *reach))


def rest_seconds(n: int, rates: Rates, config: Config) -> float:
    """Candidates and their measures, on one core."""
    linear = rates.rest.linear * n * (config.neighbors.k + _MORE)
    compared = float(n)
    if uses_index(n, rates, config):  # lookups grow as the index's own
        compared = INDEXED_AT * (n / INDEXED_AT) ** (INDEX_GROWTH - 1)
    return rates.rest.square * n * compared + linear


def gpu_graph_seconds(n: int, config: Config) -> float:
    """For which a graph of n vectors has the GPU."""
    pair, neighbor = _GPU_PAIR
    return (pair + neighbor * config.neighbors.k) * n**2


def _gpu_graph(n: int, config: Config) -> float:
    return 0.0 if config.neighbors.device == "cpu" else gpu_graph_seconds(n, config)


def layout_seconds(n: int, rates: Rates, config: Config) -> float:
    """One of UMAP's layouts, on one core."""
    return rates.layout * fitted(n, config) * epochs_of(n, config.embedding)


def fitted(n: int, config: Config) -> int:
    """How many of n sources UMAP is fitted on; on a GPU all."""
    bound = config.embedding.whole_below
    return (
        n
        if n <= bound or config.embedding.device != "cpu"
        else round(bound + _OF_EVERY_GROUP * (n - bound))
    )


def clusterer_seconds(n: int, rates: Rates) -> float:
    """HDBSCAN on UMAP's coordinates, on one core."""
    return rates.clusterer * n * math.log(max(n, 2)) / math.log(1000)


def uses_index(n: int, rates: Rates, config: Config) -> bool:
    """Whether n vectors are searched by an inverted index, as far as the probe can tell."""
    on_cpu = config.neighbors.device == "cpu"
    return on_cpu and n > config.neighbors.exact_below and rates.indexed > 0


def repeated(config: Config, n: int) -> list[tuple[Variant, int]]:
    """The repeated searches of n sources, each with how many it sees."""
    small, seen = min(n, _STAND_IN), min(n, config.replication.whole_below or n)
    # what a class may hold of n is not what it may hold of the stand-in
    classes = replace(config.classes, max_share=1.0, max_size=max(small, config.classes.max_size))
    made = every_variant(small, replace(config, classes=classes))
    return [(v, seen if v.rows is None else round(seen * len(v.rows) / small)) for v in made]


class _Model:
    def __init__(self, work: Workload, rates: Rates, config: Config, machine: Machine) -> None:
        self.work, self.rates, self.config, self.machine = work, rates, config, machine
        self.n, self.d = work.sources, work.dimensions
        self.vectors = 4 * self.d * self.n
        self.graph = 12 * config.neighbors.k * self.n
        self.resident = max(rates.resident, _LIBRARIES)
        self.speedup = max(1.0, min(rates.side_by_side, machine.cores))

    def stages(self) -> Iterator[StageCost]:
        n, rates, config, work = self.n, self.rates, self.config, self.work
        held = self.resident + 2 * work.catalog_bytes
        main = held + self.vectors + self.graph
        searched = main + _KEPT * n
        route = config.clusters.route
        yield StageCost("sources", rates.opening + _OPENING * n, held, work.catalog_bytes)
        yield self._encoding("representations", rates.encoding, held)
        near = graph_seconds(n, rates, config)
        gpu = _gpu_graph(n, config)
        yield StageCost(
            "neighbors",
            near / (1 if gpu else self.speedup),
            held + 2 * self.vectors + self.graph,
            (8 * config.neighbors.k + 30) * n,
            searches=1,
            gpu=gpu,
        )
        by_graph = route == "graph"
        rest = rest_seconds(n, rates, config)
        grouping = self._partitioning(n, route) + rest
        yield StageCost(
            "embedding",
            2 * layout_seconds(n, rates, config) + rates.start,
            main + self._compressing(n, config),
            (4 * config.embedding.n_components + 30) * n,
        )
        yield StageCost(
            "clusters",
            grouping if by_graph else clusterer_seconds(n, rates),
            main + (_COMMUNITIES if by_graph else _UMAP) * n,
            25 * n,
        )
        yield self._nulls(searched)
        yield self._replication(searched)
        if config.replication.encoder:
            yield self._encoding("second", rates.second, held)
        yield StageCost(
            "classes",
            _SECONDS_OF_CLASSES * n + grouping,
            main + _COMMUNITIES * n,
            45 * n,
        )
        seconds, each = _PRODUCTS
        yield StageCost("products", seconds + each * n, main + 1200 * n, _PAGES + 900 * n)

    def _encoding(self, name: str, each: float, held: int) -> StageCost:
        n, work, config = self.n, self.work, self.config
        disk = (4 * (work.dimensions + work.votes) + 40) * n
        if not work.images:
            return StageCost(name, _GIVEN * n, held, disk)
        memory = held + _THREAD * self.machine.cores
        if config.representations.device != "cpu":
            seconds = n * (each or 1 / _GPU_IMAGES)
            return StageCost(name, seconds, memory, disk, gpu=seconds)
        return StageCost(name, n * each, memory, disk)

    def _one(self, n: int, route: str, config: Config) -> int:
        """Bytes that one search of n vectors takes beside what the run holds."""
        more = _COMMUNITIES * n if route == "graph" else self._compressing(n, config)
        return (8 * self.d + 12 * self.config.neighbors.k) * n + more

    def _compressing(self, n: int, config: Config) -> int:
        """Bytes that UMAP takes beside what the run holds."""
        part = fitted(n, config)
        # folding a graph takes less than the communities did: benchmarks/umap_part.md
        return _UMAP * n if part == n else _UMAP * part + _COMMUNITIES * n

    def _nulls(self, main: int) -> StageCost:
        rates, n = self.rates, surrogate_size(self.n, self.config)
        config = without_gpu(self.config, n, self.machine.cores)
        alike = at_same_share(config, n, self.n)
        count = config.nulls.n * len(kinds_of(config))
        route = config.clusters.route
        each = search_seconds(n, rates, alike, route) + rates.drawing * n
        at_once = min(count, self.machine.cores)
        gpu = count * _gpu_graph(n, config)
        return StageCost(
            "nulls",
            # one search at a time has the GPU
            max(count * each / self._speedup(count), gpu),
            # drawing holds the vectors, their components and the product
            main
            + at_once * max(self._one(n, route, alike), 3 * 4 * self.d * n)
            + self._processes(at_once, gpu),
            (2000 + n // 5) * count,
            searches=count,
            gpu=gpu,
        )

    def _replication(self, main: int) -> StageCost:
        config, rates = without_gpu(self.config, self.n, self.machine.cores), self.rates
        searches = repeated(config, self.n)
        work = sum(search_seconds(m, rates, v.config, v.route) for v, m in searches)
        sizes = sorted((self._one(m, v.route, v.config) for v, m in searches), reverse=True)
        gpu = sum(_gpu_graph(m, config) for _, m in searches)
        return StageCost(
            "replication",
            max(work / self._speedup(len(searches)), gpu),
            main
            + sum(sizes[: self.machine.cores])
            + self._processes(min(len(sizes), self.machine.cores), gpu),
            2 * self.n * len(searches),
            searches=len(searches),
            gpu=gpu,
        )

    def _processes(self, at_once: int, gpu: float) -> int:
        """Bytes of the processes that so many searches at a time have, if they have any."""
        return 0 if gpu or at_once < ON_PROCESSES else PROCESS * at_once

    def _partitioning(self, n: int, route: str) -> float:
        """Seconds of the partitions of the run's own graph, of n sources.

        Those that measures rest on gain by being made at a time, what a route adds does not.
        """
        every = communities_seconds(n, self.rates, self.config, route)
        count = len(partition_sizes(n))
        shared = self.rates.communities * n * count
        return every - shared + shared / self._speedup(count)

    def _speedup(self, count: int) -> float:
        return max(1.0, min(self.speedup, count))

    def notes(self) -> Iterator[str]:
        config, n, machine = self.config, self.n, self.machine
        if asks_for_gpu(config) and not machine.gpu:
            yield (
                "There is no GPU here that can be used: what is to run on one is predicted for an "
                "NVIDIA H200 (encoding, 16 cores to decode) and H100 (neighbors)."
            )
        if config.embedding.device != "cpu":
            yield (
                "UMAP, and HDBSCAN where the search is by it, are to run on a GPU by cuML, which "
                "was not measured: their time and memory are those of this CPU."
            )
        if uses_index(n, self.rates, config):
            every = replace(config, neighbors=replace(config.neighbors, exact_below=max(n, 1)))
            ratio = search_seconds(n, self.rates, every, "graph") / search_seconds(
                n, self.rates, config, "graph"
            )
            yield (
                f"Above neighbors.exact_below = {config.neighbors.exact_below} an inverted index "
                "is used; where the vectors have too little structure for it every pair is "
                f"compared, and a search takes {ratio:.3g} times as long."
            )
