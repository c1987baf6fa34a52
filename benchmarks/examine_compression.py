"""Does `compression` tell groups that UMAP makes from groups that are there?

    python benchmarks/examine_compression.py --work WORK [--sky RUN CATALOG] \
        [--seconds 100] [-o benchmarks/examine_compression.md]

The five test seas of ``generators.py``, which hold no group, and the same with groups of 20, 30
and 40 sources planted, each its surroundings shrunk by a contrast; searched by both routes, with
20 nulls of each kind. A class is planted where it overlaps a planted group by 0.5 (Jaccard) or
more, a piece where half of its members are of one, with others where it holds half of one, and
else of chance. Right: a planted class exists ``before compression``, none of chance does, and of
real groups none is there ``only after compression``. With --sky also a simulated sky: 2,000
sources of a finished run and its catalog, whose kinds are known and stand for groups. Rows are kept
in WORK: start again and it goes on, for --seconds each time.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from generators import TEST, groups_of, matches, plant
from searched_subjects import of_run, searched_subject
from tables import Results, Row, key, publish, share, table

from skerry.config import ROUTES, Config, from_mapping
from skerry.examine import ExamineConfig
from skerry.examine.compression import compression
from skerry.examine.compression.words import AFTER, BEFORE, CHANCE, NEITHER, PART, UNTESTED
from skerry.types import FloatArray

HERE = Path(__file__).parent
N = 800
SIZES = (20, 30, 40)
CONTRASTS = (None, 0.6, 0.3)
SKY = 2000
CALLED = (BEFORE, AFTER, CHANCE, PART, NEITHER, UNTESTED)
PLANTED, PIECE, WITH_OTHERS, OF_CHANCE = "planted", "a piece", "with others", "of chance"
WHAT = (PLANTED, PIECE, WITH_OTHERS, OF_CHANCE)


def config(route: str) -> Config:
    return from_mapping(
        {
            "clusters": {"route": route},
            # by umap-hdbscan each null is an embedding: two kinds, not four
            "nulls": {"scales": "1,2,4" if route == "graph" else "2"},
            "replication": {"subsamples": 0, "seeds": 0},
            "classes": {"max_share": 0.08},
        }
    )


def data(case: Row, sky: Sequence[Path] | None) -> tuple[FloatArray, np.ndarray, tuple[str, ...]]:
    """Vectors, the number of each one's group or kind (-1: none), and the names of these."""
    if case["sea"] == "sky":
        assert sky is not None
        vectors, kinds = of_run(*sky)
        picked = np.random.default_rng(0).permutation(len(vectors))[:SKY]
        names = tuple(sorted({*kinds.tolist()} - {"sea"}))
        numbers = {name: i for i, name in enumerate(names)}
        return vectors[picked], np.array([numbers.get(k, -1) for k in kinds[picked]]), names
    rng = np.random.default_rng([44, list(TEST).index(case["sea"]), case["seed"]])
    vectors = TEST[case["sea"]](N, rng)
    if case["contrast"] is None:
        return vectors, np.full(N, -1), ()
    planted, labels = plant(vectors, rng, SIZES, case["contrast"])
    return planted, labels, tuple(map(str, SIZES))


def measured(case: Row, sky: Sequence[Path] | None) -> Row:
    """One search and its answer, class by class."""
    begun = time.monotonic()
    vectors, labels, names = data(case, sky)
    subject, searched = searched_subject(vectors, config(case["route"]))
    if not subject.classes:
        return {"classes": [], "planted": len(names), "seconds": time.monotonic() - begun}
    answer = compression(subject, ExamineConfig(nulls=2))
    members = [searched.rows[rows] for rows in subject.members]
    sizes = np.bincount(labels + 1, minlength=len(names) + 1)[1:]
    partner = matches(members, groups_of(labels))
    rows = []
    for row, own, group in zip(answer.tables["compression"].to_pylist(), members, partner,
                               strict=True):  # fmt: skip
        counts = np.bincount(labels[own] + 1, minlength=len(names) + 1)[1:]
        of, what = held(counts, sizes, len(own), group)
        rows.append(
            {
                "kind": names[of] if of >= 0 else "",
                "what": what,
                **{
                    name: row[name]
                    for name in (
                        "exists",
                        "members",
                        "overdensity_before",
                        "overdensity_after",
                        "q_before",
                        "trustworthiness",
                        "continuity",
                        "overlap_graph",
                        "overlap_umap",
                    )
                },
            }
        )
    return {"classes": rows, "planted": len(names), "seconds": time.monotonic() - begun}


def held(counts: np.ndarray, sizes: np.ndarray, members: int, group: int) -> tuple[int, str]:
    """Which group a class is of, -1 for none, and how: see ``WHAT``."""
    if group >= 0:
        return group, PLANTED
    if not len(counts):
        return -1, OF_CHANCE
    most = int(counts.argmax())
    if 2 * counts[most] >= members:
        return most, PIECE
    best = int((counts / np.maximum(sizes, 1)).argmax())
    if 2 * counts[best] >= sizes[best] > 0:
        return best, WITH_OTHERS
    return -1, OF_CHANCE


def cases(sky: bool) -> list[Row]:
    found: list[Row] = [
        {"sea": sea, "seed": 0, "contrast": contrast, "route": route}
        for route, contrast, sea in itertools.product(ROUTES, CONTRASTS, TEST)
        # 40 embeddings a search: of the shallower depth only the quicker route
        if route == "graph" or contrast != 0.6
    ]
    if sky:
        found += [{"sea": "sky", "seed": 0, "contrast": 0, "route": route} for route in ROUTES]
    return found


def seas_table(rows: Sequence[Row]) -> str:
    lines = []
    for route, contrast in itertools.product(ROUTES, CONTRASTS):
        here = [r for r in rows if r["case"]["sea"] != "sky" and r["case"]["route"] == route
                and r["case"]["contrast"] == contrast]  # fmt: skip
        if not here:
            continue
        classes = [c for r in here for c in r["classes"]]
        for what in WHAT:
            own = [c for c in classes if c["what"] == what]
            if not own:
                continue
            counted = Counter(c["exists"] for c in own)
            depth = "none planted" if contrast is None else f"contrast {contrast:g}"
            numbers = [counted[name] for name in CALLED]
            lines.append([route, depth, what, len(own), *numbers])
    return table(["route", "planted", "classes", "n", *CALLED], lines)


def rates(rows: Sequence[Row]) -> list[str]:
    seas = [r for r in rows if r["case"]["sea"] != "sky"]
    lines = []
    for route in ROUTES:
        classes = [c for r in seas if r["case"]["route"] == route for c in r["classes"]]
        of = {what: [c for c in classes if c["what"] == what] for what in WHAT}
        easy = [c for r in seas if r["case"]["route"] == route and r["case"]["contrast"] == 0.3
                for c in r["classes"] if c["what"] == PLANTED]  # fmt: skip

        def said(name: str, own: Sequence[Row]) -> str:
            return share(sum(c["exists"] == name for c in own), len(own))

        real = [*of[PLANTED], *of[PIECE], *of[WITH_OTHERS]]
        lines += [
            f"- `{route}`: classes of chance called there before compression "
            f"{said(BEFORE, of[OF_CHANCE])}, only after it {said(AFTER, of[OF_CHANCE])}; planted "
            f"ones, pieces of them and those with others called there only after "
            f"{said(AFTER, real)}; planted ones of contrast 0.3, before {said(BEFORE, easy)}."
        ]
    return lines


def sky_table(rows: Sequence[Row]) -> str:
    lines = []
    for row in rows:
        if row["case"]["sea"] != "sky":
            continue
        for c in sorted(row["classes"], key=lambda c: -c["overdensity_before"])[:14]:
            kind = c["kind"] + ("" if c["what"] == PLANTED else f" ({c['what']})")
            lines.append(
                [row["case"]["route"], kind if c["kind"] else "none", c["members"],
                 f"{c['overdensity_before']:.1f}", f"{c['overdensity_after']:.1f}",
                 f"{c['q_before']:.2g}", c["exists"], f"{c['overlap_graph']:.2f}",
                 f"{c['overlap_umap']:.2f}"]
            )  # fmt: skip
    heads = ["route", "kind", "members", "overdensity before", "after", "q", "exists",
             "Jaccard, graph", "Jaccard, umap-hdbscan"]  # fmt: skip
    return table(heads, lines)


def sky_counts(rows: Sequence[Row]) -> list[str]:
    lines = []
    for row in rows:
        if row["case"]["sea"] == "sky":
            for what, known in (("of a kind", True), ("of none", False)):
                own = [c for c in row["classes"] if bool(c["kind"]) == known]
                counted = Counter(c["exists"] for c in own)
                said = ", ".join(f"{counted[n]} {n}" for n in CALLED if counted[n])
                lines.append(f"- `{row['case']['route']}`, {len(own)} classes {what}: {said}.")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sky", type=Path, nargs=2, metavar=("RUN", "CATALOG"))
    parser.add_argument("--seconds", type=float, default=100)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    results = Results(args.work, "compression")
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
    text = "\n".join(
        [
            f"Seas of {N} sources; {len(rows)} searches, 20 nulls of each of "
            "four kinds (umap-hdbscan: two, shuffled and smooth-2).",
            "",
            seas_table(rows),
            "",
            *rates(rows),
            "",
            f"The simulated sky, {SKY} sources, the densest 14 classes of each route:",
            "",
            sky_table(rows),
            "",
            *sky_counts(rows),
        ]
    )
    publish(text, "`compression`: what UMAP makes, and what is there", args.output)


if __name__ == "__main__":
    main()
