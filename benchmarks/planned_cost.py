"""What ``skerry plan`` predicts, beside what the run then took: time of one core, memory, disk.

    python benchmarks/planned_cost.py --work WORK [--cases vectors:2000 images:2000 vectors:10000] \
        [--nulls 5] [--probe 20] [-o benchmarks/planned_cost.md]

``vectors``: a smooth curved map of a 6-d normal to 128 dimensions (``tanh`` of ``generators.py``);
``images``: a sky drawn by ``skerry simulate``'s preset sdss. Both runs go by default settings but
for ``nulls.n`` (of each of four kinds). Prediction and run are processes of their own on one
thread, and both count the time that they had a core, not that they waited for one: on a busy
machine a prediction by the clock holds as long as it stays as busy. Rows are kept in WORK.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from generators import tanh
from tables import Results, Row, key, publish, table

DEFAULT = ("images:2000", "vectors:2000", "vectors:10000")


def settings(nulls: int) -> dict[str, dict[str, object]]:
    # a drawn frame shows 256 px of a Galaxy Zoo cutout, the encoder learned the middle 192
    return {"representations": {"crop": 0.75}, "nulls": {"n": nulls}}


def make(what: str, n: int, work: Path) -> Path:
    if what == "images":
        from skerry.simulate import sky_of
        from skerry.simulate.survey import simulate

        folder = work / f"sky-{n}"
        if not folder.exists():
            simulate(folder, sky_of("sdss", n=n, seed=11), threads=1)
        return folder
    path = work / f"vectors-{n}.npy"
    if not path.exists():
        np.save(path, tanh(n, np.random.default_rng([47, n])))
        ids = [f"s{i:07d}" for i in range(n)]
        path.with_name(f"{path.stem}_ids.txt").write_text("\n".join(ids) + "\n")
    return path


def predict(source: Path, nulls: int, probe: float) -> Row:
    from skerry.config import from_mapping
    from skerry.planning import plan

    began = time.process_time()
    found = plan(
        source, source.parent / "none", from_mapping(settings(nulls)), threads=1,
        probe_seconds=probe, clock=time.process_time,
    )  # fmt: skip
    return {**found.as_dict(), "probed": time.process_time() - began}


def run(source: Path, output: Path, nulls: int) -> Row:
    from skerry import building, pipeline
    from skerry.config import from_mapping

    class Clock:
        monotonic = staticmethod(time.process_time)

    building.time = Clock  # type: ignore[assignment]
    pipeline.run(source, output, from_mapping(settings(nulls)), threads=1)
    lines = map(json.loads, (output / "log.jsonl").read_text().splitlines())
    stages = {x["stage"]: x["seconds"] for x in lines if x.get("state") == "done"}
    disk = sum(p.stat().st_size for p in output.rglob("*") if p.is_file())
    return {"stages": stages, "disk": disk}


def measured(part: str, case: str, args: argparse.Namespace) -> Row:
    command = [sys.executable, __file__, "--work", str(args.work), "--part", part, "--cases", case,
               "--nulls", str(args.nulls), "--probe", str(args.probe)]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    out = process.stdout.read() if process.stdout else ""
    _, code, usage = os.wait4(process.pid, 0)
    if code:
        raise SystemExit(f"{part} of {case} failed, see above")
    row = json.loads(out.strip().splitlines()[-1])
    return {**row, "peak": 1024 * usage.ru_maxrss, "cpu": usage.ru_utime + usage.ru_stime}


def report(rows: list[Row], args: argparse.Namespace) -> None:
    text = (
        f"{platform.machine()}, one core, Python {platform.python_version()}; default settings but "
        f"nulls.n = {args.nulls} of each kind; probe of {args.probe:g} s."
    )
    heads = ["case", "core seconds", "predicted", "ratio", "peak MB", "predicted", "disk MB",
             "predicted", "probe took, s"]  # fmt: skip
    lines, parts = [], []
    for row in rows:
        said, true = row["plan"], row["run"]
        seconds = true["cpu"]  # with loading the libraries and reading the catalog
        lines.append(
            [row["case"]["name"], f"{seconds:.0f}", f"{said['seconds']:.0f}",
             f"{said['seconds'] / seconds:.2f}", f"{true['peak'] / 1e6:.0f}",
             f"{said['memory_bytes'] / 1e6:.0f}", f"{true['disk'] / 1e6:.1f}",
             f"{said['disk_bytes'] / 1e6:.1f}", f"{said['probed']:.0f}"]
        )  # fmt: skip
        predicted = {s["name"]: s["seconds"] for s in said["stages"]}
        parts.append(
            [row["case"]["name"],
             *(f"{true['stages'][name]:.1f} ({s:.1f})" for name, s in predicted.items())]
        )  # fmt: skip
    names = [s["name"] for s in rows[0]["plan"]["stages"]]
    text += f"\n\n{table(heads, lines)}\n\nCore seconds of each stage, predicted in brackets:\n\n"
    publish(text + table(["case", *names], parts), "What a run costs, predicted", args.output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for data and rows")
    parser.add_argument("--cases", nargs="+", default=DEFAULT, help="images:N or vectors:N")
    parser.add_argument("--nulls", type=int, default=5)
    parser.add_argument("--probe", type=float, default=20.0)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--part", choices=("make", "plan", "run"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        what, _, n = args.cases[0].partition(":")
        source = make(what, int(n), args.work)
        if args.part == "plan":
            print(json.dumps(predict(source, args.nulls, args.probe)))
        else:
            run_folder = args.work / f"run-{what}-{n}-{args.nulls}"
            print(json.dumps({} if args.part == "make" else run(source, run_folder, args.nulls)))
        return
    results = Results(args.work, "planned_cost")
    cases = [{"name": name, "nulls": args.nulls, "probe": args.probe} for name in args.cases]
    for case in cases:
        if key(case) not in results.rows():
            measured("make", case["name"], args)
            row = {part: measured(part, case["name"], args) for part in ("plan", "run")}
            results.add(case, row)
            print(f"measured {case['name']}", flush=True)
    rows = results.rows()
    report([rows[key(case)] for case in cases], args)


if __name__ == "__main__":
    main()
