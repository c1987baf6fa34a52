"""Memory and waiting of surveys that are read as streams: folder, tars, Parquet, HATS, HTTP.

    python benchmarks/streams.py [-o benchmarks/streams.md]

Memory: each form with 2,000 and with 20,000 images is encoded by a process of its own (the mean
color of each image's rows, so that reading is what is measured); its peak resident memory is what
the kernel reports. Waiting: a web server of its own process takes 50 ms for each request; the same
images are encoded from the disk, from the server one after the other, and as ``skerry run`` does.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.survey.forms import (  # noqa: E402
    drawn,
    write_folder,
    write_hats,
    write_parquet,
    write_tars,
)

SIZES = (2000, 20_000)
FORMS = ("folder", "tars", "parquet", "parquet, one row group", "hats")
DELAY = 0.05

ENCODE = """
import resource, sys, time
import numpy as np
from skerry.represent.encode import encode
from skerry.represent.encoder import Encoder, load
from skerry.survey import open_survey
from skerry.types import Contract
class Means(Encoder):
    def encode(self, pixels):
        rows = pixels.astype(np.float32).mean(2).reshape(-1, 96)
        return rows, rows[:, :1]
path, which, how, n = sys.argv[1:]
means = Means("m", "", Contract(32, {}, ""), 32, 96, ("v",), None)
encoder = load() if which == "default" else means
began = time.perf_counter()
survey = open_survey(path)
opened = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
n = min(int(n), len(survey))
if how == "one by one":
    class Plain:
        def images(self, sources, rows, reader=survey._reader):
            for row in rows:
                yield from reader.images(sources, [row])
    object.__setattr__(survey, "_reader", Plain())
shards = [range(r, min(r + 2048, n)) for r in range(0, n, 2048)]
began = time.perf_counter()
done = failed = 0
for _, part in encode(survey, encoder, shards):
    done += len(part)
    failed += len(part.failures)
print(done, failed, survey.sources.nbytes, opened / 1024, time.perf_counter() - began)
"""

SERVE = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tests.survey.web_server import Web, serving
with serving(Web(Path(sys.argv[2]), delay=float(sys.argv[3]))) as web:
    print(web.address, flush=True)
    sys.stdin.read()
"""


def encoded(path: str, which: str = "means", how: str = "", n: int = 10**9) -> tuple[float, ...]:
    """Peak MB of a process that encodes a survey, then what it printed."""
    command = [sys.executable, "-c", ENCODE, path, which, how, str(n)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    out = process.stdout.read() if process.stdout else ""
    _, code, usage = os.wait4(process.pid, 0)
    if code:
        raise SystemExit(f"{command} failed")
    return usage.ru_maxrss / 1024, *map(float, out.split())


def written(root: Path, n: int) -> int:
    """All forms of n sources; bytes of their images."""
    sources = drawn(n, side=64)
    write_folder(root / "folder", sources)
    write_tars(root / "tars", sources, 1000)
    write_parquet(root / "parquet", sources, 1000, 100)
    write_parquet(root / "parquet, one row group", sources, n, n)
    write_hats(root / "hats", sources, group=100)
    return sum(len(source.image) for source in sources)


def memory(scratch: Path) -> list[str]:
    lines = [
        "| form | images | bytes of images, MB | table of sources, MB | peak MB, opened | "
        "peak MB | s |",
        "|---|---|---|---|---|---|---|",
    ]
    size = {}
    for n in SIZES:
        # a process is charged with what the one that starts it holds
        command = [sys.executable, __file__, "--write", str(scratch / str(n)), str(n)]
        size[n] = int(subprocess.check_output(command, text=True))
    for form in FORMS:
        for n in SIZES:
            peak, done, failed, table, opened, seconds = encoded(str(scratch / str(n) / form))
            assert (done, failed) == (n, 0)
            lines.append(
                f"| {form} | {n:,} | {size[n] / 1e6:.0f} | {table / 1e6:.1f} | {opened:.0f} | "
                f"{peak:.0f} | {seconds:.1f} |"
            )
            print(lines[-1], flush=True)
    return lines


def waiting(scratch: Path) -> list[str]:
    lines = [
        "| form | encoder | images | from disk, s | server, one by one, s | server, s | ratio to "
        "disk | ratio to one by one |",
        "|---|---|---|---|---|---|---|---|",
    ]
    command = [sys.executable, "-c", SERVE, str(ROOT), str(scratch), str(DELAY)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout and server.stdin
    address = server.stdout.readline().strip()
    os.environ["XDG_CACHE_HOME"] = str(scratch / "cache")
    try:
        for which, n in (("means", 128), ("default", 256)):
            for form in ("folder", "tars", "parquet", "hats"):
                part = f"{SIZES[0]}/{form}"
                here = encoded(f"{scratch}/{part}", which, n=n)[-1]
                ahead = encoded(f"{address}/{part}", which, n=n)[-1]
                one = encoded(f"{address}/{part}", which, "one by one", n)[-1]
                lines.append(
                    f"| {form} | {which} | {n} | {here:.1f} | {one:.1f} | {ahead:.1f} | "
                    f"{ahead / here:.2f} | {ahead / one:.2f} |"
                )
                print(lines[-1], flush=True)
    finally:
        server.stdin.close()
        server.wait()
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--write", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.write:
        print(written(Path(args.write[0]), int(args.write[1])))
        return
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        held, waited = memory(Path(name)), waiting(Path(name))
    text = "\n".join(
        [
            "# Streams",
            "",
            "`benchmarks/streams.py`: surveys in every form, images of 64 pixels.",
            "",
            "## Memory",
            "",
            *held,
            "",
            "161 MB more of images add 6 to 42 MB: tables while the survey is opened, and buffers "
            "that a small survey does not fill; of a row group of 179 MB parts of 8 MB are held, "
            "decoded with several times as much.",
            "",
            "## Waiting for a server that takes 50 ms a request",
            "",
            "`means`: no encoder to speak of; `default`: the one that ships, one core. Parquet is "
            "read by row groups either way.",
            "",
            *waited,
            "",
        ]
    )
    print(text, f"{time.perf_counter() - began:.0f} s")
    if args.output:
        args.output.write_text(text)


if __name__ == "__main__":
    main()
