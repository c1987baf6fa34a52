"""Every kind of plot can be drawn, whatever stands in it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from skerry.answer import Plot, Series, array
from skerry.publish.plot_figure import plot_figure

X, Y = array([1, 2, 3]), array([3, np.nan, 2])
SERIES = {
    "points": Series("points", X, Y, "a $b_1$", text=("one", "two", "three")),
    "line": Series("line", X, Y, "a", X, X + 1),
    "intervals": Series("intervals", X, Y, "a", Y - 1, Y + 1),
    "across": Series("intervals", X, Y, "a", X - 1, X + 1, across=True),
    "bars": Series("bars", X, Y, "a"),
    "segments": Series("segments", X, X, "", X + 1, X + 2),
    "cells": Series("cells", array([2, 3]), array([1, 2, 3, 4, 5, np.nan]), text=tuple("abcdef")),
}


def drawn(plot: Plot) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(plot_figure(plot))).convert("L"))


@pytest.mark.parametrize("name", SERIES)
def test_each_mark_is_drawn(name: str) -> None:
    ticks = ("$x$ & <y>", "q_1", "third", "a long name of a column")
    empty = drawn(Plot("c", "x", "y", (), y_ticks=ticks, at_x=(1.0,)))
    full = drawn(Plot("c", "x", "y", (SERIES[name],), y_ticks=ticks, at_x=(1.0,)))
    assert empty.shape == full.shape and (empty != full).any()


def test_the_same_plot_gives_the_same_bytes() -> None:
    plot = Plot("c", "x", "y", tuple(SERIES.values())[:4], x_log=True)
    assert plot_figure(plot) == plot_figure(plot)


def test_many_points_and_long_names() -> None:
    x = np.linspace(1, 9, 5000)
    plot = Plot("c", "x", "y", (Series("points", x, x),), x_ticks=("name of a setting",) * 9)
    assert drawn(plot).min() < 200


def test_segments_need_ends() -> None:
    with pytest.raises(ValueError, match="where each line ends"):
        plot_figure(Plot("c", "x", "y", (Series("segments", X, Y),)))
