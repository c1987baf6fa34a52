"""How many planted groups do the defaults find, and how much else do they call a candidate?

Synthetic vectors: 95% a smooth nonlinear map of a 6-d normal latent to 128 dimensions, plus
noise; 5% in groups of 15-100, half of them denser patches of the same manifold, half set off
from it. A group's ``scatter`` is its latent standard deviation, where the manifold's is 1.

    python benchmarks/planted_classes.py --sources 5000 10000 20000 --seeds 1 2 3
    python benchmarks/planted_classes.py --sources 10000 --seeds 101 102 --sweep
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from skerry import discover
from skerry.config import Config
from skerry.progress import silent
from skerry.types import Candidate, Embedding, FloatArray, IntArray

SCATTERS = (0.1, 0.2, 0.3, 0.4)
MATCH = 0.5
COMPARED = (
    (5, 10, 0.05, 0.1),
    (10, 10, 0.05, 0.5),
    (10, 15, 0.05, 0.1),
    (10, 15, 0.05, 0.5),
    (10, 15, 0.05, 0.6),
)


@dataclass(frozen=True)
class Planted:
    """Vectors, the group of each row (-1: none) and each group's scatter and whether set off."""

    vectors: FloatArray
    group: IntArray
    scatter: list[float]
    set_off: list[bool]


def planted(n: int, seed: int, share: float = 0.05) -> Planted:
    """A manifold with planted groups that make up ``share`` of it; none for 0."""
    rng = np.random.default_rng(seed)
    inner, bias = rng.normal(size=(6, 64)) / np.sqrt(6), rng.normal(size=64)
    outer = rng.normal(size=(64, 128)) / 8
    latents, groups, scatter, set_off = [rng.normal(size=(n, 6))], [np.full(n, -1)], [], []
    offsets = [np.zeros((n, 128))]
    while (held := sum(map(len, latents[1:]))) < share * n:
        size = int(rng.integers(15, 101))
        scatter.append(SCATTERS[len(scatter) % len(SCATTERS)])
        set_off.append(len(scatter) % 8 >= 4)
        latents.append(0.8 * rng.normal(size=6) + scatter[-1] * rng.normal(size=(size, 6)))
        direction = rng.normal(size=128)
        away = 0.3 * set_off[-1] * direction / np.linalg.norm(direction)
        offsets.append(np.tile(away, (size, 1)))
        groups.append(np.full(size, len(scatter) - 1))
    keep = slice(held, None)
    latent, group, offset = (np.concatenate(a)[keep] for a in (latents, groups, offsets))
    vectors = np.tanh(latent @ inner + bias) @ outer
    vectors += offset * vectors.std(axis=0).mean() * np.sqrt(128)
    vectors += 0.1 * vectors.std() * rng.normal(size=vectors.shape)
    shuffled = rng.permutation(len(vectors))
    return Planted(vectors[shuffled].astype(np.float32), group[shuffled], scatter, set_off)


def matched(candidates: list[Candidate], truth: Planted) -> tuple[set[int], int]:
    """The groups found (Jaccard overlap above a half) and how many candidates are none."""
    sizes = np.bincount(truth.group + 1)[1:]
    found, spurious = set(), 0
    for candidate in candidates:
        inside = np.bincount(truth.group[candidate.members] + 1, minlength=len(sizes) + 1)[1:]
        overlap = inside / (sizes + len(candidate.members) - inside)
        best = int(overlap.argmax()) if len(sizes) else -1
        if best >= 0 and overlap[best] > MATCH:
            found.add(best)
        else:
            spurious += 1
    return found, spurious


def prepared(n: int, seed: int, config: Config, share: float) -> tuple[Planted, Embedding, float]:
    """Planted vectors in canonical order, their embedding and the seconds it took."""
    truth = planted(n, seed, share)
    order = discover.canonical_order(truth.vectors)
    truth = replace(truth, vectors=truth.vectors[order], group=truth.group[order])
    start = time.perf_counter()
    graph = discover.neighbor_graph(truth.vectors, config.neighbors, on_event=silent)
    embedding = discover.embed(truth.vectors, graph, config.embedding, on_event=silent)
    return truth, embedding, time.perf_counter() - start


def settings(sweep: bool) -> list[Config]:
    """Few settings to compare, or the grid they were chosen from: (samples, size, share, ...)."""
    base = Config()
    grid: Iterable[tuple[int, int, float, float]] = COMPARED
    if sweep:
        grid = itertools.product((5, 10, 15), (10, 15), (0.02,), (0.1, 0.3, 0.4, 0.5, 0.6, 0.7))
    return [
        replace(
            base,
            clusters=replace(base.clusters, min_samples=samples, min_cluster_size=size),
            classes=replace(
                base.classes, min_size=size, max_share=share, min_persistence=persistence
            ),
        )
        for samples, size, share, persistence in grid
    ]


def main() -> None:
    """Print a table: one row a setting and number of sources."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=int, nargs="+", default=[5000, 10000, 20000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--sweep", action="store_true")
    parser.add_argument("--share", type=float, default=0.05)
    options = parser.parse_args()
    heads = ["sources", "n_neighbors", "min_samples", "min_size", "max_share", "min_persistence"]
    heads += ["groups found", *(f"scatter {s}" for s in SCATTERS), "set off"]
    heads += ["spurious", "purity", "s"]
    print("| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|")
    for n in options.sources:
        tries = [prepared(n, seed, Config(), options.share) for seed in options.seeds]
        for config in settings(options.sweep):
            print(row(n, config, tries))


def row(n: int, config: Config, tries: list[tuple[Planted, Embedding, float]]) -> str:
    """One line of the table, summed over seeds."""
    total: list[tuple[float, bool, bool]] = []
    spurious, seconds = 0, 0.0
    for truth, embedding, taken in tries:
        start = time.perf_counter()
        clusters = discover.cluster(embedding, config.clusters, on_event=silent)
        candidates = discover.find_candidates(clusters.tree, config.classes)
        seconds += taken + time.perf_counter() - start
        found, others = matched(candidates, truth)
        spurious += others
        total += [
            (s, o, g in found)
            for g, (s, o) in enumerate(zip(truth.scatter, truth.set_off, strict=True))
        ]
    hits = [hit for _, _, hit in total]
    cells = [f"{sum(hits)} of {len(hits)}"]
    for kind in [*SCATTERS]:
        of = [hit for s, _, hit in total if s == kind]
        cells.append(f"{sum(of)}/{len(of)}")
    off = [hit for _, o, hit in total if o]
    purity = sum(hits) / max(1, sum(hits) + spurious)
    c = config.classes
    cells += [f"{sum(off)}/{len(off)}", str(spurious), f"{purity:.2f}"]
    cells.append(f"{seconds / len(tries):.0f}")
    set_to = [
        n,
        config.embedding.n_neighbors,
        config.clusters.min_samples,
        c.min_size,
        c.max_share,
        c.min_persistence,
    ]
    return "| " + " | ".join([*map(str, set_to), *cells]) + " |"


if __name__ == "__main__":
    main()
