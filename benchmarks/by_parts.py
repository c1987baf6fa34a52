"""What is lost where a large survey is judged by parts?

    python benchmarks/by_parts.py --work WORK [-o benchmarks/by_parts.md]

Above ``nulls.sources`` a search of featureless data holds a part of the survey, and above
``replication.whole_below`` searches are repeated around what passed. Seas of 60,000 sources
(``generators.py``) with 40 groups planted, each judged whole, and again in parts of 30,000 and with
repeated searches confined. Chance groups: how many of the featureless data reach a containment, by
20,000 sources; rates that are the same whole and in parts let parts stand for the whole. Classes:
the verdicts of both. Rows are kept in WORK.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from generators import TEST, groups_of, matches, plant
from tables import Results, Row, key, publish, table

from skerry.config import Config, from_mapping
from skerry.discover.find import Searched, find
from skerry.discover.measure import pooled

N, PART, NULLS = 60_000, 30_000, 6
SIZES = tuple(np.geomspace(15, 300, 40).round().astype(int).tolist())
CONTRAST = 0.35
REACHED = (2.0, 3.0, 4.0, 5.0)
SEAS = ("simulated", "swiss")
WHOLE, PARTS = "whole", "in parts"


def config(how: str) -> Config:
    parts = how == PARTS
    return from_mapping(
        {
            "nulls": {"n": NULLS, "scales": "2", "sources": PART if parts else N},
            "replication": {"whole_below": PART if parts else N, "subsamples": 4},
        }
    )


def measured(sea: str, how: str) -> Row:
    began = time.monotonic()
    rng = np.random.default_rng([46, list(TEST).index(sea)])
    vectors, labels = plant(TEST[sea](N, rng), rng, SIZES, CONTRAST)
    found = find(vectors, config(how))
    seen = PART if how == PARTS else N
    rates = {}
    for kind, searches in found.nulls.items():
        reached = pooled(searches).containment
        rates[kind] = [
            20_000 * float((reached >= s).sum()) / (seen * len(searches)) for s in REACHED
        ]
    return {"rates": rates, **verdicts(found, labels), "seconds": time.monotonic() - began}


def verdicts(found: Searched, labels: np.ndarray) -> Row:
    members = [found.members(i) for i in range(len(found.candidates))]
    partner = matches(members, groups_of(labels))
    rows = [
        [",".join(map(str, np.sort(m)[:5])), j.judgement.verdict, bool(p >= 0)]
        for m, j, p in zip(members, found.judged, partner, strict=True)
        if j.judgement.verdict != "rejected"
    ]
    return {"kept": rows, "candidates": len(members)}


def report(rows: dict[tuple[str, str], Row]) -> str:
    rates = [
        [sea, kind, how, *(f"{r:.2f}" for r in values)]
        for (sea, how), row in sorted(rows.items())
        for kind, values in row["rates"].items()
    ]
    kept = []
    for (sea, how), row in sorted(rows.items()):
        confirmed = [r for r in row["kept"] if r[1] == "confirmed"]
        other = {r[0]: r[1] for r in rows[sea, WHOLE if how == PARTS else PARTS]["kept"]}
        same = sum(other.get(r[0]) == r[1] for r in row["kept"])
        kept.append(
            [sea, how, row["candidates"], len(confirmed), sum(r[2] for r in confirmed),
             len(row["kept"]) - len(confirmed), f"{same} of {len(row['kept'])}",
             f"{row['seconds']:.0f}"]
        )  # fmt: skip
    return "\n\n".join(
        [
            f"{N} sources; parts of {PART}; {NULLS} nulls of each of two kinds. Chance groups of "
            "each containment or more, by 20,000 sources:",
            table(["sea", "featureless data", "judged", *(f">= {s:g}" for s in REACHED)], rates),
            f"Of {len(SIZES)} groups of {SIZES[0]} to {SIZES[-1]} planted at a contrast of "
            f"{CONTRAST}:",
            table(
                ["sea", "judged", "candidates", "confirmed", "of these planted", "tentative",
                 "same verdict in the other", "s"],
                kept,
            ),
        ]
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    results = Results(args.work, "by_parts")
    for sea in SEAS:
        for how in (WHOLE, PARTS):
            case = {"sea": sea, "how": how}
            if key(case) not in results.rows():
                results.add(case, measured(sea, how))
                print(case, flush=True)
    rows = {(r["case"]["sea"], r["case"]["how"]): r for r in results.rows().values()}
    publish(report(rows), "Large surveys, judged by parts", args.output)


if __name__ == "__main__":
    main()
