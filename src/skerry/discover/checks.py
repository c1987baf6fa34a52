"""The checks of a candidate, each with one sentence for its reader."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from skerry.discover.heldout import LEVEL, HeldOut
from skerry.discover.replicate import Replicated
from skerry.types import Check

Q_BELOW = 0.05
"""A class is held to be more than chance where its q-value is below this."""

REPLICATED = 0.5
"""The share of repeated searches that must find a class again."""

_KINDS = {
    "subsample": "on random subsets of the sources",
    "neighbors": "with other numbers of neighbors",
    "size": "with other smallest sizes",
    "samples": "with density measured on other scales",
    "route": "by the other route",
    "seed": "with other random starts of UMAP",
}


@dataclass(frozen=True)
class Bound:
    """What a measure is held against; ``measured`` on featureless data, or fixed beforehand."""

    value: float
    measured: bool


@dataclass(frozen=True)
class Evidence:
    """All that is known of one candidate; the first six are a row of ``Measures``.

    ``p`` and ``q`` are the worst over the kinds of featureless data, None where none was
    searched. ``replicated`` and ``held_out`` are None where no search was repeated. ``second`` is
    its coherence to a second encoder and the bound of that. ``edge`` is how many sources it has
    within its edge, and the most it may have.
    """

    size: int
    isolation: float
    overdensity: float
    coherence: float
    spread: float
    containment: float
    p: float | None = None
    q: float | None = None
    replicated: Replicated | None = None
    held_out: HeldOut | None = None
    second: tuple[float, float] | None = None
    edge: tuple[int, int] | None = None


def checks(
    evidence: Evidence, bounds: Mapping[str, Bound], min_size: int, largest: int
) -> tuple[Check, ...]:
    """The checks that the evidence allows, in a fixed order.

    ``null``, ``isolation``, ``coherence``, ``spread``, ``size``, ``edge``, ``replication``,
    ``held-out half`` and ``second encoder``; the first and the last four only where they were
    looked into.
    """
    made = [
        _null(evidence, bounds["containment"]),
        _isolation(evidence.isolation, bounds["isolation"]),
        _coherence(evidence.coherence, bounds["coherence"]),
        _spread(evidence.spread, bounds["spread"]),
        _size(evidence.size, min_size, largest),
        _edge(evidence.edge),
        _replication(evidence.replicated),
        _held_out(evidence.held_out),
        _second(evidence.second),
    ]
    return tuple(check for check in made if check is not None)


def _null(evidence: Evidence, bound: Bound) -> Check | None:
    q = evidence.q
    if q is None:
        return None
    held = _held(bound, _number(bound.value), of="chance groups")
    said = (
        "The share of its edges in the neighbor graph that leads out of it is "
        f"{_number(evidence.containment)} standard deviations below what is usual of groups of "
        f"its size{held} Of the classes at least as well contained, chance is "
        f"expected to give {_percent(q)} (q = {q:.2g}; below {Q_BELOW} is asked for)."
    )
    return Check("null", q, Q_BELOW, q < Q_BELOW, said)


def _isolation(value: float, bound: Bound) -> Check:
    said = (
        "Seen from a typical member, its 5th nearest source outside the class lies "
        f"{_number(math.exp(value))} times as far as its 5th nearest inside"
        f"{_held(bound, _number(math.exp(bound.value)))}"
    )
    return Check("isolation", value, bound.value, value > bound.value, said)


def _coherence(value: float, bound: Bound) -> Check:
    said = (
        f"Of the members' nearest neighbors {_percent(value)} are members themselves"
        f"{_held(bound, _percent(bound.value))}"
    )
    # no coherence is above 1, which chance groups in shuffled data may reach
    return Check("coherence", value, bound.value, value > bound.value or value >= 1, said)


def _spread(value: float, bound: Bound) -> Check:
    said = (
        f"The members lie {_number(value)} times as far from their center as the sources just "
        "outside do: a chain or a bridge would lie as far"
    )
    if bound.measured:
        said += "; in featureless data half of the chance groups of like size stay below "
        said += f"{_number(bound.value)}."
    else:
        said += _held(bound, _number(bound.value), high=False)
    return Check("spread", value, bound.value, value < bound.value, said)


def _held(
    bound: Bound, shown: str, high: bool = True, of: str = "chance groups of like size"
) -> str:
    """The end of a sentence: what the value was held against."""
    if bound.measured:
        return f"; in featureless data 95% of {of} stay at or below {shown}."
    side = "exceed" if high else "stay below"
    return (
        ". Featureless data gives too few chance groups to compare with, so it has only to "
        f"{side} a fixed bound, {shown}."
    )


def _size(size: int, min_size: int, largest: int) -> Check:
    bound = min_size if size < min_size else largest
    said = f"It has {size:,} members; a rare class has from {min_size:,} to {largest:,}."
    return Check("size", float(size), float(bound), min_size <= size <= largest, said)


def _edge(edge: tuple[int, int] | None) -> Check | None:
    if edge is None:
        return None
    size, most = edge
    said = f"Grown around its core it is set apart from the rest best at {size:,} sources"
    if size <= most:
        said += f", before {most:,}, as a class that has an edge is."
    else:
        said += f"; a class ends by {most:,}, this one is a dense part of something that goes on."
    return Check("edge", float(size), float(most), size <= most, said)


def _replication(replicated: Replicated | None) -> Check | None:
    if replicated is None:
        return None
    share = replicated.share
    listed = ", ".join(
        f"{found} of {of} {_KINDS.get(kind, f'with another {kind}')}"
        for kind, (found, of) in replicated.kinds.items()
    )
    said = (
        f"Repeated searches found it again ({listed}): {_percent(share)}, each kind of repetition "
        f"counted alike; at least {_percent(REPLICATED)} is asked for."
    )
    return Check("replication", share, REPLICATED, share >= REPLICATED, said)


def _held_out(half: HeldOut | None) -> Check | None:
    if half is None:
        return None
    found = half.found_in_a + half.found_in_b
    said = (
        "The sources were split in two random halves: "
        f"{('neither', 'one', 'each')[found]} by itself has a group that is it."
    )
    if found:
        said += (
            " In the half not searched the sources whose neighbors are mostly its members keep to "
            f"each other: the share of their edges that leads out is {_number(half.containment)} "
            f"standard deviations below what is usual (p = {half.p:.2g} for ordinary groups)."
        )
    return Check("held-out half", half.p, LEVEL, half.passed, said)


def _second(second: tuple[float, float] | None) -> Check | None:
    if second is None:
        return None
    value, bound = second
    said = (
        f"To a second encoder, {_percent(value)} of the members' nearest neighbors are members; "
        f"more than {_percent(bound)} is asked for."
    )
    return Check("second encoder", value, bound, value > bound, said)


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%" if share >= 0.1 else f"{100 * share:.2g}%"
