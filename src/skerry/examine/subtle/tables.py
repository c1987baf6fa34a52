"""The tables of the searches that were made again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from skerry.discover import pooled
from skerry.examine.searching.again import Found, Searched
from skerry.examine.subject import Subject

SEARCHES_SCHEMA = pa.schema(
    [
        ("search", pa.string()),
        ("what", pa.string()),
        ("sources", pa.int64()),
        ("candidates", pa.int64()),
        ("confirmed", pa.int64()),
        ("tentative", pa.int64()),
        ("new", pa.int64()),
        ("null_95", pa.float64()),
    ]
)
"""One row an altered representation. ``new`` counts confirmed and tentative ones that the run has
not; ``null_95`` is the containment that 5% of chance groups exceed, of the hardest null."""

CLASSES_SCHEMA = pa.schema(
    [
        ("class", pa.string()),
        ("search", pa.string()),
        ("verdict", pa.string()),
        ("size", pa.int64()),
        ("core", pa.int64()),
        ("containment", pa.float64()),
        ("containment_before", pa.float64()),
        ("p_value", pa.float64()),
        ("q_value", pa.float64()),
        ("new", pa.bool_()),
        ("known_class", pa.string()),
        ("overlap", pa.float64()),
        ("same_as", pa.string()),
        ("reasons", pa.string()),
    ]
)
"""One row a candidate, the surest first. ``containment_before`` is that of the same members in the
run's own representation; ``q_value`` is over the candidates of all searches together; ``same_as``
an earlier row that overlaps it, found by another search."""

MEMBERS_SCHEMA = pa.schema(
    [
        ("class", pa.string()),
        ("id_str", pa.string()),
        ("order", pa.int32()),
        ("core", pa.bool_()),
        ("class_id", pa.string()),
    ]
)
"""One row a member of a class that is not rejected. ``core``: it is one of those that the class was
judged by; ``class_id`` is the class of the run that it is in."""


def searches_table(searches: Sequence[Searched], found: Sequence[Found]) -> pa.Table:
    """One row an altered representation."""
    rows = []
    for search in searches:
        own = [f for f in found if f.where == search.altered.name]
        rows.append(
            {
                "search": search.altered.name,
                "what": search.altered.said,
                "sources": len(search.altered.rows),
                "candidates": len(search.candidates),
                "confirmed": sum(f.verdict == "confirmed" for f in own),
                "tentative": sum(f.verdict == "tentative" for f in own),
                "new": sum(f.kept and f.new for f in own),
                "null_95": null_95(search),
            }
        )
    return pa.Table.from_pylist(rows, schema=SEARCHES_SCHEMA)


def null_95(search: Searched) -> float:
    """The containment that 5% of the chance groups exceed, in the null where it is largest."""
    every = [pooled(measures).containment for measures in search.nulls.values()]
    return max((float(np.quantile(o, 0.95)) for o in every if len(o)), default=float("nan"))


def classes_table(
    subject: Subject, found: Sequence[Found], names: Sequence[str], again: Sequence[int]
) -> pa.Table:
    """One row a candidate, in the order of ``found``."""
    rows = [
        {
            "class": name,
            "search": f.where,
            "verdict": f.verdict,
            "size": len(f.members),
            "core": f.core,
            "containment": f.containment,
            "containment_before": f.before,
            "p_value": f.p,
            "q_value": f.q,
            "new": f.new,
            "known_class": "" if f.new else subject.classes[f.number].class_id,
            "overlap": f.overlap,
            "same_as": names[earlier] if earlier >= 0 else "",
            "reasons": " ".join(f.reasons),
        }
        for f, name, earlier in zip(found, names, again, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=CLASSES_SCHEMA)


def members_table(subject: Subject, found: Sequence[Found], names: Sequence[str]) -> pa.Table:
    """One row a member of those that are not rejected."""
    rows = [
        {
            "class": name,
            "id_str": subject.ids[row],
            "order": order,
            "core": order <= f.core,
            "class_id": subject.classes[subject.label[row]].class_id
            if subject.label[row] >= 0
            else "",
        }
        for f, name in zip(found, names, strict=True)
        if f.kept
        for order, row in enumerate(f.members.tolist(), start=1)
    ]
    return pa.Table.from_pylist(rows, schema=MEMBERS_SCHEMA)
