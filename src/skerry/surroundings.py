"""What a run says of the sources outside its classes, and of its footprint."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from skerry.context import Context
from skerry.discover.classes import members_of
from skerry.discover.membership import soft_membership
from skerry.discover.outside import explain
from skerry.discover.rarity import footprint
from skerry.types import UNCLUSTERED_SCHEMA, RareClass


def kept(classes: Sequence[RareClass]) -> list[RareClass]:
    """The classes that were not rejected."""
    return [rare for rare in classes if rare.verdict != "rejected"]


def unclustered(context: Context, classes: Sequence[RareClass]) -> pa.Table:
    """Why each source is in no class, and which class is nearest: ``UNCLUSTERED_SCHEMA``."""
    found, ids = kept(classes), context.representations.id_str
    groups = members_of(found, context.searched)
    space = context.space
    told = explain(space, groups)
    soft = soft_membership(space, groups)
    names = np.array([rare.class_id for rare in found] + [""], dtype=object)
    # of sources with the same vector the same is true
    place = context.places
    nearest = told.nearest[place]
    share = np.zeros(len(ids))
    if found:
        share = np.asarray(soft[place, np.maximum(nearest, 0)]).ravel()
    inside = {m for rare in found for m in rare.members}
    out = np.array([name not in inside for name in ids], dtype=bool)
    at = place[out]
    columns = {
        "id_str": pa.array(np.array(ids, dtype=object)[out], pa.string()),
        "nearest_class": pa.array(names[nearest[out]], pa.string()),
        "distance_ratio": told.distance[at],
        "reason": pa.array(told.reason[at], pa.string()),
        "membership": share[out],
    }
    return pa.table(columns, schema=UNCLUSTERED_SCHEMA)


def area(context: Context) -> float | None:
    """The footprint in square degrees: as set, else estimated from the positions."""
    if context.config.classes.area:
        return context.config.classes.area
    sources = context.survey.sources
    if "ra" not in sources.column_names or "dec" not in sources.column_names:
        return None
    ra, dec = (sources[name].cast(pa.float64()).to_numpy() for name in ("ra", "dec"))
    return footprint(ra, dec)
