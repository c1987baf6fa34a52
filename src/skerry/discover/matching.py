"""When a class of one search is the same as a candidate of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from skerry.types import IntArray

MATCH = 0.5
"""Overlap (Jaccard 1901) from which two groups are the same class. Above it no group can match
two others that share no member: Hennig (2007, Comput. Stat. Data Anal. 52, 258) takes it as the
least at which a cluster is not dissolved."""


def jaccard(a: IntArray, b: IntArray) -> float:
    """Members of both over members of either; ``a`` and ``b`` int64, each without repeats.

    0 where both are empty.
    """
    both = len(np.intersect1d(a, b, assume_unique=True))
    either = len(a) + len(b) - both
    return both / either if either else 0.0


def best_match(members: IntArray, found: Sequence[IntArray]) -> tuple[int, float]:
    """Which of ``found`` overlaps ``members`` most, and by how much; (-1, 0.0) for none.

    All are int64 row numbers without repeats; of equal overlaps the first counts. To match many
    classes with the same ``found``, make one :class:`Matcher`.
    """
    return Matcher(found).best(members)


class Matcher:
    """Finds the best match among the same candidates again and again.

    It keeps for every row the candidates that hold it, so that a class is compared only with
    those it touches.
    """

    def __init__(self, found: Sequence[IntArray]) -> None:
        self.sizes = np.array([len(rows) for rows in found], dtype=np.int64)
        rows = np.concatenate([np.empty(0, dtype=np.int64), *found])
        order = np.argsort(rows, kind="stable")
        self.rows = rows[order]
        self.owner = np.repeat(np.arange(len(found), dtype=np.int64), self.sizes)[order]

    def best(self, members: IntArray) -> tuple[int, float]:
        """As :func:`best_match`."""
        first = np.searchsorted(self.rows, members, side="left")
        last = np.searchsorted(self.rows, members, side="right")
        # most rows belong to one candidate or none: few passes, whatever the number of members
        touched = [
            self.owner[first[i < last - first] + i]
            for i in range(int(np.max(last - first, initial=0)))
        ]
        if not touched:
            return -1, 0.0
        both = np.bincount(np.concatenate(touched), minlength=len(self.sizes))
        overlap = both / (len(members) + self.sizes - both)
        best = int(np.argmax(overlap))
        return best, float(overlap[best])


def membership_matrix(groups: Sequence[IntArray], n: int) -> Any:
    """Which of n rows are in each of some groups of rows, int64 without repeats.

    Returns
    -------
    scipy.sparse.csr_matrix
        float64 (n_groups, n): 1 for a member.
    """
    from scipy.sparse import csr_matrix

    starts = np.concatenate([[0], np.cumsum([len(rows) for rows in groups], dtype=np.int64)])
    rows = np.concatenate([np.empty(0, dtype=np.int64), *groups])
    return csr_matrix((np.ones(len(rows)), rows, starts), shape=(len(groups), n))


def among(members: IntArray, rows: IntArray | None) -> npt.NDArray[np.bool_]:
    """Which of ``members`` are in ``rows``, int64 ascending; None stands for all rows."""
    if rows is None:
        return np.ones(len(members), dtype=bool)
    if not len(rows):
        return np.zeros(len(members), dtype=bool)
    at = np.minimum(np.searchsorted(rows, members), len(rows) - 1)
    return np.asarray(rows[at] == members)
