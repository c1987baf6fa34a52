"""Whether a run that is killed, or whose disk fails, ends with the bytes of one that was not.

    python benchmarks/kills.py --work WORK [--kills 50] [--seed 0] [--calls run,add,stream,ray] \
        [-o benchmarks/kills.md]

A small drawn survey is run once undisturbed. Then the same call is killed with SIGKILL at a moment
drawn evenly from the time that it takes, and made again until it finishes; two in three times it is
killed a second or a third time before. What is compared is every file of the run but its log. The
same is done with a survey added to a run, with the survey in WebDataset tars, read as a stream,
and with those on a Ray cluster of this machine that outlives the runs: then what is killed is the
process that was started, and its workers with it. What a stream or Ray ends with must be what the
undisturbed run of the same tars by threads does. Each call is a child forked from a process that
has the libraries loaded, so that what is killed is the run and not Python's start.

The faults of a disk need root, to mount a small tmpfs: it has 4 kB blocks from one to as many as
the run takes, in twelve steps, and is made larger after the error; and it is mounted read-only.
Without root, or without the call `run`, they are left out, and so is Ray where it is not
installed. Rows are kept in WORK and made once: stop and start again at will.
"""

from __future__ import annotations

import argparse
import csv
import functools
import importlib.util
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

os.environ.setdefault("NUMBA_THREADING_LAYER", "workqueue")  # GNU's OpenMP cannot be forked

from tables import Results, key, publish, table

import skerry
from skerry import pipeline
from skerry.config import from_mapping
from skerry.errors import DiskError, SkerryError
from skerry.executors.executor import opened
from skerry.simulate import sky_of
from skerry.simulate.survey import simulate

CONFIG = from_mapping(
    {
        "representations": {"crop": 1.0, "shard_size": 10},
        "neighbors": {"k": 8},
        "embedding": {"n_neighbors": 6, "n_components": 2},
        "nulls": {"n": 1, "scales": "1"},
        "replication": {"subsamples": 1, "seeds": 0},
        "classes": {"min_size": 4, "max_share": 0.2},
    }
)
N, NEW = 60, 15
TARS = 3
SAID = {
    "run": "`skerry run`",
    "add": "`skerry add`",
    "stream": "`skerry run`, tars as a stream",
    "ray": "`skerry run --executor ray`, tars as a stream",
}
LIMIT = 120.0
"""Seconds after which a child is taken to hang."""

Call = Callable[[Path], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps the rows")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--calls", default=",".join(SAID), help="which of them")
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    results, asked = Results(args.work, "kills"), args.calls.split(",")
    if not set(asked) <= set(SAID):
        parser.error(f"--calls {args.calls}: expected some of {','.join(SAID)}")
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        first, new = drawn(scratch)
        base, tars = scratch / "base", in_tars(first, scratch / "tars")
        pipeline.run(first, base, CONFIG, threads=1)
        calls: dict[str, tuple[Call, int]] = {
            "run": (lambda o: pipeline.run(first, o, CONFIG, threads=1), args.kills),
            "add": (lambda o: skerry.add(base, new, o, threads=1), args.kills * 2 // 5),
            "stream": (lambda o: pipeline.run(tars, o, CONFIG, threads=1), args.kills),
        }
        for what in [call for call in calls if call in asked]:
            kill_all(results, what, *calls[what], args.seed, scratch / "killed")
        if "ray" in asked and importlib.util.find_spec("ray"):
            with cluster() as address:
                on_ray = functools.partial(run_on_ray, tars, address)
                undisturbed = calls["stream"][0]
                kill_all(
                    results, "ray", on_ray, args.kills, args.seed, scratch / "killed", undisturbed
                )
        if os.geteuid() == 0 and "run" in asked:
            disk_faults(results, calls["run"][0], base, scratch / "disk")
    publish(told(results, args.seed), "Kills", args.output)


def in_tars(catalog: Path, folder: Path) -> Path:
    """The sources of a catalog as WebDataset tars."""
    folder.mkdir()
    with catalog.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for number in range(TARS):
        with tarfile.open(folder / f"{number:03d}.tar", "w") as tar:
            for row in rows[number::TARS]:
                image = catalog.parent / row["file_loc"]
                for name, data in (
                    (f"{row['id_str']}{image.suffix}", image.read_bytes()),
                    (f"{row['id_str']}.json", json.dumps(row).encode()),
                ):
                    member = tarfile.TarInfo(name)
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
    return folder


@contextmanager
def cluster() -> Iterator[str]:
    """The address of a Ray cluster of two cores that is no child of a run."""
    os.environ["RAY_AUTH_MODE"] = "disabled"  # nobody else is let in: it listens here alone
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"]
    options = ["--node-ip-address=127.0.0.1", f"--port={port}", "--num-cpus=2"]
    process = subprocess.Popen(
        [*start, *options, "--include-dashboard=false"], stdout=subprocess.DEVNULL
    )
    try:
        time.sleep(10)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def run_on_ray(tars: Path, address: str, output: Path) -> None:
    with opened("ray", address=address, threads=1) as executor:
        pipeline.run(tars, output, CONFIG, threads=1, executor=executor)


def told(results: Results, seed: int) -> str:
    rows = list(results.rows().values())
    killed = [r for r in rows if "stages" in r and r["case"]["seed"] == seed]
    lines = []
    for what, said in SAID.items():
        mine = [r for r in killed if r["case"]["call"] == what]
        kills = sum(len(r["stages"]) for r in mine)
        if mine:
            lines.append((said, kills, len(mine), sum(r["same"] for r in mine)))
    heads = ("call", "kills", "runs that were killed", "ended with the same bytes")
    stages = Counter(stage for r in killed for stage in r["stages"])
    text = [table(heads, lines)]
    text.append(f"Killed in: {', '.join(f'{k} {n}' for k, n in stages.most_common())}.")
    if not any("disk" in r["case"] for r in rows):
        return "\n\n".join(text)
    disks = []
    for kind in ("full", "read-only"):
        mine = [r for r in rows if r["case"].get("disk") == kind]
        ends = Counter(r["end"] for r in mine).most_common()
        same = sum(r["same"] for r in mine) if kind == "full" else ""
        disks.append((kind, len(mine), "; ".join(f"{end}: {n}" for end, n in ends), same))
    heads = ("disk", "tries", "what the call ended with", "same bytes once there was room")
    return "\n\n".join([*text, table(heads, disks)])


def drawn(scratch: Path) -> tuple[Path, Path]:
    """Two surveys of one drawn sky, the second to be added to the first."""
    survey = scratch / "survey"
    simulate(survey, sky_of("sdss", n=N + NEW, seed=1), threads=1)
    with (survey / "catalogue.csv").open(newline="") as file:
        header, *rows = list(csv.reader(file))
    for name, part in (("first.csv", rows[:N]), ("new.csv", rows[N:])):
        with (survey / name).open("w", newline="") as file:
            csv.writer(file).writerows([header, *part])
    return survey / "first.csv", survey / "new.csv"


def contents(run: Path) -> dict[str, bytes]:
    """Every file of a run but its log."""
    files = [p for p in sorted(run.rglob("*")) if p.is_file() and p.name != "log.jsonl"]
    return {str(p.relative_to(run)): p.read_bytes() for p in files}


def child(work: Callable[[], object]) -> int:
    """A process that does some work and ends with 0 where it succeeds."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
        os._exit(0)
    except BaseException as error:
        print(f"a child failed: {error!r}", flush=True)
        os._exit(1)


def ended(pid: int, within: float) -> int | None:
    """A child's exit status; None where it still runs after so many seconds."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    return None


def kill_all(
    results: Results,
    what: str,
    call: Call,
    kills: int,
    seed: int,
    output: Path,
    undisturbed: Call | None = None,
) -> None:
    """Kill and repeat a call until it was killed so often, a row a run.

    Each must end with what an undisturbed one does, of this call or of another.
    """
    began = time.monotonic()
    if ended(child(lambda: call(output)), LIMIT) != 0:
        raise SystemExit("the undisturbed run failed")
    took, expected = time.monotonic() - began, contents(output)
    if undisturbed is not None:
        shutil.rmtree(output)
        if ended(child(lambda: undisturbed(output)), LIMIT) != 0:
            raise SystemExit("the undisturbed run failed")
        expected = contents(output)
    done, number = 0, 0
    while done < kills:
        case = {"call": what, "seed": seed, "run": number}
        if key(case) not in results.rows():
            shutil.rmtree(output)
            rng = np.random.default_rng([seed, number, len(what)])
            stages = killed(call, output, min(int(rng.integers(1, 4)), kills - done), took, rng)
            if ended(child(lambda: call(output)), LIMIT) != 0:
                raise SystemExit(f"the call failed when it was made again: see {output}")
            results.add(case, {"stages": stages, "same": contents(output) == expected})
        done += len(results.rows()[key(case)]["stages"])
        number += 1
        print(f"{what}: {done} kills", flush=True)
    shutil.rmtree(output)


def killed(
    call: Call, output: Path, times: int, took: float, rng: np.random.Generator
) -> list[str]:
    """The stages in which a call was killed, one a kill; fewer where it finished before."""
    stages: list[str] = []
    for _ in range(times):
        pid = child(lambda: call(output))
        if ended(pid, float(rng.uniform(0, took))) is not None:
            break  # what is left of a resumed run takes less time
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        stages.append(at_work(output))
    return stages


def at_work(output: Path) -> str:
    """The stage that a killed run was in."""
    try:
        lines = (output / "log.jsonl").read_text().splitlines()
    except OSError:
        return "before any stage"
    events = [json.loads(line) for line in lines if line.endswith("}")]
    last = [e for e in events if e["event"] in ("start", "stage", "end")][-1:]
    if not last or last[0]["event"] != "stage":
        return "before any stage" if not last or last[0]["event"] == "start" else "at the end"
    return str(last[0]["stage"]) if last[0]["state"] == "started" else "between stages"


@contextmanager
def disk(at: Path, options: str) -> Iterator[None]:
    """A small disk of its own."""
    at.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(at)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(at)], check=True)


def disk_faults(results: Results, call: Call, base: Path, at: Path) -> None:
    """A full and a read-only disk: which error, and the bytes after there is room."""
    expected = contents(base)
    needed = sum(-(-len(data) // 4096) for data in expected.values())
    for blocks in np.unique(np.linspace(1, needed, 12).astype(int)).tolist():
        case = {"disk": "full", "blocks": blocks}
        if key(case) in results.rows():
            continue
        with disk(at, f"size={4 * blocks}k"):
            end = said(call, at / "run")
            subprocess.run(["mount", "-o", "remount,size=64m", str(at)], check=True)
            call(at / "run")
            results.add(case, {"end": end, "same": contents(at / "run") == expected})
    case = {"disk": "read-only"}
    if key(case) not in results.rows():
        with disk(at, "ro"):
            results.add(case, {"end": said(call, at / "run")})


def said(call: Call, output: Path) -> str:
    """How a call ended, in words."""
    try:
        call(output)
    except DiskError as error:
        remedies = ("free some space", "choose another folder", "choose a folder")
        return f"DiskError {'with' if any(r in str(error) for r in remedies) else 'WITHOUT'} remedy"
    except SkerryError as error:
        return f"{type(error).__name__} ({error})"
    except Exception as error:
        return f"UNEXPLAINED {error!r}"
    return "none, it was large enough"


if __name__ == "__main__":
    main()
