"""What is lost where UMAP is fitted on a part of a survey, and what does it save?

    python benchmarks/umap_part.py --work WORK [-o benchmarks/umap_part.md]

Seas of 60,000 sources (``generators.py``; how the part is chosen was tried on a ``tanh`` of another
seed) with 60 groups planted, each of 1, 2, 5 or 10 in 10,000, are searched by ``umap-hdbscan`` in
four ways:

- ``whole``: UMAP fitted on all sources;
- ``part``: as skerry does it above ``embedding.whole_below``, here at a tenth of the sources: some
  of every community of the neighbor graph, and enough of those that stand out;
- ``random, folded``: as many sources drawn at random, the rest folded into them and placed as
  skerry does it;
- ``random``: as many drawn at random, searched by themselves: their own neighbor graph, UMAP and
  HDBSCAN, as one does who searches a sample.

Counted are members in the part, groups of which it holds fewer than five, half of
``classes.min_size``, and groups that overlap by half (Jaccard) with a candidate; of ``random``,
where only the sample can be in a candidate, overlap is with the members in it. Every way is
a process of its own, on one core; seconds are of its processor, from the finished
graph and its communities to coordinates, and on to the tree. Rows are kept in WORK.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from generators import DEVELOPMENT, TEST, groups_of, plant
from tables import Results, Row, key, publish, table

from skerry.backends import cpu
from skerry.config import EmbeddingConfig, from_mapping
from skerry.discover import Space, distinct_rows, find_candidates, reduce, space_of
from skerry.discover import part as parts
from skerry.discover.matching import MATCH, Matcher
from skerry.discover.reduce import coordinates_of
from skerry.discover.routes import tree_of_coordinates
from skerry.types import FloatArray, IntArray

N, SHARE, EACH, FEW = 60_000, 0.1, 15, 5
PREVALENCES = (1, 2, 5, 10)  # in 10,000
SEAS = {"tanh": DEVELOPMENT["tanh"], "simulated": TEST["simulated"]}
CASES = (("tanh", 0.35), ("simulated", 0.35), ("simulated", 0.15))
WAYS = ("whole", "part", "random, folded", "random")
CONFIG = from_mapping({"preset": "walmsley2023"})


def data(sea: str, contrast: float) -> tuple[FloatArray, IntArray]:
    rng = np.random.default_rng([51, list(SEAS).index(sea)])
    sizes = [p * N // 10_000 for p in PREVALENCES for _ in range(EACH)]
    return plant(SEAS[sea](N, rng), rng, sizes, contrast)


def one(sea: str, contrast: float, way: str) -> Row:
    vectors, labels = data(sea, contrast)
    order = distinct_rows(vectors)
    space = space_of(vectors[order], CONFIG.neighbors)
    groups = groups_of(labels[order])
    _ = space.communities
    chosen = parts.part_of(space, SHARE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    rows, coordinates = coordinates_by(way, space, chosen)
    laid = time.process_time()
    tree = tree_of_coordinates(coordinates, CONFIG)
    done = time.process_time()
    found = [rows[c.members] for c in find_candidates(tree, CONFIG.classes)]
    overlap = [Matcher(found).best(np.intersect1d(g, rows))[1] for g in groups]
    fitted = fitted_rows(way, space, chosen)
    return {
        "sizes": [len(g) for g in groups],
        "kept": [int(np.isin(g, fitted).sum()) for g in groups],
        "overlap": overlap,
        "fitted": len(fitted),
        "candidates": len(found),
        "seconds": [laid - began, done - laid],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "before_mb": before / 1024,
    }


def fitted_rows(way: str, space: Space, chosen: parts.Part) -> IntArray:
    if way == "whole":
        return np.arange(len(space), dtype=np.int64)
    if way == "part":
        return chosen.rows
    drawn = np.random.default_rng(52).permutation(len(space))[: len(chosen.rows)]
    return np.sort(drawn).astype(np.int64)


def coordinates_by(way: str, space: Space, chosen: parts.Part) -> tuple[IntArray, FloatArray]:
    """The rows that have coordinates, and these."""
    everyone = np.arange(len(space), dtype=np.int64)
    if way == "whole":
        return everyone, coordinates_of(space, CONFIG.embedding)
    bound = round(SHARE * len(space))
    settings: EmbeddingConfig = replace(CONFIG.embedding, whole_below=bound)
    if way == "part":
        return everyone, coordinates_of(space, settings)
    rows = fitted_rows(way, space, chosen)
    if way == "random":
        sample = space_of(space.vectors[rows], CONFIG.neighbors)
        return rows, coordinates_of(sample, CONFIG.embedding)
    kept = np.zeros(len(space), dtype=bool)
    kept[rows] = True
    leaders = parts._leaders(space.graph.indices, kept, np.zeros(len(space), dtype=np.int64))
    own = np.flatnonzero(leaders == everyone).astype(np.int64)
    part = parts.Part(own, np.searchsorted(own, leaders).astype(np.int64))
    fuzzy = parts.folded(reduce._fuzzy(space.vectors, space.graph, settings), part)
    vectors = space.vectors[part.rows]
    laid = cpu.layout(vectors, fuzzy, settings.n_components, settings.min_dist, settings.seed, 200)
    return everyone, parts.placed(laid.coordinates, part, space.graph)


def measured(sea: str, contrast: float, way: str) -> Row:
    command = [sys.executable, __file__, "--work", ".", "--one", sea, str(contrast), way]
    threads = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    made = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=threads, check=True)
    row: Row = json.loads(made.stdout.strip().splitlines()[-1])
    return row


def by_size(row: Row, size: int) -> tuple[IntArray, np.ndarray]:
    of = np.array(row["sizes"]) == size
    return np.array(row["kept"])[of], np.array(row["overlap"])[of]


def report(rows: dict[tuple[str, float, str], Row]) -> str:
    sizes = [p * N // 10_000 for p in PREVALENCES]
    kept, found, cost = [], [], []
    for (sea, contrast, way), row in rows.items():
        if way in ("part", "random"):
            kept.append([sea, contrast, way, row["fitted"], *(held(row, size) for size in sizes)])
        hits = [f"{int((by_size(row, s)[1] >= MATCH).sum())}" for s in sizes]
        mean = [f"{by_size(row, s)[1].mean():.2f}" for s in sizes]
        both = [f"{h} ({m})" for h, m in zip(hits, mean, strict=True)]
        found.append([sea, contrast, way, *both, row["candidates"]])
        if (sea, contrast) == CASES[0]:
            took = [f"{s:.0f}" for s in row["seconds"]]
            peaks = f"{row['before_mb']:.0f}", f"{row['peak_mb']:.0f}"
            cost.append([way, row["fitted"], *took, *peaks])
    heads = [f"groups of {s}" for s in sizes]
    return "\n\n".join(
        [
            f"{N:,} sources, {EACH} groups of each size; the "
            f"part has {SHARE:g} of the sources and some of every group. Members in what UMAP is "
            f"fitted on (mean), and groups of which it holds fewer than {FEW}:",
            table(["sea", "contrast", "part", "fitted", *heads], kept),
            f"Groups of {EACH} that overlap by half with a candidate (mean overlap):",
            table(["sea", "contrast", "way", *heads, "candidates"], found),
            "The first of these on one core: processor seconds to coordinates and from there to "
            "HDBSCAN's tree, peak memory before and after. (What is fitted on fewer than 10,000 by "
            "itself takes 500 epochs, all others 200.)",
            table(["way", "fitted", "UMAP s", "HDBSCAN s", "MB before", "peak MB"], cost),
        ]
    )  # fmt: skip


def held(row: Row, size: int) -> str:
    kept, _ = by_size(row, size)
    return f"{kept.mean():.1f}, {int((kept < FEW).sum())} of {len(kept)}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.one:
        print(json.dumps(one(args.one[0], float(args.one[1]), args.one[2])))
        return
    results = Results(args.work, "umap_part")
    for sea, contrast in CASES:
        for way in WAYS:
            case = {"sea": sea, "contrast": contrast, "way": way}
            if key(case) not in results.rows():
                results.add(case, measured(sea, contrast, way))
                print(case, flush=True)
    done = results.rows()
    cases = [(sea, contrast, way) for sea, contrast in CASES for way in WAYS]
    rows = {c: done[key(dict(zip(("sea", "contrast", "way"), c, strict=True)))] for c in cases}
    publish(report(rows), "UMAP fitted on a part", args.output)


if __name__ == "__main__":
    main()
