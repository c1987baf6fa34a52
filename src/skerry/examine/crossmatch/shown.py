"""What the cross-match with labels and anomalies says, in sentences and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from skerry.answer import Plot, Series, array
from skerry.examine.crossmatch.anomalies import SEEN, Surfaced
from skerry.examine.crossmatch.enrichment import COMMON, HELD, Enrichment
from skerry.examine.statistics import exact_interval
from skerry.examine.subject import Subject
from skerry.types import IntArray

SHOWN = 12
"""Labels in a class's figure, and classes in the figures of all."""


def best_label(own: Sequence[Enrichment]) -> Enrichment | None:
    """The label that says most of a class: of those that make it a known type the surest, else of
    those that explain some members, else of those that are enriched; None where none is."""
    for chosen in (
        [e for e in own if e.rediscovered],
        [e for e in own if e.explains],
        [e for e in own if e.enriched],
    ):
        if chosen:
            return min(chosen, key=lambda e: (e.p, e.share_of_all, e.label))
    return None


def sentence_of_class(
    own: Sequence[Enrichment], standing: Sequence[Surfaced], counts: Mapping[str, int]
) -> str:
    """One class: its labels, what they leave unexplained, and its members among anomalies."""
    return " ".join(part for part in (_labels_said(own, counts), _anomalies_said(standing)) if part)


def _labels_said(own: Sequence[Enrichment], counts: Mapping[str, int]) -> str:
    if not own:
        return "No member has a known label."
    best = best_label(own)
    if best is None:
        return f"None of {len(own)} labels is more common in it than among other sources."
    odds, low, high = best.odds
    told = (
        f"{best.label}, which {best.having} of {best.members} members have and "
        f"{best.share_of_all:.1%} of all sources (odds ratio {odds:.3g}, {low:.3g} to "
        f"{high:.3g}; q = {best.q:.2g}); the class has {best.complete:.0%} of those with it"
    )
    unexplained = counts["unexplained"]
    left = f"{unexplained} member{' is' if unexplained == 1 else 's are'} explained by no label."
    if best.rediscovered:
        return f"A known type rediscovered: {told}. {left}"
    if best.explains:
        return f"No known type: at most {HELD:.0%} have one label. Enriched is {told}. {left}"
    why = "too common to tell a rare type" if best.share_of_all > COMMON else "too often by chance"
    return f"No known type: enriched is only {told}, {why}. {left}"


def _anomalies_said(standing: Sequence[Surfaced]) -> str:
    if not standing:
        return ""
    best = min(standing, key=lambda s: s.until_seen)
    among = " and ".join(f"{s.among_them} ({s.method})" for s in standing)
    return (
        f"Among the {best.looked} most anomalous sources are {among} of its members; the "
        f"{min(SEEN, best.members)} most anomalous of them are met within {best.until_seen} "
        f"sources ({best.method}; {best.by_chance:.0f} in random order)."
    )


def label_figure(subject: Subject, found: Sequence[Enrichment]) -> Plot | None:
    """The best label of each class: how many members have it, and how many of all sources."""
    bests = [
        (rare.class_id, best)
        for i, rare in enumerate(subject.classes)
        if (best := best_label([e for e in found if e.number == i]))
    ][:SHOWN]
    if not bests:
        return None
    return _shares(
        [(f"{class_id}: {best.label}", best) for class_id, best in bests],
        "The label that says most of each class: the share of members that have it, with its exact "
        "95% interval, and the share of all labeled sources.",
    )


def labels_of_class(class_id: str, own: Sequence[Enrichment]) -> Plot | None:
    """The labels of one class that are least likely by chance."""
    first = sorted((e for e in own if e.having), key=lambda e: (e.p, e.label))[:SHOWN]
    if not first:
        return None
    return _shares(
        [(e.label, e) for e in first],
        f"How many members of {class_id} have each label, with the exact 95% interval, beside the "
        "share of all labeled sources; the least likely by chance at the top.",
    )


def _shares(named: Sequence[tuple[str, Enrichment]], caption: str) -> Plot:
    named = list(named)[::-1]
    at = array(range(len(named)))
    intervals = array([exact_interval(e.having, e.members) for _, e in named])
    inside = Series(
        "intervals",
        array([e.share for _, e in named]),
        at,
        "members",
        intervals[:, 0],
        intervals[:, 1],
        across=True,
    )
    everywhere = Series("points", array([e.share_of_all for _, e in named]), at, "all sources")
    return Plot(
        caption,
        "share with the label",
        "",
        (inside, everywhere),
        y_ticks=tuple(name for name, _ in named),
    )


def sought_figure(subject: Subject, ranks: Mapping[str, IntArray]) -> Plot:
    """How many members of each class are met as one looks through the most anomalous sources."""
    drawn = []
    for rare, rows in list(zip(subject.classes, subject.members, strict=True))[:SHOWN]:
        # of the two methods the one that would have shown the class earlier
        best = min(ranks.values(), key=lambda rank: int(np.sort(rank[rows])[:SEEN][-1]))
        met = np.sort(best[rows]).astype(np.float64)
        share = np.arange(1, len(met) + 1) / len(met)
        drawn.append(Series("line", met, share, rare.class_id))
    even = np.geomspace(1, len(subject), 50)
    drawn.append(Series("line", even, even / len(subject), "random order"))
    return Plot(
        "The share of each class's members met when looking through single sources, the most "
        "anomalous first (by the better of two methods): above the line of a random order, a "
        "search for outliers meets the class sooner than chance.",
        "sources looked through",
        "share of the members met",
        tuple(drawn),
        x_log=True,
    )
