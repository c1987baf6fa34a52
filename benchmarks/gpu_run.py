"""The whole of skerry on a GPU beside its CPU: the same classes, and how long each stage takes.

    PYTHONPATH=src:benchmarks python benchmarks/gpu_run.py --work WORK [--survey SURVEY]
        [--cases candidates:100000:cpu candidates:100000:cuda ...] [-o benchmarks/gpu_run.md]

- ``candidates:N:DEVICE``: vectors of ``judged_speed.py`` (a curved sea, 40 groups planted) to
  candidates, neighbors found on DEVICE, ``cpu`` or ``cuda``; no nulls, no repeated searches.
  ``exact`` is the CPU comparing every pair, which gives the neighbors of a GPU byte for byte
  (``tests/backends``);
- ``judged:N:DEVICE``: the same, judged by the defaults;
- ``survey:DEVICE``: ``skerry.run`` of SURVEY, images to report, five nulls of each kind.

Each is a process of its own. Classes of the two devices are compared by the adjusted Rand index
(Hubert & Arabie 1985) of all sources, what is in no class being one more class, and again of the
sources that are in a class by either. Rows are kept in WORK and made once.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from generators import groups_of, matches
from judged_speed import files, make
from sklearn.metrics import adjusted_rand_score
from tables import Results, Row, publish, table

import skerry
from skerry.backends import card
from skerry.config import Config, from_mapping
from skerry.discover.find import Searched, find
from skerry.executors.local import available_threads
from skerry.store.encoded import read_shard
from skerry.types import FloatArray, IntArray

CASES = tuple(
    f"{what}:{device}"
    for what in ("candidates:20000", "candidates:100000", "candidates:300000", "survey")
    for device in ("cpu", "cuda")
)
NULLS = 5


def labels_of(groups: Sequence[IntArray], n: int) -> IntArray:
    """The class of each source, -1 for none."""
    labels = np.full(n, -1, np.int64)
    for number, rows in enumerate(groups):
        labels[rows] = number
    return labels


def search(n: int, judged: bool, device: str, work: Path) -> tuple[Row, IntArray]:
    base = Config()
    neighbors = (
        replace(base.neighbors, exact_below=n)
        if device == "exact"
        else replace(base.neighbors, device=device)
    )
    config = replace(base, neighbors=neighbors)
    if not judged:
        config = replace(
            config,
            nulls=replace(base.nulls, n=0),
            replication=replace(base.replication, subsamples=0, seeds=0),
        )
    vectors, planted = files(work, n)
    groups = groups_of(np.load(planted))
    stages = Stages()
    found = find(held(vectors), config, on_event=stages)
    classes = found.confirmed() if judged else candidates_of(found)
    hits = sum(group >= 0 for group in matches(classes, groups))
    row = {**stages.row(), "classes": len(classes), "hits": hits, "groups": len(groups)}
    return {**row, "recall": found.space.graph.recall}, labels_of(classes, n)


def candidates_of(found: Searched) -> list[IntArray]:
    return [found.members(i) for i in range(len(found.candidates))]


def held(path: Path) -> FloatArray:
    """Read here, so that ``find`` has the only copy."""
    vectors: FloatArray = np.load(path)
    return vectors


class Stages:
    """Seconds until each kind of event was last heard of, since the one before.

    Each is told when it is first heard of: of a run that is ended from outside that much is known.
    """

    def __init__(self) -> None:
        self.began = self.last = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.perf_counter()
        if what not in self.seconds or done == total:
            print(f"{now - self.began:.1f} s: {what}, {done:,} of {total:,}", file=sys.stderr)
        self.seconds[what] = self.seconds.get(what, 0.0) + now - self.last
        self.last = now

    def row(self) -> Row:
        now = time.perf_counter()
        rest = now - self.last
        return {"seconds": now - self.began, "stages": {**self.seconds, "after it": rest}}


def run_survey(survey: Path, crop: float, device: str, work: Path) -> tuple[Row, IntArray]:
    stages = Stages()
    folder = work / f"run-{device}"
    config = from_mapping({"nulls": {"n": NULLS}, "representations": {"crop": crop}})
    skerry.run(survey, folder, config, device=device, on_event=stages)
    row = stages.row()
    run = skerry.open(folder)
    parts = [read_shard(p) for p in sorted((folder / "representations").glob("shard-*.parquet"))]
    np.save(work / f"vectors-{device}.npy", np.concatenate([part.vectors for part in parts]))
    # a run's own order is that of its vectors, which differ in the last digits
    rows = {name: i for i, name in enumerate(sorted(run.ids))}
    confirmed = [c for c in run.rare_classes if c.verdict == "confirmed"]
    found = [np.array([rows[m] for m in c.members]) for c in confirmed]
    return {**row, "classes": len(found)}, labels_of(found, len(rows))


def one(case: str, args: argparse.Namespace) -> Row:
    """A case in the process that is measured; keeps the labels beside the rows."""
    what, *rest = case.split(":")
    if what == "survey":
        row, labels = run_survey(args.survey, args.crop, rest[0], args.work)
    else:
        row, labels = search(int(rest[0]), what == "judged", rest[1], args.work)
    np.save(labels_file(args.work, case), labels)
    return {
        **row,
        "sources": len(labels),
        "card": card_of(rest[-1]),
        "cores": available_threads(),
        "machine": platform.node(),
    }


def card_of(device: str) -> str:
    return card.name() if device == "cuda" else ""


def labels_file(work: Path, case: str) -> Path:
    return work / f"labels-{case.replace(':', '-')}.npy"


def agreement(one: IntArray, other: IntArray) -> tuple[float, float]:
    """Adjusted Rand index of all sources, and of those that are in a class by either."""
    either = (one >= 0) | (other >= 0)
    inner = adjusted_rand_score(one[either], other[either]) if either.any() else float("nan")
    return float(adjusted_rand_score(one, other)), float(inner)


def report(rows: dict[str, Row], args: argparse.Namespace) -> None:
    lines, stages = [], []
    for case, row in rows.items():
        what, _, device = case.rpartition(":")
        beside = rows.get(f"{what}:cpu")
        same: tuple[Any, ...] = ("", "", "")
        if device != "cpu" and beside is not None:
            labels = [np.load(labels_file(args.work, f"{what}:{d}")) for d in ("cpu", device)]
            ratio = "other machines"
            if beside["machine"] == row["machine"]:
                ratio = f"{beside['seconds'] / row['seconds']:.2f}"
            same = (ratio, *(f"{v:.4f}" for v in agreement(labels[0], labels[1])))
        found = f"{row['hits']} of {row['groups']}" if "hits" in row else ""
        lines.append([case, row["card"], row["cores"], f"{row['sources']:,}",
                      f"{row['seconds']:.1f}", *same, row["classes"], found,
                      f"{row.get('recall', 1):.3f}"])  # fmt: skip
        longest = sorted(row["stages"].items(), key=lambda s: -s[1])[:6]
        stages.append(f"- `{case}`: " + ", ".join(f"{n} {s:.1f} s" for n, s in longest))
    heads = ["case", "card", "cores", "sources", "s", "times as fast as the CPU", "ARI, all",
             "ARI, in a class", "classes", "planted groups found", "neighbors found"]  # fmt: skip
    text = [
        table(heads, lines),
        "",
        "Seconds until the last word of each step (what follows the last one: all else):",
        "",
        *stages,
    ]
    publish("\n".join(text), "The whole on a GPU", args.output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--survey", type=Path)
    parser.add_argument("--crop", type=float, default=0.75, help="of SURVEY, representations.crop")
    parser.add_argument("--cases", nargs="+", default=CASES)
    parser.add_argument("--table", action="store_true", help="of the rows there are; make none")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(one(args.one, args)))
        return
    results = Results(args.work, "gpu_run")
    for case in () if args.table else args.cases:
        if any(row["case"]["run"] == case for row in results.rows().values()):
            continue
        what, *rest = case.split(":")
        if what != "survey" and not files(args.work, int(rest[0]))[0].exists():
            make(*files(args.work, int(rest[0])), int(rest[0]))
        given = ["--survey", str(args.survey), "--crop", str(args.crop)] if args.survey else []
        command = [sys.executable, __file__, "--work", str(args.work), *given, "--one", case]
        made = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if made.returncode:
            print(f"{case} failed, see above", flush=True)
            continue
        results.add({"run": case}, json.loads(made.stdout.strip().splitlines()[-1]))
        print(f"measured {case}: {made.stdout.strip().splitlines()[-1]}", flush=True)
    report({row["case"]["run"]: row for row in results.rows().values()}, args)


if __name__ == "__main__":
    main()
