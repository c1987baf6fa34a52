"""Found in one random half of the sources, and crowded in the other?

A search picks the tightest groups, so that the tightness of what it picked proves nothing: the
best of many chance clumps is tight too. But a chance clump is a clump of just those sources. In
sources that the search never saw nothing crowds there, while a real class has members in both
halves. So a class is searched for in each half by itself, and the crowding of what was found is
measured only by the sources of the other (a held-out set; Cox 1975, Biometrika 62, 441).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skerry.discover.matching import Matcher
from skerry.discover.measure import nearest_of, nth_distance, spread_over
from skerry.discover.replicate import found_again
from skerry.discover.space import Space
from skerry.types import DoubleArray, FloatArray, IntArray, Replicate

LEVEL = 0.05
_RANK = 3
_LEAST_SHELL = 30
_ASKED = 64


@dataclass(frozen=True)
class Excess:
    """How crowded the other half is around a candidate of one half.

    Around each source the distance to its 3rd nearest of the other half is taken in units of
    that to one farther than twice the candidate's size: how dense the place is by and large.
    ``ratio`` is how many times smaller that is for the members than for the shell (medians);
    ``p`` the one-sided probability (Mann & Whitney 1947) that it is by chance. Nothing is
    measured by the candidate's own half: its sources were picked to be crowded, and those left
    around them to be few.
    """

    ratio: float
    p: float


@dataclass(frozen=True)
class HeldOut:
    """The crowding around a class as found in each half; None where it was not found there."""

    a: Excess | None
    b: Excess | None

    @property
    def found_in_a(self) -> bool:
        """Whether the search of the first half found it."""
        return self.a is not None

    @property
    def found_in_b(self) -> bool:
        """Whether the search of the second half found it."""
        return self.b is not None

    @property
    def ratio(self) -> float:
        """That of the half with the smaller p; 0 where it was found in neither."""
        return min(self._found, key=lambda half: half.p).ratio if self._found else 0.0

    @property
    def p(self) -> float:
        """The smaller p of the halves where it was found, times their number (Bonferroni), at
        most 1; 1 where it was found in neither."""
        return min(1.0, min((len(self._found) * half.p for half in self._found), default=1.0))

    @property
    def passed(self) -> bool:
        """Found in one half, and crowded in the other."""
        return self.ratio > 1 and self.p < LEVEL

    @property
    def _found(self) -> list[Excess]:
        return [half for half in (self.a, self.b) if half is not None]


def heldout(members: IntArray, a: Replicate, b: Replicate, space: Space) -> HeldOut:
    """One class (rows of all, int64) in the searches of the two halves.

    Parameters
    ----------
    a, b : the searches of the halves (``variants.half_variants``), with the rows of each
    space : all sources

    Returns
    -------
    HeldOut
        The shell of a candidate are the sources of its own half, as many as it has members but
        30 at least, that are nearest to one of its members without being one: picked by the
        same half as the members, they are held against the other half alike. Of members and
        shell 64 each are looked at.
    """
    return HeldOut(_half(members, a, space), _half(members, b, space))


def _half(members: IntArray, own: Replicate, space: Space) -> Excess | None:
    """The crowding in the other half of the class as found in its ``own``."""
    if own.rows is None:
        raise ValueError("a search of a half says which rows it saw; expected rows, found None")
    candidate = found_again(members, own, Matcher(own.found))
    if candidate is None:
        return None
    # rows ascend, so that the order of the members changes nothing
    inside = np.sort(candidate)
    mine = np.zeros(len(space), dtype=bool)
    mine[own.rows] = True
    beyond = 2 * max(_LEAST_SHELL // 2, len(inside)) + _RANK
    k = min(len(space) - 1, 64 * math.ceil(2.5 * beyond / 64))
    near, distances = space.near(spread_over(inside, _ASKED), k)
    outside = mine[near] & ~np.isin(near, inside)
    shell = nearest_of(near, distances, outside, max(_LEAST_SHELL, len(inside)))
    if not len(shell):
        return Excess(1.0, 1.0)
    from scipy.stats import mannwhitneyu

    within = _crowding(near, distances, mine, beyond)
    around = _crowding(*space.near(spread_over(shell, _ASKED), k), mine, beyond)
    ratio = float(np.median(around) / np.median(within))
    return Excess(ratio, float(mannwhitneyu(within, around, alternative="less").pvalue))


def _crowding(
    near: IntArray, distances: FloatArray, mine: npt.NDArray[np.bool_], beyond: int
) -> DoubleArray:
    """For each row of neighbors: how near the other half is, beside how near it is beyond."""
    other = ~mine[near]
    return nth_distance(distances, other, _RANK) / nth_distance(distances, other, beyond)
