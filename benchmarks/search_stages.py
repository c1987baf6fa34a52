"""Where the time and the memory of one large search go, stage by stage.

    PYTHONPATH=src:benchmarks python benchmarks/search_stages.py --work WORK --sources 10000000
        [-o benchmarks/search_stages.md]

``find`` by the defaults, judged, on the vectors of ``judged_speed.py`` (a curved sea in 128
dimensions, 40 groups planted), in a process of its own on all cores that it may use. A stage ends
with the last word of its kind; what a stage is not told of counts for the one after it. CPU seconds
are of this process, those of the processes that it starts are not in them; memory is the most that
was resident until then, of this process and of the largest that it started. The row of each size
is kept in WORK and made once; all that are there are told of.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from generators import groups_of, matches
from judged_speed import files
from tables import Results, Row, publish, table

from skerry.discover.find import find

LOADED, REST = "reading the file", "verdicts and classes"


class Clock:
    """Seconds, CPU seconds and peak memory since the start, at the last word of each stage."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.stages: dict[str, Row] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        own, others = (
            resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        self.stages[what] = {
            "seconds": time.perf_counter() - self.began,
            "cpu": own.ru_utime + own.ru_stime,
            "peak_mb": own.ru_maxrss / 1024,
            "largest_child_mb": others.ru_maxrss / 1024,
        }


def one(work: Path, n: int) -> Row:
    vectors, labels = files(work, n)
    clock = Clock()
    held = [np.load(vectors)]
    clock(LOADED, 1, 1)
    found = find(held.pop(), on_event=clock)
    clock(REST, 1, 1)
    groups = groups_of(np.load(labels))
    classes = found.confirmed()
    return {
        "stages": clock.stages,
        "candidates": len(found.candidates),
        "confirmed": len(classes),
        "groups": len(groups),
        "hits": sum(group >= 0 for group in matches(classes, groups)),
        "recall": found.space.graph.recall,
        "cores": len(os.sched_getaffinity(0)),
    }


def told(n: int, row: Row) -> str:
    """What was measured of one size, in words and as a table."""
    lines, before = [], {"seconds": 0.0, "cpu": 0.0}
    for what, at in row["stages"].items():
        lines.append(
            [what, f"{at['seconds'] - before['seconds']:,.0f}", f"{at['cpu'] - before['cpu']:,.0f}",
             f"{at['peak_mb']:,.0f}", f"{at['largest_child_mb']:,.0f}"]
        )  # fmt: skip
        before = at
    heads = ["stage", "s", "CPU s of this process", "peak MB", "peak MB of the largest child"]
    text = (
        f"{n:,} vectors, {row['cores']} cores: {before['seconds']:,.0f} s. {row['recall']:.1%} of "
        f"the neighbors found; {row['candidates']:,} candidates; {row['confirmed']} confirmed "
        f"classes, which have {row['hits']} of {row['groups']} planted groups."
    )
    return f"{text}\n\n{table(heads, lines)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for data and rows")
    parser.add_argument("--sources", type=int, required=True)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(one(args.work, args.sources)))
        return
    results = Results(args.work, "search_stages")
    named = {"sources": args.sources}
    rows = {r["case"]["sources"]: r for r in results.rows().values()}
    if args.sources not in rows:
        given = ["--work", str(args.work)]
        if not files(args.work, args.sources)[0].exists():
            # in a process of its own: the peak of a child counts what its parent held
            maker = str(Path(__file__).with_name("judged_speed.py"))
            make = [sys.executable, maker, *given, "--make", str(args.sources)]
            subprocess.run(make, check=True)
        command = [sys.executable, __file__, *given, "--sources", str(args.sources), "--one"]
        made = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        rows[args.sources] = json.loads(made.stdout.strip().splitlines()[-1])
        results.add(named, rows[args.sources])
    text = "\n\n".join(told(n, row) for n, row in sorted(rows.items()))
    publish(text, "Stages of a large search", args.output)


if __name__ == "__main__":
    main()
