"""Why are most galaxies in no class?

Each source outside has one reason: near a class but left out, between two, in a candidate that the
nulls explain, alone, or in the sea. The shape of the representation says how much room there is for
classes at all, and the search on fewer dimensions whether a tighter bottleneck would change that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import threadpoolctl

from skerry.answer import Answer, Plot, Series, array
from skerry.backends import linear
from skerry.discover import Space, route_of, space_of
from skerry.discover.matching import MATCH, best_match
from skerry.discover.order import distinct_rows
from skerry.discover.outside import REASONS, explain
from skerry.examine.settings import ExamineConfig
from skerry.examine.statistics import exact_interval
from skerry.examine.subject import Subject
from skerry.examine.unclustered import geometry
from skerry.types import Candidate, FloatArray, IntArray

QUESTION = "unclustered"
DIMENSIONS = (4, 8, 16, 32, 64, 128, 256, 512, 1280)
"""Principal components on which the search is made again, as far as there are that many."""
REJECTED = "in a rejected candidate"
_MEANINGS = {
    **REASONS,
    REJECTED: (
        "The search put it in a small group, but featureless data gives such groups too, or the "
        "group did not come back in repeated searches."
    ),
}

CAVEAT = (
    "Reasons are told in order, the first that holds counts, and follow from the classes that were "
    "found: a source in the sea may be of a rare kind that the representation does not set apart. "
    "Dimensions depend on the scale at which they are measured, and principal components are not "
    "what an encoder with a smaller bottleneck would have learned: they show what a compression "
    "after training does."
)


def unclustered(subject: Subject, settings: ExamineConfig) -> Answer:
    """Count the reasons, measure the shape, and search in fewer dimensions.

    Raises
    ------
    InputError
        As the search does, of too few sources.
    """
    route = route_of(subject.config.clusters.route)
    own = route(subject.space, subject.config)
    reasons = _reasons(subject, own)
    shape = _shape(subject.space, settings.seed)
    fewer = _fewer(subject, own)
    outside = int((subject.label < 0).sum())
    return Answer(
        QUESTION,
        _sentence(reasons, shape, outside, len(subject)),
        CAVEAT,
        {"reasons": reasons, "shape": shape, "dimensions": fewer},
        plots=(_reasons_plot(reasons), _dimensions_plot(fewer)),
        of_class=_near(subject),
        notes=(
            "Beside the shape stands that of normal deviates with the same covariance and number, "
            "which have no groups and no curved shape.",
            *_where(subject),
        ),
    )


def _where(subject: Subject) -> tuple[str, ...]:
    """Products know of classes alone: where there is none they hold no nearest one."""
    told = "Each source outside with its nearest class is in products/unclustered."
    return (told,) if any(rare.verdict != "rejected" for rare in subject.classes) else ()


def _reasons(subject: Subject, candidates: Sequence[Candidate]) -> pa.Table:
    reason = explain(subject.space, list(subject.members)).reason.astype(object)
    in_some = np.zeros(len(subject), dtype=bool)
    for candidate in candidates:
        in_some[candidate.members] = True
    later = np.isin(reason, ["too few alike", "in the sea"])
    reason[in_some & later] = REJECTED
    outside = reason[subject.label < 0]
    rows = []
    for name in _MEANINGS:
        n = int((outside == name).sum())
        if n:
            low, high = exact_interval(n, len(outside))
            share = n / len(outside)
            rows.append(
                {"reason": name, "sources": n, "share": share, "share_low": low,
                 "share_high": high, "meaning": _MEANINGS[name]}
            )  # fmt: skip
    return pa.Table.from_pylist(sorted(rows, key=lambda row: -int(str(row["sources"]))))


def _shape(space: Space, seed: int) -> pa.Table:
    control = space_of(_normal_like(space.vectors, seed), space.config)
    measured = [_measures(one, seed) for one in (space, control)]
    rows = [
        {"measure": name, "value": value, "normal": measured[1][name], "meaning": _SHAPES[name]}
        for name, value in measured[0].items()
    ]
    return pa.Table.from_pylist(rows)


_SHAPES = {
    "intrinsic dimension, finest scale": "by the two nearest neighbors (TwoNN)",
    "intrinsic dimension, neighborhoods": "by all neighbors of the graph (Levina & Bickel)",
    "effective linear dimension": "principal axes that share the variance",
    "relative contrast": "distance to any source over that to the nearest; 1: all concentrate",
    "hubness": "skewness of how often a source is another's neighbor; 0: no hubs",
    "density range": "10th neighbor's distance in sparse places over that in dense ones",
}


def _measures(space: Space, seed: int) -> dict[str, float]:
    distances = space.graph.distances
    values = (
        geometry.two_neighbor_dimension(distances),
        geometry.many_neighbor_dimension(distances),
        geometry.participation(space.vectors),
        geometry.relative_contrast(space, seed),
        geometry.hubness(space),
        geometry.density_range(space),
    )
    return dict(zip(_SHAPES, values, strict=True))


def _normal_like(vectors: FloatArray, seed: int) -> FloatArray:
    """Normal deviates (n, d) with the covariance of the vectors."""
    mean, axes = linear.principal_axes(vectors)
    components = linear.product(vectors - mean, axes)
    spread = components.std(axis=0, dtype=np.float64).astype(np.float32)
    deviates = np.random.default_rng(seed).standard_normal(vectors.shape, dtype=np.float32)
    return linear.product(deviates * spread, axes.T) + mean


def _fewer(subject: Subject, own: Sequence[Candidate]) -> pa.Table:
    vectors, config = subject.space.vectors, subject.config
    mean, axes = linear.principal_axes(vectors)
    route = route_of(config.clusters.route)
    rows = [_searched("all", vectors.shape[1], 1.0, own, subject, None)]
    with threadpoolctl.threadpool_limits(1):
        components = linear.product(vectors - mean, axes)
    variance = components.var(axis=0, dtype=np.float64)
    order = np.argsort(-variance, kind="stable")
    for d in (d for d in DIMENSIONS if d < vectors.shape[1]):
        kept = np.ascontiguousarray(components[:, order[:d]])
        # what compression makes the same is searched once
        distinct = distinct_rows(kept)
        space = space_of(kept[distinct], config.neighbors)
        share = float(variance[order[:d]].sum() / variance.sum())
        rows.append(_searched(f"PCA to {d}", d, share, route(space, config), subject, distinct))
    return pa.Table.from_pylist(rows)


def _searched(
    name: str,
    d: int,
    variance: float,
    candidates: Sequence[Candidate],
    subject: Subject,
    rows: IntArray | None,
) -> dict[str, object]:
    members = [c.members if rows is None else rows[c.members] for c in candidates]
    again = [best_match(m, members)[1] for m in subject.members]
    return {
        "representation": name,
        "dimensions": d,
        "variance_kept": variance,
        "candidates": len(members),
        "sources_in_candidates": sum(map(len, members)) / len(subject),
        "classes_found": sum(overlap >= MATCH for overlap in again),
        "classes": len(again),
    }


def _near(subject: Subject) -> dict[str, str]:
    told = explain(subject.space, list(subject.members))
    found = {}
    for i, rare in enumerate(subject.classes):
        mine = (told.nearest == i) & (subject.label < 0)
        edge = int((mine & (told.reason == "edge of the class")).sum())
        between = int((mine & (told.reason == "between classes")).sum())
        found[rare.class_id] = (
            f"{edge} sources outside lie as near as its members do, and {between} between it and "
            "another class: the first places to look for more."
        )
    return found


def _sentence(reasons: pa.Table, shape: pa.Table, outside: int, n: int) -> str:
    rows, first = reasons.to_pylist(), shape.to_pylist()[1]
    told = ", ".join(f"{row['share']:.1%} {row['reason']}" for row in rows[:3])
    return (
        f"{outside / n:.1%} of {n:,} sources are in no class: {told}. They fill about "
        f"{first['value']:.0f} dimensions without a gap (normal deviates of the same covariance: "
        f"{first['normal']:.0f})."
    )


def _reasons_plot(table: pa.Table) -> Plot:
    rows = table.to_pylist()[::-1]
    shares = array([row["share"] for row in rows])
    low, high = (array([row[name] for row in rows]) for name in ("share_low", "share_high"))
    places = array(range(len(rows)))
    return Plot(
        "Why sources are in no class, with 95% intervals of each share.",
        "share of the sources in no class",
        "",
        (Series("intervals", shares, places, "", low, high, across=True),),
        y_ticks=tuple(row["reason"] for row in rows),
    )


def _dimensions_plot(table: pa.Table) -> Plot:
    rows = sorted(table.to_pylist(), key=lambda row: row["dimensions"])
    d = array([row["dimensions"] for row in rows])
    candidates = array([row["candidates"] for row in rows])
    found = array([row["classes_found"] for row in rows])
    return Plot(
        "Candidates of the same search on the leading principal components alone, and how many "
        "of the run's classes are among them.",
        "principal components",
        "number",
        (Series("line", d, candidates, "candidates"), Series("line", d, found, "classes found")),
        x_log=True,
    )
