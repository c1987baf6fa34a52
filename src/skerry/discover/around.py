"""The part of a large survey that repeated searches are confined to.

Who asks whether a class comes back needs the class and what it lies in, not the whole survey. A
random part of a million sources would lose the very classes that are asked about; the
surroundings of all candidates that chance does not explain hold them whole.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skerry.config import Config
from skerry.discover.checks import Q_BELOW
from skerry.discover.space import Space
from skerry.types import Candidate, IntArray

STEPS = 2
"""How many edges of the neighbor graph what is around a candidate may lie away from it."""

_ORDINARY = 2000


def surroundings(
    candidates: Sequence[Candidate], q: Sequence[float | None], space: Space, config: Config
) -> IntArray | None:
    """The rows that repeated searches look at, int64 ascending; None: all of them.

    All up to ``replication.whole_below`` sources. Of more, the members of every candidate that
    chance does not explain (all where ``q`` is not known), what lies within ``STEPS`` edges of
    the neighbor graph, and 2,000 of all, for what is ordinary: the first of the canonical order,
    which are a fair sample. Empty where chance explains every candidate: no search need be
    repeated.
    """
    n = len(space)
    if n <= config.replication.whole_below:
        return None
    held = np.zeros(n, dtype=bool)
    for candidate, value in zip(candidates, q, strict=True):
        held[candidate.members] |= value is None or value < Q_BELOW
    if not held.any():
        return np.empty(0, dtype=np.int64)
    for _ in range(STEPS):
        held[space.graph.indices[held].ravel()] = True
    held[:_ORDINARY] = True
    return np.flatnonzero(held).astype(np.int64)
