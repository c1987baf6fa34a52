"""Seconds and peak memory from representations in a file to judged classes, beside plain tools.

    python benchmarks/judged_speed.py --work WORK [--cases graph:20000 plain:20000 ...] \
        [-o benchmarks/judged_speed.md]

Data: a smooth curved map of a 6-d normal to 128 dimensions (``tanh`` of ``generators.py``) with 40
groups planted at a contrast of 0.35, as a float32 .npy file. Ways:

- ``graph``: skerry's graph route, candidates only: no nulls, no repeated searches;
- ``graph-judged``, ``umap-judged``: skerry's two routes with the full judgement by default
  settings;
- ``plain``: umap-learn (15 neighbors, 5 components, min_dist 0, no seed, so on all cores) and
  hdbscan (min_cluster_size 15).

Every measurement is a process of its own, from its start to its end: imports, compilation
(with what the libraries cache on disk once installed), reading the file and counting what was
found are all in it. Peak memory is the resident memory that the kernel reports for it. A group is
found where a class, or a candidate or cluster where nothing is judged, overlaps it by half
(Jaccard). A round (``--rounds``) is every case once: what is told of a case that was measured in
several is the round of median seconds, and the ratio to ``plain`` the median of those within each.
Rows are kept in WORK and made once; after a change of the code take a new WORK.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from generators import D, Rng, groups_of, local, local_group, matches, tanh_map
from tables import Results, Row, key, publish, table

from skerry.types import DoubleArray, FloatArray, IntArray

N_GROUPS = 40
CONTRAST = 0.35
BLOCK = 20_000
BEFORE_JUDGEMENT = "graph"
PLAIN = "plain"
DEFAULT = (
    *(f"graph:{n}" for n in (20_000, 100_000, 300_000, 1_000_000)),
    *(f"plain:{n}" for n in (20_000, 100_000)),
    "graph-judged:100000",
    "umap-judged:5000",
)


def make(vectors: Path, labels: Path, n: int) -> None:
    """Write the planted vectors, block by block, never all of them in memory."""
    rng = np.random.default_rng([43, n])
    sizes = np.geomspace(15, max(15, min(300, n // 200)), N_GROUPS).round().astype(int)
    if sizes.sum() > n // 2:
        raise SystemExit(f"{n} sources are too few for {N_GROUPS} groups; expected 1200 or more")
    unfinished = vectors.with_suffix(".part")
    held = np.lib.format.open_memmap(unfinished, mode="w+", dtype=np.float32, shape=(n, D))
    write_sea(held, tanh_map(rng), rng)
    centers = rng.integers(n, size=N_GROUPS)
    near = nearest(held, held[centers], [local(size) for size in sizes])
    # read before any row is replaced
    groups = [local_group(held[rows], rng, size, CONTRAST) for rows, size in
              zip(near, sizes, strict=True)]  # fmt: skip
    label = np.full(n, -1, dtype=np.int16)
    rows = np.split(rng.choice(n, size=sizes.sum(), replace=False), np.cumsum(sizes)[:-1])
    for i, (taken, group) in enumerate(zip(rows, groups, strict=True)):
        held[taken] = group
        label[taken] = i
    held.flush()
    np.save(labels, label)
    unfinished.rename(vectors)


def write_sea(held: FloatArray, curve: Callable[[DoubleArray], DoubleArray], rng: Rng) -> None:
    scatter = 0.0
    for start in range(0, len(held), BLOCK):
        block = curve(rng.normal(size=(min(BLOCK, len(held) - start), 6)))
        scatter = scatter or 0.1 * float(block.std())
        held[start : start + len(block)] = block + scatter * rng.normal(size=block.shape)


def nearest(held: FloatArray, centers: FloatArray, wanted: Sequence[int]) -> list[IntArray]:
    """Rows of the nearest to each center, as many as wanted."""
    squares = np.empty((len(centers), len(held)), dtype=np.float32)
    for start in range(0, len(held), BLOCK):
        block = held[start : start + BLOCK]
        squares[:, start : start + len(block)] = (
            (centers**2).sum(axis=1)[:, None] + (block**2).sum(axis=1) - 2 * centers @ block.T
        )
    return [np.argpartition(row, k)[:k] for row, k in zip(squares, wanted, strict=True)]


def classes_by_skerry(vectors: Path, way: str) -> tuple[list[IntArray], int]:
    """What was found, and how many searches that took in all."""
    from skerry.config import Config
    from skerry.discover.find import find

    base = Config()
    route = "umap-hdbscan" if way == "umap-judged" else "graph"
    config = replace(base, clusters=replace(base.clusters, route=route))
    if way == BEFORE_JUDGEMENT:
        config = replace(
            config,
            nulls=replace(base.nulls, n=0),
            replication=replace(base.replication, subsamples=0, seeds=0),
        )
    searches: dict[str, int] = {}

    def on_event(what: str, done: int, total: int) -> None:
        if what in ("searching featureless data", "repeating the search"):
            searches[what] = done

    found = find(np.load(vectors), config, on_event=on_event)
    if way == BEFORE_JUDGEMENT:
        return [found.members(i) for i in range(len(found.candidates))], 1
    if len(searches) != 2:
        raise SystemExit(f"heard of {searches}; expected null searches and repeated ones")
    return found.confirmed(), 1 + sum(searches.values())


def clusters_by_plain(vectors: Path) -> list[IntArray]:
    import hdbscan
    import umap

    coordinates = umap.UMAP(n_neighbors=15, n_components=5, min_dist=0.0).fit_transform(
        np.load(vectors)
    )
    return groups_of(hdbscan.HDBSCAN(min_cluster_size=15).fit_predict(coordinates))


def one(case: str, work: Path) -> Row:
    """One way on one file, in the process that is measured."""
    way, n = parsed(case)
    vectors, labels = files(work, n)
    found, searches = (
        (clusters_by_plain(vectors), 1) if way == PLAIN else classes_by_skerry(vectors, way)
    )
    groups = groups_of(np.load(labels))
    hits = sum(group >= 0 for group in matches(found, groups))
    return {"classes": len(found), "groups": len(groups), "hits": hits, "searches": searches}


def measured(case: str, work: Path) -> Row:
    began = time.perf_counter()
    command = [sys.executable, __file__, "--work", str(work), "--one", case]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    out = process.stdout.read() if process.stdout else ""
    _, code, usage = os.wait4(process.pid, 0)
    if code:
        raise SystemExit(f"{case} failed, see above")
    return {
        **json.loads(out.strip().splitlines()[-1]),
        "seconds": round(time.perf_counter() - began, 1),
        "peak_mb": round(usage.ru_maxrss / 1024),
        "cores": len(os.sched_getaffinity(0)),
    }


def parsed(case: str) -> tuple[str, int]:
    way, _, n = case.partition(":")
    if way not in (BEFORE_JUDGEMENT, "graph-judged", "umap-judged", PLAIN) or not n.isdigit():
        raise SystemExit(f"no case {case!r}; expected one as {', '.join(DEFAULT)}")
    return way, int(n)


def files(work: Path, n: int) -> tuple[Path, Path]:
    return work / f"planted-{n}.npy", work / f"labels-{n}.npy"


def report(rounds: dict[tuple[str, int], dict[int, Row]], output: Path | None) -> None:
    rows = {case: middle(list(found.values())) for case, found in rounds.items()}
    heads = ["way", "sources", "rounds", "s", "times as fast as plain", "searches", "peak MB",
             "input MB", "500 + 3 x input MB", "classes", "groups found"]  # fmt: skip
    lines = []
    for (way, n), row in sorted(rows.items()):
        mine, beside = rounds[way, n], rounds.get((PLAIN, n), {})
        size = n * D * 4 / 2**20
        lines.append(
            [way, n, len(mine), row["seconds"], faster(mine, beside), row["searches"],
             row["peak_mb"], f"{size:.0f}", f"{500 + 3 * size:.0f}", row["classes"],
             f"{row['hits']} of {row['groups']}"]
        )  # fmt: skip
    cores = sorted({row["cores"] for row in rows.values()})
    text = (
        f"{platform.machine()}, cores in use: {' and '.join(map(str, cores))}, Python "
        f"{platform.python_version()}.\n\n{table(heads, lines)}"
    )
    for way in sorted({way for way, _ in rows}):
        sizes = sorted(n for w, n in rows if w == way)
        if len(sizes) > 1:
            seconds = [rows[way, n]["seconds"] for n in sizes]
            growth = np.polyfit(np.log(sizes), np.log(seconds), 1)[0]
            text += (
                f"\n\n`{way}` from {sizes[0]} to {sizes[-1]} sources: seconds grow as "
                f"N^{growth:.2f} (log-log fit of {len(sizes)} sizes)."
            )
    publish(text, "Speed and memory of the judged search", output)


def middle(rows: Sequence[Row]) -> Row:
    """Of some rounds that of the median seconds, with the largest memory of all."""
    ordered = sorted(rows, key=lambda row: row["seconds"])
    return {**ordered[(len(rows) - 1) // 2], "peak_mb": max(row["peak_mb"] for row in rows)}


def faster(mine: dict[int, Row], beside: dict[int, Row]) -> str:
    """The median, and the range, of how many times as fast as the other it was within a round."""
    ratios = [beside[i]["seconds"] / mine[i]["seconds"] for i in sorted(mine.keys() & beside)]
    if not ratios:
        return "not measured"
    found = f"{np.median(ratios):.1f}"
    return found if len(ratios) == 1 else f"{found} ({min(ratios):.1f} to {max(ratios):.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for data and rows")
    parser.add_argument("--cases", nargs="+", default=DEFAULT, help="WAY:SOURCES")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--make", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(one(args.one, args.work)))
        return
    if args.make:
        make(*files(args.work, args.make), args.make)
        return
    results = Results(args.work, "judged_speed")
    for number, case in itertools.product(range(args.rounds), args.cases):
        way, n = parsed(case)
        named = {"way": way, "sources": n, "round": number}
        if key(named) in results.rows():
            continue
        if not files(args.work, n)[0].exists():
            # in a process of its own: the peak of a child counts what its parent held
            command = [sys.executable, __file__, "--work", str(args.work), "--make", str(n)]
            subprocess.run(command, check=True)
        results.add(named, measured(case, args.work))
        print(f"measured {case}, round {number + 1}", flush=True)
    rounds: dict[tuple[str, int], dict[int, Row]] = {}
    for row in results.rows().values():
        case = row["case"]
        rounds.setdefault((case["way"], case["sources"]), {})[case["round"]] = row
    report(rounds, args.output)


if __name__ == "__main__":
    main()
