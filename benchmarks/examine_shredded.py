"""Is `shredded` right where the truth is known?

    python benchmarks/examine_shredded.py WORK [--data DATA] [-o benchmarks/examine_shredded.md]

Simulated skies of seeds that nothing was tuned on, kept in WORK: pieces of shredded galaxies
found (recall), and sources called pieces that are (precision). Pairs of different galaxies in one
frame, which the simulated skies have not, since every source of them is drawn on a sky of its own:
the share called one galaxy. Real galaxies of DATA: nuclei of mergers and knots in arms as if a
catalog had them as sources, and Euclid's pairs.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from pairs_in_frame import KINDS, Drawn, pair_in_frame
from subjects import subject_of, truth, without_truth
from tables import publish, share, table

from skerry.config import Config
from skerry.discover import Space
from skerry.examine import ExamineConfig, Subject
from skerry.examine.displayed import Display
from skerry.examine.shredded import shredded
from skerry.examine.shredded.bodies import light_between
from skerry.examine.shredded.overlap import Overlaid
from skerry.examine.shredded.seen_pairs import ONE, ONE_BODY
from skerry.simulate.sky import sky_of
from skerry.simulate.survey import simulate
from skerry.survey import Attributes
from skerry.types import ByteArray, Embedding, FloatArray, NeighborGraph

HERE = Path(__file__).parent
SKIES = (
    ("sdss", 31, 2000, 0.02),
    ("sdss", 32, 2000, 0.05),
    ("sdss", 33, 3000, 0.003),
    ("decals", 34, 1000, 0.05),
    ("decals", 35, 1000, 0.02),
)
"""Preset, seed, sources, share of shredded ones."""
OTHERS = {"merging-pair": 0.04, "tidal-tail": 0.02, "irregular-clumpy": 0.02, "ring": 0.02,
          "diffraction-spike": 0.02, "bleed": 0.02, "satellite-trail": 0.02}  # fmt: skip
PAIRS = 200
SETTINGS = ExamineConfig(permutations=99)


def sky_scores(work: Path) -> list[list[object]]:
    """A row a sky: precision, recall and the galaxies named."""
    rows = []
    for preset, seed, n, part in SKIES:
        kinds = tuple({**OTHERS, "shredded": part}.items())
        sky = dataclasses.replace(sky_of(preset), n=n, seed=seed, kinds=kinds)
        subject = subject_of(simulate(work / f"{preset}-{seed}", sky, threads=1).catalog)
        parent = dict(zip(subject.ids, truth(subject, "parent"), strict=True))
        answer = shredded(without_truth(subject), SETTINGS)
        found = answer.tables["shredded"].to_pylist()
        pieces = {name for name, galaxy in parent.items() if galaxy}
        named = {row["id_str"] for row in found}
        together = {(row["parent_id"], parent[row["id_str"]]) for row in found}
        galaxies = {galaxy for _, galaxy in together if galaxy}
        rows.append(
            [
                preset,
                seed,
                n,
                share(len(pieces & named), len(pieces)),
                share(len(pieces & named), len(named)),
                f"{len(galaxies)}/{len({parent[p] for p in pieces})}",
                len(together) - len(galaxies),
            ]
        )
        print(rows[-1], flush=True)
    return rows


def control_scores() -> list[list[object]]:
    """A row a kind of pair: how many are called one galaxy."""
    sky, rows = sky_of("sdss"), []
    for kind in KINDS:
        pairs = [pair_in_frame(kind, seed, sky) for seed in range(1000, 1000 + PAIRS)]
        answer = shredded(_in_memory(pairs), SETTINGS)
        found = [p["found"] for p in answer.tables["pairs"].to_pylist()]
        counts = ", ".join(f"{name} {found.count(name)}" for name in sorted(set(found)))
        rows.append([kind, len(found), share(found.count(ONE), len(found)), counts])
    return rows


def _in_memory(pairs: Sequence[tuple[Drawn, Drawn]]) -> Subject:
    """Each pair at a place of its own on the sky."""
    shown: dict[str, ByteArray] = {}
    places, scales = [], []
    for number, pair in enumerate(pairs):
        for which, drawn in zip("ab", pair, strict=True):
            shown[f"{number:04d}{which}"] = drawn.image
            places.append((number + drawn.east / 3600, drawn.north / 3600))
            scales.append(drawn.scale)

    def images(ids: Sequence[str]) -> Iterator[tuple[str, ByteArray | None]]:
        return ((name, shown[name]) for name in ids)

    n = len(shown)
    empty = np.zeros((n, 2), np.float32)
    graph = NeighborGraph(np.zeros((n, 0), np.int64), np.zeros((n, 0), np.float32))
    config = Config()
    return Subject(
        ids=tuple(shown),
        space=Space(empty, graph, config.neighbors),
        classes=(),
        members=(),
        config=config,
        embedding=Embedding(empty, empty),
        votes=np.zeros((n, 0), np.float32),
        attributes=Attributes({"pixel_scale": np.array(scales)}),
        positions=np.array(places),
        images=images,
    )


def real_scores(data: Path) -> list[list[object]]:
    """Second peaks of real mergers, and peaks in real spirals beside the nucleus."""
    with (data / "gz2_survey" / "catalogue.csv").open(newline="") as file:
        galaxies = list(csv.DictReader(file))
    rows = []
    cases = ("merger's second peak", is_merger, 1), ("spiral's peaks", _spiral, 4)
    for name, chosen, most in cases:
        shares = []
        for galaxy in filter(chosen, galaxies):
            light = cv2.imread(str(data / "gz2_survey" / galaxy["file_loc"])).mean(axis=2)
            shares += _peaks(light.astype(np.float32), most)
        left = np.array(shares)
        cells = [f"{np.median(left):.2f}", share(int((left >= ONE_BODY).sum()), len(left))]
        rows.append([name, len(left), *cells])
    return rows


def is_merger(galaxy: dict[str, str]) -> bool:
    odd = float(galaxy["something-odd-gz2_yes_fraction"])
    kinds = [float(v) for k, v in galaxy.items() if k.startswith("odd-feature-gz2_")]
    merger = float(galaxy["odd-feature-gz2_merger_fraction"])
    return odd > 0.5 and sum(kinds) > 0 and merger / sum(kinds) > 0.5


def _spiral(galaxy: dict[str, str]) -> bool:
    odd = float(galaxy["something-odd-gz2_yes_fraction"])
    return odd < 0.3 and float(galaxy["has-spiral-arms-gz2_yes_fraction"]) > 0.6


def _peaks(light: FloatArray, most: int) -> list[float]:
    """Light left between the brightest peak of the central body and the next ones, 20 px away."""
    smooth = cv2.GaussianBlur(light, (0, 0), light.shape[0] / 128)
    body = (smooth > np.percentile(smooth, 5) + 12).astype(np.uint8)
    label = cv2.connectedComponents(body)[1]
    middle = (light.shape[0] // 2, light.shape[1] // 2)
    top = cv2.dilate(smooth, np.ones((13, 13), np.uint8)) == smooth
    found = np.argwhere(top & (label == label[middle]) & (label > 0))
    found = found[np.hypot(*(found - middle).T) < 180]
    found = found[np.argsort(-smooth[tuple(found.T)])].astype(float)
    if len(found) < 2:
        return []
    whole = np.ones(light.shape, dtype=bool)
    away = [p for p in found[1 : most + 1] if np.hypot(*(p - found[0])) >= 20]
    first = (found[0][0], found[0][1])
    return [
        light_between(Overlaid(light, whole, (first, (p[0], p[1]))), Display(8.0)) for p in away
    ]


def euclid(data: Path) -> str:
    answer = shredded(subject_of(data / "euclid_q1", 0.101), SETTINGS)
    rows = answer.tables["pairs"].to_pylist()
    twice = [row for row in rows if row["separation"] < 0.1]
    one = [row for row in rows if row["found"] == ONE]
    return (
        f"Euclid Q1, 1,375 cutouts of 8 arcsec at 0.101 arcsec a pixel: {answer.sentence} "
        f"{len(twice)} pairs are one source listed twice (less than 0.1 arcsec apart), "
        f"{sum(row in one for row in twice)} of them called one galaxy; of the other "
        f"{len(rows) - len(twice)} pairs, all of which by eye are two sources, "
        f"{sum(row not in twice for row in one)} are."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", type=Path, help="folder of the real surveys")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "examine_shredded.md")
    args = parser.parse_args()
    heads = ["sky", "seed", "sources", "recall", "precision", "galaxies", "split or mixed"]
    parts = [
        "Pieces are parents and fragments alike: the simulated catalog has no row of the whole "
        "galaxy. 95% intervals are exact (Clopper & Pearson), as if pieces were independent.",
        table(heads, sky_scores(args.work)),
        f"Two different galaxies in one frame, {PAIRS} pairs of each kind, centers apart by 0.7 to "
        "1.5 R90 (mergers) or 0.4 to 1.1 times both R90 together (by chance):",
        table(["kind", "pairs", "called one galaxy (wrong)", "found"], control_scores()),
    ]
    if args.data:
        heads = ["peaks", "n", "median light left", f"left {ONE_BODY} or more: one galaxy"]
        parts += [
            "Real galaxies of Galaxy Zoo 2, with sources put on peaks of their light. Peaks of "
            "spirals are knots and arms, but some are stars and companions in front:",
            table(heads, real_scores(args.data)),
            euclid(args.data),
        ]
    publish("\n\n".join(parts), "Shredded galaxies", args.output)


if __name__ == "__main__":
    main()
