"""Sources close on the sky, and how many would be by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skerry.types import DoubleArray, IntArray

MOVED = 10.0
"""How far sources are moved at most for the survey's null, in separations of the pairs counted."""


@dataclass(frozen=True)
class Clustering:
    """Pairs seen among some sources, and by chance: the mean, its 95% range, and the p-value of as
    many or more."""

    sources: int
    pairs: int
    expected: float
    low: float
    high: float
    p: float


def pairs_within(positions: DoubleArray, reach: DoubleArray) -> IntArray:
    """Pairs that are no farther apart than both of their ``reach`` together.

    Parameters
    ----------
    positions : float64 (n, 2), ra and dec in degrees
    reach : float64 (n,), arcsec

    Returns
    -------
    int64 (m, 2), the lower row first, in ascending order
    """
    from astropy import units
    from astropy.coordinates import SkyCoord, search_around_sky

    if len(positions) < 2:
        return np.zeros((0, 2), np.int64)
    sky = SkyCoord(positions[:, 0], positions[:, 1], unit="deg")
    one, other, apart, _ = search_around_sky(sky, sky, 2 * float(reach.max()) * units.arcsec)
    kept = (one < other) & (apart.arcsec <= reach[one] + reach[other])
    found = np.stack([one[kept], other[kept]], axis=1).astype(np.int64)
    return found[np.lexsort((found[:, 1], found[:, 0]))]


def offset(positions: DoubleArray, one: int, other: int) -> tuple[float, float]:
    """Where ``other`` lies from ``one``: arcsec to the east and to the north, for small angles."""
    ra, dec = (positions[other] - positions[one]).tolist()
    middle = np.radians(positions[[one, other], 1].mean())
    return float(((ra + 180) % 360 - 180) * np.cos(middle) * 3600), float(dec * 3600)


def moved_apart(
    positions: DoubleArray, reach: DoubleArray, times: int, rng: np.random.Generator
) -> Clustering:
    """Close pairs of all sources against chance: the same sources, each moved at random.

    Within a circle of ``MOVED`` times twice the median reach: the footprint and the crowding of
    larger parts of the sky stay, what is closer than that is lost. An excess says that sources are
    closer than their surroundings are dense. Groups of galaxies give one as well.
    """
    radius = MOVED * 2 * float(np.median(reach)) / 3600
    seen = len(pairs_within(positions, reach))
    counts = []
    for _ in range(times):
        away = radius * np.sqrt(rng.random(len(positions)))
        angle = rng.uniform(0, 2 * np.pi, len(positions))
        dec = np.clip(positions[:, 1] + away * np.sin(angle), -90, 90)
        narrow = np.maximum(np.cos(np.radians(positions[:, 1])), 1e-3)
        ra = (positions[:, 0] + away * np.cos(angle) / narrow) % 360
        counts.append(len(pairs_within(np.stack([ra, dec], axis=1), reach)))
    return _against(len(positions), seen, counts)


def drawn_at_random(
    members: IntArray, pairs: IntArray, n: int, times: int, rng: np.random.Generator
) -> Clustering:
    """Close pairs within a class against as many sources drawn at random from all ``n``.

    ``pairs`` int64 (m, 2) are those of all sources; ``members`` and they are rows of the same.
    """
    seen = int(np.isin(pairs, members).all(axis=1).sum())
    counts = []
    for _ in range(times):
        inside = np.zeros(n, dtype=bool)
        inside[rng.choice(n, len(members), replace=False)] = True
        counts.append(int(inside[pairs].all(axis=1).sum()))
    return _against(len(members), seen, counts)


def groups_of(pairs: IntArray, n: int) -> tuple[IntArray, ...]:
    """Rows of sources that pairs (m, 2) join, directly or through others, each ascending."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(pairs):
        return ()
    ones = np.ones(len(pairs), dtype=bool)
    graph = coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    label = connected_components(graph, directed=False)[1]
    joined = np.unique(pairs)
    return tuple(joined[label[joined] == one] for one in np.unique(label[joined]))


def _against(sources: int, seen: int, counts: Sequence[int]) -> Clustering:
    drawn = np.array(counts, dtype=np.float64)
    low, high = np.percentile(drawn, [2.5, 97.5]).tolist()
    p = (1 + int((drawn >= seen).sum())) / (1 + len(drawn))
    return Clustering(sources, seen, float(drawn.mean()), low, high, p)
