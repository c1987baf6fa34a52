"""Giving new sources to the classes of a finished run, or to none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skerry.discover.distances import DoubleArray, nearest_distances, others_distances
from skerry.discover.grow import conformal
from skerry.discover.membership import labels_of
from skerry.discover.outside import NEAREST
from skerry.errors import ConfigError, InputError
from skerry.types import FloatArray, IntArray

_BLOCK = 4096


@dataclass(frozen=True)
class Calibrated:
    """What a run's own sources say of one class.

    ``vectors`` float32 (m, d) are its members'. A source's score is its mean distance to the
    five nearest members over that to the five nearest sources of the sea. ``scores`` float64
    (m,) are the members' own, ascending, each member left out in turn; a source is accepted at
    ``threshold`` or below. ``typical`` is the median over members of the mean distance alone.

    ``kept`` is the share of members accepted. ``false_rate`` is how many sources of the run's
    sea are accepted, each left out in turn, over the number of members: in a new survey like
    this one, about so many false members for each true one that the run would find. Both flatter
    a little, as the run chose members that lie close together; of a small class a rate of 0
    says only that it is below some 3 / m (the rule of three).
    """

    vectors: FloatArray
    scores: DoubleArray
    typical: float
    threshold: float
    kept: float
    false_rate: float


@dataclass(frozen=True)
class Assigned:
    """What new sources are.

    ``label`` int64 (m,) is the class, -1 for none of them. ``nearest`` int64 (m,) is the class
    with the smallest ``distance``: float64 (m,), the mean distance to its five nearest members
    in units of a typical member's. ``p_value`` float64 (m,), in (0, 1], is that of the class
    given, else of the nearest (``grow.conformal``). Without classes they are -1, NaN and NaN.
    """

    label: IntArray
    p_value: DoubleArray
    nearest: IntArray
    distance: DoubleArray


@dataclass(frozen=True)
class Assigner:
    """The classes of a run, each with a threshold, and the ``sea`` (n, d) around them."""

    sea: FloatArray
    classes: tuple[Calibrated, ...]

    @classmethod
    def fit(
        cls,
        vectors: FloatArray,
        classes: Sequence[IntArray],
        level: float = 0.05,
        max_false: float = 0.05,
    ) -> Assigner:
        """Calibrates every class on the run's own sources.

        The threshold is the conformal quantile that keeps 1 - ``level`` of a class's members
        (Vovk, Gammerman & Shafer 2005, section 2.2), lowered until the sea's sources accepted
        are at most ``max_false`` of the class's size: among many sources of the sea even a
        small share of false ones would drown a rare class.

        Parameters
        ----------
        vectors : float32 (n, d), distinct: the sources of the run
        classes : rows of each class's members, without overlap

        Raises
        ------
        ConfigError
            ``level`` or ``max_false`` is no share.
        InputError
            As ``membership.labels_of``; vectors repeat; fewer than six sources in the sea.
        """
        for name, share in (("level", level), ("max_false", max_false)):
            if not 0 <= share <= 1:
                raise ConfigError(f"{name} is {share}; expected a share from 0 to 1")
        labels = labels_of(len(vectors), classes)
        sea = np.ascontiguousarray(vectors[labels < 0])
        if len(sea) <= NEAREST:
            raise InputError(
                f"{len(sea)} sources of the run are in no class; at least {NEAREST + 1} are "
                "needed to tell a class from what surrounds it: give the run's other sources too"
            )
        around = _mean(_apart(others_distances(sea, NEAREST)))
        fitted = (_calibrated(vectors[m], sea, around, level, max_false) for m in classes)
        return cls(sea, tuple(fitted))

    def assign(self, vectors: FloatArray) -> Assigned:
        """The class of each of some new sources, or none of them.

        Of the classes that accept a source the nearest has it. A source with the very vector of
        one of the run's keeps what the run said of it. Every source is treated by itself: its
        result depends on no other.

        Parameters
        ----------
        vectors : float32 (m, d), from the encoder of the run

        Raises
        ------
        InputError
            The vectors have another length than the run's, or are not finite.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.sea.shape[1]:
            raise InputError(
                f"new vectors of shape {vectors.shape}; expected (any, {self.sea.shape[1]}): "
                "encode the new sources with the encoder of the run"
            )
        if not np.isfinite(vectors).all():
            raise InputError("new vectors hold NaN or infinite values; leave those sources out")
        out = Assigned(
            np.full(len(vectors), -1, dtype=np.int64),
            np.full(len(vectors), np.nan),
            np.full(len(vectors), -1, dtype=np.int64),
            np.full(len(vectors), np.nan),
        )
        if self.classes:
            for start in range(0, len(vectors), _BLOCK):
                self._assign(vectors, slice(start, start + _BLOCK), out)
        return out

    def _assign(self, vectors: FloatArray, part: slice, out: Assigned) -> None:
        """Fills one block of ``out``."""
        sea = nearest_distances(self.sea, vectors[part], NEAREST)
        around, in_sea = _mean(sea), sea[:, 0] == 0
        # (class, source): the distance, where accepted the same again, and the p-value
        distance = np.empty((len(self.classes), len(sea)))
        accepted, p_value = np.full_like(distance, np.inf), np.empty_like(distance)
        for c, known in enumerate(self.classes):
            near = nearest_distances(known.vectors, vectors[part], _k(known.vectors))
            score = _mean(near) / around
            distance[c] = _mean(near) / known.typical
            p_value[c] = conformal(known.scores, score)
            takes = (score <= known.threshold) & ~in_sea
            accepted[c, takes] = distance[c, takes]
            accepted[c, near[:, 0] == 0] = -1.0  # the very member: before any other class
        nearest, given = distance.argmin(axis=0), accepted.argmin(axis=0)
        label = np.where(np.isfinite(accepted.min(axis=0)), given, -1)
        shown = np.where(label >= 0, label, nearest)
        out.label[part], out.nearest[part] = label, nearest
        out.distance[part] = distance.min(axis=0)
        out.p_value[part] = np.take_along_axis(p_value, shown[None], axis=0)[0]


def _calibrated(
    members: FloatArray, sea: FloatArray, around_sea: DoubleArray, level: float, max_false: float
) -> Calibrated:
    """One class, of members (m, d), in a sea (n, d) whose own mean distances are (n,)."""
    m, k = len(members), _k(members)
    among = others_distances(members, k)
    inside = np.sort(_mean(_apart(among)) / _mean(nearest_distances(sea, members, NEAREST)))
    outside = np.sort(_mean(_apart(nearest_distances(members, sea, k))) / around_sea)

    # less a little, as 0.95 x 20 may round to just above 19
    place = int(np.ceil((1 - level) * (m + 1) - 1e-9))
    threshold = float(inside[min(max(place, 1), m) - 1])
    allowed = int(max_false * m + 1e-9)
    if allowed < len(outside):
        threshold = min(threshold, float(np.nextafter(outside[allowed], -np.inf)))
    return Calibrated(
        members,
        inside,
        float(np.median(_mean(among))),
        threshold,
        float(np.mean(inside <= threshold)),
        float(np.count_nonzero(outside <= threshold) / m),
    )


def _apart(distances: DoubleArray) -> DoubleArray:
    """The distances (n, k) between a run's sources as they are.

    Raises
    ------
    InputError
        Some are 0.
    """
    same = np.count_nonzero(distances[:, 0] == 0)
    if same:
        raise InputError(
            f"{same} sources of the run have the vector of another one; expected distinct "
            "vectors: give each once"
        )
    return distances


def _k(members: FloatArray) -> int:
    return min(NEAREST, len(members) - 1)


def _mean(distances: DoubleArray) -> DoubleArray:
    return np.asarray(distances.mean(axis=1))
