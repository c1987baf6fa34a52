"""The atlas at a million sources in headless Chromium, beside a plain Bokeh WebGL scatter.

    python benchmarks/atlas.py [-n 1000000] [-o benchmarks/atlas.md]

A map is drawn from a seed: a sea of 40 blobs, 30 classes of 200, one column of numbers and one of
words. ``skerry.atlas`` serves it from a process of its own, whose memory is read from /proc. A
browser, without a graphics card, opens it and drags the map back and forth; first paint is from the
start of navigation to the document's first idle, frames are counted by requestAnimationFrame. The
same points as one Bokeh scatter (``output_backend="webgl"``, all else by default) in a file of its
own are opened and dragged in the same way. Needs playwright and a Chromium.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from skerry.atlas import AtlasServer, Chart
from skerry.types import RareClass

CLASSES, MEMBERS = 30, 200


class Columns:
    """A number and a word of each source."""

    def __init__(self, points: np.ndarray) -> None:
        words = np.array([f"kind {i}" for i in range(9)], dtype=object)
        self._known = {"mag": points[:, 0].copy(), "kind": words[np.arange(len(points)) % 9]}

    def names(self) -> dict[str, list[str]]:
        return {"catalog": list(self._known)}

    def values(self, group: str, name: str) -> np.ndarray:
        return self._known[name]


def drawn(n: int) -> np.ndarray:
    """Places (n, 2); the first ``CLASSES * MEMBERS`` are of the classes."""
    rng = np.random.default_rng(0)
    groups = rng.normal(size=(CLASSES, 1, 2)) * 9 + 0.1 * rng.normal(size=(CLASSES, MEMBERS, 2))
    of = rng.integers(0, 40, n - CLASSES * MEMBERS)
    centers, spread = rng.normal(size=(40, 2)) * 5, rng.uniform(0.3, 2, size=(40, 1))
    return np.vstack(
        [groups.reshape(-1, 2), centers[of] + rng.normal(size=(len(of), 2)) * spread[of]]
    )


def chart(n: int) -> Chart:
    """The map without a run."""
    points = drawn(n)
    ids = [f"source-{i:07d}" for i in range(n)]
    classes = tuple(
        RareClass(
            f"SKR-{k}", k + 1, tuple(ids[k * MEMBERS : (k + 1) * MEMBERS]), (1.0,) * MEMBERS,
            tuple(ids[k * MEMBERS : k * MEMBERS + 12]), 0.5, "graph", "confirmed",
        )
        for k in range(CLASSES)
    )  # fmt: skip
    return Chart("synthetic", ids, points, classes, columns=Columns(points))


def resident(pid: int) -> float:
    """Memory of a process in MB: now, as the kernel counts it."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def serve(n: int) -> None:
    """The process that serves: a line of JSON when it is ready."""
    before = resident(os.getpid())
    made = chart(n)
    _ = made.columns.values("catalog", "mag")
    loaded, began = resident(os.getpid()), time.perf_counter()
    server = AtlasServer(made)
    ready = time.perf_counter() - began
    print(json.dumps({"url": server.url, "port": server.server_address[1], "ready": ready,
                      "empty": before, "loaded": loaded}), flush=True)  # fmt: skip
    server.warm_up()
    server.serve_forever()


def tile_times(port: int) -> dict[str, list[float]]:
    """Milliseconds over HTTP, none asked for before: all tiles of levels 0 to 3, and the middle of
    deeper ones."""
    link, found = http.client.HTTPConnection("127.0.0.1", port), {}
    for name, color in (("gray", ""), ("numbers", "catalog:mag"), ("words", "catalog:kind")):
        link.request("GET", f"/api/legend?color={color}")
        link.getresponse().read()
        tiles = [(z, x, y) for z in range(4) for x in range(2**z) for y in range(2**z)]
        for z in (5, 7, 9):
            middle = 2**z // 2
            tiles += [(z, x, y) for x in range(middle - 2, middle + 2)
                      for y in range(middle - 2, middle + 2)]  # fmt: skip
        found[name] = []
        for z, x, y in tiles:
            began = time.perf_counter()
            link.request("GET", f"/api/tile/{z}/{x}/{y}.png?color={color}")
            assert link.getresponse().read()
            found[name].append(1000 * (time.perf_counter() - began))
    return found


COUNT = """async () => {
  const times = [];
  window.counting = true;
  const tick = (t) => { times.push(t); if (window.counting) requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
  window.times = times;
}"""


def dragged(page: Any, box: dict[str, float]) -> dict[str, float]:
    """Frames a second while the map is dragged about for some seconds, and the longest wait."""
    cx, cy = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(cx, cy)
    page.mouse.down()
    page.evaluate(COUNT)
    began, step = time.perf_counter(), 0
    while time.perf_counter() - began < 5:
        step += 1
        page.mouse.move(cx + 120 * np.sin(step / 12), cy + 90 * np.sin(step / 17))
    times = np.array(page.evaluate("() => { window.counting = false; return window.times; }"))
    page.mouse.up()
    gaps = np.diff(times)
    return {"fps": 1000 * len(gaps) / (times[-1] - times[0]), "longest": float(gaps.max()),
            "moves": step / 5}  # fmt: skip


def opened(browser: Any, url: str, idle: str, target: str) -> dict[str, float]:
    """One visit: seconds to the first paint, then frames while dragging, and the page's memory."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    began = time.perf_counter()
    page.goto(url, timeout=300_000)
    page.wait_for_function(idle, timeout=300_000, polling=20)
    first = time.perf_counter() - began
    page.wait_for_timeout(1500)
    found = dragged(page, page.locator(target).bounding_box())
    heap = page.evaluate("performance.memory.usedJSHeapSize") / 2**20
    page.close()
    return {"first": first, "heap": heap, **found}


def plain(n: int, folder: Path) -> str:
    """The same points as one scatter, in a file of its own."""
    from bokeh.embed import file_html
    from bokeh.plotting import figure
    from bokeh.resources import INLINE

    points = drawn(n).astype(np.float32)
    plot = figure(width=880, height=650, output_backend="webgl", tools="pan,wheel_zoom",
                  active_drag="pan")  # fmt: skip
    plot.scatter(points[:, 0], points[:, 1], size=3, alpha=0.3, color="#606e7c", line_color=None)
    path = folder / "plain.html"
    path.write_text(file_html(plot, INLINE, "plain"))
    return path.as_uri()


def report(n: int, found: dict[str, Any]) -> str:
    """The table."""
    rows = {"first paint, s": ("first", ".2f"), "frames a second while panning": ("fps", ".2g"),
            "longest wait between frames, ms": ("longest", ".0f"),
            "JavaScript memory, MB": ("heap", ".0f")}  # fmt: skip
    atlas, other, start = found["atlas"], found["plain"], found["start"]
    lines = [
        "# The atlas at a million sources", "", "`benchmarks/atlas.py`", "",
        f"{n:,} synthetic sources, {CLASSES} classes of {MEMBERS}; headless Chromium "
        f"{found['version']} at 1280 x 800, drawing in software; {len(os.sched_getaffinity(0))} of "
        f"{os.cpu_count()} cores for server and browser together, Python "
        f"{platform.python_version()}, Bokeh {found['bokeh']}; load before {found['load'][0]}, "
        f"after {found['load'][1]}; median of {len(atlas)} visits, each with an empty cache.", "",
        "| | atlas | plain Bokeh WebGL scatter | aim |", "|---|---|---|---|",
    ]  # fmt: skip
    aims = {"first": "under 3", "fps": "at least 30"}
    for title, (key, shape) in rows.items():
        values = [
            f"{statistics.median(v[key] for v in visits):{shape}}" if visits else "not opened"
            for visits in (atlas, other)
        ]
        lines.append(f"| {title} | {values[0]} | {values[1]} | {aims.get(key, '')} |")
    lines += [
        "", f"The server sorts the sources in {start['ready']:.2f} s and holds "
        f"{found['resident']:.0f} MB after all this ({start['loaded']:.0f} with the chart alone, "
        f"{start['empty']:.0f} before it had one).", "",
        "| tile over HTTP, ms | median | 95% | slowest |", "|---|---|---|---|",
    ]  # fmt: skip
    for name, times in found["tiles"].items():
        low, high = np.percentile(times, [50, 95])
        lines.append(f"| {name} | {low:.0f} | {high:.0f} | {max(times):.0f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=1_000_000)
    parser.add_argument("--visits", type=int, default=3)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    if args.serve:
        serve(args.n)
        return
    import bokeh
    from playwright.sync_api import sync_playwright

    load = [Path("/proc/loadavg").read_text().split()[0]]
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve", "-n", str(args.n)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        start = json.loads(process.stdout.readline())
        time.sleep(2)
        with sync_playwright() as started, tempfile.TemporaryDirectory() as folder:
            browser = started.chromium.launch(
                executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
                args=["--headless", "--no-sandbox", "--enable-precise-memory-info"],
            )
            idle = "document.body.dataset.painted"
            atlas = [opened(browser, start["url"], idle, "#map") for _ in range(args.visits)]
            url = plain(args.n, Path(folder))
            idle = "window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle"
            other = [opened(browser, url, idle, ".bk-Figure") for _ in range(1)]
            found = {"start": start, "atlas": atlas, "plain": other, "version": browser.version,
                     "bokeh": bokeh.__version__}  # fmt: skip
            browser.close()
        found["tiles"] = tile_times(start["port"])
        found["resident"] = resident(process.pid)
    finally:
        process.terminate()
    load.append(Path("/proc/loadavg").read_text().split()[0])
    text = report(args.n, {**found, "load": load})
    print(text, *(json.dumps(v) for v in (*atlas, *other)), sep="\n")
    if args.output:
        args.output.write_text(text)


if __name__ == "__main__":
    main()
