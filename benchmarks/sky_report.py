"""The tables of ``simulated_sky.py``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from skies import KINDS, Survey
from tables import Row, publish, share, table

REACHABLE = 15
"""Sources of a kind with fewer of which it is not counted: no search is held to so few."""

GOOD = 0.7
"""Purity and completeness above which a class is a good one."""

LEGEND = f"""\
Found: a class that counts overlaps by half (Jaccard) with the kind; good: its purity and its
completeness are both above {GOOD}. Confirmed: for `plain` and `pixels` all their clusters, which
nothing judges. Of the confirmed classes that are no kind's, a piece has half or more of its members
from one kind, a false one less. Intervals are exact, 95%, and take kinds, and classes, as
independent of each other. Seconds are those of the search alone.

By kind: the overlap of the best class, and in brackets its purity, its completeness and its
members; **bold** where it is found. Where it is not, what overlaps most of all that was considered,
with its verdict, or `absent` where no candidate overlaps by half. Apart: the area under the ROC
curve of a linear probe with labels, and the enrichment of the kind among its members' neighbors
over its ceiling. `*`: found from the pixels alone. Kinds of less than {REACHABLE} sources are
unreachable and not counted."""


@dataclass(frozen=True)
class Section:
    """A survey and its rows: how far its kinds stand apart, then one a search."""

    survey: Survey
    rows: list[Row]

    @property
    def apart(self) -> list[Row]:
        return [row for row in self.rows if "separation" in row["case"]]

    @property
    def searched(self) -> list[Row]:
        return [row for row in self.rows if "search" in row["case"]]

    @property
    def members(self) -> dict[str, int]:
        """Of each kind."""
        return {kind: self.searched[0]["kinds"][kind]["members"] for kind in KINDS}

    @property
    def reachable(self) -> list[str]:
        return [kind for kind, n in self.members.items() if n >= REACHABLE]

    @property
    def by_pixels(self) -> set[str]:
        """Kinds that need no network."""
        rows = [row for row in self.searched if row["case"]["search"] == "pixels"]
        return {kind for row in rows for kind in KINDS if found(row, kind)}

    @property
    def title(self) -> str:
        visibility = "anchored visibility" if self.survey.visibility else "visibility 1"
        return f"{self.survey.prevalence:.1%} of each kind, {visibility}"


def found(row: Row, kind: str) -> bool:
    return bool(row["kinds"][kind]["verdict"] == "found")


def good(row: Row, kind: str) -> bool:
    one = row["kinds"][kind]
    return found(row, kind) and min(one["purity"], one["completeness"]) > GOOD


def summary(section: Section) -> str:
    """One line a search."""
    heads = ["search", "vectors", "kinds found (95%)", "of these good", "of these by pixels too",
             "confirmed", "of kinds", "pieces", "false of confirmed (95%)", "s"]  # fmt: skip
    kinds, lines = section.reachable, []
    for row in section.searched:
        hits = [kind for kind in kinds if found(row, kind)]
        lines.append([
            row["case"]["search"], row["case"]["vectors"], share(len(hits), len(kinds)),
            sum(good(row, kind) for kind in hits), len(section.by_pixels.intersection(hits)),
            row["classes"], row["classes"] - row["pieces"] - len(row["false"]), row["pieces"],
            share(len(row["false"]), row["classes"]), row["seconds"],
        ])  # fmt: skip
    return table(heads, lines)


def by_kind(section: Section) -> str:
    """One line a kind."""
    heads = ["kind", "sources", "visibility"]
    heads += [f"apart, {row['case']['separation']}" for row in section.apart]
    heads += [f"{row['case']['search']}, {row['case']['vectors']}" for row in section.searched]
    lines = []
    for kind, members in section.members.items():
        marks = f"{kind}{' *' if kind in section.by_pixels else ''}"
        number = str(members) if kind in section.reachable else f"{members}, unreachable"
        line = [marks, number, str(section.survey.visibility.get(kind, 1))]
        line += [distance(row["kinds"][kind]) for row in section.apart]
        line += [cell(row["kinds"][kind]) for row in section.searched]
        lines.append(line)
    return table(heads, lines)


def distance(apart: Row | None) -> str:
    return "too few" if apart is None else f"{apart['auc']:.3f}, {apart['share']:.2f}"


def cell(one: Row) -> str:
    """What became of a kind."""
    if not one["jaccard"]:
        return "absent"
    numbers = f"{one['purity']:.2f}, {one['completeness']:.2f}; {one['size']}"
    if one["verdict"] == "found":
        return f"**{one['jaccard']:.2f}** ({numbers})"
    return f"{one['verdict']} {one['jaccard']:.2f} ({numbers})"


def ranges(anchored: Row) -> str:
    """How far real rare kinds stand apart."""
    heads = ["vectors", "real kinds", "areas", "enrichments over their ceiling"]
    lines = [
        [name, what, "{:.3f} to {:.3f}".format(*of["auc"]), "{:.2f} to {:.2f}".format(*of["share"])]
        for name, found in anchored["range"].items()
        for what, of in found.items()
    ]
    held = "all real kinds" if anchored["by"] == "all" else "real ones of its like"
    said = f"Each anchored kind was held against {held}, with the default encoder."
    if outside := [f"{kind} ({where})" for kind, where in anchored["outside"].items()]:
        said += f" At no visibility within their range: {', '.join(outside)}."
    return (
        "How far real rare kinds stand apart ([anchors](anchors.md)), over their 95% intervals:"
        f"\n\n{table(heads, lines)}\n\n{said}"
    )


def report(sections: Sequence[Section], anchored: Row, args: argparse.Namespace) -> None:
    parts = [
        f"{args.sources} sources of seed {args.seed}, {len(KINDS)} kinds planted, {args.nulls} "
        "nulls of each kind.",
        ranges(anchored),
        LEGEND,
    ]
    for section in sections:
        lost = [kind for kind in KINDS if kind not in section.reachable]
        said = f"\n\nUnreachable: {', '.join(lost)}." if lost else ""
        parts.append(f"## {section.title}{said}\n\n{summary(section)}\n\n{by_kind(section)}")
    publish("\n\n".join(parts), "Rare kinds planted in a simulated survey", args.output)
