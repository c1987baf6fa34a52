"""Whole searches where the executor has them: on threads, on processes, or on a cluster."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from skerry.backends import parallel
from skerry.config import Config
from skerry.discover.nulls import null_search
from skerry.discover.replicate import replicate
from skerry.discover.routes import route_of
from skerry.discover.searches import each, search_by
from skerry.discover.surrogates import Surrogates, kinds_of
from skerry.discover.variants import Variant
from skerry.executors.executor import Executor
from skerry.executors.local import Local, available_threads
from skerry.executors.memory import available_memory
from skerry.executors.processes import Processes
from skerry.progress import OnEvent, silent
from skerry.store.manifest import require_versions, versions
from skerry.types import FloatArray, Measures, Replicate

SEARCHED_WITH = ("faiss-cpu", "scipy", "hdbscan", "scikit-network", "umap-learn")
"""Libraries that what a search finds depends on."""

ON_PROCESSES = 3
"""Searches at a time that have a process each, for what still holds Python's lock. Two do better
on threads, in less memory, and searches that share a GPU share its memory in one process."""

PROCESS = 110 * 10**6
"""Bytes that a process takes by itself, beside its search: 103 MB of 244, the rest is shared."""

_PARTITION = 500  # bytes a source, of each partition that is being made

SEARCHING_NULLS, REPEATING = "searching featureless data", "repeating the search"
"""What is told of the progress of either."""

Name = TypeVar("Name", bound=Hashable)
Plan = TypeVar("Plan")
Result = TypeVar("Result")


@dataclass(frozen=True)
class NullSearches:
    """Searches featureless data by the route that is set, wherever it is called."""

    surrogates: Surrogates

    def __call__(self, plan: tuple[str, int]) -> tuple[Measures, float]:
        """As :func:`~skerry.discover.nulls.null_search`, of a kind and a number."""
        config = self.surrogates.config
        return null_search(self.surrogates, *plan, route_of(config.clusters.route), config)


@dataclass(frozen=True)
class RepeatedSearches:
    """Searches ``vectors`` float32 (n, d) once more, wherever it is called."""

    vectors: FloatArray

    def __call__(self, variant: Variant) -> Replicate:
        """As :func:`~skerry.discover.replicate.replicate`."""
        return replicate(variant, self.vectors, search_by())


def without_gpu(config: Config, most: int, at_once: float) -> Config:
    """The settings of searches of at most so many sources, so many at a time.

    Up to ``neighbors.exact_below`` sources a GPU finds what the CPU does, byte for byte: searches
    then are made on the CPU, where each can have a process, and share no GPU.
    """
    near = config.neighbors
    if near.device == "cpu" or most > near.exact_below or at_once < ON_PROCESSES:
        return config
    return replace(config, neighbors=replace(near, device="cpu"))


def on_gpu(config: Config) -> tuple[str, ...]:
    """The libraries by which whole searches, repeated ones among them, need a GPU."""
    needed = (("torch", config.neighbors.device), ("cuml", config.embedding.device))
    return tuple(library for library, device in needed if device != "cpu")


def partitions_at_once(n: int, threads: int = 0) -> int:
    """How many partitions of a graph of n sources are made at a time, each on a thread.

    No more than ``threads``, 0 for all cores, nor than there is memory for. None of that changes a
    partition.
    """
    threads = threads or available_threads()
    return max(1, min(threads, available_memory() // (_PARTITION * n)))


def _may_start_processes() -> bool:
    """Not so for a daemon, as a process of a pool is."""
    return not multiprocessing.current_process().daemon


def search_each(
    task: Callable[[Plan], Result],
    plans: Mapping[Name, Plan],
    keep: Callable[[Name, Result], None],
    *,
    executor: Executor,
    threads: int = 0,
    on_gpu: Sequence[str] = (),
) -> Iterator[int]:
    """Make a search for each plan, and give its result to ``keep`` as soon as it is there.

    Parameters
    ----------
    task : what is sent where there is somewhere else, once, with the data that all searches need
    plans : by the name that ``keep`` is told
    keep : called in this process, by several threads where the searches are on these
    threads : here the number of searches at a time, each on one core, 0 for as many as there are:
        up to two run on threads, more on processes; elsewhere the threads of each search, 0 for
        one
    on_gpu : the libraries by which searches need a GPU, none where they need none

    Yields
    ------
    How many searches are kept.

    Raises
    ------
    RunError
        Searches are lost, or made elsewhere by other versions of the libraries.
    """

    def make(name: Name) -> None:
        keep(name, task(plans[name]))

    at_once = min(threads or available_threads(), len(plans))
    if executor.here and at_once >= ON_PROCESSES and not on_gpu and _may_start_processes():
        executor, threads = Processes(at_once), 1
    if executor.here:
        for done, _ in enumerate(each(make, list(plans), threads), start=1):
            yield done
        return
    alone: _Alone[Name, Plan, Result] = _Alone(
        task, threads or 1, versions((*SEARCHED_WITH, "numpy", *on_gpu))
    )
    found = executor.map_as_ended(alone, plans.items(), gpus=int(bool(on_gpu)))
    with closing(found):  # what cannot be kept ends the other searches at once
        for done, (name, result) in enumerate(found, start=1):
            keep(name, result)
            yield done


def null_searches(
    surrogates: Surrogates, *, on_event: OnEvent = silent
) -> dict[str, list[Measures]]:
    """By kind, what every null search of the settings finds, by the route that is set; here."""
    config = surrogates.config
    plans = {(kind, i): (kind, i) for kind in kinds_of(config) for i in range(config.nulls.n)}
    surrogates.prepare({kind for kind, _ in plans})
    made = _all_of(NullSearches(surrogates), plans, config, SEARCHING_NULLS, on_event)
    found: dict[str, list[Measures]] = {}
    for (kind, _), (measures, _) in zip(plans, made, strict=True):
        found.setdefault(kind, []).append(measures)
    return found


def repeated_searches(
    vectors: FloatArray, plans: Sequence[Variant], *, on_event: OnEvent = silent
) -> list[Replicate]:
    """What each repeated search of ``vectors`` finds, in the plans' order; here."""
    if not plans:
        return []
    numbered = dict(enumerate(plans))
    task = RepeatedSearches(vectors)
    return _all_of(task, numbered, plans[0].config, REPEATING, on_event)


def _all_of(
    task: Callable[[Plan], Result],
    plans: Mapping[Name, Plan],
    config: Config,
    what: str,
    on_event: OnEvent,
) -> list[Result]:
    kept: dict[Name, Result] = {}
    made = search_each(task, plans, kept.__setitem__, executor=Local(), on_gpu=on_gpu(config))
    for done in made:
        on_event(what, done, len(plans))
    return [kept[name] for name in plans]


@dataclass(frozen=True)
class _Alone(Generic[Name, Plan, Result]):
    """One search by itself, its result under its name: results come as searches end."""

    task: Callable[[Plan], Result]
    threads: int
    versions: Mapping[str, str]

    def __call__(self, named: tuple[Name, Plan]) -> tuple[Name, Result]:
        require_versions(self.versions)
        name, plan = named
        with parallel.on_threads(self.threads):
            return name, self.task(plan)
