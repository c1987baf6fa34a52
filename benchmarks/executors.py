"""How much longer a survey takes on Ray than on the threads of one process.

    python benchmarks/executors.py [--images 20000] [--vectors 20000] [--rounds 3] \
        [-o benchmarks/executors.md]

``encoding``: a few images are drawn and named again and again in the catalog, so that there are as
many sources as asked; all of them are encoded into the shards of a run. ``searching``: the nulls
and the repeated searches of a run on drawn vectors with planted groups, whose stages before are
there already; fewer of each than by default (``--nulls``, ``--subsamples``).

Each round does the same by either executor, in turns, and the files made must be of the same
bytes. Ray is a cluster of this machine alone with as many cores as the threads have, one a task;
its start, and what its workers import and open, are part of what is measured; the start of the
cluster is told beside it. What is told is the ratio of the two within each round, because the
machine is noisy; seconds of the cores, those of all of Ray's processes, are less so.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import ray
from generators import plant, tanh

from skerry import pipeline
from skerry.config import from_mapping
from skerry.context import Context
from skerry.discover import kinds_of
from skerry.discover.variants import every_variant
from skerry.encoding import Shards
from skerry.executors.executor import Executor, opened
from skerry.executors.local import available_threads
from skerry.progress import silent
from skerry.simulate import sky_of
from skerry.simulate.survey import simulate
from skerry.store import Manifest

BAR = 1.15
"""Ray is to take no more than this many times as long."""

CROP = from_mapping({"representations": {"crop": 0.75}})

BEFORE, SEARCHED = ("clusters", "replication")
"""The last stage that is there before searches are measured, and the last that is measured."""


@dataclass(frozen=True)
class Case:
    """Something that is done by either executor: ``work`` does it, in the folder it is given."""

    name: str
    what: str
    work: Callable[[Executor, int, Path], None]
    made: tuple[str, ...]


def encoding(folder: Path, images: int, distinct: int, cores: int) -> Case:
    """Encoding a catalog of so many sources, whose images are some distinct ones in turns."""
    catalog = simulate(folder, sky_of("sdss", n=distinct, seed=0), threads=cores).catalog
    names = [row["file_loc"] for row in csv.DictReader(catalog.open())]
    lines = [f"{i:07d},{names[i % len(names)]}" for i in range(images)]
    survey = folder / "repeated.csv"
    survey.write_text("id_str,file_loc\n" + "\n".join(lines) + "\n")

    def work(executor: Executor, threads: int, run: Path) -> None:
        context = pipeline.prepare(survey, run, CROP, threads, executor, silent)
        context.path("representations").mkdir(parents=True)
        Shards(context, "representations", "key", context.encoder, context.contract).encode()

    what = f"{images} sources, {distinct} distinct drawn images"
    return Case("encoding", what, work, ("representations",))


def searching(folder: Path, vectors: int, nulls: int, subsamples: int, threads: int) -> Case:
    """The nulls and the repeated searches of drawn vectors with planted groups."""
    rng = np.random.default_rng(0)
    sizes = np.geomspace(15, max(15, vectors // 200), 20).round().astype(int).tolist()
    planted, _ = plant(tanh(vectors, rng), rng, sizes, 0.35)
    columns = {f"feat_{i}": column for i, column in enumerate(planted.T)}
    survey = folder / "vectors.parquet"
    folder.mkdir()
    names = [f"{i:07d}" for i in range(vectors)]
    pq.write_table(pa.table({"id_str": names, **columns}), survey)
    config = from_mapping({"nulls": {"n": nulls}, "replication": {"subsamples": subsamples}})
    build(pipeline.prepare(survey, folder / "run", config, threads, None, silent), BEFORE)

    def work(executor: Executor, threads: int, run: Path) -> None:
        shutil.copytree(folder / "run", run)
        build(pipeline.prepare(survey, run, config, threads, executor, silent), SEARCHED)

    searches = nulls * len(kinds_of(config)), len(every_variant(vectors, config))
    what = f"{vectors} vectors of {planted.shape[1]} columns, {searches[0]} nulls"
    what += f" and {searches[1]} repeated searches"
    return Case("searching", what, work, ("nulls", "replication"))


def build(context: Context, last: str) -> None:
    """What a run does, up to a stage."""
    context.folder.start(context.config)
    done: dict[str, Manifest] = {}
    for stage in pipeline.STAGES:
        done[stage.name], _ = pipeline.up_to_date(stage, context, done)
        if stage.name == last:
            break


@dataclass(frozen=True)
class Took:
    """Seconds by the clock, those of them in which the cluster started, and of the cores."""

    clock: float
    start: float
    cores: float


def took(case: Case, name: str, run: Path, cores: int) -> Took:
    """How long a case takes by an executor."""
    threads = cores if name == "local" else 1
    began, before = time.perf_counter(), core_seconds(os.getpid())
    if name == "ray":
        ray.init(
            address="local", num_cpus=cores, include_dashboard=False, log_to_driver=False,
            logging_level="ERROR",
        )  # fmt: skip
    start = time.perf_counter() - began
    try:
        with opened(name, threads=threads) as executor:
            case.work(executor, threads, run)
        used = core_seconds(os.getpid()) - before
    finally:
        if name == "ray":
            ray.shutdown()
    return Took(time.perf_counter() - began, start, used)


def core_seconds(process: int) -> float:
    """Seconds that the cores worked for a process and those it started, as Linux counts them."""
    folder = Path("/proc", str(process))
    try:
        mine = folder.joinpath("stat").read_text().rpartition(")")[2].split()[11:15]
        started = [c for t in folder.glob("task/*/children") for c in t.read_text().split()]
    except OSError:  # it has ended meanwhile
        return 0.0
    # those that have ended and were waited for are counted with who waited
    return sum(map(int, mine)) / os.sysconf("SC_CLK_TCK") + sum(
        core_seconds(int(c)) for c in started
    )


def files(run: Path, made: tuple[str, ...]) -> dict[str, bytes]:
    return {str(p.relative_to(run)): p.read_bytes() for d in made for p in (run / d).iterdir()}


def compared(case: Case, scratch: Path, rounds: int, cores: int) -> list[str]:
    """The rows of a case's table, and the median of their ratios."""
    rows, ratios = [], []
    for i in range(rounds):
        runs = {name: scratch / f"{case.name}-{name}-{i}" for name in ("local", "ray")}
        order = runs if i % 2 == 0 else reversed(runs)
        by = {name: took(case, name, runs[name], cores) for name in order}
        local, other = by["local"], by["ray"]
        kept = [files(run, case.made) for run in runs.values()]
        same = "yes" if kept[0] and kept[0] == kept[1] else "no"
        begun = other.clock - other.start
        ratios.append((other.clock / local.clock, begun / local.clock, other.cores / local.cores))
        rows.append(
            f"| {i + 1} | {local.clock:.1f} | {other.clock:.1f} | {other.start:.1f} | "
            f"{ratios[-1][0]:.3f} | {ratios[-1][1]:.3f} | {local.cores:.1f} | {other.cores:.1f} | "
            f"{ratios[-1][2]:.3f} | {same} |"
        )
        print(case.name, rows[-1], flush=True)
    whole, begun, of_cores = (statistics.median(column) for column in zip(*ratios, strict=True))
    return [
        f"## {case.name.capitalize()}",
        "",
        f"{case.what}.",
        "",
        "| round | local, s | Ray, s | of it the start, s | ratio | without the start | "
        "local, core s | Ray, core s | ratio | same bytes |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *rows,
        "",
        f"Median ratio {whole:.3f}, on a cluster that is there {begun:.3f}, of the cores' seconds "
        f"{of_cores:.3f}; at 20000 sources on 2 cores it is to be at most {BAR}.",
        "",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000, help="0: do not encode")
    parser.add_argument("--distinct", type=int, default=500, help="how many are drawn")
    parser.add_argument("--vectors", type=int, default=20_000, help="0: do not search")
    parser.add_argument("--nulls", type=int, default=4, help="nulls.n")
    parser.add_argument("--subsamples", type=int, default=4, help="replication.subsamples")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=int, default=available_threads())
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

    lines = [f"{args.cores} cores, Ray {ray.__version__}, Python {platform.python_version()}.", ""]
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        if args.images:
            case = encoding(scratch / "images", args.images, args.distinct, args.cores)
            lines += compared(case, scratch, args.rounds, args.cores)
        if args.vectors:
            case = searching(
                scratch / "vectors", args.vectors, args.nulls, args.subsamples, args.cores
            )
            lines += compared(case, scratch, args.rounds, args.cores)
    text = "\n".join(lines)
    print(text)
    if args.output:
        args.output.write_text("# Executors\n\n`benchmarks/executors.py`\n\n" + text)


if __name__ == "__main__":
    main()
