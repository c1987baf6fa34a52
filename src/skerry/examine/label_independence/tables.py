"""Tables of the answer on votes and representation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from skerry.examine.label_independence.classes import Alike, ByVotes, Twin
from skerry.examine.label_independence.independence_tests import Tested
from skerry.examine.label_independence.principal_directions import Predicted
from skerry.types import DoubleArray

TESTS_SCHEMA = pa.schema(
    [
        ("votes", pa.string()),
        ("target", pa.string()),
        ("what", pa.string()),
        ("sources", pa.int64()),
        ("explained_by_votes", pa.float64()),
        ("gain", pa.float64()),
        ("gain_low", pa.float64()),
        ("gain_high", pa.float64()),
        ("p_value", pa.float64()),
        ("q_value", pa.float64()),
        ("most_of_votes_alone", pa.float64()),
        ("votes_alone", pa.int64()),
        ("votes_alone_rejected", pa.int64()),
        ("more_than_votes", pa.bool_()),
    ]
)
"""One row a kind of votes, target and representation. ``explained_by_votes``: of the target's
variance, by votes and nuisance; ``gain``: of what is left, by the representation.
``most_of_votes_alone``: the largest gain of the simulated representations that hold the votes
alone, ``votes_alone`` how many there are and ``votes_alone_rejected`` at how many the conditional
randomization by itself would reject. Of representations that learned nothing the p-value is of that
randomization, and there is no q-value."""

DIRECTIONS_SCHEMA = pa.schema(
    [
        ("votes", pa.string()),
        ("direction", pa.int64()),
        ("variance", pa.float64()),
        ("explained", pa.float64()),
        ("explained_low", pa.float64()),
        ("explained_high", pa.float64()),
        ("sources", pa.int64()),
    ]
)

CLASSES_SCHEMA = pa.schema(
    [
        ("class_id", pa.string()),
        ("votes", pa.string()),
        ("members", pa.int64()),
        ("verdict", pa.string()),
        ("share", pa.float64()),
        ("share_low", pa.float64()),
        ("share_high", pa.float64()),
        ("precision_votes", pa.float64()),
        ("precision_votes_low", pa.float64()),
        ("precision_votes_high", pa.float64()),
        ("precision_representation", pa.float64()),
        ("precision_representation_low", pa.float64()),
        ("precision_representation_high", pa.float64()),
        ("area_votes", pa.float64()),
        ("area_representation", pa.float64()),
        ("own_by_votes", pa.float64()),
        ("own_by_representation", pa.float64()),
    ]
)
"""One row a class and kind of votes. ``share`` of its identity that the votes explain, of average
precision beyond chance; ``own``: of the nearest of its members, the share that are members."""

SAME_VOTES_SCHEMA = pa.schema(
    [
        ("class_id", pa.string()),
        ("exemplar", pa.string()),
        ("votes", pa.string()),
        ("id_str", pa.string()),
        ("member", pa.bool_()),
        ("votes_distance", pa.float64()),
        ("distance", pa.float64()),
    ]
)

LIKENESS_SCHEMA = pa.schema(
    [
        ("of", pa.string()),
        ("votes", pa.string()),
        ("sources", pa.int64()),
        ("likeness", pa.float64()),
        ("likeness_low", pa.float64()),
        ("likeness_high", pa.float64()),
        ("shared_neighbors", pa.float64()),
    ]
)


def tests_table(found: Sequence[Tested], q: DoubleArray, alpha: float) -> pa.Table:
    """``q`` (n,) are NaN for what is no test of the learned representation."""
    rows = [
        {
            "votes": t.votes,
            "target": t.target,
            "what": t.what,
            "sources": t.gain.n,
            "explained_by_votes": t.gain.explained,
            "gain": t.gain.gain,
            "gain_low": t.gain.low,
            "gain_high": t.gain.high,
            "p_value": t.gain.p if len(worlds) else t.gain.drawn_p,
            "q_value": None if np.isnan(adjusted) else float(adjusted),
            "most_of_votes_alone": float(worlds.max()) if len(worlds) else None,
            "votes_alone": len(worlds) or None,
            "votes_alone_rejected": int((t.gain.world_p <= alpha).sum()) if len(worlds) else None,
            "more_than_votes": None if np.isnan(adjusted) else bool(adjusted <= alpha),
        }
        for t, adjusted in zip(found, q, strict=True)
        for worlds in [t.gain.world_gains]
    ]
    return pa.Table.from_pylist(rows, schema=TESTS_SCHEMA)


def directions_table(found: Sequence[Predicted]) -> pa.Table:
    rows = [
        {
            "votes": one.kind,
            "direction": d + 1,
            "variance": float(one.variance[d]),
            "explained": float(one.explained[d]),
            "explained_low": float(one.low[d]),
            "explained_high": float(one.high[d]),
            "sources": one.n,
        }
        for one in found
        for d in range(len(one.variance))
    ]
    return pa.Table.from_pylist(rows, schema=DIRECTIONS_SCHEMA)


def classes_table(found: Sequence[ByVotes]) -> pa.Table:
    rows = [
        {
            "class_id": one.class_id,
            "votes": one.kind,
            "members": one.members,
            "verdict": one.verdict,
            "share": v.share,
            "share_low": v.share_low,
            "share_high": v.share_high,
            "precision_votes": v.precision,
            "precision_votes_low": v.low,
            "precision_votes_high": v.high,
            "precision_representation": r.precision,
            "precision_representation_low": r.low,
            "precision_representation_high": r.high,
            "area_votes": v.area,
            "area_representation": r.area,
            "own_by_votes": one.own_by_votes,
            "own_by_representation": one.own_by_vectors,
        }
        for one in found
        for v, r in [(one.by_votes, one.by_vectors)]
    ]
    return pa.Table.from_pylist(rows, schema=CLASSES_SCHEMA)


def same_votes_table(found: Sequence[Twin]) -> pa.Table:
    rows = [
        dict(zip(SAME_VOTES_SCHEMA.names, values, strict=True))
        for t in found
        for values in [(t.class_id, t.exemplar, t.kind, t.other, t.member, t.votes_distance,
                        t.distance)]
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=SAME_VOTES_SCHEMA)


def likeness_table(found: Sequence[Alike]) -> pa.Table:
    rows = [
        dict(zip(LIKENESS_SCHEMA.names, values, strict=True))
        for a in found
        for values in [(a.of, a.kind, a.n, a.likeness.value, a.likeness.low, a.likeness.high,
                        a.likeness.shared)]
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=LIKENESS_SCHEMA)
