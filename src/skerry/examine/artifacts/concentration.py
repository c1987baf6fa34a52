"""Whether members of a class gather in one detector, exposure or part of the sky.

The null throughout: the members were drawn at random from all sources, so that the survey's own
unevenness is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skerry.examine.environment import unit_vectors
from skerry.types import DoubleArray, IntArray


@dataclass(frozen=True)
class Gathered:
    """A statistic of the members, by chance (mean, 95% range), and the p-value of one as extreme.

    ``most`` says in words where most of them are.
    """

    members: int
    statistic: float
    expected: float
    low: float
    high: float
    p: float
    most: str = ""


def gathered_in(
    values: Sequence[str], members: IntArray, times: int, rng: np.random.Generator
) -> Gathered:
    """Pairs of members that share a value, as a detector's name, against random draws.

    Sources with an empty value are left out, of members and of the others.

    Raises
    ------
    ValueError
        Fewer than 2 members or fewer than 2 different values.
    """
    known = np.array([value != "" for value in values])
    names, codes = np.unique(np.array(values, dtype=np.str_)[known], return_inverse=True)
    place = np.full(len(known), -1, dtype=np.int64)
    place[known] = np.arange(known.sum())
    inside = place[members][place[members] >= 0]
    if len(inside) < 2 or len(names) < 2:
        raise ValueError(f"{len(inside)} members and {len(names)} values; expected 2 of both")
    own = np.bincount(codes[inside], minlength=len(names))
    drawn = [
        _pairs(np.bincount(codes[rng.choice(len(codes), len(inside), replace=False)]))
        for _ in range(times)
    ]
    first = int(np.argmax(own))
    most = f"{int(own[first])} of {len(inside)} in {names[first]}"
    return _above(len(inside), _pairs(own), drawn, most)


def gathered_on_sky(
    positions: DoubleArray, members: IntArray, times: int, rng: np.random.Generator
) -> Gathered:
    """Median angle from a member to the next one, arcmin, against random draws.

    Raises
    ------
    ValueError
        Fewer than 3 members have a position.
    """
    known = np.flatnonzero(np.isfinite(positions).all(axis=1))
    inside = members[np.isin(members, known)]
    if len(inside) < 3:
        raise ValueError(f"{len(inside)} members have a position; expected 3 or more")
    directions = np.full((len(positions), 3), np.nan)
    directions[known] = unit_vectors(positions[known])
    own = _nearest(directions[inside])
    drawn = [
        _nearest(directions[rng.choice(known, len(inside), replace=False)]) for _ in range(times)
    ]
    turned = _above(len(inside), -own, [-angle for angle in drawn])
    return Gathered(len(inside), own, -turned.expected, -turned.high, -turned.low, turned.p)


def _pairs(counts: IntArray) -> float:
    return float((counts * (counts - 1) // 2).sum())


def _nearest(directions: DoubleArray) -> float:
    from scipy.spatial import cKDTree

    chord = cKDTree(directions).query(directions, 2)[0][:, 1]
    return float(60 * np.degrees(2 * np.arcsin(np.clip(np.median(chord) / 2, 0, 1))))


def _above(members: int, seen: float, drawn: Sequence[float], most: str = "") -> Gathered:
    chance = np.array(drawn)
    low, high = np.percentile(chance, [2.5, 97.5]).tolist()
    p = (1 + int((chance >= seen).sum())) / (1 + len(chance))
    return Gathered(members, seen, float(chance.mean()), low, high, p, most)
