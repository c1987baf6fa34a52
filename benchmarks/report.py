"""How long do the report and its pages take, and how large are they?

    python benchmarks/report.py [-o benchmarks/report.md]

Findings of drawn sources with classes of some 60 members and a cutout of 128 px for each source
that is shown; the report, the page of each class and the contact sheets are written to a folder
that is dropped. Images are in memory: reading them from the survey comes on top.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tables import publish, table

from skerry.publish import shown_ids, write_pages, write_products, write_report, write_sheets
from skerry.types import ByteArray, Verdict

sys.path.append(str(Path(__file__).parents[1]))
from tests.publish.conftest import judge_findings, make_findings

CASES = ((10_000, 3), (100_000, 50), (100_000, 300))
SIDE = 128


def cutouts(names: Sequence[str]) -> dict[str, ByteArray]:
    """Smooth light on noise, of 50 shapes: what a JPEG of a galaxy weighs."""
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    rng = np.random.default_rng(0)
    shapes = []
    for _ in range(50):
        light = 220 * np.exp(-np.hypot(x, y / rng.uniform(0.3, 1)) / 0.15)[..., None]
        noisy = light + rng.normal(12, 4, (SIDE, SIDE, 3))
        shapes.append(np.clip(noisy, 0, 255).astype(np.uint8))
    return {name: shapes[i % 50] for i, name in enumerate(names)}


def measured(n: int, classes: int) -> list[object]:
    verdicts: list[Verdict] = ["confirmed"] * classes
    findings = judge_findings(make_findings(classes, n), verdicts)
    images = cutouts(shown_ids(findings))
    with tempfile.TemporaryDirectory() as folder:
        products = Path(folder) / "products"
        began = time.perf_counter()
        write_products(findings, products)
        tables_at = time.perf_counter()
        write_sheets(findings, images, products / "sheets")
        write_pages(findings, images, products / "pages")
        write_report(findings, images, Path(folder) / "report.html")
        ended = time.perf_counter()
        pages = [*(products / "pages").iterdir(), Path(folder) / "report.html"]
        size = sum(path.stat().st_size for path in pages)
    return [
        f"{n:,}", classes, f"{ended - tables_at:.1f}", f"{tables_at - began:.1f}",
        f"{size / 1e6:.1f}", f"{len(images):,}",
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    rows = [measured(*case) for case in CASES]
    heads = ["sources", "classes", "report, pages, sheets (s)", "catalogs (s)", "MB", "images"]
    publish(table(heads, rows), "Report and pages", args.output)


if __name__ == "__main__":
    main()
