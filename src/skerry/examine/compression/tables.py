"""The tables of classes before and after compression."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from skerry.examine.compression.preservation import Preservation
from skerry.examine.searching.null_embeddings import NullEmbedding
from skerry.types import DoubleArray, Measures

COMPRESSION_SCHEMA = pa.schema(
    [
        ("class_id", pa.string()),
        ("exists", pa.string()),
        ("members", pa.int64()),
        ("core", pa.int64()),
        ("containment_core_before", pa.float64()),
        ("overdensity_core_before", pa.float64()),
        ("overdensity_core_after", pa.float64()),
        ("overdensity_before", pa.float64()),
        ("overdensity_after", pa.float64()),
        ("isolation_before", pa.float64()),
        ("isolation_after", pa.float64()),
        ("coherence_before", pa.float64()),
        ("coherence_after", pa.float64()),
        ("q_before", pa.float64()),
        ("null_before", pa.float64()),
        ("null_after", pa.float64()),
        ("random_before", pa.float64()),
        ("random_after", pa.float64()),
        ("trustworthiness", pa.float64()),
        ("trustworthiness_random", pa.float64()),
        ("trustworthiness_below", pa.float64()),
        ("continuity", pa.float64()),
        ("continuity_random", pa.float64()),
        ("continuity_below", pa.float64()),
        ("overlap_graph", pa.float64()),
        ("overlap_umap", pa.float64()),
        ("within_graph", pa.float64()),
    ]
)
"""One row a class. ``core`` are the members that it was judged by: ``q_before``, which is of
``containment_core_before``, and ``null_before`` are of these, all else but ``overdensity_core_`` of
all. ``null_`` are the shares of candidates in compressed featureless data that are at least as
overdense, the largest over its kinds, and
``random_`` those of random neighborhoods of its size that are at least as isolated (which, unlike
the overdensity, no size limits); the class is counted among them.
``_random`` are medians over those neighborhoods, ``_below`` the shares of them that lie lower.
``overlap_`` is the largest Jaccard with a candidate of each route, ``within_graph``
the largest share of its members in one candidate of the graph route."""

NULL_SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        ("search", pa.int64()),
        ("members", pa.int64()),
        ("overdensity_before", pa.float64()),
        ("overdensity_after", pa.float64()),
    ]
)
"""One row a candidate that ``umap-hdbscan`` finds in featureless data."""

EMBEDDING_SCHEMA = pa.schema(
    [
        ("neighbors", pa.int64()),
        ("sources", pa.int64()),
        ("trustworthiness", pa.float64()),
        ("continuity", pa.float64()),
    ]
)
"""One row: of the run's embedding."""


def measured_columns(before: Measures, after: Measures) -> dict[str, DoubleArray]:
    return {
        f"{name}_{side}": getattr(measures, name)
        for side, measures in (("before", before), ("after", after))
        for name in ("overdensity", "isolation", "coherence")
    }


def kept_columns(kept: Preservation) -> dict[str, DoubleArray]:
    columns: dict[str, DoubleArray] = {}
    for name in ("trustworthiness", "continuity"):
        one = getattr(kept, name)
        columns |= {name: one.own, f"{name}_random": one.median, f"{name}_below": one.below}
    return columns


def null_table(nulls: Sequence[NullEmbedding]) -> pa.Table:
    rows = [
        (one.kind, one.number, int(size), before, after)
        for one in nulls
        for size, before, after in zip(
            one.before.size, one.before.overdensity, one.after.overdensity, strict=True
        )
    ]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * len(NULL_SCHEMA)
    return pa.table(dict(zip(NULL_SCHEMA.names, columns, strict=True)), schema=NULL_SCHEMA)


def embedding_table(kept: Preservation) -> pa.Table:
    row = {
        "neighbors": kept.neighbors,
        "sources": kept.sampled,
        "trustworthiness": kept.trustworthiness.overall,
        "continuity": kept.continuity.overall,
    }
    return pa.Table.from_pylist([row], schema=EMBEDDING_SCHEMA)
