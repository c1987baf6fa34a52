"""Are the members of a class alike to a second encoder too?"""

from __future__ import annotations

import numpy as np

from skerry.discover.space import Space
from skerry.types import IntArray

_NEAREST = 10
_DRAWN = 100


def second_coherence(members: IntArray, first: Space, second: Space) -> tuple[float, float]:
    """The coherence of a class in a second space, and what it is held against.

    Coherence is the share of members among the members' 10 nearest neighbors. Whatever is near
    in one encoder tends to be near in another, so it is held against 100 neighborhoods of the
    first space, as large as the class, each around a source drawn at random: the bound is what
    95% of these do not exceed in the second space.

    Parameters
    ----------
    members : int64 (n,), rows of both spaces, which hold the same sources in the same order
    """
    rng = np.random.default_rng(len(members))
    centers = np.sort(rng.choice(len(first), size=min(_DRAWN, len(first)), replace=False))
    size = min(len(members), len(first) - 1)
    around, _ = first.near(centers.astype(np.int64), max(1, size - 1))
    groups = np.hstack([centers[:, None], around])
    drawn = [_coherence(np.sort(group), second) for group in groups]
    bound = float(np.quantile(drawn, 0.95, method="higher"))
    return _coherence(np.sort(members), second), bound


def _coherence(members: IntArray, space: Space) -> float:
    near, _ = space.near(members, min(_NEAREST, len(members) - 1, len(space) - 1))
    return float(np.isin(near, members).mean())
