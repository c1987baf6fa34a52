"""Short measurements of the stages that search: seconds of small searches on stand-ins."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from skerry.config import Config
from skerry.discover import (
    Surrogates,
    cluster,
    kinds_of,
    measure,
    null_search,
    route_of,
    space_of,
)
from skerry.discover.communities import SMALLEST, partition_sizes
from skerry.discover.elsewhere import search_each
from skerry.discover.reduce import coordinates_of, fewest
from skerry.discover.searches import each
from skerry.executors.local import Local
from skerry.planning.model import INDEXED_AT
from skerry.planning.sample import Clock, stand_in
from skerry.planning.types import Growth, Rates
from skerry.types import FloatArray

SIZES = 1000, 2000, 4000, INDEXED_AT
_EPOCHS = 500
_MORE = 17


@dataclass(frozen=True)
class _Timed:
    n: int
    graph: float
    communities: float
    rest: float
    drawing: float
    indexed: bool


def searched(
    vectors: FloatArray,
    config: Config,
    *,
    sources: int,
    threads: int,
    budget: float,
    rng: np.random.Generator,
    clock: Clock = time.perf_counter,
) -> Rates:
    """Time searches of stand-ins of a few sizes, UMAP and HDBSCAN; nothing is encoded.

    Sizes grow while the budget (seconds) lasts; the two smallest are always measured. A search
    by an inverted index is timed only where a run of so many ``sources`` would make one.
    ``threads`` search side by side, no more than there are cores: more take longer to measure, and
    do no more.
    """
    settings = _small(config)
    deadline = clock() + budget
    sizes = [max(s, _least(config)) for s in SIZES]
    data = {n: stand_in(vectors, n, rng) for n in dict.fromkeys(sizes)}
    began = clock()
    space = space_of(data[sizes[0]], settings.neighbors)
    _timed(space.vectors, settings, clock)
    loaded = space_of(space.vectors[: _least(config)], settings.neighbors)
    coordinates = coordinates_of(loaded, settings.embedding)
    cluster(coordinates, settings.classes.min_size, settings.clusters.min_samples)
    start = clock() - began

    began = clock()
    coordinates = coordinates_of(space, settings.embedding)
    layout = (clock() - began) / (len(space) * (settings.embedding.epochs or _EPOCHS))
    began = clock()
    cluster(coordinates, settings.classes.min_size, settings.clusters.min_samples)
    clusterer = (clock() - began) / len(space)

    found = list(_growing(data, settings, deadline, clock))
    indexed = 0.0
    if sources > config.neighbors.exact_below and config.neighbors.device == "cpu":
        by_index = replace(settings, neighbors=replace(settings.neighbors, exact_below=0))
        one = next(each(lambda v: _timed(v, by_index, clock), [data[sizes[-1]]] * 2, 1))
        indexed = one.graph / one.n if one.indexed else 0.0
    return Rates(
        opening=0.0,
        encoding=0.0,
        second=0.0,
        graph=_growth([(t.n, t.graph) for t in found], settings),
        rest=_growth([(t.n, t.rest) for t in found], settings),
        communities=found[-1].communities / (found[-1].n * len(partition_sizes(found[-1].n))),
        indexed=indexed,
        drawing=found[-1].drawing / found[-1].n,
        layout=layout,
        clusterer=clusterer,
        start=start,
        side_by_side=_side_by_side(data[sizes[1]], settings, threads),
        resident=resident(),
    )


def _growing(
    data: dict[int, FloatArray], config: Config, deadline: float, clock: Clock
) -> Iterator[_Timed]:
    """The better of two timings of each size, each on one core as nulls are searched."""
    longest = 0.0
    for position, vectors in enumerate(data.values()):
        if position > 1 and clock() + 8 * longest > deadline:
            return
        began = clock()
        both = list(each(lambda v: _timed(v, config, clock), [vectors] * 2, 1))
        longest = (clock() - began) / 2
        yield min(both, key=lambda t: t.graph + t.communities + t.rest)


def _timed(vectors: FloatArray, config: Config, clock: Clock) -> _Timed:
    began = clock()
    space = space_of(vectors, config.neighbors)
    graph = clock()
    _ = space.communities  # which all after it shares
    grouped = clock()
    # the route without UMAP: UMAP is timed by itself
    measure(route_of("graph")(space, config), space)
    rest = clock()
    Surrogates(space, config, []).draw(kinds_of(config)[-1], 0)
    drawn = clock()
    # an index looks in some of its cells; where it gave up every pair was compared
    indexed = hasattr(space.search.find, "n_probe")
    return _Timed(
        n=len(vectors),
        graph=graph - began,
        communities=grouped - graph,
        rest=rest - grouped,
        drawing=drawn - rest,
        indexed=indexed,
    )


def _side_by_side(vectors: FloatArray, config: Config, threads: int) -> float:
    """How many nulls' worth of work so many threads, or the processes that a run has in their
    place, do in the time that one takes for one; the start of processes is left out."""
    if threads < 2:
        return 1.0
    surrogates = Surrogates(space_of(vectors, config.neighbors), config, [])
    search, took = _TimedNull(surrogates, config), dict[int, float]()
    alone = min(each(search, range(2), 1))
    numbers = {i: i for i in range(3 * threads)}
    for _ in search_each(search, numbers, took.__setitem__, executor=Local(), threads=threads):
        pass
    # what a process searches first also loads what it needs
    together = np.median([took[i] for i in range(threads, 3 * threads)])
    return float(np.clip(threads * alone / together, 1.0, threads))


@dataclass(frozen=True)
class _TimedNull:
    """Seconds that a null of a number takes, wherever it is called."""

    surrogates: Surrogates
    config: Config

    def __call__(self, number: int) -> float:
        began = time.perf_counter()
        kind = kinds_of(self.config)[-1]
        null_search(self.surrogates, kind, number, route_of("graph"), self.config)
        return time.perf_counter() - began


def _growth(timed: Sequence[tuple[int, float]], config: Config) -> Growth:
    """Least squares, relative, of seconds by n^2 and n (k + 17), neither below 0."""
    from scipy.optimize import nnls

    n = np.array([size for size, _ in timed], dtype=np.float64)
    seconds = np.maximum([s for _, s in timed], 1e-9)
    found = config.neighbors.k + _MORE
    # columns of like size, so that the solver's tolerance treats them alike
    columns = np.stack([n**2 / 1e6, n * found / 1e5], axis=1) / seconds[:, None]
    square, linear = nnls(columns, np.ones(len(n)))[0]
    return Growth(float(square / 1e6), float(linear / 1e5))


def _least(config: Config) -> int:
    """Vectors of the smallest search that the settings allow, with some room."""
    return max(4 * config.neighbors.k, fewest(config.embedding))


def _small(config: Config) -> Config:
    """The same settings on the CPU, made to allow the classes of a small sample."""
    classes = replace(config.classes, min_size=SMALLEST, max_share=0.05)
    classes = replace(classes, max_size=max(50, classes.max_size))
    near = replace(config.neighbors, device="cpu", exact_below=max(SIZES) + _least(config))
    embedding = replace(config.embedding, device="cpu", whole_below=near.exact_below)
    return replace(config, classes=classes, neighbors=near, embedding=embedding)


def resident() -> int:
    """Bytes of memory that this process has held at most."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most
