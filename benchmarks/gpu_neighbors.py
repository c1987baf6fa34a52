"""Exact nearest neighbors on a GPU: how long, how many rows are compared twice, and are they right.

    python benchmarks/gpu_neighbors.py --device cuda --out neighbors.jsonl

Needs torch (with Triton) and numpy alone. Vectors are a seeded mixture in 128 dimensions: a
curved manifold of 8 with noise, isotropic noise, and tight groups of about a hundred, off the
origin. Whatever is printed is also a line of JSON in --out. The 10 million are looked through for
--seconds at most: what the rest would take is then extrapolated, and says so.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import sys
import time
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

try:
    from skerry.backends import cuda
except importlib.metadata.PackageNotFoundError:
    # a copy of the sources that is not installed has no version: the package as a mere folder
    package = types.ModuleType("skerry")
    package.__path__ = [str(Path(__file__).parents[1] / "src" / "skerry")]
    sys.modules["skerry"] = package
    cuda = importlib.import_module("skerry.backends.cuda")

D = 128
TILES = [
    cuda.Tiles(),
    cuda.Tiles(stages=4),
    cuda.Tiles(columns=128),
    cuda.Tiles(columns=128, stages=4),
]


class Log:
    """Prints what is measured at once, and appends it to a file of JSON lines."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.began = time.perf_counter()

    def __call__(self, what: str, **numbers: Any) -> None:
        line = {"what": what, "at_s": round(time.perf_counter() - self.began, 1)} | numbers
        print(json.dumps(line), flush=True)
        if self.path:
            with self.path.open("a") as file:
                file.write(json.dumps(line) + "\n")

    def guard(self, what: str, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except Exception as error:
            self(what, failed=f"{type(error).__name__}: {error}"[:600])
            traceback.print_exc()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            return None


def mixture(n: int, device: str, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator(device=device).manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator, device=device)

    bend, turn, n_groups = normal(8, 64), normal(64, D) / 8, max(1, n // 5000)

    def manifold(m: int) -> torch.Tensor:
        return torch.sin(0.7 * normal(m, 8) @ bend) @ turn

    centers = manifold(n_groups)
    x = torch.empty((n, D), device=device)
    for start in range(0, n, 2**19):
        part = x[start : start + 2**19]
        m = len(part)
        kind = torch.rand(m, generator=generator, device=device)
        group = torch.randint(n_groups, (m,), generator=generator, device=device)
        part[:] = manifold(m) + 0.05 * normal(m, D)
        part[kind < 0.1] = normal(m, D)[kind < 0.1]
        tight = kind > 0.98
        part[tight] = (centers[group] + 0.02 * normal(m, D))[tight]
    return x.add_(5)


def wait(device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def truth(x: torch.Tensor, rows: np.ndarray, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The k nearest in float64, by differences among the 4 k nearest of a float64 product."""
    at = torch.from_numpy(rows).to(x.device)
    center = x.mean(dim=0).double()
    queries = x[at].double() - center
    best = torch.empty((len(rows), 0), dtype=torch.float64, device=x.device)
    near = torch.empty((len(rows), 0), dtype=torch.int64, device=x.device)
    for start in range(0, len(x), 2**18):
        y = x[start : start + 2**18].double() - center
        half = y.square().sum(1) / 2 - queries @ y.T
        half, column = half.topk(min(4 * k, len(y)), largest=False)
        best, near = torch.cat([best, half], 1), torch.cat([near, column + start], 1)
        best, kept = best.topk(min(4 * k, best.shape[1]), largest=False)
        near = near.gather(1, kept)
    return ordered(x, at, near, k)


def ordered(
    x: torch.Tensor, at: torch.Tensor, near: torch.Tensor, k: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The k nearest of some candidates by float64 differences, and their squares."""
    squares = (x[near].double() - x[at].double()[:, None]).square().sum(2)
    squares, kept = squares.topk(k, largest=False)
    return near.gather(1, kept), squares


def compare(x: torch.Tensor, rows: np.ndarray, found: np.ndarray, k: int) -> dict[str, Any]:
    """How many rows have the k nearest of float64, from what was found (m, k or more)."""
    at = torch.from_numpy(rows).to(x.device)
    right, exact = truth(x, rows, k)
    mine, squares = ordered(x, at, torch.from_numpy(found).to(x.device), k)
    same = (mine.sort(1).values == right.sort(1).values).all(1)
    excess = (squares / exact.clamp(min=1e-30) - 1).max(1).values
    return {
        "verified": len(rows),
        "same_indices": int(same.sum()),
        "same_to_1e-6": int((same | (excess < 1e-6)).sum()),
        "largest_excess": float(excess.max()),
    }


def fastest(x: torch.Tensor, log: Log) -> Any:
    """Which tiles are fastest at the maxima of some rows; the default where none compiles."""
    rates = {}
    for tiles in TILES:

        def rate(tiles: Any = tiles) -> float:
            began = wait("cuda")
            search = cuda.Neighbors(x, tiles=tiles)
            made = wait("cuda")
            if search.plain:
                raise RuntimeError(search.plain)
            halved = search._halved
            m = 16384
            shape = m, halved.n_chunks, tiles.columns
            grouped = torch.empty(shape, device="cuda")
            chunked = torch.empty(shape[:2], device="cuda")
            half = halved.vectors[:m].contiguous()
            times = []
            for _ in range(3):
                start = wait("cuda")
                halved.kernels.group_maxima(
                    half, halved.vectors, halved.halves, grouped, chunked, tiles
                )
                times.append(wait("cuda") - start)
            flops = 2 * m * len(halved.vectors) * D / min(times)
            log(f"tiles {tiles}", made_s=round(made - began, 2), tflops=round(flops / 1e12, 1))
            return flops

        found = log.guard(f"tiles {tiles}", rate)
        if found:
            rates[tiles] = found
    return max(rates, key=rates.__getitem__) if rates else None


def phases(search: Any, log: Log, k: int) -> None:
    """Where a block's time goes."""
    halved, x = search._halved, search.vectors
    m = min(halved.block(k), len(x))
    tiles = halved.tiles
    shape = m, halved.n_chunks, tiles.columns
    grouped, chunked = torch.empty(shape, device="cuda"), torch.empty(shape[:2], device="cuda")
    times = [wait("cuda")]
    half = halved.vectors[:m].contiguous()
    halved.kernels.group_maxima(half, halved.vectors, halved.halves, grouped, chunked, tiles)
    times.append(wait("cuda"))
    groups, _ = cuda._best_groups(grouped, chunked, k + cuda._SPARE)
    times.append(wait("cuda"))
    squares = torch.empty((*groups.shape, tiles.depth), device="cuda")
    halved.kernels.squares_in_groups(x[:m], x, groups, squares, tiles)
    times.append(wait("cuda"))
    squares.flatten(1).topk(k, largest=False)
    times.append(wait("cuda"))
    names = ["maxima_ms", "best_groups_ms", "squares_ms", "topk_ms"]
    spent = (round(1000 * t, 2) for t in np.diff(times))
    log(f"one block, n {len(x)}, k {k}", rows=m, **dict(zip(names, spent, strict=True)))


def whole(
    x: Any, k: int, tiles: Any, device: str, log: Log, rng: np.random.Generator, sample: int
) -> float:
    """Seconds of the search for all rows, from vectors in the host's memory to results there."""
    host = x.cpu().numpy()
    rows = np.arange(len(host))
    began = wait(device)
    search = cuda.Neighbors(host, device=device, tiles=tiles)
    ready = wait(device)
    indices, _ = search.nearest(rows, k)
    done = wait(device)
    log(
        f"all of {len(host)}, k {k}",
        ready_s=round(ready - began, 3),
        search_s=round(done - ready, 3),
        whole_s=round(done - began, 3),
        recomputed_share=search.recomputed / len(host),
        plain=search.plain,
    )
    some = np.sort(rng.choice(len(host), min(sample, len(host)), replace=False))
    log(f"all of {len(host)}, k {k}: right?", **compare(x, some, indices[some], min(k, 16)))
    return done - began


def limited(
    x: Any, k: int, tiles: Any, device: str, seconds: float, log: Log, rng: np.random.Generator
) -> None:
    """As many rows as fit a time, then what all would take."""
    n = len(x)
    began = wait(device)
    search = cuda.Neighbors(x, device=device, tiles=tiles)
    ready = wait(device) - began
    log(f"{n} made ready", ready_s=round(ready, 2), plain=search.plain)
    if device == "cuda" and search.plain == "":
        phases(search, log, k)
    batch = max(1, min(2**17, n // 4))
    if search.plain and device == "cuda":
        batch = 4096
    found, done = [], 0
    start = wait(device)
    while done < n:
        rows = np.arange(done, min(done + batch, n))
        found.append(search.nearest(rows, k)[0])
        done += len(rows)
        spent = wait(device) - start
        if len(found) in (1, 4) or done == n:
            log(f"{n}: so far", rows=done, search_s=round(spent, 2))
        if spent * (1 + 1 / len(found)) > seconds:
            break
    finished = done == n
    log(
        f"{n}, k {k}: " + ("all rows, measured" if finished else "EXTRAPOLATED from the rows done"),
        rows_done=done,
        search_s=round(spent, 2),
        rows_per_s=round(done / spent),
        tflops=round(2 * done * n * D / spent / 1e12, 1),
        whole_s=round(ready + spent * n / done, 1),
        extrapolated=not finished,
        recomputed_share=search.recomputed / done,
        peak_gb=round(torch.cuda.max_memory_allocated() / 1e9, 1) if device == "cuda" else 0,
    )
    some = np.sort(rng.choice(done, min(200, done), replace=False))
    indices = np.concatenate(found)[some]
    del search
    log(f"{n}, k {k}: right?", **compare(x, some, indices, min(k, 16)))


def up_to_a_million(args: argparse.Namespace, log: Log, rng: np.random.Generator) -> Any:
    """All but the 10 million; returns the tiles that were fastest."""
    device = args.device
    warm, middle, million = (500, 1000, 3000) if args.small else (50_000, 200_000, 1_000_000)
    tiles, works = None, True
    few = mixture(warm, device)
    log.guard("warm-up", lambda: whole(few, 16, None, device, log, rng, 200))
    x = mixture(million, device)
    log(f"mixture of {million}", radius=float((x - x.mean(0)).norm(dim=1).median()))
    if device == "cuda" and not args.small and not args.no_tune:
        tiles = fastest(x, log)
        works = tiles is not None
        log("tiles chosen", tiles=str(tiles), kernels_work=works)
    if works:
        log.guard("1M", lambda: whole(x, 16, tiles, device, log, rng, 500))
        log.guard("1M", lambda: whole(x, 16, tiles, device, log, rng, 100))
        log.guard("1M, k 32", lambda: whole(x, 32, tiles, device, log, rng, 500))
        log.guard("1M, k 117", lambda: whole(x, 117, tiles, device, log, rng, 100))
    else:
        log("1M", left_out="no kernel compiles here: plain torch would take minutes")

    def ratio() -> None:
        part = x[:middle].contiguous()
        fast = whole(part, 16, tiles, device, log, rng, 100) if works else 0.0
        search = cuda.Neighbors(part, device=device, tiles=tiles)
        search._halved = None
        rows = min(middle, 20_000)
        search.nearest(np.arange(100), 16)
        start = wait(device)
        search.nearest(np.arange(rows), 16)
        plain = (wait(device) - start) * middle / rows
        log(
            f"plain torch at {middle}, EXTRAPOLATED from {rows} rows",
            plain_s=round(plain, 2),
            by_groups_s=round(fast, 3),
            ratio=round(plain / fast, 1) if fast else None,
        )

    log.guard("ratio", ratio)
    return tiles


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path, help="file of JSON lines, added to")
    parser.add_argument("--table", type=Path, help="made of the rows in --out; measures nothing")
    parser.add_argument("--small", action="store_true", help="sizes for a CPU: is all in place?")
    parser.add_argument("--seconds", type=float, default=75, help="for the 10 million")
    parser.add_argument("--no-tune", action="store_true", help="the default tiles only")
    args = parser.parse_args()
    if args.table:
        from gpu_tables import write_neighbors

        write_neighbors(args.out, args.table)
        return
    cuda_device = args.device == "cuda"
    log, rng = Log(args.out), np.random.default_rng(0)
    gpu = torch.cuda.get_device_name() if cuda_device else "none"
    log("machine", gpu=gpu, torch=torch.__version__)
    tiles = log.guard("up to a million", lambda: up_to_a_million(args, log, rng))
    if cuda_device:
        torch.cuda.empty_cache()
    many = 6000 if args.small else 10_000_000

    def largest() -> None:
        x = mixture(many, args.device)
        limited(x, 16, tiles, args.device, args.seconds, log, rng)

    log.guard("10M", largest)


if __name__ == "__main__":
    main()
