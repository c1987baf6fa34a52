"""What it costs to add a survey to a finished run, beside a run on both together.

    python benchmarks/adding.py --work WORK [--sources 4000 --new 400] [--rounds 3] \
        [-o benchmarks/adding.md]

Images: a sky is drawn, its first sources are run, the others added by ``skerry add``, and all are
run together with the first run as the previous one; nulls and repeated searches, which neither
spares, are left out. Seconds are those of the stages in the runs' logs, all on as many threads. The
tables of neighbors, clusters and classes must be of the same bytes.

Vectors: the neighbor graph alone, of those of the images and of normal vectors of 128 dimensions
with a tenth as many added, made whole and joined in turns within each round. Told are ratios within
a round, because the machine is noisy: the median and the range of all rounds.

Rows are kept in WORK and made once: stop and start again at will.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tables import Results, Row, key, publish, table

import skerry
from skerry import pipeline
from skerry.config import NeighborsConfig, from_mapping
from skerry.discover import distinct_rows, neighbor_graph, neighbor_search
from skerry.discover.joining import KnownGraph, joined_graph
from skerry.simulate import sky_of
from skerry.simulate.survey import simulate
from skerry.store import encoded
from skerry.types import FloatArray, NeighborGraph

CONFIG = from_mapping(
    {
        "representations": {"crop": 1.0, "shard_size": 500},
        "nulls": {"n": 0},
        "replication": {"subsamples": 0, "seeds": 0},
    }
)
SAME = ("neighbors", "embedding", "clusters", "classes", "products/classes", "products/members")
SIZES = (4000, 10_000, 20_000)
CONFIG_OF_GRAPH = NeighborsConfig()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps the rows")
    parser.add_argument("--sources", type=int, default=4000)
    parser.add_argument("--new", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    results = Results(args.work, "adding")
    case = {"of": "images", "sources": args.sources, "new": args.new}
    if key(case) not in results.rows():
        results.add(case, of_images(args.work, args.sources, args.new, args.threads))
    for round_ in range(args.rounds):
        for n in (0, *SIZES):
            case = {"of": "vectors", "sources": n, "new": n // 10, "round": round_}
            if key(case) not in results.rows():
                rng = np.random.default_rng([round_, n])
                x = represented(args.work) if n == 0 else rng.normal(size=(n + n // 10, 128))
                results.add(case, of_vectors(x.astype(np.float32), len(x) // 11, round_))
                print(case, flush=True)
    publish(told(list(results.rows().values())), "Adding to a run", args.output)


def of_images(work: Path, sources: int, new: int, threads: int) -> Row:
    """Seconds of each stage of the run on both and of the addition."""
    # loads what the stage of neighbors would load in its time
    of_vectors(np.random.default_rng(0).normal(size=(220, 8)).astype(np.float32), 20, 0)
    first, added, both = drawn(work / "survey", sources, new)
    pipeline.run(first, work / "run", CONFIG, threads=threads)
    previous = {"classes": {"previous": str((work / "run").resolve())}}
    settings = from_mapping(previous, CONFIG)
    seconds: dict[str, dict[str, float]] = {}
    calls: dict[str, Callable[[Path], object]] = {
        "whole": lambda o: pipeline.run(both, o, settings, threads=threads),
        "added": lambda o: skerry.add(work / "run", added, o, threads=threads),
    }
    for name, call in calls.items():
        if not at_one_go(work / name):
            shutil.rmtree(work / name, ignore_errors=True)  # a run taken up again has other times
            call(work / name)
        seconds[name] = stages_of(work / name)
    files = [p for p in (work / "whole").rglob("*") if p.is_file() and p.name != "manifest.json"]
    compared = [p.relative_to(work / "whole").as_posix() for p in files]
    compared = [p for p in compared if p.startswith(SAME)]
    same = [
        (work / "whole" / p).read_bytes() == (work / "added" / p).read_bytes() for p in compared
    ]
    return {"seconds": seconds, "same": sum(same), "compared": len(same)}


def drawn(survey: Path, sources: int, new: int) -> tuple[Path, Path, Path]:
    """Catalogs of the first sources, of the others, and of both."""
    if not (survey / "all.csv").exists():
        simulate(survey, sky_of("sdss", n=sources + new, seed=1), threads=1)
        (survey / "catalogue.csv").rename(survey / "all.csv")
    with (survey / "all.csv").open(newline="") as file:
        header, *rows = list(csv.reader(file))
    for name, part in (("first.csv", rows[:sources]), ("new.csv", rows[sources:])):
        with (survey / name).open("w", newline="") as file:
            csv.writer(file).writerows([header, *part])
    return survey / "first.csv", survey / "new.csv", survey / "all.csv"


def at_one_go(run: Path) -> bool:
    """Whether a run is there that was finished and never taken up again."""
    try:
        events = [
            json.loads(line)["event"] for line in (run / "log.jsonl").read_text().splitlines()
        ]
    except OSError:
        return False
    return events.count("start") == 1 and "end" in events


def stages_of(run: Path) -> dict[str, float]:
    events = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return {e["stage"]: e["seconds"] for e in events if e.get("state") == "done"}


def represented(work: Path) -> FloatArray:
    """The vectors of the images."""
    x = encoded.read_representations(work / "whole" / "representations").vectors
    return x[distinct_rows(x)]


def of_vectors(x: FloatArray, new: int, seed: int) -> Row:
    """Seconds of the whole graph and of the joined one."""
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(x), len(x) - new, replace=False))
    before = whole(x[rows])
    known = KnownGraph(rows, rows[before.indices], before.distances)
    began = time.perf_counter()
    all_of_it = whole(x)
    middle = time.perf_counter()
    joined = joined_graph(neighbor_search(x, CONFIG_OF_GRAPH), known, CONFIG_OF_GRAPH)
    seconds = {"whole": middle - began, "joined": time.perf_counter() - middle}
    same = all(
        getattr(joined, name).tobytes() == getattr(all_of_it, name).tobytes()
        for name in ("indices", "distances")
    )
    return {"seconds": seconds, "same": same}


def whole(x: FloatArray) -> NeighborGraph:
    return neighbor_graph(neighbor_search(x, CONFIG_OF_GRAPH), CONFIG_OF_GRAPH)


def told(rows: list[Row]) -> str:
    lines = []
    text = ""
    for row in (r for r in rows if r["case"]["of"] == "images"):
        n, m, seconds = row["case"]["sources"], row["case"]["new"], row["seconds"]
        mine, all_of_it = (seconds[run]["representations"] for run in ("added", "whole"))
        share = f"{mine / all_of_it:.2f}"
        lines.append(("encoding the images", n, m, f"{all_of_it:.2f}", f"{mine:.2f}", share, ""))
        text = f"\n\n{row['same']} of {row['compared']} files compared have the same bytes."
    for n in (0, *SIZES):
        mine = [r for r in rows if r["case"]["of"] == "vectors" and r["case"]["sources"] == n]
        if not mine:
            continue
        ratios = [r["seconds"]["joined"] / r["seconds"]["whole"] for r in mine]
        middle = {k: statistics.median(r["seconds"][k] for r in mine) for k in ("whole", "joined")}
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        same = "" if all(r["same"] for r in mine) else " OTHER BYTES"
        lines.append(
            (("neighbors of normal vectors" if n else "neighbors of the images") + same,
             n or "as above", n // 10 or "", f"{middle['whole']:.2f}",
             f"{middle['joined']:.2f}", f"{statistics.median(ratios):.2f}", spread)
        )  # fmt: skip
    heads = ("what", "sources", "added", "run on both, s", "added, s", "ratio", "of all rounds")
    return table(heads, lines) + text


if __name__ == "__main__":
    main()
