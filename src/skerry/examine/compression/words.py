"""What the comparison of classes before and after compression is called, said and drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from skerry.answer import Plot, Series, array
from skerry.discover.matching import MATCH
from skerry.examine.compression.preservation import Preservation
from skerry.examine.searching.null_embeddings import NullEmbedding
from skerry.examine.subject import Subject

BEFORE = "before compression"
AFTER = "only after compression"
CHANCE = "as chance, without compression"
PART = "as part of a group, without compression"
NEITHER = "in neither"
UNTESTED = "not tested"

NAMED = 8
"""Classes that are named in the figure, at most."""

CAVEAT = (
    "UMAP makes its groups of differences that are there before, if only by chance, and "
    "a real class may be too faint to be told from chance before compression: 'only after "
    "compression' says that without UMAP this survey holds no evidence for the class, not that it "
    "is none. How dense a group is in an embedding means little: UMAP evens densities out by "
    "design. Trustworthiness and continuity look at the nearest neighbors alone, not at how far "
    "apart groups are. An encoder is a compression too, of the images, which this does not judge."
)

_SAID = {
    BEFORE: ("exists before compression", "exist before compression"),
    AFTER: ("is there only after it", "are there only after it"),
    CHANCE: (
        "is found without it, but no better contained than groups of chance",
        "are found without it, but no better contained than groups of chance",
    ),
    PART: (
        "is part of a group that is found without it",
        "are parts of groups that are found without it",
    ),
    NEITHER: ("stands apart on neither side", "stand apart on neither side"),
    UNTESTED: ("could not be tested", "could not be tested"),
}

Row = Mapping[str, Any]
"""A row of the table ``compression``."""


def sentence(rows: Sequence[Row], nulls: Sequence[NullEmbedding], kept: Preservation) -> str:
    """The answer in words."""
    counted = Counter(str(row["exists"]) for row in rows)
    parts = [
        f"{counted[name]} {said[counted[name] != 1]}"
        for name, said in _SAID.items()
        if counted[name] or name in (BEFORE, AFTER)
    ]
    text = f"Of {len(rows)} {'class' if len(rows) == 1 else 'classes'} {', '.join(parts)}."
    if len(before := _pooled(nulls, "before")):
        text += (
            f" UMAP raises the median overdensity of groups in featureless data from "
            f"{np.median(before):.1f} to {np.median(_pooled(nulls, 'after')):.1f}."
        )
    return (
        f"{text} Trustworthiness of the whole embedding {kept.trustworthiness.overall:.3f}, "
        f"continuity {kept.continuity.overall:.3f} ({kept.neighbors} neighbors)."
    )


def of_class(row: Row, alpha: float) -> str:
    """What is said of one class."""
    both = f"{_contained(row)} {_density(row)}"
    if np.isfinite(row["null_after"]):
        both += (
            f"; at most {row['null_before']:.1%} and {row['null_after']:.1%} of the groups in "
            "compressed featureless data are as dense before and after"
        )
    return (
        f"{_verdict(row, alpha)} {both}. Of its members' neighborhoods trustworthiness is "
        f"{_beside(row, 'trustworthiness')} and continuity {_beside(row, 'continuity')}. "
        f"{_routes(row)}"
    )


def _contained(row: Row) -> str:
    members = f"its {row['core']} members"
    if row["members"] > row["core"]:
        members = f"the {row['core']} members that it was judged by"
    off = row["containment_core_before"]
    return (
        f"The share of edges in the neighbor graph that leads out of {members} is {abs(off):.1f} "
        f"standard deviations {'below' if off >= 0 else 'above'} what is usual of groups of that "
        f"size{_q(row['q_before'])}."
    )


def _density(row: Row) -> str:
    within = f"{row['overdensity_after']:.1f} times in the embedding"
    added = row["members"] - row["core"]
    if not added:
        return (
            f"They lie {row['overdensity_before']:.1f} times as dense as their surroundings "
            f"among the representations, {within}"
        )
    return (
        f"They lie {row['overdensity_core_before']:.1f} times as dense as their surroundings among "
        f"the representations; with the {added} that complete it "
        f"{row['overdensity_before']:.1f} times, {within}"
    )


def _verdict(row: Row, alpha: float) -> str:
    exists = row["exists"]
    if exists == BEFORE:
        apart = row["random_after"] <= alpha or row["overlap_umap"] >= MATCH
        return "Exists before compression." if apart else (
            "Exists before compression; in the embedding it stands out no more than random "
            "neighborhoods of its size."
        )  # fmt: skip
    return {
        AFTER: "Exists only after compression: before it is no better contained than groups of "
        "chance.",
        CHANCE: "No artifact of compression, but chance may explain it: the graph route finds it "
        "among the representations, no better contained than groups of chance there.",
        PART: f"Part of a group that needs no compression: {row['within_graph']:.0%} of it lies in "
        "one candidate of the graph route. By itself it is no better contained than groups of "
        "chance.",
        NEITHER: "Stands apart neither before nor after compression: no route finds it again.",
        UNTESTED: "Not tested: the run searched no featureless data, and here too little to tell.",
    }[exists]


def _q(q: float) -> str:
    return f" (q = {q:.2g})" if np.isfinite(q) else ""


def _beside(row: Row, name: str) -> str:
    return (
        f"{row[name]:.3f} (random neighborhoods of its size: {row[f'{name}_random']:.3f}, "
        f"{row[f'{name}_below']:.0%} of them lower)"
    )


def _routes(row: Row) -> str:
    graph, umap = row["overlap_graph"], row["overlap_umap"]
    overlaps = f"(Jaccard {graph:.2f} by graph, {umap:.2f} by umap-hdbscan)"
    if min(graph, umap) >= MATCH:
        return f"Both routes find it {overlaps}."
    if max(graph, umap) < MATCH:
        return f"Neither route finds it with the run's settings {overlaps}."
    name = "graph" if graph >= MATCH else "umap-hdbscan"
    return f"Only the route {name} finds it {overlaps}."


def figure(rows: Sequence[Row], nulls: Sequence[NullEmbedding]) -> Plot:
    """Overdensity before against after."""
    before = _pooled(nulls, "before")
    drawn = []
    if len(before):
        label = f"{len(before):,} groups in featureless data"
        drawn.append(Series("points", before, _pooled(nulls, "after"), label))
    for name in _SAID:
        own = [row for row in rows if row["exists"] == name]
        if own:
            drawn.append(
                Series(
                    "points",
                    array([row["overdensity_core_before"] for row in own]),
                    array([row["overdensity_after"] for row in own]),
                    name,
                    text=tuple(str(row["class_id"]) for row in own) if len(rows) <= NAMED else (),
                )
            )
    return Plot(
        "How dense each class is beside its surroundings, among the representations (across) and "
        "in UMAP's embedding (up): how many times as many sources a member has within the distance "
        "of the 5th source outside as without the class. Dots: what umap-hdbscan finds in "
        "featureless data after the same compression. Of a class the members that it was judged by "
        "are measured across, all of them up. A class that only UMAP makes lies among "
        "them; dashed: 95% of them lie to the left.",
        "overdensity before compression",
        "overdensity after",
        tuple(drawn),
        at_x=(_bound(nulls),) if len(before) else (),
        x_log=True,
        y_log=True,
    )


def _pooled(nulls: Sequence[NullEmbedding], side: str) -> Any:
    return np.concatenate([np.zeros(0), *(getattr(one, side).overdensity for one in nulls)])


def _bound(nulls: Sequence[NullEmbedding]) -> float:
    """What 95% of the null candidates of every kind stay below before compression."""
    kinds = {one.kind for one in nulls}
    parts = [_pooled([one for one in nulls if one.kind == kind], "before") for kind in kinds]
    return max(float(np.percentile(part, 95)) for part in parts if len(part))


def notes(subject: Subject, rows: Sequence[Row], searches: int) -> tuple[str, ...]:
    """What was missing or left out."""
    found = []
    if not searches:
        found.append("No featureless data was compressed (nulls = 0).")
    if any(rare.q_value is None for rare in subject.classes):
        found.append(
            "The run has no nulls: q is of the searches made here, of which q below 0.05 for a "
            "single class takes 20 of each kind (nulls = 20)."
        )
    if any(row["exists"] == UNTESTED for row in rows):
        found.append("Classes not tested: run again with nulls.n = 20, or set nulls = 20 here.")
    if not subject.embedding.spectral:
        found.append("UMAP's usual start failed for this embedding: it began at random.")
    if subject.space.graph.recall < 1:
        found.append(
            f"The neighbor graph finds {subject.space.graph.recall:.0%} of the true neighbors: "
            "trustworthiness and continuity are a little too low."
        )
    return tuple(found)
