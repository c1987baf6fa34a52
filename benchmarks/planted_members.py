"""Whom the classes of a run on planted vectors hold: a group, others beside it, or none.

    python benchmarks/planted_members.py RUN LABELS [-o benchmarks/planted_members.md]

RUN is a run of skerry on vectors of ``judged_speed.py`` (``planted-N.npy`` with ids in the order of
its rows beside it: ``skerry run planted-N.npy -o RUN``), LABELS the ``labels-N.npy`` that were made
with them. Of each confirmed and tentative class the group that it has most members of is told: the
share of the group that is in it (completeness), and the share of its members that are of the group
(purity), of all of them and of as many as the group has, the most central first.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from generators import groups_of
from tables import Row, publish, table

from skerry.store.nouns import read_classes
from skerry.types import RareClass

VERDICTS = ("confirmed", "tentative")


def held(rare: RareClass, row_of: dict[str, int], labels: np.ndarray) -> Row:
    """Whom one class holds."""
    of = labels[[row_of[member] for member in rare.members]]
    counts = np.bincount(of[of >= 0], minlength=1)
    group = int(counts.argmax())
    size = max(1, int((labels == group).sum()))
    return {
        "verdict": rare.verdict,
        "group": group if counts[group] else -1,
        "completeness": counts[group] / size,
        "purity": counts[group] / rare.size,
        "inner": float((of[:size] == group).mean()),
        "overlap": counts[group] / (rare.size + size - counts[group]),
    }


def line(verdict: str, rows: list[Row], groups: int) -> list[object]:
    mine = [row for row in rows if row["verdict"] == verdict]
    whole = [row for row in mine if row["completeness"] > 0.9]
    means = [f"{np.mean([row[name] for row in whole]):.2f}" if whole else "" for name in
             ("purity", "inner")]  # fmt: skip
    return [
        verdict,
        len(mine),
        f"{len({row['group'] for row in whole})} of {groups}",
        f"{len({row['group'] for row in mine if row['overlap'] >= 0.5})} of {groups}",
        sum(row["completeness"] < 0.1 for row in mine),
        *means,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    labels = np.load(args.labels)
    sources = pq.read_table(args.run / "sources" / "sources.parquet", columns=["id_str"])
    row_of = {name: i for i, name in enumerate(sources["id_str"].to_pylist())}
    found = read_classes(args.run / "classes" / "classes.json")
    rows = [held(rare, row_of, labels) for rare in found if rare.verdict in VERDICTS]
    groups = len(groups_of(labels))
    heads = ["verdict", "classes", "groups of which one holds more than 90%",
             "groups that one overlaps by half", "classes of no group (less than 10%)",
             "purity", "purity of the innermost"]  # fmt: skip
    text = f"{len(labels):,} vectors, {groups} planted groups of {sizes(labels)} members."
    lines = [line(verdict, rows, groups) for verdict in VERDICTS]
    publish(f"{text}\n\n{table(heads, lines)}", "Whom the classes hold", args.output)


def sizes(labels: np.ndarray) -> str:
    counts = np.bincount(labels[labels >= 0])
    return f"{counts.min()} to {counts.max()}"


if __name__ == "__main__":
    main()
