"""What the classes of real surveys hold: each class's enrichment in kinds known to volunteers.

    python benchmarks/known_kinds.py DATA [-o benchmarks/known_kinds.md]

`gz1_survey` as it is (mergers), and `gz2_survey` with 40 of `gz2_artefacts` mixed in, drawn by
the seed 0 (rings, mergers, irregulars, disturbed, artifacts). A galaxy of `gz2_survey` is of a
kind where more than half of the volunteers saw something odd and more than half of these named
that kind. The encoder was not trained on these answers. For each class, rejected candidates too:
its size, how many of each kind with 5 members or more, and how many times the rate of the whole
survey that is, with the one-sided hypergeometric p-value of its best kind and q-values (Benjamini
& Hochberg 1995) over all pairs of class and kind. Common kinds, of which training saw the votes of
other galaxies, are in tables of their own.
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
from skerry.config import PRESETS, Config

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


def seen_kind(row: dict[str, str]) -> str:
    """The common kind of a `gz2_survey` galaxy by votes of the sort that training used."""

    def share(column: str) -> float:
        return float(row[f"{column}_fraction"] or 0)

    if share("smooth-or-featured-gz2_smooth") > 0.5:
        shapes = ("round", "in-between", "cigar")
        return "smooth, " + max(shapes, key=lambda s: share(f"how-rounded-gz2_{s}"))
    if share("disk-edge-on-gz2_yes") > 0.5:
        return "edge-on"
    if share("bar-gz2_yes") > 0.5:
        return "barred"
    return "spiral" if share("has-spiral-arms-gz2_yes") > 0.5 else ""


def table(kinds: dict[str, str], run: skerry.Run) -> list[str]:
    names = sorted({k for k in kinds.values() if k and list(kinds.values()).count(k) >= 5})
    totals = [sum(v == k for v in kinds.values()) for k in names]
    n, found = len(kinds), run.rare_classes
    counts = np.array([[sum(kinds[m] == k for m in c.members) for k in names] for c in found])
    counts = counts.reshape(len(found), len(names))
    sizes = np.array([c.size for c in found], dtype=int)
    expected = np.array(totals)
    p = hypergeom.sf(counts - 1, n, expected[None], sizes[:, None])
    q = false_discovery_control(p.ravel()).reshape(p.shape) if p.size else p
    times = counts / (sizes[:, None] * expected[None] / n)
    enriched = (times >= 3) & (q < 0.01)
    verdicts = np.array([c.verdict for c in found])
    held = ", ".join(f"{k} {t}" for k, t in zip(names, totals, strict=True))
    lines = [f"Of {n} sources: {held}."]
    for verdict in ("confirmed", "tentative", "rejected"):
        of = enriched[verdicts == verdict]
        known = [k for i, k in enumerate(names) if of[:, i].any()]
        lines += [
            "",
            f"{len(of)} {verdict}, {int(of.any(axis=1).sum())} enriched at least 3 times with "
            f"q < 0.01, in {len(known)} kinds: {', '.join(known) or 'none'}.",
        ]
    heads = ["rank", "verdict", "size", "containment", "q of the nulls", "replication"]
    heads += [*names, "best kind", "times", "q"]
    lines += ["", "| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for i, rare in enumerate(found):
        best = int(np.argmin(p[i]))
        some = counts[i, best] > 0 and q[i, best] < 0.05
        told = [names[best], f"{times[i, best]:.1f}", f"{q[i, best]:.2g}"]
        cells = [rare.rank, rare.verdict, rare.size, f"{rare.containment:.1f}"]
        cells += [f"{rare.q_value:.2g}", f"{rare.replication:.0%}"]
        cells += [*counts[i], *(told if some else ["nothing", "", ""])]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines


def both_tables(
    name: str, run: skerry.Run, rare: dict[str, str], seen: dict[str, str]
) -> list[str]:
    kept = [c for c in run.rare_classes if c.verdict != "rejected"]
    inside = len({m for c in kept for m in c.members})
    return [
        f"## {name}", "", f"{1 - inside / len(rare):.1%} of the sources are in no class.", "",
        "### Rare kinds, not seen in training", "", *table(rare, run), "",
        "### Common kinds, whose votes training saw", "", *table(seen, run), "",
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder that holds gz1_survey and the others")
    parser.add_argument("--preset", choices=list(PRESETS), default="skerry")
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    lines: list[str] = []
    config = Config(clusters=PRESETS[args.preset].clusters, preset=args.preset)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        labels = {r["id_str"]: r["label"] for r in rows(args.data / "gz1_survey")}
        mergers = {k: "merger" if v == "merger" else "" for k, v in labels.items()}
        common = {k: "" if v in ("merger", "unknown") else v for k, v in labels.items()}
        skerry.run(args.data / "gz1_survey", scratch / "gz1", config)
        lines += both_tables("gz1_survey", skerry.open(scratch / "gz1"), mergers, common)
        kinds = mixed(args.data, scratch / "mixed")
        common = dict.fromkeys(kinds, "")
        common |= {r["id_str"]: seen_kind(r) for r in rows(args.data / "gz2_survey")}
        skerry.run(scratch / "mixed", scratch / "gz2", config)
        lines += both_tables(
            "gz2_survey with 40 artifacts", skerry.open(scratch / "gz2"), kinds, common
        )
    text = "\n".join(lines)
    print(text)
    if args.output:
        head = "# Known kinds in the classes found\n\n`benchmarks/known_kinds.py`, preset "
        head += f"`{args.preset}`\n\n"
        args.output.write_text(head + text)


if __name__ == "__main__":
    main()
