"""What is measured of a group of sources in the space of the representations.

Whatever route proposed a group, it is held against its surroundings here, before any
compression: a clump that only UMAP sees is not apart in 128 dimensions.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from skerry.discover.space import Space
from skerry.types import Candidate, DoubleArray, FloatArray, IntArray, Measures

NTH = 5
"""The neighbor, inside and outside, whose distances are compared."""

_ASKED = 64
_SHELL = 30
_TINY = float(np.finfo(np.float32).tiny)


def measure(candidates: Sequence[Candidate], space: Space) -> Measures:
    """Containment, isolation, overdensity, coherence and spread of each candidate.

    Of a candidate with more than 64 members, 64 evenly spread over the order of centrality
    are asked for their neighbors. The shell is the nearest sources outside: as many as members,
    at least 30, among the neighbors of those asked.

    The containment is that of :func:`skerry.discover.communities.communities`: whatever route
    proposed a group, it is held against the communities of the neighbor graph.

    The overdensity needs no dimension: within the distance at which a member meets the 5th
    source outside there are as many sources as it counts, where without the class there would
    be 5.

    Returns
    -------
    Measures
        In the order of the candidates.
    """
    members = [candidate.members for candidate in candidates]
    asked = [spread_over(rows, _ASKED) for rows in members]
    wanted = np.array([_wanted(len(m), len(space)) for m in members], dtype=np.int64)
    found: list[tuple[float, ...]] = [()] * len(members)
    for k in np.unique(wanted):
        these = np.flatnonzero(wanted == k).tolist()
        near, distances = space.near(np.concatenate([asked[i] for i in these]), int(k))
        ends = np.cumsum([0, *(len(asked[i]) for i in these)])
        for i, start, end in zip(these, ends, ends[1:], strict=False):
            found[i] = _one(members[i], near[start:end], distances[start:end], space.vectors)
    size, isolation, overdensity, coherence, spread = (
        np.array(found, dtype=np.float64).reshape(-1, 5).T
    )
    containment = space.communities.containment_of(members)
    return Measures(size, isolation, overdensity, coherence, spread, containment)


def like_size(sizes: DoubleArray | IntArray, size: int) -> npt.NDArray[np.bool_]:
    """Which groups of these sizes have from half to twice as many members as one of ``size``."""
    return np.asarray((2 * sizes >= size) & (sizes <= 2 * size))


def spread_over(rows: IntArray, most: int) -> IntArray:
    """At most so many of the rows, evenly spread over their order."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, most).astype(np.int64))]


def _wanted(size: int, n: int) -> int:
    """Neighbors to look up: enough to meet sources outside, in few steps, to be asked at once."""
    return int(min(n - 1, 64 * 2 ** max(0, math.ceil(math.log2((size + _SHELL) / 64)))))


def _one(
    members: IntArray, near: IntArray, distances: FloatArray, vectors: FloatArray
) -> tuple[float, ...]:
    inside = np.isin(near, members)
    shell = nearest_of(near, distances, ~inside, max(_SHELL, len(members)))
    outer = nth_distance(distances, ~inside, NTH)
    inner = nth_distance(distances, inside, min(NTH, len(members) - 1))
    within = (inside & (distances <= outer[:, None])).sum(axis=1)
    return (
        float(len(members)),
        float(np.median(np.log(outer / inner))),
        float(np.median((within + NTH) / NTH)),
        float(inside[:, : min(2 * NTH, len(members) - 1)].mean()),
        _spread(vectors, members, shell),
    )


def nth_distance(distances: FloatArray, those: npt.NDArray[np.bool_], nth: int) -> DoubleArray:
    """Distance to the ``nth`` of ``those`` in each row (all of m, k), ascending.

    Where a row has fewer of them it is farther than all its neighbors: the last of these.
    """
    rank = np.cumsum(those, axis=1)
    column = np.argmax(rank == nth, axis=1)
    found = np.take_along_axis(distances, column[:, None], axis=1)[:, 0]
    found = np.where(rank[:, -1] >= nth, found, distances[:, -1])
    return np.maximum(found.astype(np.float64), _TINY)


def nearest_of(
    near: IntArray, distances: FloatArray, those: npt.NDArray[np.bool_], size: int
) -> IntArray:
    """The ``size`` of ``those`` neighbors that are nearest to any row; of equals the smaller."""
    rows, values = near[those], distances[those]
    order = np.lexsort((rows, values))
    _, first = np.unique(rows[order], return_index=True)
    return rows[order][np.sort(first)[:size]]


def _spread(vectors: FloatArray, members: IntArray, shell: IntArray) -> float:
    """Median distance of the members from their center over that of the shell; 1 without one."""
    if not len(shell):
        return 1.0
    center = vectors[members].mean(axis=0, dtype=np.float64)
    inner = np.linalg.norm(vectors[members] - center, axis=1)
    outer = np.linalg.norm(vectors[shell] - center, axis=1)
    return float(np.median(inner) / max(float(np.median(outer)), _TINY))


def pooled(parts: Sequence[Measures]) -> Measures:
    """The measures of the candidates of several searches as one."""
    names = (field.name for field in dataclasses.fields(Measures))
    columns = ([np.zeros(0), *(getattr(p, name) for p in parts)] for name in names)
    return Measures(*(np.concatenate(c) for c in columns))
