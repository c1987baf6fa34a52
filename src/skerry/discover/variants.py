"""Which searches are repeated: on parts of the sources, and with other settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from skerry.config import Config
from skerry.discover.candidates import largest_size
from skerry.discover.part import at_same_share
from skerry.types import IntArray

HALF = "half"
"""The kind of the searches of both halves."""

_OTHER_ROUTE = {"graph": "umap-hdbscan", "umap-hdbscan": "graph"}


@dataclass(frozen=True)
class Variant:
    """One search to make, with ``config`` by ``route``, on ``rows``: int64 ascending, None: all."""

    name: str
    kind: str
    rows: IntArray | None
    config: Config
    route: str


def variants(n: int, config: Config) -> list[Variant]:
    """The repeated searches of ``n`` distinct vectors; none where the settings ask for none.

    ``subsample``: random shares of the sources; ``neighbors``, ``size``, and where the route is
    ``umap-hdbscan`` ``samples``: ``neighbors.k``, ``classes.min_size`` and
    ``clusters.min_samples`` at 2/3 and 3/2, within what the search can run with; ``route``: the
    other route; ``seed``: other seeds of UMAP, where the route uses it. One that would repeat the
    original is left out.

    Raises
    ------
    InputError
        There are so few sources that a subsample leaves room for no class.
    """
    asked = config.replication
    if asked.subsamples == 0 and asked.seeds == 0:
        return []
    seen = round(asked.share * n)
    parts = [
        _on_part(f"subsample-{i}", "subsample", _shuffled(n, asked.seed, i)[:seen], n, config)
        for i in range(1, asked.subsamples + 1)
        if seen < n
    ]
    wholes = [
        Variant(name, name.partition("-")[0], None, changed, changed.clusters.route)
        for name, changed in _changes(n, config)
        if changed != config
    ]
    return parts + wholes


def every_variant(n: int, config: Config, around: IntArray | None = None) -> list[Variant]:
    """All repeated searches of n distinct vectors, those of the two halves last.

    ``around``, int64 ascending, are the rows they are confined to, None: all. A class may be as
    large there as among all.
    """
    if around is not None and not len(around):
        return []
    if around is not None:
        largest = largest_size(n, config.classes)
        config = replace(config, classes=replace(config.classes, max_size=largest, max_share=1.0))
    seen = n if around is None else len(around)
    plans = variants(seen, config)
    if not plans:
        return []
    plans += half_variants(seen, config)
    if around is None:
        return plans
    return [replace(p, rows=around if p.rows is None else around[p.rows]) for p in plans]


def halves(n: int, seed: int) -> tuple[IntArray, IntArray]:
    """``n`` rows split at random in two, int64, each ascending; the second may have one more."""
    rows = _shuffled(n, seed, 0)
    return np.sort(rows[: n // 2]), np.sort(rows[n // 2 :])


def half_variants(n: int, config: Config) -> tuple[Variant, Variant]:
    """The searches of the two :func:`halves`, for :func:`skerry.discover.heldout.heldout`.

    Raises
    ------
    InputError
        There are so few sources that a half leaves room for no class.
    """
    a, b = halves(n, config.replication.seed)
    return _on_part("half-a", HALF, a, n, config), _on_part("half-b", HALF, b, n, config)


def _shuffled(n: int, seed: int, number: int) -> IntArray:
    """The rows 0 to n - 1 in random order; number 0 makes the halves, others the subsamples."""
    return np.random.default_rng([seed, number]).permutation(n).astype(np.int64)


def _on_part(name: str, kind: str, rows: IntArray, n: int, config: Config) -> Variant:
    """The same search on a part, the sizes of classes scaled to its share of the sources, and so
    is what UMAP is fitted on.

    Otherwise a class of ``min_size`` would be too small for the search in nearly every part.
    """
    part = len(rows)
    classes = replace(
        config.classes,
        min_size=max(2, config.classes.min_size * part // n),
        max_size=max(2, config.classes.max_size * part // n),
    )
    largest_size(part, classes)
    k = min(config.neighbors.k, part - 1)
    scaled = at_same_share(config, part, n)
    scaled = replace(
        scaled,
        neighbors=replace(config.neighbors, k=k),
        embedding=replace(scaled.embedding, n_neighbors=min(config.embedding.n_neighbors, k + 1)),
        clusters=replace(config.clusters, min_samples=min(config.clusters.min_samples, k)),
        classes=classes,
    )
    return Variant(name, kind, np.sort(rows), scaled, config.clusters.route)


def _changes(n: int, config: Config) -> Iterator[tuple[str, Config]]:
    """Names and settings of the searches of all rows; some may be as they were."""
    neighbors, clusters, classes = config.neighbors, config.clusters, config.classes
    needed = max(clusters.min_samples, config.embedding.n_neighbors - 1)
    for k in (max(needed, _less(neighbors.k)), min(n - 1, _more(neighbors.k))):
        yield f"neighbors-{k}", replace(config, neighbors=replace(neighbors, k=k))

    largest = largest_size(n, classes)
    for size in (max(2, _less(classes.min_size)), min(largest, _more(classes.min_size))):
        yield f"size-{size}", replace(config, classes=replace(classes, min_size=size))

    other = _OTHER_ROUTE[clusters.route]
    yield f"route-{other}", replace(config, clusters=replace(clusters, route=other))

    if clusters.route == "umap-hdbscan":
        yield from _changes_of_hdbscan(config)
        for i in range(1, config.replication.seeds + 1):
            embedding = replace(config.embedding, seed=(config.embedding.seed + i) % 2**32)
            yield f"seed-{i}", replace(config, embedding=embedding)


def _changes_of_hdbscan(config: Config) -> Iterator[tuple[str, Config]]:
    """Settings of the hierarchy alone."""
    clusters = config.clusters
    before = clusters.min_samples
    for samples in (max(1, _less(before)), min(config.neighbors.k, _more(before))):
        yield f"samples-{samples}", replace(config, clusters=replace(clusters, min_samples=samples))


def _less(value: int) -> int:
    """2/3 of it, rounded."""
    return (4 * value + 3) // 6


def _more(value: int) -> int:
    """3/2 of it, rounded, halves up."""
    return (3 * value + 1) // 2
