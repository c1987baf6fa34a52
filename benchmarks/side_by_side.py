"""What searches of featureless data side by side gain on threads, and on processes.

    python benchmarks/side_by_side.py [--sources 10000] [--searches 8] [-o side_by_side.md]
    python benchmarks/side_by_side.py --partitions 300000 [-o side_by_side_partitions.md]

Vectors of ``judged_speed.py``; each way makes the same searches, the start of processes in its
time. With --partitions it is the communities of one graph of so many sources, whose partitions
are made one after the other or at a time. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from judged_speed import files, make
from tables import publish, table

from skerry.config import Config
from skerry.discover import Space, Surrogates, groups_in, kinds_of, measure, route_of, space_of
from skerry.discover.communities import communities, partition_sizes
from skerry.discover.elsewhere import NullSearches, search_each
from skerry.discover.searches import each
from skerry.executors.local import available_threads
from skerry.executors.processes import Processes


def space_of_planted(n: int) -> Space:
    with tempfile.TemporaryDirectory() as folder:
        make(*files(Path(folder), n), n)
        vectors = np.load(files(Path(folder), n)[0])
    return space_of(vectors, Config().neighbors)


def surrogates_of(n: int) -> Surrogates:
    config, space = Config(), space_of_planted(n)
    candidates = route_of("graph")(space, config)
    found = Surrogates(space, config, groups_in(space, candidates, measure(candidates, space)))
    found.prepare(kinds_of(config))
    return found


def seconds(searches: Callable[[], Iterable[Any]]) -> float:
    began = time.perf_counter()
    for _ in searches():
        pass
    return time.perf_counter() - began


def on_processes(search: NullSearches, plans: list[tuple[str, int]], count: int) -> Iterable[int]:
    """As a run has them: each search on one thread."""
    kept: dict[tuple[str, int], Any] = {}
    named = {plan: plan for plan in plans}
    return search_each(search, named, kept.__setitem__, executor=Processes(count), threads=1)


def partitions(n: int) -> str:
    """Communities of one graph, by how many partitions are made at a time."""
    graph = space_of_planted(n).graph
    lines, alone = [], 0.0
    for count in sorted({1, 2, available_threads()}):
        began = time.perf_counter()
        communities(graph, at_once=count)
        took = time.perf_counter() - began
        alone = alone or took
        lines.append([str(count), f"{took:.2f}", f"{alone / took:.2f}"])
    many = len(partition_sizes(n))
    heads = ["partitions at a time", "s", "times as fast"]
    return (
        f"Communities of a graph of {n:,} sources, {many} partitions and what is common to them, "
        f"{available_threads()} cores.\n\n{table(heads, lines)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=int, default=10_000)
    parser.add_argument("--searches", type=int, default=8)
    parser.add_argument("--partitions", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    if args.partitions:
        publish(partitions(args.partitions), "Partitions at a time", args.output)
        return
    search = NullSearches(surrogates_of(args.sources))
    plans = [("smooth-2", number) for number in range(args.searches)]
    search(plans[0])  # loads what is loaded once
    alone = seconds(lambda: each(search, plans, 1))
    lines = [["1 thread", f"{alone:.2f}", "1.00"]]
    for count in sorted({2, available_threads(), args.searches} - {1}):
        took = seconds(lambda c=count: each(search, plans, c))  # type: ignore[misc]
        lines.append([f"{count} threads", f"{took:.2f}", f"{alone / took:.2f}"])
        took = seconds(lambda c=count: on_processes(search, plans, c))  # type: ignore[misc]
        lines.append([f"{count} processes", f"{took:.2f}", f"{alone / took:.2f}"])
    text = (
        f"{args.searches} searches of {args.sources:,} featureless sources, "
        f"{available_threads()} cores.\n\n{table(['way', 's', 'times as fast'], lines)}"
    )
    publish(text, "Searches side by side", args.output)


if __name__ == "__main__":
    main()
