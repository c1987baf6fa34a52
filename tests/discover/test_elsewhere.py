from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from skerry.backends import linear, lookup
from skerry.config import Config, from_mapping
from skerry.discover import (
    Space,
    Surrogates,
    elsewhere,
    groups_in,
    measure,
    null_search,
    route_of,
    space_of,
)
from skerry.discover.elsewhere import NullSearches, RepeatedSearches, search_each
from skerry.discover.replicate import replicate
from skerry.discover.searches import search_by
from skerry.discover.variants import every_variant
from skerry.errors import DiskError, RunError
from skerry.executors.executor import Executor
from skerry.executors.local import Local
from skerry.store import manifest
from skerry.types import FloatArray
from tests.executors.apart import Apart, copied
from tests.executors.tasks import slow, slow_square

CONFIG = from_mapping(
    {
        "neighbors": {"k": 30},
        "embedding": {"n_neighbors": 10, "n_components": 2, "epochs": 20},
        "nulls": {"n": 2, "scales": "2"},
        "replication": {"subsamples": 1, "seeds": 0},
        "classes": {"min_size": 8, "max_share": 0.1},
    }
)
PLANS = {f"{kind}-{i}": (kind, i) for kind in ("shuffled", "smooth-2") for i in range(2)}


@pytest.fixture(scope="module")
def space() -> Space:
    """Vectors (900, 8) with a clump of 20."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(900, 8)).astype(np.float32)
    x[:20] = 1.5 + 0.1 * x[:20]
    return space_of(x, CONFIG.neighbors)


def surrogates_of(space: Space, config: Config = CONFIG) -> Surrogates:
    candidates = route_of("graph")(space, config)
    groups = groups_in(space, candidates, measure(candidates, space))
    assert groups
    return Surrogates(space, config, groups)


def found_by(
    executor: Executor, task: Callable[[Any], Any], plans: dict[str, Any], **more: Any
) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    told = list(search_each(task, plans, kept.__setitem__, executor=executor, **more))
    assert told == list(range(1, len(plans) + 1))
    return {name: kept[name] for name in plans}


HERE = [(Local(), 2), (Local(), 3), (Apart(), 0)]
"""On threads, on processes, and where an executor has them."""


@pytest.mark.parametrize(("executor", "threads"), HERE, ids=["threads", "processes", "apart"])
def test_nulls_are_those_searched_one_by_one(
    space: Space, executor: Executor, threads: int
) -> None:
    surrogates = surrogates_of(space)
    surrogates.prepare({"shuffled", "smooth-2"})
    found = found_by(executor, NullSearches(surrogates), PLANS, threads=threads)
    for plan, (measures, recall) in zip(PLANS.values(), found.values(), strict=True):
        expected = null_search(surrogates_of(space), *plan, route_of("graph"), CONFIG)
        assert measures.containment.tobytes() == expected[0].containment.tobytes()
        assert measures.size.tobytes() == expected[0].size.tobytes()
        assert recall == expected[1]
    assert sum(len(measures) for measures, _ in found.values()) > 0


@pytest.mark.parametrize(("executor", "threads"), HERE, ids=["threads", "processes", "apart"])
def test_repeats_are_those_made_one_by_one(space: Space, executor: Executor, threads: int) -> None:
    plans = {plan.name: plan for plan in every_variant(len(space), CONFIG)}
    assert {"subsample-1", "route-umap-hdbscan", "half-b"} <= set(plans)
    found = found_by(executor, RepeatedSearches(space.vectors), plans, threads=threads)
    for name, plan in plans.items():
        expected = replicate(plan, space.vectors, search_by())
        assert (found[name].name, found[name].kind) == (expected.name, expected.kind)
        assert [f.tolist() for f in found[name].found] == [f.tolist() for f in expected.found]


def test_data_are_sent_once_and_no_more_of_them_than_searches_need(space: Space) -> None:
    _ = space.communities, space.search  # kept by the space, and not to be sent
    surrogates, apart = surrogates_of(space), Apart()
    surrogates.prepare({"shuffled", "smooth-2"})
    found_by(apart, NullSearches(surrogates), PLANS)
    [sent] = apart.tasks
    around = sum(len(members) for members in surrogates._around["smooth-2"]) * 8
    assert sent < space.vectors.nbytes + len(space) * (20 * 4 + 1) + around + 10_000
    assert max(apart.items) < 200

    repeated = Apart()
    plans = {plan.name: plan for plan in every_variant(len(space), CONFIG)}
    found_by(repeated, RepeatedSearches(space.vectors), plans)
    assert repeated.tasks[0] < space.vectors.nbytes + 2_000
    assert max(repeated.items) < 8 * len(space) + 4_000


@pytest.mark.parametrize("sources", [100_000, 400], ids=["whole", "by parts"])
def test_what_draws_share_is_not_worked_out_again_elsewhere(
    space: Space, monkeypatch: pytest.MonkeyPatch, sources: int
) -> None:
    config = replace(CONFIG, nulls=replace(CONFIG.nulls, sources=sources))
    expected = [surrogates_of(space, config).draw(*plan).tobytes() for plan in PLANS.values()]
    surrogates = surrogates_of(space, config)
    surrogates.prepare({"shuffled", "smooth-2"})
    mine = copied(surrogates)[0]

    def never(*_: Any) -> None:
        raise AssertionError("again")

    monkeypatch.setattr(lookup, "nearest", never)
    if sources > len(space):
        monkeypatch.setattr(linear, "principal_axes", never)
    assert [mine.draw(*plan).tobytes() for plan in PLANS.values()] == expected


def libraries_threads(_: str) -> int:
    return int(faiss.omp_get_max_threads())


@pytest.mark.parametrize(("threads", "each"), [(0, 1), (1, 1), (3, 3)])
def test_a_search_elsewhere_has_the_threads_of_its_task(threads: int, each: int) -> None:
    before = libraries_threads("")
    found = found_by(Apart(), libraries_threads, {"a": "", "b": ""}, threads=threads)
    assert found == {"a": each, "b": each}
    assert libraries_threads("") == before


@pytest.mark.parametrize(("on_gpu", "gpus"), [((), 0), (("torch",), 1), (("torch", "cuml"), 1)])
def test_a_search_asks_for_one_gpu_where_any_library_needs_it(
    on_gpu: tuple[str, ...], gpus: int
) -> None:
    apart = Apart()
    found_by(apart, libraries_threads, {"a": ""}, on_gpu=on_gpu)
    assert apart.gpus == [gpus]


def test_other_versions_elsewhere_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"numpy": "0.1"}
    monkeypatch.setattr(manifest, "_found", lambda names: dict.fromkeys(names, "9") | there)
    with pytest.raises(RunError, match=r"other versions .*numpy 0\.1, not .*: install the same"):
        found_by(Apart(), libraries_threads, {"a": ""})


def test_what_is_done_when_all_is_lost_was_kept(tmp_path: Path) -> None:
    plans = {f"p{i}": str(i) for i in range(8)}

    def keep(name: str, _: int) -> None:
        (tmp_path / name).touch()

    with pytest.raises(RunError, match="every machine is gone"):
        list(search_each(libraries_threads, plans, keep, executor=Apart(lives=7)))
    assert {path.name for path in tmp_path.iterdir()} == {f"p{i}" for i in range(6)}


@dataclass(frozen=True)
class Where:
    """Tells which process a search is in, and whether it may write to the data."""

    vectors: FloatArray

    def __call__(self, _: int) -> tuple[int, bool]:
        time.sleep(0.05)
        return os.getpid(), self.vectors.flags.writeable


@pytest.mark.parametrize(
    ("threads", "on_gpu", "apart"), [(2, (), False), (3, (), True), (3, ("torch",), False)]
)
def test_more_than_two_searches_at_a_time_have_processes_but_for_those_on_a_gpu(
    threads: int, on_gpu: tuple[str, ...], apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[2])
    plans = {str(i): i for i in range(6)}
    task = Where(np.zeros((9, 2), np.float32))
    found = found_by(Local(), task, plans, threads=threads, on_gpu=on_gpu)
    processes = {pid for pid, _ in found.values()}
    assert (os.getpid() not in processes) == apart
    assert {writeable for _, writeable in found.values()} == {not apart}


def test_what_cannot_be_kept_ends_the_other_searches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[2])

    def keep(name: int, result: int) -> None:
        raise DiskError("full")

    plans = {i: (str(tmp_path), i) for i in range(9)}
    began = time.monotonic()
    with pytest.raises(DiskError, match="full"):
        list(search_each(slow, plans, keep, executor=Local(), threads=3))
    assert time.monotonic() - began < 50  # each of the others takes a minute


def test_a_daemon_searches_on_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)  # type: ignore[attr-defined]
    kept: dict[int, int] = {}
    plans = {i: i for i in range(4)}
    assert list(search_each(slow_square, plans, kept.__setitem__, executor=Local(), threads=3))
    assert kept == {0: 0, 1: 1, 2: 4, 3: 9}


@pytest.mark.parametrize(
    ("n", "threads", "free", "expected"),
    [
        (1000, 8, 10**12, 8),
        (10**6, 1, 10**12, 1),
        (10**6, 2, 10**12, 2),
        (10**6, 8, 1_900_000_000, 3),  # 500 MB each
        (10**7, 8, 10**9, 1),
    ],
)
def test_partitions_at_a_time_by_size_cores_and_memory(
    monkeypatch: pytest.MonkeyPatch, n: int, threads: int, free: int, expected: int
) -> None:
    monkeypatch.setattr(elsewhere, "available_memory", lambda: free)
    assert elsewhere.partitions_at_once(n, threads) == expected
