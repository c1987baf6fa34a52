"""The figure of scores: retrieval by kind, vote error by question, invariance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skerry.publish.figures import COLORS, INK, Canvas
from skerry.represent.score.result import (
    ENCODER,
    MEAN,
    PIXELS,
    RIDGE,
    SHUFFLED,
    UNTRAINED,
    VIEWS,
    Row,
    Section,
)

_COLOR = dict(zip((ENCODER, UNTRAINED, PIXELS, RIDGE, VIEWS, MEAN, SHUFFLED), COLORS, strict=True))
_MARK = {
    ENCODER: "o",
    VIEWS: "D",
    RIDGE: "v",
    UNTRAINED: "s",
    PIXELS: "^",
    SHUFFLED: "x",
    MEAN: "P",
}
_CEILING = "#c3ccd5"
_PANELS: tuple[tuple[tuple[Section, ...], str], ...] = (
    (("enrichment", "artifacts"), "enrichment among 20 neighbors"),
    (("votes",), "RMSE of cumulative vote fractions"),
    (("first",), "share whose original is found first"),
)


def score_figure(rows: Sequence[Row]) -> bytes:
    """Scores with their 95% intervals, as PNG bytes: a panel for each measure there is.

    Subjects go down, values across; ways are told apart by color and mark. A gray bar is a
    kind's ceiling.
    """
    panels = [
        (label, _subjects(rows, sections), [r for r in rows if r.section in sections])
        for sections, label in _PANELS
        if any(r.section in sections for r in rows)
    ]
    heights = [max(1.2, 0.1 + _lines(found)) for _, _, found in panels]
    with Canvas(figsize=(7.2, 0.6 + sum(heights) + 0.5 * len(panels))) as canvas:
        grid = canvas.figure.add_gridspec(max(1, len(panels)), 1, height_ratios=heights or [1])
        for i, (label, subjects, found) in enumerate(panels):
            _panel(canvas.figure.add_subplot(grid[i]), label, subjects, found)
        _legend(canvas.figure, [r for _, _, found in panels for r in found])
        return canvas.png()


def _subjects(rows: Sequence[Row], sections: Sequence[Section]) -> list[str]:
    return list(dict.fromkeys(r.subject for r in rows if r.section in sections))


def _lines(rows: Sequence[Row]) -> float:
    """Height in inches that the points of a panel need."""
    ways = len({r.way for r in rows})
    return len({r.subject for r in rows}) * (0.1 + 0.075 * ways)


def _panel(axes: Any, label: str, subjects: Sequence[str], rows: Sequence[Row]) -> None:
    ways = [w for w in _MARK if any(r.way == w for r in rows)]
    step = 0.8 / max(1, len(ways))
    for row in rows:
        y = subjects.index(row.subject) + (ways.index(row.way) - (len(ways) - 1) / 2) * step
        if row.low is not None and row.high is not None:
            axes.plot([row.low, row.high], [y, y], "-", lw=1.2, color=_COLOR[row.way])
        axes.plot(row.value, y, _MARK[row.way], ms=4.5, color=_COLOR[row.way])
        if row.ceiling is not None and row.way == ENCODER:
            at = subjects.index(row.subject)
            axes.plot([row.ceiling] * 2, [at - 0.42, at + 0.42], "-", lw=3, color=_CEILING)
    for between in range(1, len(subjects)):
        axes.axhline(between - 0.5, lw=0.4, color="#d5dbe1")
    axes.set_ylim(len(subjects) - 0.5, -0.5)
    axes.set_yticks(range(len(subjects)), subjects)
    axes.tick_params(axis="y", length=0)
    _scale(axes, rows)
    axes.set_xlabel(label)


def _scale(axes: Any, rows: Sequence[Row]) -> None:
    """Enrichments, whose ceilings are often tens, on a logarithm above chance, which is 1."""
    from matplotlib.ticker import FixedLocator, ScalarFormatter

    section = rows[0].section
    axes.set_xlim(0, 1.02 if section == "first" else None)
    if section not in ("enrichment", "artifacts"):
        return
    axes.axvline(1.0, lw=0.8, ls=":", color=INK)
    top = max(r.ceiling or r.value for r in rows)
    if top > 5:
        axes.set_xscale("symlog", linthresh=1.0, linscale=0.4)
        axes.xaxis.set_major_locator(FixedLocator([0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]))
        axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.set_xlim(0, 1.1 * top)


def _legend(figure: Any, rows: Sequence[Row]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], ls="", marker=mark, ms=5, color=_COLOR[way], label=way)
        for way, mark in _MARK.items()
        if any(r.way == way for r in rows)
    ]
    if any(r.ceiling is not None for r in rows):
        handles.append(Line2D([], [], lw=3, color=_CEILING, label="ceiling"))
    if handles:
        figure.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False)
