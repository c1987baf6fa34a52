"""Why are most galaxies in no class: does the encoder's training or the compression decide it?

    python benchmarks/examine_unclustered.py --work WORK [--networks FOLDER] \
        [--searches training,compression] [-o benchmarks/examine_unclustered.md]

One simulated sky of 5,000 sources with twelve kinds at 1% each, as ``simulated_sky.py`` draws
them, with a seed that is used for nothing else. It is searched and judged by default settings,
and what is found is counted as there.

- ``training``: what encoders see in it that were trained by other recipes from the same images
  for about as many steps (``encoders/variants``): votes alone; agreeing views alone; both, with
  16, 128 and 1,280 dimensions. FOLDER holds their checkpoints, NAME.half.pt; without it the
  shipped encoders alone are compared, and the principal components of pixels and an untrained
  network, as controls.
- ``compression``: of the default encoder's vectors nothing, their leading 16, 32 and 64 principal
  components, UMAP and densMAP (Narayan, Berger & Cho 2021) to 10 dimensions, these two with
  HDBSCAN on what they give. Nulls and repeated searches go through the same compression.

Rows are kept in WORK and made once: stop and start again at will, or have the table of what there
is with --table.
"""

from __future__ import annotations

import argparse
import functools
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from simulated_sky import scores
from skies import Survey
from sky_searches import counting, settings_of
from tables import Results, Row, key, publish, share, table
from vectors import ENCODERS, Look, by_encoder, by_network, by_pixels, principal_of

from skerry.config import Config
from skerry.discover.find import Searched, find
from skerry.discover.routes import OwnRoute
from skerry.examine.unclustered.geometry import two_neighbor_dimension
from skerry.types import FloatArray, IntArray

SKY = {"sources": 5_000, "seed": 40, "prevalence": 0.01}
GROUPS = ("training", "compression")
SAID = {
    "votes": "votes and labels alone",
    "views": "agreeing views alone",
    "both-16": "votes and views, 16 dimensions",
    "both": "votes and views, 128 dimensions",
    "both-1280": "votes and views, 1,280 dimensions",
}
"""How each file of FOLDER was trained, in the order of the table."""


class Compressed:
    """UMAP or densMAP to 10 dimensions, then HDBSCAN by excess of mass, as the paper does."""

    def __init__(self, dense: bool, config: Config) -> None:
        self.dense, self.config = dense, config

    def fit_predict(self, vectors: FloatArray) -> IntArray:
        import hdbscan
        import umap

        reducer = umap.UMAP(
            n_components=10, n_neighbors=15, min_dist=0.0, densmap=self.dense, random_state=0
        )
        clusterer = hdbscan.HDBSCAN(
            min_cluster_size=self.config.classes.min_size, min_samples=5, core_dist_n_jobs=1
        )
        labels: IntArray = clusterer.fit_predict(reducer.fit_transform(vectors)).astype(np.int64)
        return labels


def counted(searched: Searched, kinds: Any) -> Row:
    found = counting(searched)
    inside = np.concatenate([np.empty(0, np.int64), *found.classes])
    row = scores(found, kinds)
    return {
        **row,
        "candidates": len(searched.candidates),
        "unclustered": 1 - len(np.unique(inside)) / len(kinds),
        "dimension": two_neighbor_dimension(searched.space.graph.distances),
        "columns": searched.space.vectors.shape[1],
    }


def searches(args: argparse.Namespace) -> list[tuple[str, str, Look, Callable[[FloatArray], Any]]]:
    """Group, name, look, and how its vectors are searched."""
    config = settings_of("graph", args.nulls)
    plain = functools.partial(find, config=config)
    default = by_encoder(ENCODERS[0])
    made = [("training", name, look, plain) for name, look in trained(args.networks)]
    ways = [("none", plain)]
    for k in (16, 32, 64):
        ways.append((f"{k} principal components", functools.partial(projected, k=k, config=config)))
    for name, dense in (("UMAP", False), ("densMAP", True)):
        route = OwnRoute(functools.partial(Compressed, dense, config))
        ways.append((name, functools.partial(find, config=config, route=route)))
    made += [("compression", name, default, way) for name, way in ways]
    return [one for one in made if one[0] in args.searches]


def trained(networks: Path | None) -> list[tuple[str, Look]]:
    """Encoders by how they were trained, the controls last."""
    looks = [(f"{name}, as it ships", by_encoder(name)) for name in ENCODERS]
    if networks is not None:
        looks += [(said, by_network(networks / f"{file}.half.pt")) for file, said in SAID.items()]
    return [*looks, ("untrained", by_network(None)), ("pixels", by_pixels())]


def projected(vectors: FloatArray, k: int, config: Config) -> Searched:
    return find(principal_of(vectors, k), config)


def report(rows: Sequence[tuple[str, str, Row]], args: argparse.Namespace) -> None:
    text = [
        f"{SKY['sources']} sources of seed {SKY['seed']}, 12 kinds of {SKY['prevalence']:.0%} each,"
        f" {args.nulls} nulls of each kind. Found, pieces and false as in "
        "[simulated_sky](simulated_sky.md); dimension: intrinsic, by TwoNN.",
    ]
    heads = [
        "columns", "dimension", "candidates", "confirmed", "kinds found (95%)", "pieces", "false",
        "in no class", "s",
    ]  # fmt: skip
    for group in args.searches:
        cells = [
            [
                name,
                row["columns"],
                f"{row['dimension']:.1f}",
                row["candidates"],
                row["classes"],
                share(sum(k["verdict"] == "found" for k in row["kinds"].values()), 12),
                row["pieces"],
                len(row["false"]),
                f"{row['unclustered']:.1%}",
                row["seconds"],
            ]
            for of, name, row in rows
            if of == group
        ]
        text += [f"## By {group}", table([group, *heads], cells)]
    publish("\n\n".join(text), "What decides how many galaxies are in no class", args.output)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps all")
    parser.add_argument("--networks", type=Path, help="folder of trained variants")
    parser.add_argument(
        "--searches", type=lambda t: t.split(","), default=["training", "compression"]
    )
    parser.add_argument("--nulls", type=int, default=20, help="of each kind of null")
    parser.add_argument("--table", action="store_true", help="of the rows there are; make none")
    parser.add_argument("-o", "--output", type=Path)
    return parser.parse_args()


def main() -> None:
    args = arguments()
    survey = Survey(args.work, **SKY)  # type: ignore[arg-type]
    kinds = np.array([source.kind for source in survey.plan()])
    results, shown = Results(args.work, "unclustered"), []
    for group, name, look, search in searches(args):
        case = {"group": group, "name": name, "vectors": look.name, **SKY, "nulls": args.nulls}
        if key(case) not in results.rows():
            if args.table:
                continue
            print(f"{time.strftime('%H:%M:%S')} {group}: {name}", flush=True)
            vectors = survey.vectors(look)
            began = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                row = counted(search(vectors), kinds)
            results.add(case, {**row, "seconds": round(time.perf_counter() - began, 1)})
        shown.append((group, name, results.rows()[key(case)]))
    report(shown, args)


if __name__ == "__main__":
    main()
