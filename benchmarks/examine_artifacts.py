"""Is `artifacts` right where the truth is known, and what does it catch of real artifacts?

    python benchmarks/examine_artifacts.py WORK [--data DATA] [-o benchmarks/examine_artifacts.md]

Simulated skies of seeds that nothing was tuned on, drawn into WORK: on each the planted sources of
each cause are a class of 30 to 60, so are those of some kinds of galaxies, and random groups of the
sea. No search is made. Scored: the cause named of each class, and classes of galaxies called
instrumental. On `gz2_artefacts` of DATA, by what one person saw in each image
(`artifact_causes_seen.csv`): the share that shows any cause, and the cause named. The rules were
written on these images, so that part tells how well they fit, not how well they carry over.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from examine_shredded import is_merger
from subjects import subject_of, truth, with_classes, without_truth
from tables import publish, share, table

from skerry.examine import ExamineConfig
from skerry.examine.artifacts import artifacts
from skerry.examine.artifacts.causes import NONE, Usual, cause_of, usual
from skerry.examine.artifacts.pixels import Evidence, evidence_of
from skerry.examine.artifacts.shown import INSTRUMENTAL, SUSPECT
from skerry.simulate.sky import ARTIFACTS, sky_of
from skerry.simulate.survey import simulate

HERE = Path(__file__).parent
SEA, GROUPS, OF_GROUP = 560, 4, 40
GALAXIES = (
    ("ring", "merging-pair", "shredded", "one-armed"),
    ("low-mass-unbarred", "tidal-tail", "irregular-clumpy", "merging-pair"),
    ("boxy-edge-on", "arc", "low-mass-barred", "ring"),
)
"""Kinds that are planted beside the artifacts, in turn."""
SKIES = (*(("sdss", seed) for seed in range(51, 61)), ("decals", 63), ("decals", 64))


def classes_of(work: Path, preset: str, seed: int) -> list[dict[str, str]]:
    """What each class of one sky is, and what it was called."""
    kept = work / f"{preset}-{seed}.json"
    if kept.exists():
        found: list[dict[str, str]] = json.loads(kept.read_text())
        return found
    rng = np.random.default_rng(seed)
    counts = {kind: int(rng.integers(30, 61)) for kind in ARTIFACTS}
    counts |= dict.fromkeys(GALAXIES[seed % len(GALAXIES)], 40)
    n = SEA + sum(counts.values())
    kinds = tuple((kind, count / n) for kind, count in counts.items())
    sky = dataclasses.replace(sky_of(preset), n=n, seed=seed, kinds=kinds)
    subject = subject_of(simulate(work / f"{preset}-{seed}", sky, threads=1).catalog)
    kind = truth(subject, "kind")
    classes = {name: np.flatnonzero(kind == name).tolist() for name in counts}
    sea = rng.permutation(np.flatnonzero(kind == "sea"))
    for i in range(GROUPS):
        classes[f"sea {i}"] = sea[i * OF_GROUP : (i + 1) * OF_GROUP].tolist()
    answer = artifacts(without_truth(with_classes(subject, classes)), ExamineConfig())
    rows = [
        {"kind": row["class_id"].split()[0], **{k: str(row[k]) for k in ("verdict", "cause")},
         "share": f"{row['share']:.3f}", "sea_share": f"{row['sea_share']:.3f}"}
        for row in answer.tables["artifacts"].to_pylist()
    ]  # fmt: skip
    kept.write_text(json.dumps(rows))
    return rows


def sky_tables(work: Path) -> list[str]:
    parts = []
    for preset, words in (
        ("sdss", "SDSS-like, color JPEG"),
        ("decals", "DECaLS-like, FITS that skerry stretches image by image"),
    ):
        seeds = [seed for name, seed in SKIES if name == preset]
        rows = [row for seed in seeds for row in classes_of(work, preset, seed)]
        print(preset, len(rows), flush=True)
        lines: list[list[object]] = []
        for kind in [*ARTIFACTS, *sorted({r["kind"] for r in rows} - set(ARTIFACTS))]:
            own = [row for row in rows if row["kind"] == kind]
            called = Counter(row["cause"] for row in own if row["verdict"] == INSTRUMENTAL)
            right = called[kind] if kind in ARTIFACTS else len(own) - called.total()
            shown = np.median([float(row["share"]) for row in own])
            suspect = sum(row["verdict"] == SUSPECT for row in own)
            named = ", ".join(f"{cause} {count}" for cause, count in called.most_common())
            lines.append([kind, share(right, len(own)), f"{shown:.0%}", named or "none", suspect])
        sea = np.median([float(row["sea_share"]) for row in rows])
        heads = [
            "class of",
            "right",
            "median share with a cause",
            "instrumental, named",
            "gathered",
        ]
        parts += [f"{words}, {len(seeds)} skies; {sea:.1%} of the sea show a cause.",
                  table(heads, lines)]  # fmt: skip
    return parts


def measured(paths: Sequence[Path]) -> dict[str, Evidence]:
    found = {path.stem: evidence_of(cv2.imread(str(path))[..., ::-1]) for path in paths}
    return {name: one for name, one in found.items() if one is not None}


def real_tables(data: Path) -> list[str]:
    survey = sorted((data / "gz2_survey" / "images").glob("*.jpg"))[2::4]
    plain = measured(survey)
    norm = usual(list(plain.values()))
    shown = measured(sorted((data / "gz2_artefacts" / "images").glob("*.jpg")))
    with (HERE / "artifact_causes_seen.csv").open(newline="") as file:
        seen = {row["id_str"]: row["cause"] for row in csv.DictReader(file)}
    lines = []
    for cause in ("bright star", "bad sky", "edge", "trail", "star", "none"):
        own = [one for name, one in shown.items() if seen[name] == cause]
        lines.append([cause, *_called(own, norm)])
    lines.append(["all", *_called(list(shown.values()), norm)])
    lines.append(["`gz2_survey`, another quarter", *_called(list(plain.values()), norm)])
    with (data / "gz2_survey" / "catalogue.csv").open(newline="") as file:
        galaxies = list(csv.DictReader(file))
    for name, chosen in (("edge-on disks", _edge_on), ("mergers", is_merger)):
        files = [data / "gz2_survey" / row["file_loc"] for row in galaxies if chosen(row)][:100]
        lines.append([f"`gz2_survey`, {name}", *_called(list(measured(files).values()), norm)])
    return [
        "`gz2_artefacts` by what was seen (`star`: a star with little halo; `none`: nothing but "
        "galaxies and faint stars), and `gz2_survey`, which also says what is usual:",
        table(["seen", "any cause", "named"], lines),
    ]


def _edge_on(galaxy: dict[str, str]) -> bool:
    return float(galaxy["disk-edge-on-gz2_yes_fraction"]) > 0.7


def _called(found: Sequence[Evidence], norm: Usual) -> tuple[str, str]:
    causes = Counter(cause_of(one, norm) for one in found)
    listed = ", ".join(f"{cause} {n}" for cause, n in causes.most_common() if cause != NONE)
    return share(len(found) - causes[NONE], len(found)), listed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", type=Path, help="folder of the real surveys")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "examine_artifacts.md")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    parts = [
        "Right: the planted cause is named, or a class of galaxies not called instrumental. With "
        "exact 95% intervals over classes.",
        *sky_tables(args.work),
    ]
    parts += real_tables(args.data) if args.data else []
    publish("\n\n".join(parts), "Artifacts and their causes", args.output)


if __name__ == "__main__":
    main()
