"""What equalizing an encoder's vectors, and measures of the image beside them, give a search.

    python benchmarks/equalizing.py DATA [-o benchmarks/equalizing.md]

The vectors of the shipped encoders as the network gives them, equalized by those of the galaxies
of `gz2_train` that ship with power 0 (only turned), 0.5, 0.75 and 1; and, with the shipped powers,
joined with measures on circles and on the galaxy's own ellipses: either alone with the network,
both as they ship, with more and with less, and without the network. Two questions. Planted among
these galaxies, are artifacts of one cause a candidate of the route `graph`: the best Jaccard of
any candidate with them? And are the mergers of `gz1_survey`, and artifacts with spikes among its
galaxies, each other's neighbors: the enrichment among the 20 nearest, with 95% intervals over
members? Causes are those of `artifact_causes.csv`, for images of `gz2_artefacts`: labeled by eye
from contact sheets by one person. `cause` is `bright star` or `bad sky`, which counts where both
apply; `spikes` is whether diffraction spikes show, whatever the cause. Nothing here is of
`gz2_survey`, which scores.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skerry.config import Config
from skerry.discover import distinct_rows, space_of
from skerry.discover.routes import by_communities
from skerry.represent.encoder import Encoder, file_of, from_bytes, shipped
from skerry.represent.equalize import (
    FLOOR,
    POWER,
    Equalization,
    Part,
    joined,
    unequalized,
)
from skerry.represent.measured import (
    CIRCLES,
    ELLIPSES,
    MEASURES,
    with_measures,
    without_measures,
)
from skerry.represent.score.bootstrap import mean_interval
from skerry.represent.score.retrieval import retrieve
from skerry.survey.prepare import prepare
from skerry.types import FloatArray

sys.path.append(str(Path(__file__).parents[1] / "encoders"))
from equalize import chosen, encoded, scales_of

HERE = Path(__file__).parent
POWERS = (0.0, 0.5, 0.75, 1.0)
SHARES = (
    (0.5, 0.0),
    (0.0, 0.5),
    (0.35, 0.05),
    (0.5, 0.2),
    (CIRCLES.share, ELLIPSES.share),
    (0.6, 0.25),
    (0.7, 0.3),
)
"""Of measures on circles and on ellipses; the network has the rest."""
CAUSES = ("bright star", "bad sky")
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Labeled:
    """Plain vectors of one encoder: of the sea, of galaxies with labels, and of artifacts.

    ``mergers`` tells which galaxies are such, ``causes`` and ``spikes`` what artifacts show.
    """

    sea: FloatArray
    galaxies: FloatArray
    mergers: Bools
    artifacts: FloatArray
    causes: npt.NDArray[np.str_]
    spikes: Bools


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def vectors_of(encoder: Encoder, images: Iterable[tuple[str, bytes]]) -> FloatArray:
    pixels = [prepare(raw, name, encoder.contract).pixels for name, raw in images]
    return encoded(encoder, np.stack(pixels))


def labeled(data: Path, encoder: Encoder) -> Labeled:
    """Encode everything."""
    galaxies = rows_of(data / "gz1_survey" / "catalogue.csv")
    where = {r["id_str"]: r["file_loc"] for r in rows_of(data / "gz2_artefacts" / "catalogue.csv")}
    causes = rows_of(HERE / "artifact_causes.csv")

    def read(folder: str, names: Iterable[str]) -> Iterable[tuple[str, bytes]]:
        return ((name, (data / folder / name).read_bytes()) for name in names)

    return Labeled(
        vectors_of(encoder, chosen(data / "gz2_train")),
        vectors_of(encoder, read("gz1_survey", (r["file_loc"] for r in galaxies))),
        np.array([r["label"] == "merger" for r in galaxies]),
        vectors_of(encoder, read("gz2_artefacts", (where[r["id_str"]] for r in causes))),
        np.array([r["cause"] for r in causes]),
        np.array([r["spikes"] == "1" for r in causes]),
    )


def best_overlaps(data: Labeled, by: Equalization) -> list[float]:
    """The best Jaccard of any candidate with the artifacts of each cause, all planted at once."""
    planted = np.isin(data.causes, CAUSES)
    vectors = by.apply(np.concatenate([data.sea, data.artifacts[planted]])).astype(np.float32)
    causes = np.concatenate([np.full(len(data.sea), ""), data.causes[planted]])
    rows, config = distinct_rows(vectors), Config()
    space = space_of(vectors[rows], config.neighbors)
    found = by_communities(space, config)
    return [
        max((jaccard(set(c.members.tolist()), members) for c in found), default=0.0)
        for members in (set(np.flatnonzero(causes[rows] == cause).tolist()) for cause in CAUSES)
    ]


def jaccard(one: set[int], other: set[int]) -> float:
    return len(one & other) / len(one | other)


def enrichments(data: Labeled, by: Equalization) -> list[str]:
    """Of mergers, and of artifacts with spikes, among the labeled galaxies and these artifacts."""
    vectors = by.apply(np.concatenate([data.galaxies, data.artifacts[data.spikes]]))
    spikes = np.arange(len(vectors)) >= len(data.galaxies)
    mergers = np.zeros(len(vectors), bool)
    mergers[: len(data.galaxies)] = data.mergers
    cells = []
    for mask in (mergers, spikes):
        values = retrieve(vectors, mask).enrichment
        low, high = mean_interval(values, seed=0)
        cells.append(f"{values.mean():.1f} ({low:.1f} to {high:.1f})")
    return cells


def variant(sea: FloatArray, power: float, circles: float, ellipses: float) -> Equalization:
    """How vectors that end in measures are mapped, by the shares that these are to have."""
    own = sea.shape[1] - MEASURES
    parts = [
        Part(own, round(1 - circles - ellipses, 12), power),
        replace(CIRCLES, share=circles),
        replace(ELLIPSES, share=ellipses),
    ]
    ends = np.cumsum([0, *(part.columns for part in parts)])
    used = [np.arange(*ends[i : i + 2]) for i, part in enumerate(parts) if part.share > 0]
    if circles or ellipses:
        used.append(np.array([sea.shape[1] - 1]))  # the trail
    columns = np.concatenate(used)
    kept = [part for part in parts if part.share > 0]
    by = joined(sea[:, columns], kept, dimensions=own)
    matrix, mean = np.zeros((sea.shape[1], own)), np.zeros(sea.shape[1])
    matrix[columns], mean[columns] = by.matrix, by.mean
    return replace(by, matrix=matrix, mean=mean)


def measuring(name: str, data: Path) -> Encoder:
    """A shipped encoder before it was equalized, measures behind its vectors."""
    plain = without_measures(unequalized(file_of(name).read_bytes()))
    contract = from_bytes(plain, name).contract
    pixels = [prepare(raw, where, contract).pixels for where, raw in chosen(data / "gz2_train")]
    return from_bytes(with_measures(plain, scales_of(np.stack(pixels))), name)


def table_of(name: str, data: Labeled) -> list[str]:
    lines = []
    for power, circles, ellipses in [
        *((p, 0.0, 0.0) for p in POWERS),
        *((POWER, *s) for s in SHARES),
    ]:
        by = variant(data.sea, power, circles, ellipses)
        cells = [f"{j:.2f}" for j in best_overlaps(data, by)] + enrichments(data, by)
        lines.append(
            "| " + " | ".join([name, f"{power:g}", f"{circles:g}", f"{ellipses:g}", *cells]) + " |"
        )
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the real surveys")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "equalizing.md")
    args = parser.parse_args()
    table, counts = [], ""
    for name in shipped():
        data = labeled(args.data, measuring(name, args.data))
        table += table_of(name, data)
        numbers = [f"{cause} {(data.causes == cause).sum()}" for cause in CAUSES]
        counts = (
            f"{len(data.sea)} galaxies of `gz2_train`, artifacts planted in them: "
            f"{', '.join(numbers)}; "
            f"{len(data.galaxies)} of `gz1_survey`, {data.mergers.sum()} mergers, "
            f"{data.spikes.sum()} artifacts with spikes. Floor {FLOOR:g}."
        )
    heads = [
        "encoder",
        "power",
        "circles",
        "ellipses",
        *(f"Jaccard, {c}" for c in CAUSES),
        "mergers",
        "spikes",
    ]
    lines = [
        "# Equalizing by its power, and measures by their shares",
        "",
        "`benchmarks/equalizing.py`",
        "",
        counts,
        "",
    ]
    lines += ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|", *table]
    args.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
