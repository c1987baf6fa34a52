"""What the classes of real surveys hold: each class's enrichment in kinds known to volunteers.

    python benchmarks/known_kinds.py DATA [-o benchmarks/known_kinds.md]

`gz1_survey` as it is (mergers), and `gz2_survey` with 40 of `gz2_artefacts` mixed in, drawn by
the seed 0 (rings, mergers, irregulars, disturbed, artifacts). A galaxy of `gz2_survey` is of a
kind where more than half of the volunteers saw something odd and more than half of these named
that kind. The encoder was not trained on these answers. For each class: its size, how many of
each kind, and how many times the rate of the whole survey that is, with the one-sided
hypergeometric p-value of its best kind and q-values (Benjamini & Hochberg 1995) over all pairs of
class and kind. A class with nothing known in it is shown as such: it may be a common sort of
galaxy, an unknown kind, or nothing.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import tempfile
from pathlib import Path

import numpy as np
from scipy.stats import false_discovery_control, hypergeom

import skerry

KINDS = ("ring", "merger", "irregular", "disturbed", "lens-or-arc", "dust-lane")


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "catalogue.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def odd_kind(row: dict[str, str]) -> str:
    shares = {k: float(row[f"odd-feature-gz2_{k}_fraction"]) for k in (*KINDS, "other")}
    total, best = sum(shares.values()), max(shares, key=lambda k: shares[k])
    odd = float(row["something-odd-gz2_yes_fraction"]) > 0.5
    return best if odd and shares[best] > 0.5 * total and best != "other" else ""


def mixed(data: Path, folder: Path, artifacts: int = 40) -> dict[str, str]:
    """`gz2_survey` with some artifacts as one folder; the kind of each id."""
    kinds: dict[str, str] = {}
    (folder / "images").mkdir(parents=True)
    with (folder / "catalogue.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id_str", "file_loc"])
        chosen = np.random.default_rng(0).permutation(rows(data / "gz2_artefacts"))[:artifacts]
        for source, prefix, part in (
            ("gz2_survey", "", rows(data / "gz2_survey")),
            ("gz2_artefacts", "artifact-", chosen),
        ):
            for row in part:
                name = f"images/{prefix}{Path(row['file_loc']).name}"
                shutil.copy2(data / source / row["file_loc"], folder / name)
                writer.writerow([f"{prefix}{row['id_str']}", name])
                kinds[f"{prefix}{row['id_str']}"] = "artifact" if prefix else odd_kind(row)
    return kinds


def table(kinds: dict[str, str], run: skerry.Run) -> list[str]:
    names = sorted({k for k in kinds.values() if k and list(kinds.values()).count(k) >= 5})
    totals = {k: sum(v == k for v in kinds.values()) for k in names}
    n, found = len(kinds), run.rare_classes
    counts = np.array([[sum(kinds[m] == k for m in c.members) for k in names] for c in found])
    sizes = np.array([c.size for c in found])
    expected = np.array([totals[k] for k in names])
    p = hypergeom.sf(counts - 1, n, expected[None], sizes[:, None])
    q = false_discovery_control(p.ravel()).reshape(p.shape) if p.size else p
    times = counts / (sizes[:, None] * expected[None] / n)
    inside = sum(sizes)
    enriched = (times >= 3) & (q < 0.01)
    known = [k for i, k in enumerate(names) if enriched[:, i].any()]
    lines = [
        f"{n} sources, {len(found)} classes with {inside} members, "
        f"{1 - inside / n:.1%} unclustered. Known kinds: "
        + ", ".join(f"{k} {totals[k]}" for k in names)
        + ".",
        "",
        f"{int(enriched.any(axis=1).sum())} classes are enriched at least 3 times in a known kind "
        f"with q < 0.01, over {len(known)} kinds: {', '.join(known) or 'none'}.",
        "",
        "| rank | size | persistence | " + " | ".join(names) + " | best kind | times | q |",
        "|" + "---|" * (len(names) + 6),
    ]
    for i, rare in enumerate(found):
        best = int(np.argmin(p[i]))
        some = counts[i, best] > 0 and q[i, best] < 0.05
        lines.append(
            f"| {rare.rank} | {rare.size} | {rare.persistence:.2f} | "
            + " | ".join(str(c) for c in counts[i])
            + (
                f" | {names[best]} | {times[i, best]:.1f} | {q[i, best]:.2g} |"
                if some
                else " | nothing known | | |"
            )
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder that holds gz1_survey and the others")
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        gz1 = {
            r["id_str"]: "merger" if r["label"] == "merger" else ""
            for r in rows(args.data / "gz1_survey")
        }
        skerry.run(args.data / "gz1_survey", scratch / "gz1")
        lines += ["## gz1_survey", "", *table(gz1, skerry.open(scratch / "gz1")), ""]
        gz2 = mixed(args.data, scratch / "mixed")
        skerry.run(scratch / "mixed", scratch / "gz2")
        lines += [
            "## gz2_survey with 40 artifacts",
            "",
            *table(gz2, skerry.open(scratch / "gz2")),
            "",
        ]
    text = "\n".join(lines)
    print(text)
    if args.output:
        head = "# Known kinds in the classes found\n\n`benchmarks/known_kinds.py`\n\n"
        args.output.write_text(head + text)


if __name__ == "__main__":
    main()
