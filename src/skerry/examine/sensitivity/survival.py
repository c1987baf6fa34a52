"""In how many settings of a search a group lives, beside what chance makes of featureless data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from skerry.config import Config
from skerry.discover import Space, Surrogates, kinds_of, largest_size, space_of
from skerry.discover.complete import complete
from skerry.discover.matching import MATCH
from skerry.examine.searching.null_draws import null_draws
from skerry.examine.searching.searches import GRAPH, Compress
from skerry.examine.searching.sweeps import Setting, found_by, overlaps
from skerry.types import DoubleArray, IntArray

FEWEST = 19
"""Null candidates of a kind with fewer of which it is not held against alone: of 19 the smallest
share is 5%."""

Bools = npt.NDArray[np.bool_]


def admitted(
    cores: Sequence[IntArray], wholes: Sequence[IntArray], settings: Sequence[Setting], n: int
) -> Bools:
    """Which settings allow a group of the size of each core or whole, (classes, settings)."""
    found = [
        [setting.admits(len(a), n) or setting.admits(len(b), n) for setting in settings]
        for a, b in zip(cores, wholes, strict=True)
    ]
    return np.array(found, dtype=bool).reshape(len(cores), len(settings))


def lifetimes(overlap: DoubleArray, allowed: Bools) -> DoubleArray:
    """The share of the settings that allow a group in which it is found again, float64 (m,).

    ``overlap`` (m, settings) is the best Jaccard in each; a group that none allows has 0.
    """
    lived = ((overlap >= MATCH) & allowed).sum(axis=1)
    return np.asarray(lived / np.maximum(allowed.sum(axis=1), 1), dtype=np.float64)


def null_lifetimes(
    surrogates: Surrogates,
    config: Config,
    settings: Sequence[Setting],
    number: int,
    compress: Compress,
) -> dict[str, list[DoubleArray]]:
    """How long what the run's own settings find in featureless data lives, by kind and draw.

    Each is completed as a class is.

    Of each kind up to ``number`` draws are searched, see :func:`null_draws`.

    ``settings`` are all of the run's route, its own the first, and need no other embedding.
    """

    def search(plan: tuple[str, int]) -> DoubleArray:
        space = space_of(surrogates.draw(*plan), config.neighbors)
        coordinates = space.vectors[:, :0]
        if config.clusters.route != GRAPH:
            coordinates = compress(space, config.embedding)
        found = found_by(settings, space, coordinates)
        wholes = completed(found[0], space, config)
        allowed = admitted(found[0], wholes, settings[1:], len(space))
        return lifetimes(overlaps(found[0], wholes, found[1:]), allowed)

    surrogates.prepare(kinds_of(config))
    return null_draws(config, number, search, len)


def completed(cores: Sequence[IntArray], space: Space, config: Config) -> list[IntArray]:
    """All members of each, were it a class: the run completes what chance does not explain."""
    whole = complete(cores, range(len(cores)), space, largest_size(len(space), config.classes))
    return [c if w is None else w.members for c, w in zip(cores, whole, strict=True)]


def null_shares(own: DoubleArray, nulls: Mapping[str, Sequence[DoubleArray]]) -> DoubleArray:
    """The share of null candidates that live at least as long as each of ``own`` (m,).

    The class is counted among them, so that the share is its p-value where it is one of them. It
    is the largest over the kinds with ``FEWEST`` candidates or more, or, where there is none, over
    all kinds together; NaN of no candidates.
    """
    by_kind = [np.concatenate(parts) for parts in nulls.values()]
    enough = [values for values in by_kind if len(values) >= FEWEST]
    if not enough:
        enough = [np.concatenate([np.zeros(0), *by_kind])]
    if not sum(map(len, enough)):
        return np.full(len(own), np.nan)
    shares = [[(1 + (values >= s).sum()) / (1 + len(values)) for s in own] for values in enough]
    return np.asarray(np.max(shares, axis=0), dtype=np.float64)
