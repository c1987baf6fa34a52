"""How long surveys of up to 10^10 sources would take on one machine and on many GPUs, simulated.

    python benchmarks/schedule.py [-o benchmarks/schedule.md] [--seed 0] [--most 50000]

A discrete-event simulation of the three phases that can be spread, one after the other: encoding
shards, neighbor graphs of cells with their overlap, and whole searches of some cells' featureless
data (docs/scale.md). Workers take the next task when they are free. What is measured (with its
source) and what is assumed stands in ``MEASURED`` and ``ASSUMED``. A worker's failure loses the
task it is at, which is begun anew by whoever is free next; a task lost more than ``RETRIES`` times
ends the run. ``in order``: as ``skerry run --executor ray``, which sends tasks only so far ahead of
the first that is not written, here 2 or 8 for each worker; ``as they come``: as jobs of
``skerry encode --shards``, or where results are written in any order.
"""

from __future__ import annotations

import argparse
import heapq
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tables import publish, table

from skerry.executors.ray import RETRIES

MEASURED = {
    "core": 700.0,  # images a second: half of 1,399 on two cores (throughput.md)
    "gpu": 28_410.0,  # images a second, JPEG to vectors of 64 px with 16 cores (gpu_encoding.md)
    "gpu_pair": 2.9e-12,  # seconds a pair, 100 neighbors (gpu_neighbors.md, between 32 and 117)
    "core_search": 334.0,  # core seconds of a search of 10^6 by an index (judged_speed.md)
    "jpeg": 25e3,  # bytes an image (gpu_encoding.md)
}
ASSUMED = {
    "hours between failures of a worker": 500.0,
    "seconds until a failed worker is back": 600.0,
    "share of tasks that end with their process": 1e-3,
    "share of tasks that straggle": 0.01,
    "times as slow as those are": 5.0,
    "scatter of workers' speeds": 0.1,
    "bytes a second of the store, to all": 10e9,
    "bytes a second of the store, to one worker": 1e9,
    "seconds until the first byte": 0.1,
    "overlap of cells": 0.2,
    "cells that are searched in featureless data": 10,
    "searches of each": 99,  # 80 nulls, 19 repeated: the default settings
    "sources a cell": 1e6,  # on cores
    "sources a cell on a GPU": 1e7,
}
SETUPS = {"1 machine, 16 cores": (16, False), "10 GPUs": (10, True), "100 GPUs": (100, True)}
SIZES = 10**7, 10**8, 10**9, 10**10
SHARD = 2048
AHEAD = 2, 8
"""Tasks sent ahead for each worker: as executors/ray.py does, and more."""


@dataclass(frozen=True)
class Outcome:
    """Seconds by the clock; shares of the workers' time at work and lost; failures; ended by one
    task."""

    wall: float
    busy: float
    lost: float
    failures: int
    ended: bool

    @property
    def utilization(self) -> float:
        """Share of all workers' time that went into tasks that were finished."""
        return (self.busy - self.lost) / max(self.wall, 1e-9)


def simulate(
    seconds: Sequence[float], workers: int, rng: np.random.Generator, ahead: int = 0
) -> Outcome:
    """One phase: tasks that take so many seconds on a worker of mean speed; so many sent ahead of
    the first that is not written for each worker, 0: any number.

    Events are (time, worker, task, whether it fails); a worker's next failure is drawn from an
    exponential, so that it depends on no past.
    """
    a = ASSUMED
    n = len(seconds)
    scatter = a["scatter of workers' speeds"]
    slow = np.exp(scatter * rng.standard_normal(workers) - scatter**2 / 2)
    rate = 1 / (3600 * a["hours between failures of a worker"])
    events: list[tuple[float, int, int, bool]] = []
    idle = deque(range(workers))
    again: deque[int] = deque()
    tries: dict[int, int] = {}
    written, finished, fresh = 0, set[int](), 0
    now = busy = lost = 0.0
    failures, ended = 0, False
    away: list[tuple[float, int]] = []
    while written < n:
        while away and away[0][0] <= now:
            idle.append(heapq.heappop(away)[1])
        while idle:
            if again:
                task = again.popleft()
            elif fresh < n and (not ahead or fresh - written <= ahead * workers):
                task, fresh = fresh, fresh + 1
            else:
                break
            worker = idle.popleft()
            takes = seconds[task] * slow[worker]
            if rng.random() < a["share of tasks that straggle"]:
                takes *= a["times as slow as those are"]
            fails = rng.random() < a["share of tasks that end with their process"]
            until = takes * rng.random() if fails else takes
            crash = rng.exponential(1 / rate)
            crashes = crash < until
            until = min(until, crash)
            busy += until
            if fails or crashes:
                lost += until
                failures += 1
            # -1: the worker itself is gone
            heapq.heappush(events, (now + until, -worker - 1 if crashes else worker, task,
                                    fails or crashes))  # fmt: skip
        if not events:
            now = away[0][0]
            continue
        if away and away[0][0] < events[0][0]:
            now = away[0][0]
            continue
        now, worker, task, failed = heapq.heappop(events)
        if worker < 0:
            back = now + a["seconds until a failed worker is back"]
            heapq.heappush(away, (back, -worker - 1))
        else:
            idle.append(worker)
        if failed:
            tries[task] = tries.get(task, 0) + 1
            ended = ended or tries[task] > RETRIES
            again.append(task)
            continue
        finished.add(task)
        while written in finished:
            finished.discard(written)
            written += 1
    return Outcome(now, busy / workers, lost / workers, failures, ended)


def encoding(n: int, workers: int, gpu: bool, most: int) -> list[float]:
    """Seconds of each shard: reading and encoding overlap, the store is shared."""
    size = max(SHARD, math.ceil(n / most))
    rate = MEASURED["gpu" if gpu else "core"]
    share = min(
        ASSUMED["bytes a second of the store, to one worker"],
        ASSUMED["bytes a second of the store, to all"] / workers,
    )
    each = max(1 / rate, MEASURED["jpeg"] / share)
    first = ASSUMED["seconds until the first byte"]
    return [first + each * min(size, n - start) for start in range(0, n, size)]


def cells(n: int, gpu: bool) -> tuple[int, float]:
    """How many cells, and the seconds of a search of one with its overlap on one worker."""
    size = ASSUMED["sources a cell on a GPU" if gpu else "sources a cell"]
    count = max(1, round(n / size))
    held = n / count * (1 + ASSUMED["overlap of cells"])
    if gpu:
        return count, MEASURED["gpu_pair"] * held**2
    return count, MEASURED["core_search"] * (held / 1e6) ** 1.25


def rows(n: int, name: str, seed: int, most: int) -> list[object]:
    workers, gpu = SETUPS[name]
    rng = np.random.default_rng([seed, n % 2**31, workers])
    shards = encoding(n, workers, gpu, most)
    ordered, further = (simulate(shards, workers, rng, ahead) for ahead in AHEAD)
    free = simulate(shards, workers, rng)
    count, each = cells(n, gpu)
    graphs = simulate([each] * count, workers, rng)
    searched = int(min(count, ASSUMED["cells that are searched in featureless data"]))
    judged = [each] * (searched * int(ASSUMED["searches of each"]))
    nulls = simulate(judged, workers, rng)
    phases = (free, graphs, nulls)
    wall = sum(p.wall for p in phases)
    lost = sum(p.lost for p in phases) / sum(p.busy for p in phases)
    return [
        f"10^{round(math.log10(n))}", name, len(shards),
        f"{in_words(ordered.wall)}, {ordered.utilization:.0%}",
        f"{in_words(further.wall)}, {further.utilization:.0%}",
        f"{in_words(free.wall)}, {free.utilization:.0%}",
        f"{count}: {in_words(graphs.wall)}, {graphs.utilization:.0%}",
        f"{len(judged)}: {in_words(nulls.wall)}, {nulls.utilization:.0%}",
        in_words(wall), f"{lost:.2%}", sum(p.failures for p in phases),
        "yes" if ordered.ended or any(p.ended for p in phases) else "no",
    ]  # fmt: skip


def in_words(seconds: float) -> str:
    if seconds < 5400:
        return f"{seconds / 60:.3g} min"
    return f"{seconds / 3600:.3g} h" if seconds < 3 * 86_400 else f"{seconds / 86_400:.3g} d"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=int, default=50_000, help="shards at most")
    args = parser.parse_args()
    heads = ["sources", "on", "shards", "encoding, in order, 2 ahead", "in order, 8 ahead",
             "as they come", "cells: their graphs", "searches of featureless and repeated data",
             "in all", "of the work lost", "failures", "a task lost too often"]  # fmt: skip
    found = [rows(n, name, args.seed, args.most) for n in SIZES for name in SETUPS]
    listed = "\n".join(
        f"- {what}: {value:g} ({kind})"
        for kind, values in (("measured", MEASURED), ("assumed", ASSUMED))
        for what, value in values.items()
    )
    text = (
        "Simulated, not run. Wall time and utilization (share of all workers' time in tasks that "
        f"were finished); seed {args.seed}, {args.most:,} shards at most. In all: encoding as they "
        f"come, graphs, searches.\n\n{table(heads, found)}\n\nWhat goes in:\n\n{listed}"
    )
    publish(text, "The schedule of very large surveys", args.output)


if __name__ == "__main__":
    main()
