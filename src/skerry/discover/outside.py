"""Why a source is in no class: the other 95%."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skerry.discover.distances import DoubleArray, nearest_distances, others_distances
from skerry.discover.membership import labels_of
from skerry.discover.space import Space
from skerry.types import FloatArray, IntArray

NEAREST = 5
"""How near a class is, is the mean distance to this many of its nearest members."""
NEAR = 5.0
"""Near to a class are no more than so many percent of the sources outside it, the nearest."""
DRAWN = 256
"""Of a larger class this many members, evenly over their order, stand for all."""

REASONS = {
    "member": "The search put it in this class.",
    "between classes": (
        "It lies about as near to a second class as to the nearest one, and nearer to both than "
        "95% of the sources outside them: it may be of either, or of a kind between them."
    ),
    "edge of the class": (
        "It lies no farther from the members than they lie from each other, but the search left "
        "it out: the first place to look for more members."
    ),
    "too few alike": (
        "It stands alone: its own nearest neighbors are farther away than those of nine sources "
        "in ten. It may be rarer than the smallest class the search can find, or an artifact."
    ),
    "in the sea": (
        "It has many neighbors, none of which stand apart from the rest: a common kind of "
        "galaxy, or a rare one that the representation does not set apart."
    ),
}
"""What each reason means, one or two sentences for a reader."""


@dataclass(frozen=True)
class Outside:
    """Where each of n sources stands to the classes, members too.

    ``nearest`` int64 (n,) is the class with the smallest ``distance``, -1 where there are no
    classes; a member's is its own. ``distance`` float64 (n,) is the mean distance to the
    ``NEAREST`` members nearest to it, in units of the median of the same over members (each
    itself left out): 1 is as near as a typical member; NaN where there are no classes.
    ``reason`` (n,) are keys of ``REASONS``.
    """

    nearest: IntArray
    distance: DoubleArray
    reason: npt.NDArray[np.str_]


def explain(space: Space, classes: Sequence[IntArray]) -> Outside:
    """Which class each source is nearest to, how far outside, and why it is in none.

    The first of these that holds: "member"; "between classes" where the second class's
    distance is within 10% of the nearest's, both are below 2, and to both classes it is near:
    among the ``NEAR`` percent nearest to it of the sources outside (in many dimensions nearly all
    distances are below 2); "edge of the class" where the
    distance is at most that of 95% of the nearest class's members; "too few alike" where the
    source's mean distance to its own ``NEAREST`` neighbors is beyond the 90th percentile of
    all sources; "in the sea".

    Parameters
    ----------
    space : of n distinct vectors
    classes : rows of each class's members, most central first, without overlap

    Raises
    ------
    InputError
        As ``membership.labels_of``.
    """
    labels = labels_of(len(space), classes)
    nearest, first, edge, between = _nearest_class(space.vectors, classes, labels)
    own = space.graph.distances[:, :NEAREST].mean(axis=1, dtype=np.float64)
    alone = own > np.percentile(own, 90, method="higher")
    conditions = [labels >= 0, between, first <= edge, alone]
    names = ["member", "between classes", "edge of the class", "too few alike"]
    reason = np.select(conditions, names, "in the sea")
    return Outside(nearest, np.where(nearest >= 0, first, np.nan), reason)


def _nearest_class(
    vectors: FloatArray, classes: Sequence[IntArray], labels: IntArray
) -> tuple[IntArray, DoubleArray, DoubleArray, npt.NDArray[np.bool_]]:
    """The nearest class and the distance to it, the distance within which 95% of its members
    lie, and whether a source lies between it and a second one; each (n,).
    """
    n = len(labels)
    nearest = np.full(n, -1, dtype=np.int64)
    first, second, edge = np.full(n, np.inf), np.full(n, np.inf), np.zeros(n)
    near_first, near_second = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    for c, members in enumerate(classes):
        distance = class_distances(vectors, members)
        inside = distance[members]
        unit = float(np.median(inside))
        limit = float(np.percentile(inside, 95, method="higher")) / unit
        distance /= unit
        near = distance < _near(distance[labels != c])
        # a member's own class comes first, whatever else is near
        settled = (labels >= 0) & (nearest == labels)
        closer = (labels == c) | ((distance < first) & ~settled)
        other, other_near = np.where(closer, first, distance), np.where(closer, near_first, near)
        near_second = np.where(other < second, other_near, near_second)
        second = np.minimum(second, other)
        nearest[closer], first[closer], edge[closer] = c, distance[closer], limit
        near_first[closer] = near[closer]
    return nearest, first, edge, (second <= 1.1 * first) & near_first & near_second


def _near(outside: DoubleArray) -> float:
    """The distance below which a source outside a class is near to it, of all that are."""
    if not len(outside):
        return 2.0
    return min(2.0, float(np.percentile(outside, NEAR, method="higher")))


def class_distances(vectors: FloatArray, members: IntArray) -> DoubleArray:
    """Mean distance from each source to the ``NEAREST`` members nearest to it, itself left out.

    Of more than ``DRAWN`` members that many stand for all; of no more than ``NEAREST`` all the
    others count.

    Parameters
    ----------
    vectors : float32 (n, d), distinct
    members : int64, two rows or more, most central first

    Returns
    -------
    float64 (n,)
    """
    drawn = members[np.linspace(0, len(members) - 1, min(DRAWN, len(members))).astype(np.int64)]
    k = min(NEAREST, len(drawn) - 1)
    points = vectors[drawn]
    distance: DoubleArray = nearest_distances(points, vectors, k).mean(axis=1)
    distance[drawn] = others_distances(points, k).mean(axis=1)
    return distance
