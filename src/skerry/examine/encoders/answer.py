"""Does a second encoder see the same classes in the same sky?

The search is made again, with its nulls, in the second encoder's representations. Classes of both
are matched by their members; of those that only one sees, what differs is told in votes and in
columns of the catalog. How alike the two representations are at all is measured beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from skerry.answer import Answer, Plot, Series, array
from skerry.discover import Space, measure
from skerry.discover.matching import MATCH, best_match
from skerry.errors import CannotAnswerError
from skerry.examine.columns import TRUTH, usable
from skerry.examine.encoders.likeness import COMPARED, linear_cka, shared_neighbors
from skerry.examine.searching.again import Found, Searched, judged_together, search_again
from skerry.examine.searching.altered import Altered
from skerry.examine.settings import ExamineConfig
from skerry.examine.statistics import q_values, rank_difference
from skerry.examine.subject import Subject
from skerry.types import Candidate, DoubleArray, IntArray

QUESTION = "encoders"
_FEWEST = 5
_SAID = 3

CLASSES_SCHEMA = pa.schema(
    [
        ("seen_by", pa.string()),
        ("class", pa.string()),
        ("verdict", pa.string()),
        ("size", pa.int64()),
        ("q_value", pa.float64()),
        ("overdensity_first", pa.float64()),
        ("overdensity_second", pa.float64()),
        ("counterpart", pa.string()),
        ("overlap", pa.float64()),
        ("shared_neighbors", pa.float64()),
        ("differs_in", pa.string()),
    ]
)
"""One row a class of the run (``seen_by``: ``both``, or the first encoder) and one that the second
alone sees. The overdensities are of the same members in both representations; ``differs_in`` names
what sets the members of a class that only one sees apart from the sea, in columns and votes."""

MEMBERS_SCHEMA = pa.schema(
    [("class", pa.string()), ("id_str", pa.string()), ("order", pa.int32()), ("core", pa.bool_())]
)
"""One row a member of a class that the second encoder alone sees."""

CAVEAT = (
    "Two encoders that learned from the same galaxies and votes agree more than two independent "
    "ones would: agreement is weaker evidence than it looks. A class that one does not see may be "
    "below what its representation resolves and no less real. The second search is judged by nulls "
    "of its own, at the run's rate of false discoveries."
)


def encoders(subject: Subject, settings: ExamineConfig) -> Answer:
    """Match the classes of the run with those of a search of the second encoder's representations.

    Raises
    ------
    CannotAnswerError
        The run has no second encoder, or made no nulls to judge by.
    """
    second = subject.second
    if second is None:
        raise CannotAnswerError(
            "the run has no second encoder; run it again into the same folder with "
            "-s replication.encoder=maxvit_pico, which computes only what is missing"
        )
    if not subject.config.nulls.n:
        raise CannotAnswerError(
            "the run made no searches of featureless data, by which classes of a second encoder "
            "would be judged; run it again with nulls.n above 0"
        )
    config = replace(subject.config, replication=replace(subject.config.replication, encoder=""))
    rows = np.arange(len(subject), dtype=np.int64)
    other = search_again(Altered(subject.second_name, "", rows, second.vectors), config)
    theirs = [f for f in judged_together([other], subject) if f.verdict != "rejected"]
    matched = [best_match(m, [f.members for f in theirs]) for m in subject.members]
    taken = {i for i, overlap in matched if overlap >= MATCH}
    alone = [f for i, f in enumerate(theirs) if i not in taken and f.overlap < MATCH]
    shared = shared_neighbors(subject.space, second)
    table = _classes(subject, second, theirs, matched, alone, shared)
    return Answer(
        QUESTION,
        _sentence(subject, matched, alone, second, shared),
        CAVEAT,
        {
            "classes": table,
            "likeness": _likeness(subject.space, second, shared, settings.seed),
            "members": _members(subject, alone),
        },
        plots=(_plot(subject, second, alone),),
        of_class={
            rare.class_id: _of_class(row, subject)
            for rare, row in zip(subject.classes, table.to_pylist(), strict=False)
        },
        notes=_notes(other),
    )


def _overdensities(groups: Sequence[IntArray], space: Space) -> DoubleArray:
    certain = [Candidate(rows, np.ones(len(rows), dtype=np.float32), 0.0) for rows in groups]
    return measure(certain, space).overdensity


def _name(found: Found, subject: Subject) -> str:
    return f"{subject.second_name}: {subject.ids[found.members[0]]}"


def _classes(
    subject: Subject,
    second: Space,
    theirs: Sequence[Found],
    matched: Sequence[tuple[int, float]],
    alone: Sequence[Found],
    shared: DoubleArray,
) -> pa.Table:
    groups = [*subject.members, *(f.members for f in alone)]
    here, there = _overdensities(groups, subject.space), _overdensities(groups, second)
    rows: list[dict[str, object]] = []
    for i, rare in enumerate(subject.classes):
        at, overlap = matched[i]
        both = overlap >= MATCH
        rows.append(
            {
                "seen_by": "both" if both else subject.encoder,
                "class": rare.class_id,
                "verdict": rare.verdict,
                "size": rare.size,
                "q_value": rare.q_value,
                "counterpart": _name(theirs[at], subject) if both else "",
                "overlap": overlap,
                "differs_in": "" if both else _differences(subject, subject.members[i]),
            }
        )
    for f in alone:
        rows.append(
            {
                "seen_by": subject.second_name,
                "class": _name(f, subject),
                "verdict": f.verdict,
                "size": len(f.members),
                "q_value": f.q,
                "counterpart": "",
                "overlap": f.overlap,
                "differs_in": _differences(subject, f.members),
            }
        )
    for i, (row, group) in enumerate(zip(rows, groups, strict=True)):
        row["overdensity_first"], row["overdensity_second"] = float(here[i]), float(there[i])
        row["shared_neighbors"] = float(shared[group].mean())
    return pa.Table.from_pylist(rows, schema=CLASSES_SCHEMA)


def _differences(subject: Subject, members: IntArray) -> str:
    """The columns and votes in which members differ most from all others, q < 0.05 over these."""
    columns: dict[str, DoubleArray] = {
        name: values
        for name, values in subject.attributes.numbers.items()
        if not name.startswith(TRUTH) and not usable(values)
    }
    columns |= {
        f"expected {name}": subject.votes[:, i].astype(np.float64)
        for i, name in enumerate(subject.vote_columns)
    }
    outside = np.ones(len(subject), dtype=bool)
    outside[members] = False
    names, effects, p = [], [], []
    for name, values in columns.items():
        inside, others = values[members], values[outside]
        inside, others = inside[np.isfinite(inside)], others[np.isfinite(others)]
        if min(len(inside), len(others)) >= _FEWEST:
            effect, _, _, chance = rank_difference(inside, others)
            names.append(name)
            effects.append(effect)
            p.append(chance)
    q = q_values(array(p))
    told = [i for i in np.argsort(-np.abs(array(effects)), kind="stable") if q[i] < 0.05]
    return ", ".join(f"{names[i]} {effects[i]:+.2f}" for i in told[:_SAID])


def _likeness(first: Space, second: Space, shared: DoubleArray, seed: int) -> pa.Table:
    """Each measure beside what it gives where the second's sources are shuffled."""
    order = np.random.default_rng(seed).permutation(len(first))
    k, n = min(COMPARED, first.graph.indices.shape[1]), len(first)
    rows = [
        {
            "measure": "linear CKA",
            "value": linear_cka(first.vectors, second.vectors),
            "shuffled": linear_cka(first.vectors, second.vectors[order]),
        },
        {
            "measure": f"share of {k} nearest neighbors in common",
            "value": float(shared.mean()),
            "shuffled": k / (n - 1),
        },
    ]
    return pa.Table.from_pylist(rows)


def _members(subject: Subject, alone: Sequence[Found]) -> pa.Table:
    rows = [
        {
            "class": _name(f, subject),
            "id_str": subject.ids[row],
            "order": order,
            "core": order <= f.core,
        }
        for f in alone
        for order, row in enumerate(f.members.tolist(), start=1)
    ]
    return pa.Table.from_pylist(rows, schema=MEMBERS_SCHEMA)


def _sentence(
    subject: Subject,
    matched: Sequence[tuple[int, float]],
    alone: Sequence[Found],
    second: Space,
    shared: DoubleArray,
) -> str:
    both = sum(overlap >= MATCH for _, overlap in matched)
    return (
        f"{subject.second_name} finds {both} of the {len(matched)} classes again and "
        f"{len(alone)} that {subject.encoder} does not; the two share {shared.mean():.0%} of each "
        f"source's {COMPARED} nearest neighbors (linear CKA "
        f"{_two(linear_cka(subject.space.vectors, second.vectors))})."
    )


def _two(value: float) -> str:
    return f"{value:.2f}"


def _of_class(row: dict[str, object], subject: Subject) -> str:
    crowded = (
        f"its members are {row['overdensity_second']:.1f} times as crowded as their surroundings "
        f"there, {row['overdensity_first']:.1f} times here"
    )
    if row["seen_by"] == "both":
        return (
            f"{subject.second_name} finds it too (overlap {row['overlap']:.2f} with "
            f"{row['counterpart']}): {crowded}."
        )
    said = f" Set apart by {row['differs_in']}." if row["differs_in"] else ""
    return (
        f"Not a class to {subject.second_name} (best overlap {row['overlap']:.2f}): {crowded}."
        f"{said}"
    )


def _plot(subject: Subject, second: Space, alone: Sequence[Found]) -> Plot:
    kinds: list[tuple[str, Sequence[IntArray]]] = [
        (f"classes of {subject.encoder}", subject.members),
        (f"only {subject.second_name}", [f.members for f in alone]),
    ]
    series = []
    for label, groups in kinds:
        if groups:
            x = _overdensities(groups, subject.space)
            series.append(Series("points", x, _overdensities(groups, second), label))
    return Plot(
        "How many times as crowded as their surroundings the members of each class are, in the "
        "representations of both encoders; on the line in both alike.",
        f"overdensity, {subject.encoder}",
        f"overdensity, {subject.second_name}",
        (*series, Series("segments", array([1.0]), array([1.0]), "", array([10.0]), array([10.0]))),
        x_log=True,
        y_log=True,
    )


def _notes(other: Searched) -> tuple[str, ...]:
    return (
        f"The second search found {len(other.candidates)} candidates; its nulls were made anew: "
        f"{other.config.nulls.n} of each of {len(other.nulls)} kinds.",
    )
