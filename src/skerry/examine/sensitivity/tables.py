"""The tables of the settings in which classes live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from skerry.examine.searching.sweeps import MEANT, SECTIONS, Setting
from skerry.examine.sensitivity.lineages import KEPT, Lineage
from skerry.examine.sensitivity.survival import Bools
from skerry.examine.statistics import q_values
from skerry.examine.subject import Subject
from skerry.types import DoubleArray, IntArray

SENSITIVITY_SCHEMA = pa.schema(
    [
        ("class_id", pa.string()),
        ("members", pa.int64()),
        ("settings", pa.int64()),
        ("kept", pa.int64()),
        ("share", pa.float64()),
        ("null_share", pa.float64()),
        ("q_value", pa.float64()),
        ("other_settings", pa.int64()),
        ("other_kept", pa.int64()),
    ]
)
"""One row a class. ``settings`` of the run's route allow
a class of its size, its own not counted, and ``kept`` of them find it. ``null_share`` of the groups
in featureless data live in as large a share of theirs, the class counted among them, and
``q_value`` is over the classes. ``other_`` are the settings that need another embedding, or are of
the other route."""

SETTINGS_SCHEMA = pa.schema(
    [
        ("setting", pa.int64()),
        ("route", pa.string()),
        ("changed", pa.string()),
        *((name, pa.float64()) for name in SECTIONS),
        ("candidates", pa.int64()),
        ("in_candidates", pa.int64()),
        ("classes_allowed", pa.int64()),
        ("classes_kept", pa.int64()),
    ]
)
"""One row a search; setting 0 is the run's own. A setting that the search of its route does not
hang on is null. ``in_candidates`` are sources."""

OVERLAPS_SCHEMA = pa.schema(
    [
        ("class_id", pa.string()),
        ("setting", pa.int64()),
        ("overlap", pa.float64()),
        ("fate", pa.string()),
    ]
)
"""One row a class and search: the largest Jaccard with a candidate, and what became of it."""

NULLS_SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        ("searches", pa.int64()),
        ("candidates", pa.float64()),
        ("swept", pa.int64()),
        ("share_median", pa.float64()),
        ("share_95", pa.float64()),
    ]
)
"""One row a kind of featureless data: ``candidates`` a search at the run's own settings, over all
``searches``; of ``swept`` candidates the share of settings in which they live."""

LINEAGE_SCHEMA = pa.schema(
    [
        ("along", pa.string()),
        ("value", pa.float64()),
        ("candidate", pa.int64()),
        ("members", pa.int64()),
        ("class_id", pa.string()),
    ]
)
"""One row a candidate; ``class_id`` of the class that it shares most with, empty for none."""

LINKS_SCHEMA = pa.schema(
    [
        ("along", pa.string()),
        ("value", pa.float64()),
        ("candidate", pa.int64()),
        ("next_value", pa.float64()),
        ("next_candidate", pa.int64()),
        ("shared", pa.int64()),
    ]
)
"""One row two candidates of neighboring settings that share half or more of the smaller."""


def class_rows(
    ids: Sequence[str],
    groups: Sequence[IntArray],
    fates: Sequence[Sequence[str]],
    allowed: Bools,
    share: DoubleArray,
    null_share: DoubleArray,
    n_own: int,
) -> list[dict[str, object]]:
    q = q_values(null_share)
    found = []
    for i, class_id in enumerate(ids):
        kept = np.array([one == KEPT for one in fates[i]]) & allowed[i]
        found.append(
            {
                "class_id": class_id,
                "members": len(groups[i]),
                "settings": int(allowed[i, 1:n_own].sum()),
                "kept": int(kept[1:n_own].sum()),
                "share": float(share[i]),
                "null_share": float(null_share[i]),
                "q_value": float(q[i]),
                "other_settings": int(allowed[i, n_own:].sum()),
                "other_kept": int(kept[n_own:].sum()),
            }
        )
    return found


def settings_table(
    tried: Sequence[Setting],
    found: Sequence[Sequence[IntArray]],
    fates: Sequence[Sequence[str]],
    allowed: Bools,
) -> pa.Table:
    rows = [
        {
            "setting": j,
            "route": setting.route,
            "changed": ", ".join(setting.changed),
            **{name: setting.value(name) for name in MEANT[setting.route]},
            "candidates": len(found[j]),
            "in_candidates": sum(map(len, found[j])),
            "classes_allowed": int(allowed[:, j].sum()),
            "classes_kept": sum(of_class[j] == KEPT for of_class in fates),
        }
        for j, setting in enumerate(tried)
    ]
    return pa.Table.from_pylist(rows, schema=SETTINGS_SCHEMA)


def overlaps_table(
    ids: Sequence[str], overlap: DoubleArray, fates: Sequence[Sequence[str]]
) -> pa.Table:
    rows = [
        {"class_id": name, "setting": j, "overlap": float(overlap[i, j]), "fate": fates[i][j]}
        for i, name in enumerate(ids)
        for j in range(overlap.shape[1])
    ]
    return pa.Table.from_pylist(rows, schema=OVERLAPS_SCHEMA)


def null_table(subject: Subject, nulls: Mapping[str, Sequence[DoubleArray]]) -> pa.Table:
    """The run's own nulls where it has some, else those searched here."""
    rows = []
    for kind in dict.fromkeys([*subject.null_measures, *nulls]):
        parts = nulls.get(kind, ())
        lived = np.concatenate([np.zeros(0), *parts])
        searches, total = len(parts), len(lived)
        if kind in subject.null_measures:
            searches = subject.config.nulls.n
            total = len(subject.null_measures[kind])
        rows.append(
            {
                "kind": kind,
                "searches": searches,
                "candidates": total / searches,
                "swept": len(lived),
                "share_median": float(np.median(lived)) if len(lived) else None,
                "share_95": float(np.percentile(lived, 95)) if len(lived) else None,
            }
        )
    return pa.Table.from_pylist(rows, schema=NULLS_SCHEMA)


def lineage_table(lineages: Sequence[Lineage], ids: Sequence[str]) -> pa.Table:
    rows = [
        {
            "along": one.name,
            "value": one.values[node.column],
            "candidate": node.number,
            "members": node.size,
            "class_id": ids[node.lane] if node.lane >= 0 else "",
        }
        for one in lineages
        for node in one.nodes
    ]
    return pa.Table.from_pylist(rows, schema=LINEAGE_SCHEMA)


def links_table(lineages: Sequence[Lineage]) -> pa.Table:
    rows = [
        {
            "along": one.name,
            "value": one.values[column],
            "candidate": link.one,
            "next_value": one.values[column + 1],
            "next_candidate": link.other,
            "shared": link.shared,
        }
        for one in lineages
        for column, linked in enumerate(one.links)
        for link in linked
    ]
    return pa.Table.from_pylist(rows, schema=LINKS_SCHEMA)
