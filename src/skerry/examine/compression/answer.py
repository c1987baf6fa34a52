"""Is a class an artifact of UMAP?

UMAP draws sources together that are near each other, and so makes groups of what is none: a class
is held against itself before compression, and against what the same compression makes of
featureless data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from skerry.answer import Answer, array
from skerry.discover import judged
from skerry.discover.matching import MATCH, Matcher
from skerry.examine.compression.neighborhoods import centers, shares_as_isolated
from skerry.examine.compression.preservation import preservation
from skerry.examine.compression.tables import (
    COMPRESSION_SCHEMA,
    embedding_table,
    kept_columns,
    measured_columns,
    null_table,
)
from skerry.examine.compression.words import (
    AFTER,
    BEFORE,
    CAVEAT,
    CHANCE,
    NEITHER,
    PART,
    UNTESTED,
    figure,
    notes,
    of_class,
    sentence,
)
from skerry.examine.searching.null_draws import ENOUGH
from skerry.examine.searching.null_embeddings import (
    NullEmbedding,
    by_route,
    embedded,
    null_embeddings,
    sides,
)
from skerry.examine.searching.searches import (
    GRAPH,
    UMAP,
    Compress,
    as_candidates,
    by_umap,
    candidates,
    cores,
    surrogates_of,
)
from skerry.examine.searching.sweeps import overlaps
from skerry.examine.settings import ExamineConfig
from skerry.examine.subject import Subject
from skerry.types import Candidate, DoubleArray, IntArray, Measures

QUESTION = "compression"
NEIGHBORHOODS = 100
"""Random neighborhoods of each size."""
WITHIN = 0.5
"""The share of a class in one candidate of the graph route from which on it is part of that."""


def compression(subject: Subject, settings: ExamineConfig, compress: Compress = by_umap) -> Answer:
    """Each class before and after the run's compression, beside compressed featureless data.

    A class exists ``before compression`` where chance does not explain its containment in the
    neighbor graph of the representations: q below ``settings.alpha``. q is the run's own, whose
    nulls were searched by the route that found the class. How dense it is before and after is told
    beside, as overdensity. It is there ``only after compression`` where chance may
    explain it, and the graph route finds neither it nor a group that holds half of it, but in the
    embedding ``umap-hdbscan`` finds it, or it is more isolated there than all but
    ``settings.alpha`` of random neighborhoods of its size.

    Up to ``settings.nulls`` draws of each kind of featureless data are compressed and searched;
    no more than give 60 candidates, but where the run has no nulls, and q is of these.
    ``compress`` stands in for UMAP.

    Raises
    ------
    CannotAnswerError
        There is no class.
    """
    subject.require_classes()
    space, config = subject.space, subject.config
    coordinates = subject.embedding.coordinates
    compressed = embedded(coordinates, config)
    judged_by, groups = cores(subject), subject.members
    core, core_after = sides(as_candidates(judged_by), space, compressed)
    before, after = sides(as_candidates(groups), space, compressed)
    found = {
        route: candidates(space, coordinates, by_route(config, route)) for route in (GRAPH, UMAP)
    }
    surrogates, measured = surrogates_of(subject, found[config.clusters.route])
    # a q-value needs all searches, a share of their candidates fewer
    known = all(rare.q_value is not None for rare in subject.classes)
    enough = ENOUGH if known else math.inf
    nulls = null_embeddings(surrogates, config, settings.nulls, compress, enough)
    matcher = Matcher(judged_by)
    others = [matcher.best(c.members)[1] < MATCH for c in found[config.clusters.route]]
    sea = np.flatnonzero(subject.label < 0)
    sea = sea if len(sea) else np.arange(len(subject))
    around = centers(space.vectors, sea, NEIGHBORHOODS, settings.seed)
    sizes = [len(rows) for rows in groups]
    kept = preservation(space, compressed, groups, around, config.embedding.n_neighbors - 1)
    columns = {
        "class_id": [rare.class_id for rare in subject.classes],
        "members": sizes,
        "core": [len(rows) for rows in judged_by],
        "containment_core_before": core.containment,
        "overdensity_core_before": core.overdensity,
        "overdensity_core_after": core_after.overdensity,
        **measured_columns(before, after),
        "q_before": _q_before(
            subject, core.containment, measured.containment[others], nulls, settings.alpha
        ),
        "null_before": _null_share(core.overdensity, nulls, "before"),
        "null_after": _null_share(after.overdensity, nulls, "after"),
        "random_before": shares_as_isolated(space, around, sizes, before.isolation),
        "random_after": shares_as_isolated(compressed, around, sizes, after.isolation),
        **kept_columns(kept),
        "overlap_graph": _overlaps(judged_by, groups, found[GRAPH]),
        "overlap_umap": _overlaps(judged_by, groups, found[UMAP]),
        "within_graph": _within(groups, [c.members for c in found[GRAPH]], len(space)),
    }
    columns["exists"] = [_exists(columns, i, settings.alpha) for i in range(len(groups))]
    table = pa.table({n: columns[n] for n in COMPRESSION_SCHEMA.names}, schema=COMPRESSION_SCHEMA)
    rows = table.to_pylist()
    return Answer(
        QUESTION,
        sentence(rows, nulls, kept),
        CAVEAT,
        {
            "compression": table,
            "null_candidates": null_table(nulls),
            "embedding": embedding_table(kept),
        },
        plots=(figure(rows, nulls),),
        of_class={str(row["class_id"]): of_class(row, settings.alpha) for row in rows},
        notes=notes(subject, rows, settings.nulls),
    )


def _exists(columns: Mapping[str, object], i: int, alpha: float) -> str:
    """Where class i exists."""

    def value(name: str) -> float:
        return float(array(columns[name])[i])

    if value("q_before") < alpha:
        return BEFORE
    if np.isnan(value("q_before")):
        return UNTESTED
    if value("overlap_graph") >= MATCH:
        return CHANCE
    if value("within_graph") >= WITHIN:
        return PART
    apart = value("overlap_umap") >= MATCH or value("random_after") <= alpha
    return AFTER if apart else NEITHER


def _q_before(
    subject: Subject,
    own: DoubleArray,
    others: DoubleArray,
    nulls: Sequence[NullEmbedding],
    alpha: float,
) -> DoubleArray:
    """The q-value of each class's containment ``own`` (m,) among all candidates of the run.

    Where the run has none, by the searches made here; NaN for a class that is better contained
    than everything in them and still not below what so few searches can tell.
    """
    known = [rare.q_value for rare in subject.classes]
    if all(q is not None for q in known):
        return array(known)
    if not nulls:
        return np.full(len(own), np.nan)
    by_kind: dict[str, list[DoubleArray]] = {}
    for one in nulls:
        by_kind.setdefault(one.kind, []).append(one.own.containment)
    q = judged(np.concatenate([own, others]), by_kind)[1][: len(own)]
    most = np.array([max(s.max(initial=-np.inf) for s in parts) for parts in by_kind.values()])
    return np.where((q >= alpha) & (own > most.max()), np.nan, q)


def _null_share(own: DoubleArray, nulls: Sequence[NullEmbedding], side: str) -> DoubleArray:
    """The largest share over kinds of null candidates at least as overdense; NaN without nulls."""
    by_kind: dict[str, list[DoubleArray]] = {}
    for one in nulls:
        measures: Measures = getattr(one, side)
        by_kind.setdefault(one.kind, []).append(measures.overdensity)
    shares = [
        [(1 + (values >= s).sum()) / (1 + len(values)) for s in own]
        for values in (np.concatenate(parts) for parts in by_kind.values())
    ]
    return array(shares).max(axis=0) if shares else np.full(len(own), np.nan)


def _within(groups: Sequence[IntArray], found: Sequence[IntArray], n: int) -> DoubleArray:
    """The largest share of each group that lies in one of ``found``, which do not overlap."""
    owner = np.full(n, -1, dtype=np.int64)
    for i, rows in enumerate(found):
        owner[rows] = i
    counts = [np.bincount(owner[rows] + 1, minlength=2)[1:] for rows in groups]
    return array([count.max() / len(rows) for count, rows in zip(counts, groups, strict=True)])


def _overlaps(
    cores: Sequence[IntArray], wholes: Sequence[IntArray], found: Sequence[Candidate]
) -> DoubleArray:
    """The largest Jaccard of each core, or of all members, with what a route found."""
    return overlaps(cores, wholes, [[c.members for c in found]])[:, 0]
