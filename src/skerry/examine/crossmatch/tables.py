"""The tables of the cross-match with labels and anomalies."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from skerry.examine.crossmatch.agreement import Agreement
from skerry.examine.crossmatch.anomalies import TOP, Surfaced
from skerry.examine.crossmatch.enrichment import Enrichment
from skerry.examine.crossmatch.labels import Labelling
from skerry.examine.crossmatch.positional import Matched
from skerry.examine.statistics import exact_interval
from skerry.examine.subject import Subject
from skerry.types import IntArray

OUTLIERS = 1000
"""Lone outliers listed at the most."""

EXPLAINED, UNEXPLAINED, UNLABELED = "explained", "unexplained", "unlabeled"

LABELS_SCHEMA = pa.schema(
    [
        ("class_id", pa.string()),
        ("labelling", pa.string()),
        ("label", pa.string()),
        ("having", pa.int64()),
        ("members", pa.int64()),
        ("share", pa.float64()),
        ("share_low", pa.float64()),
        ("share_high", pa.float64()),
        ("share_of_all", pa.float64()),
        ("completeness", pa.float64()),
        ("odds_ratio", pa.float64()),
        ("odds_low", pa.float64()),
        ("odds_high", pa.float64()),
        ("p_value", pa.float64()),
        ("q_value", pa.float64()),
        ("enriched", pa.bool_()),
        ("explains", pa.bool_()),
        ("rediscovered", pa.bool_()),
    ]
)
"""One row a class and label. ``members`` are those whose label is known; ``completeness`` the
share of the label's sources that are in the class."""

ANOMALIES_SCHEMA = pa.schema(
    [
        ("class_id", pa.string()),
        ("method", pa.string()),
        ("members", pa.int64()),
        ("median_rank", pa.float64()),
        ("looked", pa.int64()),
        ("among_them", pa.int64()),
        ("share", pa.float64()),
        ("share_low", pa.float64()),
        ("share_high", pa.float64()),
        ("p_value", pa.float64()),
        ("q_value", pa.float64()),
        ("until_seen", pa.int64()),
        ("by_chance", pa.float64()),
        ("surfaced", pa.bool_()),
    ]
)
"""One row a class and method, as :class:`~skerry.examine.anomalies.Surfaced` has it."""


def members_table(
    subject: Subject,
    labellings: Sequence[Labelling],
    found: Sequence[Enrichment],
    ranks: Mapping[str, IntArray],
) -> pa.Table:
    """One row a member: ``explained`` by a label that explains its class, ``unexplained``, or
    ``unlabeled`` where no labelling knows it."""
    has = {(la.name, label): rows for la in labellings for label, rows in la.labels().items()}
    known = np.zeros(len(subject), dtype=bool)
    # not to be in a catalog is no label, unless that is all there is to know
    for labelling in [la for la in labellings if not la.presence] or labellings:
        if labelling.labels():
            known |= labelling.known
    rows = []
    for i, (rare, members) in enumerate(zip(subject.classes, subject.members, strict=True)):
        explaining = [e for e in found if e.number == i and e.explains]
        for row in members.tolist():
            held = [e.label for e in explaining if has[e.labelling, e.label][row]]
            status = EXPLAINED if held else UNEXPLAINED if known[row] else UNLABELED
            rows.append(
                {
                    "class_id": rare.class_id,
                    "id_str": subject.ids[row],
                    "status": status,
                    "explained_by": "; ".join(held),
                    "labels": _held(labellings, row),
                    **_ranks(ranks, row),
                }
            )
    return pa.Table.from_pylist(rows)


def _ranks(ranks: Mapping[str, IntArray], row: int) -> dict[str, int]:
    return {f"rank_{name.replace(' ', '_')}": int(rank[row]) for name, rank in ranks.items()}


def _held(labellings: Sequence[Labelling], row: int) -> str:
    """All labels of a source."""
    return "; ".join(
        str(la.values[row]) if la.flag else f"{la.name}: {la.values[row]}"
        for la in labellings
        if la.values[row] != ""
    )


def outliers_table(
    subject: Subject, labellings: Sequence[Labelling], ranks: Mapping[str, IntArray]
) -> pa.Table:
    """The most anomalous sources that are in no class, by either method, the best rank first."""
    best = np.min(list(ranks.values()), axis=0)
    alone = np.flatnonzero((subject.label < 0) & (best <= np.ceil(TOP * len(subject))))
    mean = np.mean(list(ranks.values()), axis=0)
    order = alone[np.lexsort((alone, mean[alone]))][:OUTLIERS]
    return pa.Table.from_pylist(
        [
            {
                "id_str": subject.ids[row],
                **_ranks(ranks, row),
                "labels": _held(labellings, row),
            }
            for row in order.tolist()
        ]
    )


def labels_table(subject: Subject, found: Sequence[Enrichment]) -> pa.Table:
    """Every label in every class, classes in their order, in each the least likely by chance
    first."""
    rows = []
    for e in sorted(found, key=lambda e: (e.number, e.p, e.label)):
        low, high = exact_interval(e.having, e.members)
        rows.append(
            {
                "class_id": subject.classes[e.number].class_id,
                "labelling": e.labelling,
                "label": e.label,
                "having": e.having,
                "members": e.members,
                "share": e.share,
                "share_low": low,
                "share_high": high,
                "share_of_all": e.share_of_all,
                "completeness": e.complete,
                **dict(zip(("odds_ratio", "odds_low", "odds_high"), e.odds, strict=True)),
                "p_value": e.p,
                "q_value": e.q,
                "enriched": e.enriched,
                "explains": e.explains,
                "rediscovered": e.rediscovered,
            }
        )
    return pa.Table.from_pylist(rows, schema=LABELS_SCHEMA)


def anomalies_table(subject: Subject, found: Sequence[Surfaced]) -> pa.Table:
    """Where each class stands among anomalies, by each method."""
    rows = []
    for s in found:
        low, high = exact_interval(s.among_them, s.members)
        told = dataclasses.asdict(s)
        rows.append(
            {
                **{name: told[name] for name in ANOMALIES_SCHEMA.names if name in told},
                "class_id": subject.classes[s.number].class_id,
                "share": s.among_them / s.members,
                "share_low": low,
                "share_high": high,
                "p_value": s.p,
                "q_value": s.q,
                "surfaced": s.shown,
            }
        )
    return pa.Table.from_pylist(rows, schema=ANOMALIES_SCHEMA)


def matches_table(subject: Subject, matched: Matched) -> pa.Table:
    """The sources that have an entry, with its separation in arcsec."""
    rows = np.flatnonzero(matched.row >= 0).tolist()
    return pa.table(
        {
            "id_str": [subject.ids[row] for row in rows],
            "class_id": [
                subject.classes[subject.label[row]].class_id if subject.label[row] >= 0 else ""
                for row in rows
            ],
            "separation": matched.separation[rows],
            "chance": matched.chance[rows],
        }
    )


def agreement_table(agreements: Sequence[Agreement]) -> pa.Table:
    """One row a full labelling."""
    return pa.Table.from_pylist([dataclasses.asdict(one) for one in agreements])
