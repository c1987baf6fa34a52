"""How far do rare kinds of real surveys stand apart, and at what visibility do planted ones?

    python benchmarks/anchors.py DATA --work WORK [-o benchmarks/anchors.md] \
        [--by all] [--toml benchmarks/anchored.toml]

Real kinds, each against its survey's other sources: rings, mergers and irregulars of
`gz2_survey` (odd by more than half of the votes, and more than half of those for the feature),
mergers of `gz1_survey`. Artifacts of `gz2_artefacts` by their cause (`artifact_causes.csv`)
against all of `gz2_survey`: they were kept apart from it by those who made the data, and would
have been a part of it.

Planted kinds: 38 sources of each, in a simulated sea of 1,785, at six visibilities; a seed of
their own. Enrichment compares only between kinds of like numbers: what is compared is its share
of the ceiling. The anchored visibility is the largest at which both numbers, in the default
encoder, lie within the range of the real kinds: from the least lower to the greatest upper end of
their 95% intervals. Where none does it is the largest at which neither lies above, where all do
the least; said in `anchored.toml`. The real kinds are all together, or with `--by like` galaxies
for galaxies and artifacts for artifacts: these stand much further apart than those, and a range
that reaches from the one to the other holds almost any kind. The tables have both; ``like`` was
added when they had shown that.

How real the simulation is: the area under the ROC curve of a linear probe between the simulated
sea and `gz2_survey`, 0.5 where they are alike; of the encoders' vectors, and of the first 64
principal components of both surveys' pixels.

Images and vectors are kept in WORK and made once. After a change of the code take a new WORK.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from anchor_report import (
    ARTEFACTS,
    RANGES,
    VISIBILITIES,
    planted_table,
    ranges_of,
    real_table,
    to_toml,
)
from skies import KINDS, Survey
from tables import publish, table
from vectors import COMPONENTS, ENCODERS, Look, by_encoder, pixels, principal

from skerry.discover.separation import Separation, separation
from skerry.store import write_text
from skerry.types import FloatArray

MEMBERS, SEA, SEED = 38, 1785, 1
SOURCES = SEA + len(KINDS) * MEMBERS
ODD = ("ring", "merger", "irregular")
CAUSES = ("bright star", "bad sky")

Table = list[dict[str, str]]


def folder_of(data: Path, name: str) -> tuple[Table, list[bytes]]:
    """The rows and the images of a survey."""
    with (data / name / "catalogue.csv").open() as file:
        rows = list(csv.DictReader(file))
    return rows, [(data / name / row["file_loc"]).read_bytes() for row in rows]


def is_odd(row: Mapping[str, str], feature: str) -> bool:
    """Whether volunteers called a source odd for a feature."""
    votes = {name: float(value or 0) for name, value in row.items() if "odd" in name}
    features = {name: v for name, v in votes.items() if name.startswith("odd-feature")}
    own = features[f"odd-feature-gz2_{feature}_fraction"]
    return votes["something-odd-gz2_yes_fraction"] > 0.5 and own > 0.5 * sum(features.values())


def real_kinds(data: Path, look: Look, causes: Table) -> tuple[dict[str, Separation], FloatArray]:
    """How far each real kind stands apart, and the vectors of `gz2_survey`."""
    rows, images = folder_of(data, "gz2_survey")
    survey = look.show(images)
    found = {}
    for feature in ODD:
        members = np.array([is_odd(row, feature) for row in rows])
        found[f"{feature}, gz2_survey"] = separation(survey[members], survey[~members])
    rows, images = folder_of(data, "gz1_survey")
    other, members = look.show(images), np.array([row["label"] == "merger" for row in rows])
    found["merger, gz1_survey"] = separation(other[members], other[~members])
    rows, images = folder_of(data, ARTEFACTS)
    wanted = {row["id_str"] for row in causes}
    chosen = [i for i, row in enumerate(rows) if row["id_str"] in wanted]
    vectors = look.show([images[i] for i in chosen])
    row_of = {rows[i]["id_str"]: at for at, i in enumerate(chosen)}
    for name, ids in by_cause(causes).items():
        found[f"{name}, {ARTEFACTS}"] = separation(vectors[[row_of[i] for i in ids]], survey)
    return found, survey


def by_cause(causes: Table) -> dict[str, list[str]]:
    """Ids of the artifacts of each cause."""
    of = {cause: [r["id_str"] for r in causes if r["cause"] == cause] for cause in CAUSES}
    return {**of, "spikes": [r["id_str"] for r in causes if r["spikes"] == "1"]}


def simulated(work: Path, visibility: float) -> Survey:
    """The survey of planted kinds, all at one visibility."""
    at = {} if visibility == 1 else dict.fromkeys(KINDS, visibility)
    return Survey(work, SOURCES, SEED, MEMBERS / SOURCES, at)


def planted_kinds(work: Path, look: Look) -> dict[str, list[Separation]]:
    """How far each planted kind stands apart at each visibility."""
    found: dict[str, list[Separation]] = {kind: [] for kind in KINDS}
    for visibility in VISIBILITIES:
        survey = simulated(work, visibility)
        vectors, kinds = survey.vectors(look), np.array([s.kind for s in survey.plan()])
        for kind in KINDS:
            # of shredded galaxies, which come whole, there are some more
            members = vectors[kinds == kind][:MEMBERS]
            found[kind].append(separation(members, vectors[kinds == "sea"]))
        print(f"planted at {visibility}: {look.name}", flush=True)
    return found


def realness(data: Path, work: Path, seas: Mapping[str, FloatArray]) -> str:
    """How well a line tells simulated from real; ``seas`` are the real vectors by look."""
    survey = simulated(work, 1)
    of_sea = np.array([s.kind == "sea" for s in survey.plan()])
    lines = []
    for name, real in zip(ENCODERS, seas.values(), strict=True):
        look = by_encoder(name)
        lines.append([look.name, area(survey.vectors(look)[of_sea], real)])
    drawn = [image for image, own in zip(survey.images(), of_sea, strict=True) if own]
    both = [pixels(drawn), pixels(folder_of(data, "gz2_survey")[1], crop=0)]
    vectors = principal(np.concatenate(both))
    lines.append([f"{COMPONENTS} components of pixels",
                  area(vectors[: len(drawn)], vectors[len(drawn) :])])  # fmt: skip
    return table(["vectors", "area, simulated against real (95%)"], lines)


def area(one: FloatArray, other: FloatArray) -> str:
    s = separation(one, other)
    return f"{s.auc:.3f} ({s.auc_low:.3f}-{s.auc_high:.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the real surveys")
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps the images")
    parser.add_argument("--causes", type=Path,
                        default=Path(__file__).with_name("artifact_causes.csv"))  # fmt: skip
    parser.add_argument("--by", choices=RANGES, default="all", help="real kinds to hold against")
    parser.add_argument("--toml", type=Path, help="where to write the anchored visibilities")
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    with args.causes.open() as file:
        causes = list(csv.DictReader(file))
    ranges, seas, parts = {}, {}, []
    default: dict[str, list[Separation]] = {}
    for name in ENCODERS:
        look = by_encoder(name)
        real, seas[look.name] = real_kinds(args.data, by_encoder(name, crop=0), causes)
        ranges[look.name] = ranges_of(real)
        planted = planted_kinds(args.work, look)
        default = default or planted
        parts.append(
            f"## {look.name}\n\n{real_table(real)}\n\nPlanted: area, enrichment / ceiling.\n\n"
            f"{planted_table(planted, ranges[look.name])}"
        )
    parts.append(f"## How real the simulation is\n\n{realness(args.data, args.work, seas)}")
    publish("\n\n".join(parts), "Real rare kinds as anchors for planted ones", args.output)
    if args.toml:
        write_text(args.toml, to_toml(default, ranges, args.by))


if __name__ == "__main__":
    main()
