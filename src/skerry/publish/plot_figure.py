"""An answer's plot, given as data, drawn."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np

from skerry.answer import Plot, Series
from skerry.publish.figures import COLORS, INK, Canvas

_FAINT = "#8a96a3"
_MARKS = ("o", "s", "^", "D", "v", "P")


def plot_figure(plot: Plot) -> bytes:
    """Draw a plot, as PNG bytes. Series differ by color and by mark."""
    height = 4.0 if not plot.y_ticks else min(9.0, 1.2 + 0.28 * len(plot.y_ticks))
    with Canvas(figsize=(7.2, height)) as canvas:
        axes = canvas.figure.add_subplot()
        if plot.x_log:
            axes.set_xscale("log")
        if plot.y_log:
            axes.set_yscale("log")
        for place in plot.at_x:
            axes.axvline(place, color=_FAINT, lw=0.9, ls="--", zorder=0)
        for place in plot.at_y:
            axes.axhline(place, color=_FAINT, lw=0.9, ls="--", zorder=0)
        styles = cycle(zip(COLORS, cycle(_MARKS), strict=False))
        for series, (color, mark) in zip(plot.series, styles, strict=False):
            _DRAW[series.mark](axes, series, color, mark)
        _ticks(axes, plot)
        axes.set_xlabel(plot.x)
        axes.set_ylabel(plot.y)
        if any(series.label for series in plot.series if series.mark != "cells"):
            _legend(axes, plot)
        return canvas.png()


def _points(axes: Any, series: Series, color: str, mark: str) -> None:
    many = len(series.x) > 200
    style: dict[str, Any] = {"ms": 2.5, "alpha": 0.6} if many else {"ms": 5.5, "mec": "white"}
    axes.plot(
        series.x, series.y, mark, color=color, mew=0.5, label=series.label, rasterized=many, **style
    )
    _texts(axes, series)


def _line(axes: Any, series: Series, color: str, mark: str) -> None:
    if series.low is not None and series.high is not None:
        axes.fill_between(series.x, series.low, series.high, color=color, alpha=0.18, lw=0)
    few = mark if len(series.x) <= 30 else ""
    axes.plot(series.x, series.y, color=color, lw=1.6, marker=few, ms=4, label=series.label)


def _intervals(axes: Any, series: Series, color: str, mark: str) -> None:
    low = series.low if series.low is not None else series.x
    high = series.high if series.high is not None else series.x
    draw = axes.hlines if series.across else axes.vlines
    draw(series.y if series.across else series.x, low, high, color=color, lw=1.6)
    axes.plot(series.x, series.y, mark, color=color, ms=5.5, mec="white", mew=0.5,
              label=series.label)  # fmt: skip
    _texts(axes, series)


def _bars(axes: Any, series: Series, color: str, mark: str) -> None:
    if series.across:
        axes.barh(series.y, series.x, height=0.7, color=color, label=series.label)
    else:
        axes.bar(series.x, series.y, width=0.7, color=color, label=series.label)


def _segments(axes: Any, series: Series, color: str, mark: str) -> None:
    from matplotlib.collections import LineCollection

    if series.low is None or series.high is None:
        raise ValueError("segments need low and high: where each line ends")
    ends = np.stack([series.x, series.y, series.low, series.high], axis=1).reshape(-1, 2, 2)
    axes.add_collection(LineCollection(list(ends), colors=_FAINT, lw=1.0, zorder=0), autolim=True)
    axes.autoscale_view()


def _cells(axes: Any, series: Series, color: str, mark: str) -> None:
    rows, columns = (int(v) for v in series.x)
    values = np.ma.masked_invalid(series.y.reshape(rows, columns))
    axes.imshow(values, aspect="auto", cmap="cividis", interpolation="nearest")
    low, high = (float(values.min()), float(values.max())) if values.count() else (0.0, 1.0)
    for i, text in enumerate(series.text):
        row, column = divmod(i, columns)
        value = values[row, column]
        dark = np.ma.is_masked(value) or float(value) > low + 0.6 * (high - low)
        axes.text(column, row, text, ha="center", va="center", fontsize=8,
                  color=INK if dark else "white")  # fmt: skip
    for spine in axes.spines.values():
        spine.set_visible(False)


_DRAW = {
    "points": _points,
    "line": _line,
    "intervals": _intervals,
    "bars": _bars,
    "segments": _segments,
    "cells": _cells,
}


def _texts(axes: Any, series: Series) -> None:
    for x, y, text in zip(series.x, series.y, series.text, strict=False):
        axes.annotate(text, (x, y), (4, 4), textcoords="offset points", fontsize=8, color=INK)


def _ticks(axes: Any, plot: Plot) -> None:
    # no mathematics in names: a column may hold $ and _
    if plot.x_ticks:
        turned = sum(map(len, plot.x_ticks)) > 60
        axes.set_xticks(range(len(plot.x_ticks)), plot.x_ticks, rotation=35 if turned else 0,
                        ha="right" if turned else "center", parse_math=False)  # fmt: skip
    if plot.y_ticks:
        axes.set_yticks(range(len(plot.y_ticks)), plot.y_ticks, parse_math=False)
        if not any(series.mark == "cells" for series in plot.series):
            axes.set_ylim(-0.6, len(plot.y_ticks) - 0.4)


def _legend(axes: Any, plot: Plot) -> None:
    axes.legend(frameon=False, fontsize=9, loc="best" if not plot.y_ticks else "lower right")
