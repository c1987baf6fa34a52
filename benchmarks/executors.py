"""How much longer a survey takes to encode on Ray than on the threads of one process.

    python benchmarks/executors.py [--images 20000] [--rounds 3] [-o benchmarks/executors.md]

A few images are drawn and named again and again in the catalog, so that there are as many sources
as asked. Each round encodes all of them by either executor, in turns, into the shards of a run,
which must be of the same bytes. Ray is a cluster of this machine alone with as many cores as the
threads have; its start and the opening of the survey by its workers are part of what is measured;
the start of the cluster is told beside it.
What is told is the ratio of the two within each round, because the machine is noisy.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

import ray

from skerry.config import from_mapping
from skerry.encoding import Shards
from skerry.executors.executor import opened
from skerry.executors.local import available_threads
from skerry.pipeline import prepare
from skerry.progress import silent
from skerry.simulate import sky_of
from skerry.simulate.survey import simulate

BAR = 1.15
"""Ray is to take no more than this many times as long."""

CONFIG = from_mapping({"representations": {"crop": 0.75}})


def drawn(folder: Path, images: int, distinct: int, cores: int) -> Path:
    """A catalog of so many sources, whose images are some distinct ones in turns."""
    catalog = simulate(folder, sky_of("sdss", n=distinct, seed=0), threads=cores).catalog
    names = [row["file_loc"] for row in csv.DictReader(catalog.open())]
    lines = [f"{i:07d},{names[i % len(names)]}" for i in range(images)]
    path = folder / "repeated.csv"
    path.write_text("id_str,file_loc\n" + "\n".join(lines) + "\n")
    return path


def seconds(name: str, survey: Path, run: Path, cores: int) -> tuple[float, float]:
    """How long the shards of a new run take by an executor, and how much of it is its start."""
    threads = cores if name == "local" else 1
    began = time.perf_counter()
    if name == "ray":
        ray.init(
            address="local", num_cpus=cores, include_dashboard=False, log_to_driver=False,
            logging_level="ERROR",
        )  # fmt: skip
    start = time.perf_counter() - began
    try:
        with opened(name, threads=threads) as executor:
            context = prepare(survey, run, CONFIG, threads, executor, silent)
            context.path("representations").mkdir(parents=True)
            Shards(
                context, "representations", "benchmark", context.encoder, context.contract
            ).encode()
    finally:
        if name == "ray":
            ray.shutdown()
    return time.perf_counter() - began, start


def shards(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (run / "representations").iterdir()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--distinct", type=int, default=500, help="how many are drawn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=int, default=available_threads())
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        survey = drawn(folder / "survey", args.images, args.distinct, args.cores)
        for i in range(args.rounds):
            took, starts = {}, {}
            order = ("local", "ray") if i % 2 == 0 else ("ray", "local")
            for name in order:
                took[name], start = seconds(name, survey, folder / f"{name}-{i}", args.cores)
                starts[name] = start
            same = shards(folder / f"local-{i}") == shards(folder / f"ray-{i}")
            rows.append(
                (took["local"], took["ray"], starts["ray"], took["ray"] / took["local"], same)
            )
    ratio = statistics.median(row[3] for row in rows)
    lines = [
        f"{args.images} sources, {args.distinct} distinct drawn images, {args.cores} cores, Ray "
        f"{ray.__version__}, Python {platform.python_version()}.",
        "",
        "| round | local, s | Ray, s | of it the start, s | ratio | same bytes |",
        "|---|---|---|---|---|---|",
        *(
            f"| {i} | {local:.1f} | {other:.1f} | {start:.1f} | {over:.3f} | "
            f"{'yes' if same else 'no'} |"
            for i, (local, other, start, over, same) in enumerate(rows, start=1)
        ),
        "",
        f"Median ratio {ratio:.3f}; at 20000 sources on 2 cores it is to be at most {BAR}.",
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if args.output:
        args.output.write_text("# Executors\n\n`benchmarks/executors.py`\n\n" + text)


if __name__ == "__main__":
    main()
