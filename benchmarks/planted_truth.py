"""How many planted classes does the judged search find, and how many of its classes are false?

    python benchmarks/planted_truth.py --work WORK [--methods graph,plain,defaults] \
        [--evoc-python VENV/bin/python] [--part 0/2] [-o benchmarks/planted_truth.md]

Data: the test seas of ``generators.py`` (seed s takes the s % 5-th), 4000 sources, in each 8
groups of 15 to 200 sources: 15 of 4000 is the rarest class, 5% the largest there may be. A group
is its surroundings shrunk by a contrast: at 0.2 it is a tight knot, at 1 only a place twice as
dense as around it, there to be passed over. It lies where a random source does, in dense places
and sparse ones. All contrasts of a seed have the same sea and the same places.

Methods:

- ``graph``, ``umap-hdbscan``: skerry's two routes with default settings, confirmed classes only;
- ``plain``: umap-learn (15 neighbors, 5 components, min_dist 0) and hdbscan
  (min_cluster_size 15), as a user who read their guides to clustering would call them;
- ``defaults``: both with all their defaults;
- ``evoc``: EVoC with all its defaults (cosine distances), in an environment of its own.

A class is a group where they overlap by half (Jaccard), one to one. All others are false, also
a piece of a group; those that hold mostly sea are counted beside. F1 = 2 matched / (groups +
classes) of each data set; differences are of the same data sets, their 95% intervals by
bootstrap over seeds. The exact intervals of shares take classes as independent of each other;
those of one data set need not be.

Rows are kept in WORK and made once: stop and start again at will, share the work with --part.
After a change of the code take a new WORK.
"""

from __future__ import annotations

import argparse
import functools
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from generators import TEST, groups_of, matches, plant
from tables import Results, Row, key, part, publish, share, table

from skerry.config import Config, digest
from skerry.discover.find import find
from skerry.types import DoubleArray, FloatArray, IntArray

CONTRASTS = (1.0, 0.8, 0.65, 0.5, 0.35, 0.2)
METHODS = ("graph", "umap-hdbscan", "plain", "defaults", "evoc")
OURS = "graph"
N_GROUPS = 8
DENSITY = ("densest third", "middle third", "sparsest third")

EVOC = """
import sys, evoc, numpy
numpy.save(sys.argv[2], evoc.EVoC().fit_predict(numpy.load(sys.argv[1])))
"""

Method = Callable[[FloatArray, int], list[IntArray]]


def settings(route: str) -> Config:
    base = Config()
    return replace(base, clusters=replace(base.clusters, route=route))


def skerry(vectors: FloatArray, seed: int, route: str) -> list[IntArray]:
    return find(vectors, settings(route)).confirmed()


def plain(vectors: FloatArray, seed: int) -> list[IntArray]:
    import hdbscan
    import umap

    reducer = umap.UMAP(n_neighbors=15, n_components=5, min_dist=0.0, random_state=seed)
    clusterer = hdbscan.HDBSCAN(min_cluster_size=15)
    return groups_of(clusterer.fit_predict(reducer.fit_transform(vectors)))


def defaults(vectors: FloatArray, seed: int) -> list[IntArray]:
    import hdbscan
    import umap

    return groups_of(hdbscan.HDBSCAN().fit_predict(umap.UMAP().fit_transform(vectors)))


def evoc(vectors: FloatArray, seed: int, python: str) -> list[IntArray]:
    with tempfile.TemporaryDirectory() as name:
        given, made = Path(name) / "vectors.npy", Path(name) / "labels.npy"
        np.save(given, vectors)
        command = [python, "-c", EVOC, str(given), str(made)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"EVoC failed under {python}:\n{done.stderr[-2000:]}")
        return groups_of(np.load(made))


def methods(args: argparse.Namespace) -> dict[str, Method]:
    """Those asked for, by the name their rows have."""
    known: dict[str, Method] = {
        **{r: functools.partial(skerry, route=r) for r in ("graph", "umap-hdbscan")},
        "plain": plain,
        "defaults": defaults,
        "evoc": functools.partial(evoc, python=args.evoc_python),
    }
    asked = args.methods.split(",")
    if unknown := sorted(set(asked) - set(known)):
        raise SystemExit(f"no method {', '.join(unknown)}; expected some of {', '.join(known)}")
    if "evoc" in asked and not args.evoc_python:
        raise SystemExit("evoc: give the interpreter of an environment that has it, --evoc-python")
    return {name: known[name] for name in asked}


def case_of(method: str, sources: int, contrast: float, seed: int) -> Row:
    # rows made with other settings of the search are not taken for these
    own = digest(settings(method))[:8] if method in ("graph", "umap-hdbscan") else ""
    return {
        "method": method,
        "settings": own,
        "sources": sources,
        "contrast": contrast,
        "seed": seed,
    }


def data(sources: int, contrast: float, seed: int) -> tuple[FloatArray, IntArray]:
    """Vectors and labels; those of one seed are alike but for the width of the groups."""
    rng = np.random.default_rng([42, seed])
    sea = TEST[list(TEST)[seed % len(TEST)]](sources, rng)
    sizes = np.geomspace(15, min(300, sources // 20), N_GROUPS).round().astype(int)
    return plant(sea, rng, sizes.tolist(), contrast)


def density_thirds(vectors: FloatArray, labels: IntArray) -> list[int]:
    """For each group whether it lies among the densest (0) or the sparsest (2) third of the sea.

    By the distance to the 30th source of the sea, from the group's center and from sources.
    """
    sea = vectors[labels < 0]
    centers = [vectors[rows].mean(axis=0) for rows in groups_of(labels)]
    limits = np.quantile([_to_30th(source, sea) for source in sea[:500]], [1 / 3, 2 / 3])
    return [int(np.searchsorted(limits, _to_30th(center, sea))) for center in centers]


def _to_30th(point: FloatArray, sea: FloatArray) -> float:
    return float(np.sqrt(np.partition(((sea - point) ** 2).sum(axis=1), 30)[30]))


def measured(case: Row, method: Method) -> Row:
    vectors, labels = data(case["sources"], case["contrast"], case["seed"])
    groups = groups_of(labels)
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = method(vectors, case["seed"])
    seconds = time.perf_counter() - began
    partners = matches(found, groups)
    false = [rows for rows, group in zip(found, partners, strict=True) if group < 0]
    return {
        "classes": len(found),
        "false": len(false),
        "mostly_sea": sum(float((labels[rows] < 0).mean()) > 0.5 for rows in false),
        "hits": [group in partners for group in range(len(groups))],
        "sizes": [len(rows) for rows in groups],
        "thirds": density_thirds(vectors, labels),
        "seconds": round(seconds, 1),
    }


def f1(row: Row) -> float:
    return float(2 * sum(row["hits"]) / (len(row["hits"]) + row["classes"]))


def interval(values: DoubleArray) -> str:
    """The mean with its 95% bootstrap interval."""
    drawn = np.random.default_rng(0).integers(len(values), size=(10_000, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), [0.025, 0.975])
    return f"{values.mean():+.3f} ({low:+.3f} to {high:+.3f})"


def difference(ours: Sequence[Row], theirs: Sequence[Row]) -> str:
    """F1 of the one less that of the other over the data sets that both have.

    What is drawn again is the seed: its contrasts have one sea and do not count as several.
    """
    other = {(r["case"]["seed"], r["case"]["contrast"]): f1(r) for r in theirs}
    of_seed: dict[int, list[float]] = {}
    for row in ours:
        seed, contrast = row["case"]["seed"], row["case"]["contrast"]
        if (seed, contrast) in other:
            of_seed.setdefault(seed, []).append(f1(row) - other[seed, contrast])
    if not of_seed:
        return "no data set in common"
    return interval(np.array([np.mean(values) for values in of_seed.values()]))


def scores(rows: dict[str, list[Row]]) -> str:
    """One line a method."""
    heads = ["method", "data sets", "recall", "precision", "F1", f"{OURS} is better by (95%)",
             "false of its classes (95%)", "of these mostly sea", "s, median"]  # fmt: skip
    lines = []
    for method, of in rows.items():
        hits, groups = (sum(f(r["hits"]) for r in of) for f in (sum, len))
        classes, false, sea = (sum(r[n] for r in of) for n in ("classes", "false", "mostly_sea"))
        lines.append([
            method, len(of), f"{hits / groups:.3f}",
            f"{hits / classes:.3f}" if classes else "no class",
            f"{np.mean([f1(r) for r in of]):.3f}",
            "" if method == OURS else difference(rows.get(OURS, []), of),
            share(false, classes), sea, f"{np.median([r['seconds'] for r in of]):.1f}",
        ])  # fmt: skip
    return table(heads, lines)


def recalls(rows: dict[str, list[Row]]) -> str:
    """Share of groups found, by size and by where they lie."""
    sizes = sorted({size for of in rows.values() for r in of for size in r["sizes"]})
    lines = []
    for method, of in rows.items():
        groups = [g for r in of for g in zip(r["hits"], r["sizes"], r["thirds"], strict=True)]
        parts = [[hit for hit, size, _ in groups if size == s] for s in sizes]
        parts += [[hit for hit, _, third in groups if third == t] for t in range(len(DENSITY))]
        lines.append([method, *(f"{np.mean(p):.2f}" if p else "none" for p in parts)])
    return table(["method", *(f"{s} sources" for s in sizes), *DENSITY], lines)


def report(found: Sequence[Row], args: argparse.Namespace) -> None:
    if not found:
        return

    def by_method(contrasts: Sequence[float]) -> dict[str, list[Row]]:
        of = {m: [r for r in found if r["case"]["method"] == m
                  and r["case"]["contrast"] in contrasts] for m in METHODS}  # fmt: skip
        return {method: rows for method, rows in of.items() if rows}

    parts = [f"{args.sources} sources and {N_GROUPS} groups a data set."]
    parts += [f"## Contrast {c}\n\n{scores(by_method([c]))}" for c in CONTRASTS if by_method([c])]
    parts.append(f"## All contrasts\n\n{scores(by_method(CONTRASTS))}")
    if plantable := by_method(CONTRASTS[1:]):
        parts.append(
            "## Recall by size and by density\n\nAll contrasts but 1. Density is that of the sea "
            f"where the group lies.\n\n{recalls(plantable)}"
        )
    publish("\n\n".join(parts), "Planted classes: the judged search beside others", args.output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps the rows")
    parser.add_argument("--methods", default="graph,plain,defaults", help=",".join(METHODS))
    parser.add_argument("--evoc-python", help="interpreter of an environment with evoc")
    parser.add_argument("--sources", type=int, default=4000)
    parser.add_argument("--seeds", type=int, default=20, help="data sets of each contrast")
    parser.add_argument("--part", type=part, default=(0, 1), help="i/n: each n-th case from i")
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    if args.sources < 1000:
        raise SystemExit(f"--sources {args.sources}; expected 1000 or more, for groups to fit")
    chosen = methods(args)
    every = [
        case_of(method, args.sources, contrast, seed)
        for seed in range(args.seeds)
        for contrast in CONTRASTS
        for method in chosen
    ]
    results = Results(args.work, "planted_truth", args.part)
    mine = every[args.part[0] :: args.part[1]]
    for i, case in enumerate(mine):
        if key(case) not in results.rows():
            results.add(case, measured(case, chosen[case["method"]]))
            print(f"{i + 1} of {len(mine)}: {case}", flush=True)
    rows = results.rows()
    current = [key(case_of(m, args.sources, c, s)) for m in METHODS for c in CONTRASTS
               for s in range(args.seeds)]  # fmt: skip
    report([rows[name] for name in current if name in rows], args)


if __name__ == "__main__":
    main()
