"""The stages that search: the survey, featureless data, and the survey again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

from skerry.config import Config
from skerry.context import Context
from skerry.dependencies import by_cuml
from skerry.discover import Surrogates, groups_in, kinds_of, measure
from skerry.discover.around import surroundings
from skerry.discover.assemble import p_and_q
from skerry.discover.elsewhere import (
    REPEATING,
    SEARCHING_NULLS,
    NullSearches,
    RepeatedSearches,
    partitions_at_once,
    search_each,
    without_gpu,
)
from skerry.discover.routes import by_communities, candidates_of, tree_of_coordinates
from skerry.discover.surrogates import surrogate_size
from skerry.discover.variants import Variant, every_variant
from skerry.executors.local import available_threads
from skerry.store import nouns
from skerry.store.runfolder import clear
from skerry.types import Candidate, IntArray, Measures, Replicate

Plan = TypeVar("Plan")
Result = TypeVar("Result")

CANDIDATES, TREE = "candidates.parquet", "condensed_tree.parquet"


def clusters(context: Context, key: str) -> dict[str, Any]:
    """Find the candidates by the route that is set, and keep the hierarchy where it has one."""
    config, space, folder = context.config, context.space, context.path("clusters")
    context.on_event("clusters", 0, 1)
    clear(folder)
    space.find_communities(partitions_at_once(len(space), context.threads), context.on_event)
    if config.clusters.route == "graph":
        found = by_communities(space, config)
    else:
        path = context.path("embedding") / "embedding.parquet"
        tree = tree_of_coordinates(nouns.read_embedding(path).coordinates[context.firsts], config)
        found = candidates_of(tree, space, config)
        nouns.write_tree(folder / TREE, tree)
    nouns.write_candidates(folder / CANDIDATES, found)
    context.on_event("clusters", 1, 1)
    return {"route": config.clusters.route, "candidates": len(found)}


def nulls(context: Context, key: str) -> dict[str, Any]:
    """Search featureless data; each search is a file of its own, kept over a restart."""
    folder = context.path("nulls")
    plans = {folder / f"{k}-{i:03d}.parquet": (k, i) for k, i in _null_plans(context)}
    candidates, measures = candidates_found(context)
    groups = groups_in(context.space, candidates, measures)
    config, n = context.config, len(context.space)
    config = without_gpu(config, surrogate_size(n, config), _at_once(context))
    surrogates = Surrogates(context.space, config, groups)
    surrogates.prepare({kind for kind, _ in plans.values()})
    # null searches have indices of their own
    context.space.forget_search()

    def keep(path: Path, found: tuple[Measures, float]) -> None:
        nouns.write_measures(path, found[0], key, found[1])

    searches = NullSearches(surrogates)
    _make_missing(context, SEARCHING_NULLS, folder, plans, key, searches, keep, config)
    found = [len(nouns.read_measures(path)) for path in plans]
    return {"searches": len(plans), "candidates": sum(found)}


def _null_plans(context: Context) -> list[tuple[str, int]]:
    kinds = kinds_of(context.config)
    return [(kind, number) for kind in kinds for number in range(context.config.nulls.n)]


def replication(context: Context, key: str) -> dict[str, Any]:
    """Repeat the search with other sources and settings; each is a file of its own."""
    folder, ids = context.path("replication"), context.searched
    config = without_gpu(context.config, len(context.space), _at_once(context))
    plans = {folder / f"{plan.name}.parquet": plan for plan in variants(context, config)}
    searches = RepeatedSearches(context.space.vectors)

    def keep(path: Path, found: Replicate) -> None:
        nouns.write_replicate(path, found, ids, key)

    _make_missing(context, REPEATING, folder, plans, key, searches, keep, config)
    return {"searches": len(plans)}


def variants(context: Context, config: Config) -> list[Variant]:
    """The repeated searches of a run, as its nulls leave them."""
    return every_variant(len(context.space), config, _around(context))


def _around(context: Context) -> IntArray | None:
    """The rows that repeated searches are confined to; None: all."""
    # of most surveys it is: their nulls need not be read to know
    if context.distinct <= context.config.replication.whole_below:
        return None
    candidates, measures = candidates_found(context)
    nulls = read_nulls(context)
    _, q = p_and_q(measures, nulls, len(context.space), context.config)
    return surroundings(candidates, q, context.space, context.config)


def replication_rests_on(context: Context) -> dict[str, str]:
    """What repeated searches depend on beside settings and the stages before."""
    around = _around(context)
    if around is None:
        return {}
    return {"around": blake2b(around.tobytes(), digest_size=16).hexdigest()}


def _make_missing(
    context: Context,
    what: str,
    folder: Path,
    plans: Mapping[Path, Plan],
    key: str,
    task: Callable[[Plan], Result],
    keep: Callable[[Path, Result], None],
    config: Config,
) -> None:
    """Make each part of a stage that was not made under the same key before.

    ``config`` are the settings by which it is searched.
    """
    clear(folder, keep=set(plans))
    missing = {p: plans[p] for p in sorted(plans) if nouns.part_key(p) != key}
    before = len(plans) - len(missing)
    context.on_event(what, before, len(plans))
    for done in search_each(
        task,
        missing,
        keep,
        executor=context.executor,
        threads=context.threads,
        on_gpu=_on_gpu(folder.name, config),
    ):
        context.on_event(what, before + done, len(plans))


def _at_once(context: Context) -> float:
    """How many searches there may be at a time; elsewhere nobody knows of a limit."""
    return (context.threads or available_threads()) if context.executor.here else math.inf


def _on_gpu(stage: str, config: Config) -> tuple[str, ...]:
    """The libraries by which the searches of a stage need a GPU."""
    torch = ("torch",) if config.neighbors.device != "cpu" else ()
    return (*torch, "cuml") if by_cuml(stage, config) else torch


def candidates_found(context: Context) -> tuple[list[Candidate], Measures]:
    """What the search found, and its measures."""
    candidates = nouns.read_candidates(context.path("clusters") / CANDIDATES)
    space = context.space
    space.find_communities(partitions_at_once(len(space), context.threads), context.on_event)
    return candidates, measure(candidates, space)


def read_nulls(context: Context) -> dict[str, list[Measures]]:
    """What each search of featureless data found, by kind."""
    found: dict[str, list[Measures]] = {}
    for kind, number in _null_plans(context):
        path = context.path("nulls") / f"{kind}-{number:03d}.parquet"
        found.setdefault(kind, []).append(nouns.read_measures(path))
    return found
