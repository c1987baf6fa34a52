"""What is said and drawn of the settings in which classes live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from skerry.answer import Plot, Series, array
from skerry.examine.searching.sweeps import TOGETHER, Setting
from skerry.examine.sensitivity.regions import Region
from skerry.examine.sensitivity.survival import FEWEST
from skerry.examine.settings import ExamineConfig
from skerry.examine.subject import Subject
from skerry.types import DoubleArray, IntArray

CAVEAT = (
    "That a group comes back with other settings says that it is no accident of one choice, not "
    "that it is more than chance: the same sources are searched, and groups of chance come back "
    "too, which is why they are beside it. Candidates are compared as they are; no setting but "
    "the run's own has a q-value. Shares hang on which values are tried, and larger groups bear "
    "more settings than small ones. Grids are a few values a setting, one or two varied at a time."
)

_SAID = {
    "split": "splits at",
    "merged": "merges into a larger group at",
    "shrunk": "shrinks to a part at",
    "lost": "lost at",
    "not allowed": "no class of its size allowed at",
}

Row = Mapping[str, Any]


def sentence(
    rows: Sequence[Row],
    tried: Sequence[Setting],
    n_own: int,
    found: Sequence[Sequence[IntArray]],
    nulls: Sequence[Row],
    alpha: float,
) -> str:
    """The answer in words."""
    numbers = [len(there) for there in found]
    text = f"With its own settings the search finds {numbers[0]} candidates"
    if nulls:
        expected = [row["candidates"] for row in nulls]
        text += f" (in featureless data {min(expected):.0f} to {max(expected):.0f})"
    text += f", with {n_own - 1} others by {tried[0].route} {_range(numbers[1:n_own])}"
    if len(tried) > n_own:
        others = len(tried) - n_own
        text += f", with {others} of another route or embedding {_range(numbers[n_own:])}"
    half = sum(row["share"] >= 0.5 for row in rows)
    text += (
        f". {half} of {len(rows)} {'class' if len(rows) == 1 else 'classes'} "
        f"{'lives' if half == 1 else 'live'} in at least half of the settings by {tried[0].route} "
        "that allow the size"
    )
    if np.isfinite([row["q_value"] for row in rows]).any():
        longer = sum(row["q_value"] <= alpha for row in rows)
        text += f", {longer} in more than groups of chance do (q at most {alpha:g})"
    return text + "."


def _range(numbers: Sequence[int]) -> str:
    if not numbers:
        return "none"
    low, high = min(numbers), max(numbers)
    return f"{low} to {high}" if low < high else f"{low}"


def of_class(row: Row, route: str, lived: Sequence[Region]) -> str:
    """What is said of one class."""
    text = f"Found in {row['kept']} of the {row['settings']} other settings by {route} "
    text += "that allow its size"
    if np.isfinite(row["null_share"]):
        text += (
            f" ({row['share']:.0%}; at most {row['null_share']:.1%} of groups in featureless data "
            f"live as long, q = {row['q_value']:.2g})"
        )
    own = [_said(region) for region in lived if region.route == route]
    other = _elsewhere([region for region in lived if region.route != route])
    text += f": {'; '.join(own)}." if own else "."
    if row["other_settings"]:
        text += f" Elsewhere in {row['other_kept']} of {row['other_settings']}"
        text += f" (umap-hdbscan: {other})." if other else "."
    return text


def _elsewhere(lived: Sequence[Region]) -> str:
    """The regions by another route, or that there is none."""
    if any(region.along != "seed" and region.low is None for region in lived):
        return "not with the run's own embedding"
    return "; ".join(_said(region) for region in lived)


def _said(region: Region) -> str:
    if region.along == "seed":
        return f"{region.kept} of {region.tried} seeds"
    if region.low is None or region.high is None:
        return f"{region.along} at {region.kept} of {region.tried}, not the run's own"
    around = [
        f"{_SAID[fate]} {value:g}"
        for fate, value in ((region.below, region.next_below), (region.above, region.next_above))
        if fate and value is not None
    ]
    span = (
        f"{region.low:g} to {region.high:g}" if region.low < region.high else f"only {region.own:g}"
    )
    return f"{region.along} {span} ({', '.join(around) if around else 'all'})"


def class_plot(class_id: str, own: Sequence[Setting], overlap: DoubleArray) -> Plot:
    """The best overlap of a class by the two settings that are varied together."""
    names = TOGETHER[own[0].route]
    grid = {
        (setting.value(names[0]), setting.value(names[1])): float(overlap[j])
        for j, setting in enumerate(own)
        if set(setting.changed) <= set(names)
    }
    firsts, sizes = (sorted({key[i] for key in grid}) for i in (0, 1))
    values = [grid.get((a, b), np.nan) for a in firsts for b in sizes]
    return Plot(
        f"How well the best candidate overlaps {class_id} (Jaccard) for each pair of settings; "
        f"from 0.5 on it is the same class. The run's own: {names[0]} {own[0].value(names[0]):g}, "
        f"{names[1]} {own[0].value(names[1]):g}. A class that fills the plot hangs on no choice.",
        f"{names[1]} (sources)",
        f"{names[0]} (neighbors)",
        (
            Series(
                "cells",
                array([len(firsts), len(sizes)]),
                array(values),
                text=tuple("" if np.isnan(v) else f"{v:.2f}" for v in values),
            ),
        ),
        x_ticks=tuple(f"{v:g}" for v in sizes),
        y_ticks=tuple(f"{v:g}" for v in firsts),
    )


def notes(
    subject: Subject,
    tried: Sequence[Setting],
    umap: bool,
    number: int,
    settings: ExamineConfig,
    nulls: Mapping[str, Sequence[DoubleArray]],
) -> tuple[str, ...]:
    """What was missing or left out."""
    found = []
    width = subject.space.graph.indices.shape[1]
    if not umap:
        found.append(
            f"UMAP was not run again, as there are more than {settings.umap_sources:,} sources: "
            "n_neighbors, n_components, min_dist and seeds were not varied (set umap_sources)."
        )
    found.append(
        f"Up to the {width} neighbors that the run has cached; more would need another graph."
    )
    if not subject.null_measures:
        found.append("The run searched no featureless data: what is expected of it is of searches "
                     "made here.")  # fmt: skip
    if not number:
        found.append("No featureless data was searched with other settings.")
    few = [kind for kind, parts in nulls.items() if sum(map(len, parts)) < FEWEST]
    if nulls and not any(len(part) for parts in nulls.values() for part in parts):
        found.append("Featureless data gave no group to compare with.")
    elif few and len(few) < len(nulls):
        found.append(
            f"Too few groups in featureless data to compare with, left out: {', '.join(few)}."
        )
    elif few:
        found.append("Few groups in featureless data: all kinds were put together.")
    return tuple(found)
