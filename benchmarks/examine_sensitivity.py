"""Does `sensitivity` tell classes that hang on a choice of settings from those that do not?

    python benchmarks/examine_sensitivity.py --work WORK [--sky RUN CATALOG] \
        [--seconds 100] [-o benchmarks/examine_sensitivity.md]

The five test seas of ``generators.py``, which hold no group, and the same with groups of 20, 30
and 40 sources planted, each its surroundings shrunk by a contrast; searched by both routes, the
one by UMAP with a smaller grid of data. A class is planted where it overlaps a planted group by
0.5 (Jaccard) or more; any other is of chance. Right: planted classes live in more settings than
classes of chance, and of classes of chance no more than alpha are said to live longer than groups
of featureless data do. With --sky also a simulated sky: a finished run and its catalog, whose
kinds are known. Rows are kept in WORK: start again and it goes on, for --seconds each time.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from generators import TEST, groups_of, matches, plant
from searched_subjects import of_run, searched_subject
from tables import Results, Row, key, publish, share, table

from skerry.config import ROUTES, Config, from_mapping
from skerry.examine import ExamineConfig
from skerry.examine.searching.sweeps import TOGETHER
from skerry.examine.sensitivity import sensitivity
from skerry.types import FloatArray

HERE = Path(__file__).parent
N = {"graph": 2000, "umap-hdbscan": 800}
SEEDS = {"graph": 2, "umap-hdbscan": 1}
SIZES = (20, 30, 40)
CONTRASTS = (None, 0.6, 0.3)
ALPHA = 0.05


def config(route: str) -> Config:
    """Of the sweeps alone: no null and no repeated search is judged by."""
    return from_mapping(
        {
            "clusters": {"route": route},
            "nulls": {"n": 0},
            "replication": {"subsamples": 0, "seeds": 0},
        }
    )


def data(case: Row, sky: Sequence[Path] | None) -> tuple[FloatArray, np.ndarray, tuple[str, ...]]:
    """Vectors, the number of each one's group or kind (-1: none), and the names of these."""
    if case["sea"] == "sky":
        assert sky is not None
        vectors, kinds = of_run(*sky)
        names = tuple(sorted({*kinds.tolist()} - {"sea"}))
        numbers = {name: i for i, name in enumerate(names)}
        return vectors, np.array([numbers.get(k, -1) for k in kinds]), names
    rng = np.random.default_rng([45, list(TEST).index(case["sea"]), case["seed"]])
    n = N[case["route"]]
    vectors = TEST[case["sea"]](n, rng)
    if case["contrast"] is None:
        return vectors, np.full(n, -1), ()
    planted, labels = plant(vectors, rng, SIZES, case["contrast"])
    return planted, labels, tuple(map(str, SIZES))


def measured(case: Row, sky: Sequence[Path] | None) -> Row:
    """One search and its answer, class by class."""
    begun = time.monotonic()
    vectors, labels, names = data(case, sky)
    subject, searched = searched_subject(vectors, config(case["route"]))
    if not subject.classes:
        return {"classes": [], "seconds": time.monotonic() - begun}
    answer = sensitivity(subject, ExamineConfig(umap_sources=5000 if case["umap"] else 1000))
    partner = matches([searched.rows[rows] for rows in subject.members], groups_of(labels))
    regions = answer.tables["regions"].to_pylist()
    rows = []
    for row, group in zip(answer.tables["sensitivity"].to_pylist(), partner, strict=True):
        spans = {r["along"]: [r["low"], r["high"]] for r in regions
                 if r["class_id"] == row["class_id"] and r["route"] == case["route"]}  # fmt: skip
        kind = names[group] if group >= 0 else ""
        rows.append({"kind": kind, "spans": spans, **row})
    return {"classes": rows, "seconds": time.monotonic() - begun}


def cases(sky: bool) -> list[Row]:
    found: list[Row] = [
        {"sea": sea, "seed": seed, "contrast": contrast, "route": route, "umap": False}
        for route in ROUTES
        for contrast, sea, seed in itertools.product(CONTRASTS, TEST, range(SEEDS[route]))
    ]
    if sky:
        found.append({"sea": "sky", "seed": 0, "contrast": 0, "route": "graph", "umap": True})
    return found


def seas_table(rows: Sequence[Row]) -> str:
    lines = []
    for route, contrast in itertools.product(ROUTES, CONTRASTS):
        classes = [c for r in rows if r["case"]["sea"] != "sky" and r["case"]["route"] == route
                   and r["case"]["contrast"] == contrast for c in r["classes"]]  # fmt: skip
        for what, known in (("planted", True), ("of chance", False)):
            own = [c for c in classes if bool(c["kind"]) == known]
            if not own:
                continue
            shares = [c["share"] for c in own]
            spans = [c["spans"][TOGETHER[route][0]] for c in own]
            wide = [high / low for low, high in spans if low is not None]
            lines.append(
                [route, "none" if contrast is None else f"{contrast:g}", what, len(own),
                 f"{np.median(shares):.0%}",
                 f"{np.percentile(shares, 10):.0%} to {np.percentile(shares, 90):.0%}",
                 f"{np.median(wide):.1f}" if wide else "",
                 share(sum(c["null_share"] <= ALPHA for c in own), len(own))]
            )  # fmt: skip
    heads = ["route", "contrast", "classes", "n", "settings that keep it, median", "10% to 90%",
             "largest over smallest k or min_samples, median", "null share 5% or less"]  # fmt: skip
    return table(heads, lines)


def sky_table(rows: Sequence[Row]) -> str:
    lines = []
    for row in rows:
        if row["case"]["sea"] == "sky":
            for c in sorted(row["classes"], key=lambda c: -c["share"])[:12]:
                low, high = c["spans"]["k"]
                lines.append(
                    [c["kind"] or "none", c["members"], f"{c['kept']} of {c['settings']}",
                     f"{c['other_kept']} of {c['other_settings']}",
                     "" if low is None else f"{low:g} to {high:g}",
                     f"{c['null_share']:.1%}", f"{c['q_value']:.2g}"]
                )  # fmt: skip
    heads = ["kind", "members", "kept, graph", "kept, umap-hdbscan", "k",
             "null share", "q over all candidates"]  # fmt: skip
    return table(heads, lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sky", type=Path, nargs=2, metavar=("RUN", "CATALOG"))
    parser.add_argument("--seconds", type=float, default=100)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    results = Results(args.work, "sensitivity")
    begun = time.monotonic()
    for case in cases(args.sky is not None):
        if key(case) in results.rows():
            continue
        if time.monotonic() - begun > args.seconds:
            print("not done: start again")
            return
        results.add(case, measured(case, args.sky))
        print(case, flush=True)
    rows = list(results.rows().values())
    sky = [r for r in rows if r["case"]["sea"] == "sky"]
    kinds = [c for r in sky for c in r["classes"]]
    median = {
        known: np.median([c["share"] for c in kinds if bool(c["kind"]) == known])
        for known in (True, False)
        if any(bool(c["kind"]) == known for c in kinds)
    }
    said = "; ".join(
        f"{'of a kind' if known else 'of none'}: {value:.0%}" for known, value in median.items()
    )
    text = "\n".join(
        [
            f"Seas of {N['graph']:,} sources, {N['umap-hdbscan']} for umap-hdbscan; "
            f"{len(rows)} searches.",
            "",
            seas_table(rows),
            "",
            "The simulated sky, the 12 candidates of the route graph that live in most settings "
            f"(the share that keeps a candidate, median, {said}):",
            "",
            sky_table(rows),
        ]
    )
    publish(text, "`sensitivity`: in how many settings a class lives", args.output)


if __name__ == "__main__":
    main()
