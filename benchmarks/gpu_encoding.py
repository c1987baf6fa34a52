"""How fast images are encoded on a GPU: the network's own rate, decoding's, and both together.

    PYTHONPATH=src python benchmarks/gpu_encoding.py --device cuda --out gpu_encoding.jsonl

Needs no file: JPEGs of 424 px are made here. Each number is printed, and written to ``--out``, as
soon as it is known; one measurement that fails says so and the next goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np

if not hasattr(cv2, "IMREAD_COLOR_RGB"):  # an older cv2 swaps the bands, at the same speed
    cv2.IMREAD_COLOR_RGB = 256

SIDE, SIZE = 424, 224
CHUNK = 32
CORES = 16
START = time.perf_counter()
JPEGS: list[bytes] = []
"""Distinct images, which a survey repeats."""


def named_skerry() -> None:
    """Let ``import skerry`` find its version where it is used from its source alone."""
    import importlib.metadata

    try:
        importlib.metadata.version("skerry")
    except importlib.metadata.PackageNotFoundError:
        folder = tempfile.mkdtemp()
        info = Path(folder) / "skerry-0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: skerry\nVersion: 0\n")
        sys.path.append(folder)


class Results:
    def __init__(self, path: str) -> None:
        self.file = open(path, "a") if path else None  # noqa: SIM115

    def __call__(self, name: str, **values: Any) -> None:
        rounded = {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in values.items()}
        at = round(time.perf_counter() - START, 1)
        line = json.dumps({"measured": name, **rounded, "at": at})
        print(line, flush=True)
        if self.file:
            self.file.write(line + "\n")
            self.file.flush()

    def attempt(self, name: str, task: Callable[[], Any]) -> Any:
        """What the task gives; None, said, where it fails."""
        try:
            return task()
        except Exception as error:
            self(name, failed=f"{type(error).__name__}: {error}"[:400])
            traceback.print_exc()
            return None


# ---- images -------------------------------------------------------------------------------------


def galaxy(seed: int) -> bytes:
    """A disk with arms and a bulge, stars, correlated noise of the sky; a JPEG of 424 px."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32) - SIDE / 2
    turn, ratio, radius = random.uniform(0, np.pi), random.uniform(0.3, 1), random.uniform(25, 60)
    u, v = x * np.cos(turn) + y * np.sin(turn), (y * np.cos(turn) - x * np.sin(turn)) / ratio
    r = np.hypot(u, v) + 1e-3
    arms = 1 + random.uniform(0, 0.8) * np.cos(2 * np.arctan2(v, u) + 3 * np.log(r / 5))
    light = 120 * arms * np.exp(-r / radius) + 200 * np.exp(-r / random.uniform(4, 10))
    for _ in range(random.integers(5, 20)):
        sx, sy, flux = *random.uniform(-SIDE / 2, SIDE / 2, 2), random.exponential(120)
        light += flux * np.exp(-((x - sx) ** 2 + (y - sy) ** 2) / 8)
    color = random.uniform(0.5, 1.2, 3).astype(np.float32)
    noise = random.normal(0, 11, (SIDE, SIDE, 3)).astype(np.float32)
    image = light[..., None] * color + 18 + cv2.GaussianBlur(noise, (0, 0), 0.7)
    encoded = cv2.imencode(".jpg", np.clip(image, 0, 255).astype(np.uint8), [1, 86])[1]
    return bytes(encoded)


def contracts() -> dict[int, Any]:
    """What is asked for of an image: 64 px as the shipped encoders do, 224 px of the whole."""
    from skerry.represent import encoder as runtime
    from skerry.types import Contract

    return {
        64: runtime.load().contract,
        SIZE: Contract(SIZE, {SIDE: 1.0}, "the whole image"),
    }


# ---- decoding alone -----------------------------------------------------------------------------


def rate_of(task: Callable[[bytes], Any], threads: int, seconds: float) -> float:
    """Images a second of a task that so many threads repeat, ``CHUNK`` images at a time."""

    def chunk(first: int) -> None:
        for place in range(CHUNK):
            task(JPEGS[(first + place) % len(JPEGS)])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(chunk, range(threads)))
        began, waiting, done = time.perf_counter(), [], 0
        waiting = [pool.submit(chunk, i * CHUNK) for i in range(3 * threads)]
        while time.perf_counter() - began < seconds:
            waiting.pop(0).result()
            done += CHUNK
            waiting.append(pool.submit(chunk, done))
        return done / (time.perf_counter() - began)


def rate_on_processes(contract: Any, count: int) -> tuple[float, float]:
    """Images a second of skerry's own decoding on processes, and seconds until the first batch."""
    from skerry.represent.decoding import ready_on_processes
    from skerry.represent.ready import batches

    asked: Any = batches(InMemory(count), [range(count)], 512)  # type: ignore[arg-type]
    began, first, done = time.perf_counter(), 0.0, 0
    for ready in ready_on_processes(asked, contract, 0.0, cores()):
        if not first:
            first = time.perf_counter()
        else:
            done += len(ready.id_str)
    return done / (time.perf_counter() - first), first - began


def cores() -> int:
    return min(CORES, len(os.sched_getaffinity(0)))


def measure_decoding(args: Any, say: Results) -> None:
    from skerry.survey.prepare import prepare

    counts = sorted({1, 4, 8, cores()} & set(range(1, cores() + 1)))
    for size, contract in contracts().items():
        for count in counts if size == SIZE else counts[-1:]:
            rate = rate_of(lambda j, c=contract: prepare(j, "a.jpg", c), count, args.each)
            say("decode", size=size, threads=count, rate=rate)
        images = int(args.each * 3 * (20_000 if size == 64 else 10_000) * cores() / 16)
        rate, start = rate_on_processes(contract, 1024 + images)
        say("decode", size=size, processes=cores(), rate=rate, start_s=start)
    rate = rate_of(lambda j: cv2.imdecode(np.frombuffer(j, np.uint8), 1), cores(), args.each)
    say("cv2.imdecode alone, full size", threads=cores(), rate=rate)


# ---- the network --------------------------------------------------------------------------------


def made_encoder(path: Path) -> None:
    """An EfficientNet-B0 with a bottleneck of 128 and random weights.

    Its normalizations are of images as it will see, and each block adds a third of what it would:
    a random network is chaotic otherwise, so that no two computations of it could be compared.
    """
    import torch

    from skerry.represent.export import about, write_onnx
    from skerry.represent.gpu.encoder import trial
    from skerry.represent.network import VoteNetwork
    from skerry.represent.trees import schema
    from skerry.survey.prepare import prepare

    torch.manual_seed(0)
    tree, contract = schema.get("gz2"), contracts()[SIZE]
    network = VoteNetwork("efficientnet_b0", tree, dropout=0.0, drop_path=0.0)
    images = np.stack([prepare(j, "a.jpg", contract).pixels for j in JPEGS[:32]])
    seen = np.concatenate([images, trial(32, SIZE)])
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None
            elif type(module).__name__ == "InvertedResidual":
                module.bn3.weight.fill_(0.3)
        network.train()
        network(torch.from_numpy(seen).permute(0, 3, 1, 2).float() / 255)
    write_onnx(network.eval(), tree, contract, about(network), path, images)


def pixels_of(count: int, contract: Any) -> np.ndarray:
    from skerry.survey.prepare import prepare

    with ThreadPoolExecutor(cores()) as pool:
        distinct = list(pool.map(lambda j: prepare(j, "a.jpg", contract).pixels, JPEGS))
    return np.stack([distinct[i % len(distinct)] for i in range(count)])


def on_gpu(task: Callable[[], Any], count: int, seconds: float, device: str) -> float:
    """Images a second of a task of ``count`` images that is queued again and again."""
    import torch

    wait = torch.cuda.synchronize if device != "cpu" else (lambda: None)
    with torch.no_grad():
        task()
        wait()
        began, turns = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            for _ in range(4):
                task()
            wait()
            turns += 4
    return turns * count / (time.perf_counter() - began)


def measure_network(encoder: Any, cpu: Any, args: Any, say: Results, name: str) -> float:
    """The network's own rate; how far its vectors are from ONNX Runtime's."""
    size, batch, session = encoder.contract.size, encoder.batch, encoder.session
    pixels = pixels_of(batch, encoder.contract)
    vectors, votes = encoder.encode(pixels)
    count = min(batch, 4 * cpu.batch)
    with ThreadPoolExecutor(cores()) as pool:
        starts = range(0, count, cpu.batch)
        parts = list(pool.map(lambda s: cpu.encode(pixels[s : s + cpu.batch]), starts))
    expected, shares = (np.concatenate([p[i] for p in parts]) for i in (0, 1))
    norms = np.linalg.norm(expected, axis=1) * np.linalg.norm(vectors[:count], axis=1)
    cosine = (expected * vectors[:count]).sum(1) / norms
    say(
        f"{name}: vectors against ONNX Runtime's",
        images=count,
        largest=float(np.abs(vectors[:count] - expected).max() / np.abs(expected).max()),
        median=float(np.median(np.abs(vectors[:count] - expected)) / np.abs(expected).max()),
        least_cosine=float(cosine.min()),
        spread=float(expected.std(0).mean() / np.abs(expected).max()),
        votes=float(np.abs(votes[:count] - shares).max()),
        alike_alone=bool((encoder.encode(pixels[:3])[0] == vectors[:3]).all()),
        **in_another_order(encoder, pixels, vectors),
    )
    rate = 0.0
    if args.device != "cpu":
        rate = on_gpu(session.graph.replay, batch, args.each, args.device)
        say(f"{name}: network's own rate, CUDA graph", batch=batch, size=size, rate=rate)
    began, turns = time.perf_counter(), 0
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(encoder.encode, pixels) for _ in range(8)]
        while time.perf_counter() - began < args.each:
            waiting.pop(0).result()
            turns += 1
            waiting.append(pool.submit(encoder.encode, pixels))
        spent = time.perf_counter() - began
    say(f"{name}: from pixels in memory", batch=batch, size=size, rate=turns * batch / spent)
    return rate or turns * batch / spent


def in_another_order(encoder: Any, pixels: np.ndarray, vectors: np.ndarray) -> dict[str, Any]:
    """Whether vectors are the same in another order, and in the same once more; what is not."""
    order = np.random.default_rng(0).permutation(len(pixels))
    moved = encoder.encode(pixels[order])[0] - vectors[order]
    columns = np.flatnonzero((moved != 0).any(axis=0))
    return {
        "alike_in_another_order": not len(columns),
        "alike_once_more": bool((encoder.encode(pixels)[0] == vectors).all()),
        "columns_that_differ": f"{len(columns)} of {moved.shape[1]}: {columns[:20].tolist()}",
        "rows_that_differ": int((moved != 0).any(axis=1).sum()),
        "most_they_differ": float(np.abs(moved).max() / np.abs(vectors).max()),
    }


# ---- end to end ---------------------------------------------------------------------------------


class InMemory:
    """As much of a survey as ``encode`` asks for, its images in memory."""

    def __init__(self, count: int) -> None:
        import pyarrow as pa

        ids = [str(i) for i in range(count)]
        self.sources = pa.table({"id_str": ids, "location": [f"{i}.jpg" for i in ids]})

    def ahead(self, parts: Iterable[range]) -> Iterator[list[bytes]]:
        return ([JPEGS[i % len(JPEGS)] for i in rows] for rows in parts)


def end_to_end(encoder: Any, count: int, **how: int) -> tuple[float, float]:
    """Images a second of skerry's own ``encode`` from the first shard on; seconds until then."""
    from skerry.represent.encode import encode

    step = 2 * encoder.batch
    shards = [range(i, min(i + step, count)) for i in range(0, count, step)]
    began, first, done = time.perf_counter(), 0.0, 0
    for _, found in encode(InMemory(count), encoder, shards, **how):  # type: ignore[arg-type]
        assert np.isfinite(found.vectors).all()
        if not first:
            first = time.perf_counter()
        else:
            done += len(found)
    assert done == count - len(shards[0])
    return done / (time.perf_counter() - first), first - began


def measure_together(encoder: Any, rate: float, args: Any, say: Results, name: str) -> None:
    guess = {64: 12000, SIZE: 6000}[encoder.contract.size] * cores() / 16
    count = encoder.batch * max(4, round(args.together * guess / encoder.batch))
    for how in ("threads", "processes"):
        found, start = end_to_end(encoder, count, **{how: cores()})
        say(
            f"{name}: JPEG to vectors, {how}",
            images=count, rate=found, share=found / rate, start_s=start,
        )  # fmt: skip


# ---- variants -----------------------------------------------------------------------------------


def measure_variants(path: Path, args: Any, say: Results) -> None:
    """Eager, bfloat16, convolutions chosen by trial, ``torch.compile``; the network alone."""
    import onnx
    import torch

    from skerry.represent.gpu.graph import read
    from skerry.represent.gpu.program import Program

    device, batch = torch.device(args.device), args.batch
    found = read(onnx.load(path), batch)
    size = contracts()[SIZE].size
    pixels = torch.from_numpy(pixels_of(batch, contracts()[SIZE])).to(device)
    assert pixels.shape == (batch, size, size, 3)
    for precision in ("float16", "bfloat16"):
        program = Program(found, getattr(torch, precision), device)
        rate = on_gpu(lambda p=program: p(pixels), batch, args.each / 2, args.device)
        say("eager", precision=precision, batch=batch, rate=rate)
    if args.device != "cpu":
        program = Program(found, torch.float16, device)
        with torch.backends.cudnn.flags(enabled=True, benchmark=True):
            rate = on_gpu(lambda: program(pixels), batch, args.each / 2, args.device)
        say("eager, cudnn.benchmark", precision="float16", batch=batch, rate=rate)
    if args.compile <= 0:
        return
    limited(args.compile, lambda: measure_compiled(found, pixels, device, args, say), say)


def measure_compiled(found: Any, pixels: Any, device: Any, args: Any, say: Results) -> None:
    import torch

    from skerry.represent.gpu.program import Program
    from skerry.represent.gpu.session import Session

    program = Program(found, torch.float16, device)
    with torch.no_grad():
        plain = program(pixels)[0].float().cpu()
    began = time.perf_counter()
    session = Session(program, tuple(pixels.shape), device, compiled=True)
    with torch.no_grad():
        vectors = session.program(pixels)[0].float().cpu()
    if args.device != "cpu":
        torch.cuda.synchronize()
    took = time.perf_counter() - began
    task = session.graph.replay if args.device != "cpu" else (lambda: session.program(pixels))
    say(
        "torch.compile, CUDA graph",
        precision="float16",
        batch=len(pixels),
        compiling_s=took,
        rate=on_gpu(task, len(pixels), args.each, args.device),
        from_eager=float((vectors - plain).abs().max() / plain.abs().max()),
    )


def limited(seconds: float, task: Callable[[], None], say: Results) -> None:
    """A task that ends the program if it takes longer: a compiler heeds no exception."""
    import threading

    def stop() -> None:
        say("torch.compile, CUDA graph", failed=f"took more than {seconds:g} s")
        os._exit(0)

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        task()
    finally:
        timer.cancel()


# ---- all of it ----------------------------------------------------------------------------------


def arguments() -> Any:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", default="", help="file of JSON lines, added to")
    parser.add_argument("--table", type=Path, help="made of the rows in --out; measures nothing")
    parser.add_argument("--small", action="store_true", help="tiny sizes, to try the script")
    parser.add_argument("--seconds", type=float, default=45, help="share it among measurements")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--encoder", default="", help="of 224 px; made there if it is no file")
    parser.add_argument("--sections", default="decode,a,b,variants")
    parser.add_argument("--compile", type=float, default=40, help="seconds it may take; 0: not")
    args = parser.parse_args()
    if args.small:
        args.batch, args.seconds = 32, 3
    args.each, args.together = args.seconds / 35, args.seconds / 9
    args.sections = set(args.sections.split(","))
    return args


def main() -> None:
    args = arguments()
    if args.table:
        from gpu_tables import write_encoding

        write_encoding(Path(args.out), args.table)
        return
    named_skerry()
    say = Results(args.out)
    with ThreadPoolExecutor(cores()) as pool:
        JPEGS.extend(pool.map(galaxy, range(64 if args.small else 256)))
    lengths = np.array([len(j) for j in JPEGS])
    say("images", distinct=len(JPEGS), kb=float(lengths.mean() / 1e3), cores=cores())
    if "decode" in args.sections:
        say.attempt("decode", lambda: measure_decoding(args, say))
    import torch

    torch.set_num_threads(cores())
    if args.device != "cpu":
        say("device", card=torch.cuda.get_device_name(), torch=torch.__version__)
    path = Path(args.encoder or Path(tempfile.mkdtemp()) / "b0_224.onnx")
    if {"b", "variants"} & args.sections and not path.is_file():
        say.attempt("made", lambda: made_encoder(path))
        say("encoder of 224 px made", file=str(path))
    for section, identifier in (("a", "efficientnet_b0"), ("b", str(path))):
        if section in args.sections:
            say.attempt(section, lambda i=identifier: measured(i, args, say))
    if "variants" in args.sections:
        say.attempt("variants", lambda: measure_variants(path, args, say))
    say("done")


def measured(identifier: str, args: Any, say: Results) -> None:
    from skerry.represent import encoder as runtime
    from skerry.represent.gpu import load

    cpu = runtime.load(identifier)
    name = f"{cpu.architecture} {cpu.contract.size} px"
    began = time.perf_counter()
    batch = 2 * args.batch if cpu.contract.size == 64 else args.batch
    encoder = load(identifier, args.device, batch=batch)
    say(f"{name}: loaded and compared", seconds=time.perf_counter() - began)
    rate = measure_network(encoder, cpu, args, say, name)
    measure_together(encoder, rate, args, say, name)


if __name__ == "__main__":
    main()
