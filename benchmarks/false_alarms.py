"""How often does the search report a class where there is none, and what does it still find?

    python benchmarks/false_alarms.py --work WORK [--route graph] [--part 0/2] \
        [-o benchmarks/false_alarms.md]

False alarms: 20 data sets of each of the five test seas (``generators.py``), 100 in all, from
which no null is built and on which no setting was chosen, with nothing planted. A false alarm
is any class at q < 0.05 by the nulls alone, without any other check; beside it, whether the
whole judgement confirms any. Power: the same seas with groups of 15, 25 and 40 sources planted,
each its surroundings shrunk by a contrast.

To save time the nulls are searched one by one, and no more once no candidate can reach q < 0.05:
q only grows with every null search, so that what has been searched bounds it from below. This
changes no answer; where a candidate survives all nulls of a sea with nothing planted, the full
search is run and its q-values are held against these.

Rows are kept in WORK and made once: stop and start again at will, share the work with --part.
After a change of the code take a new WORK.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from generators import TEST, groups_of, matches, plant
from tables import Results, Row, key, part, publish, share, table

from skerry.config import ROUTES, Config, digest
from skerry.discover import (
    Surrogates,
    distinct_rows,
    groups_in,
    judged,
    kinds_of,
    measure,
    null_search,
    route_of,
    space_of,
)
from skerry.discover.checks import Q_BELOW
from skerry.discover.find import find
from skerry.types import DoubleArray, FloatArray, IntArray

SIZES = (15, 25, 40)
CONTRASTS = (0.75, 0.6, 0.45)


def data(case: Row) -> tuple[FloatArray, list[IntArray]]:
    """Vectors and the planted groups; the sea is the same whatever is planted in it."""
    rng = np.random.default_rng([43, list(TEST).index(case["sea"]), case["seed"]])
    vectors = TEST[case["sea"]](case["sources"], rng)
    if case["contrast"] is None:
        return vectors, []
    planted, labels = plant(vectors, rng, SIZES, case["contrast"])
    return planted, groups_of(labels)


def search(vectors: FloatArray, config: Config) -> tuple[list[IntArray], DoubleArray, int]:
    """Each candidate's rows of ``vectors``, its q-value, and how many null searches it took.

    All q-values are 1 where none is below ``Q_BELOW``.
    """
    rows, route = distinct_rows(vectors), route_of(config.clusters.route)
    space = space_of(vectors[rows], config.neighbors)
    candidates = route(space, config)
    measures = measure(candidates, space)
    surrogates = Surrogates(space, config, groups_in(space, candidates, measures))
    n = config.nulls.n
    # a search not made yet counts as one that found nothing: the least it can add
    nulls = {kind: [np.empty(0)] * n for kind in kinds_of(config)}
    q, made = judged(measures.containment, nulls)[1], 0
    for kind, searches in nulls.items():
        for number in range(n):
            if not (q < Q_BELOW).any():
                return [rows[c.members] for c in candidates], np.ones(len(q)), made
            chance, _ = null_search(surrogates, kind, number, route, config)
            searches[number] = chance.containment
            q, made = judged(measures.containment, nulls)[1], made + 1
    return [rows[c.members] for c in candidates], q, made


def confirmed(vectors: FloatArray, config: Config, q: DoubleArray) -> int:
    """How many classes the full search confirms; its q-values must be those found already."""
    found = find(vectors, config)
    if [j.judgement.q for j in found.judged] != q.tolist():
        raise SystemExit("the full search and the short one disagree on q: one of them is wrong")
    return len(found.confirmed())


def measured(case: Row, config: Config) -> Row:
    began = time.perf_counter()
    vectors, groups = data(case)
    candidates, q, made = search(vectors, config)
    significant = [c for c, value in zip(candidates, q, strict=True) if value < Q_BELOW]
    partners = matches(significant, groups)
    row: Row = {
        "candidates": len(candidates),
        "null_searches": made,
        "significant": len(significant),
        "found": [group in partners for group in range(len(groups))],
    }
    if not groups:
        row["confirmed"] = confirmed(vectors, config, q) if significant else 0
    return {**row, "seconds": round(time.perf_counter() - began, 1)}


def settings(route: str) -> Config:
    base = Config()
    return replace(base, clusters=replace(base.clusters, route=route))


def named(route: str) -> str:
    """A route and its settings in short, so that rows made with others are not taken for these."""
    return f"{route}, settings {digest(settings(route))[:8]}"


def cases(args: argparse.Namespace) -> list[Row]:
    """Every data set there is to search, those with nothing planted first."""
    return [
        {
            "search": named(args.route),
            "sources": args.sources,
            "contrast": contrast,
            "seed": seed,
            "sea": sea,
        }
        for contrast in (None, *CONTRASTS)
        for seed in range(args.seeds if contrast is None else args.power_seeds)
        for sea in TEST
    ]


def false_alarms(rows: Sequence[Row]) -> str:
    heads = ["search", "sea", "any class at q < 0.05 (95%)", "any confirmed (95%)", "candidates",
             "s a data set"]  # fmt: skip
    lines = []
    for name in sorted({r["case"]["search"] for r in rows}):
        of = [r for r in rows if (r["case"]["search"], r["case"]["contrast"]) == (name, None)]
        for sea in (*TEST, "all"):
            these = [r for r in of if sea in ("all", r["case"]["sea"])]
            if not these:
                continue
            alarms = sum(r["significant"] > 0 for r in these)
            certain = sum(r["confirmed"] > 0 for r in these)
            mean = [np.mean([r[what] for r in these]) for what in ("candidates", "seconds")]
            n = len(these)
            lines.append(
                [name, sea, share(alarms, n), share(certain, n), *(f"{m:.1f}" for m in mean)]
            )
    return table(heads, lines)


def power(rows: Sequence[Row]) -> str:
    heads = ["search", "contrast", "any class at q < 0.05 (95%)",
             *(f"group of {size} in a class (95%)" for size in SIZES)]  # fmt: skip
    lines = []
    for name, contrast in itertools.product(sorted({r["case"]["search"] for r in rows}), CONTRASTS):
        of = [r for r in rows if (r["case"]["search"], r["case"]["contrast"]) == (name, contrast)]
        if not of:
            continue
        hits = [sum(r["found"][i] for r in of) for i in range(len(SIZES))]
        some = share(sum(r["significant"] > 0 for r in of), len(of))
        lines.append([name, contrast, some, *(share(hit, len(of)) for hit in hits)])
    return table(heads, lines)


def report(rows: Sequence[Row], args: argparse.Namespace) -> None:
    if not rows:
        return
    text = (
        f"{args.sources} sources a data set, {len(rows)} data sets searched.\n\n"
        f"## Nothing planted\n\n{false_alarms(rows)}\n\n"
        f"## Groups of {', '.join(map(str, SIZES))} planted\n\n"
        "A group is in a class where they overlap by half (Jaccard), at q < 0.05.\n\n"
        f"{power(rows)}"
    )
    publish(text, "False alarms, and the power beside them", args.output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps the rows")
    parser.add_argument("--route", choices=ROUTES, default="graph")
    parser.add_argument("--sources", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=20, help="data sets a sea, nothing planted")
    parser.add_argument("--power-seeds", type=int, default=20, help="of each contrast")
    parser.add_argument("--part", type=part, default=(0, 1), help="i/n: each n-th case from i")
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    if not 800 <= args.sources <= 5000:
        raise SystemExit(f"--sources {args.sources}; expected 800 (5% is a group of 40) to 5000")
    results = Results(args.work, "false_alarms", args.part)
    mine = cases(args)[args.part[0] :: args.part[1]]
    for i, case in enumerate(mine):
        if key(case) not in results.rows():
            results.add(case, measured(case, settings(args.route)))
            print(f"{i + 1} of {len(mine)}: {case}", flush=True)
    current = [named(route) for route in ROUTES]
    rows = [r for r in results.rows().values() if r["case"]["search"] in current]
    report([r for r in rows if r["case"]["sources"] == args.sources], args)


if __name__ == "__main__":
    main()
