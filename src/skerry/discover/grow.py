"""Growing a class: the sources outside that most look like its members."""

from __future__ import annotations

import numpy as np

from skerry.discover.distances import DoubleArray
from skerry.discover.membership import labels_of
from skerry.discover.outside import class_distances
from skerry.discover.space import Space
from skerry.types import IntArray


def grow(space: Space, members: IntArray, limit: int = 100) -> tuple[IntArray, DoubleArray]:
    """The sources outside a class most likely to belong to it, best first.

    The score is a conformal p-value (Vovk, Gammerman & Shafer 2005, section 2.2): the
    source and the members are each given their mean distance to the five nearest other
    members, and the score is the share of them, the source itself counted, whose distance is
    at least the source's. If members were a fair draw of the class, a share p of its further
    members would score p or less; a search that takes only a class's core makes it smaller.
    Neighbors in the sea are not held against a source: around a class that is not yet
    complete they are its missing members. Equal scores go by that distance, then by row.

    Parameters
    ----------
    space : of n distinct vectors
    members : int64, two rows or more, most central first

    Returns
    -------
    rows : int64 (at most ``limit``,), none of them a member
    score : float64, in (0, 1], descending

    Raises
    ------
    InputError
        As ``membership.labels_of``.
    """
    sea = np.flatnonzero(labels_of(len(space), [members]) < 0)
    distance = class_distances(space.vectors, members)
    inside = np.sort(distance[members])
    rows = sea[np.argsort(distance[sea], kind="stable")][:limit]
    return rows, conformal(inside, distance[rows])


def conformal(inside: DoubleArray, scores: DoubleArray) -> DoubleArray:
    """p-values in (0, 1] of ``scores`` against the members' own, ascending in ``inside``.

    The share, the source itself counted, of scores that are at least as large.
    """
    larger = len(inside) - np.searchsorted(inside, scores, side="left")
    return (larger + 1) / (len(inside) + 1)
