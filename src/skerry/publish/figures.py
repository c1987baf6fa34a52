"""Figures: the map of all sources, and the classes by size and containment."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
import numpy.typing as npt

from skerry.discover.classes import members_of
from skerry.publish.findings import Findings
from skerry.types import RareClass

NUMBERED = 20
"""Classes that get a color and a number on a figure, rejected ones never."""

# Okabe & Ito (2008), told apart with any color vision; yellow left out, too faint on white
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_SEA, _OTHER, INK = "#9aa7b4", "#5b6672", "#1b2733"
_DPI = 200
_DRAWN = 2**16

_Points = npt.NDArray[np.float64]


def map_figure(findings: Findings) -> bytes:
    """The map of all sources with the classes on it, as PNG bytes.

    The sources are a gray sea; the first ``NUMBERED`` classes by rank are colored and numbered
    by rank, the others, and rejected ones, dark gray. The axes have no unit and no meaning of
    their own.
    """
    with Canvas(figsize=(7.2, 5.76)) as canvas:
        axes = canvas.figure.add_subplot()
        sea = findings.map[np.isfinite(findings.map).all(axis=1)].astype(np.float64)
        _scatter_sea(axes, sea)
        groups = _members_on_map(findings, findings.kept)
        for points in (*groups[NUMBERED:], *_members_on_map(findings, findings.rejected)):
            axes.plot(*points.T, ".", ms=2.5, mew=0, color=_OTHER, rasterized=True)
        for points, color in zip(groups[:NUMBERED], cycle(COLORS), strict=False):
            axes.plot(*points.T, "o", ms=4, mew=0.4, mec="white", color=color, rasterized=True)
        # a few stragglers far out must not shrink everything else, so no equal aspect is forced
        axes.margins(0.04)
        axes.tick_params(length=3)
        number(axes, groups[:NUMBERED])
        axes.set_xlabel("UMAP 1")
        axes.set_ylabel("UMAP 2")
        return canvas.png()


def size_figure(findings: Findings) -> bytes:
    """Containment against size of each class, as PNG bytes; rejected ones are crosses."""
    with Canvas(figsize=(7.2, 2.88)) as canvas:
        axes = canvas.figure.add_subplot()
        kept, rejected = _sizes(findings.kept), _sizes(findings.rejected)
        axes.plot(*rejected.T, "x", ms=5, color=_OTHER)
        axes.plot(*kept[NUMBERED:].T, "o", ms=5, mew=0.6, mec="white", color=_OTHER)
        for point, color in zip(kept[:NUMBERED], cycle(COLORS), strict=False):
            axes.plot(*point, "o", ms=8, mew=0.6, mec="white", color=color)
        _size_axis(axes, np.append(kept[:, 0], rejected[:, 0]))
        axes.margins(0.08, 0.14)
        number(axes, [point[None] for point in kept[:NUMBERED]])
        axes.set_xlabel("size (members)")
        axes.set_ylabel("containment")
        return canvas.png()


def _sizes(classes: Sequence[RareClass]) -> _Points:
    return np.array([(c.size, c.containment) for c in classes], np.float64).reshape(-1, 2)


def _size_axis(axes: Any, sizes: _Points) -> None:
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, ScalarFormatter

    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    if len(sizes) and sizes.max() > 8 * sizes.min():
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_locator(NullLocator())


class Canvas:
    """A figure free of pyplot, of the reader's own settings and of dates."""

    def __init__(self, figsize: tuple[float, float]) -> None:
        from matplotlib import style

        self._style = style.context(
            [
                "default",
                {
                    "font.size": 10,
                    "axes.edgecolor": "#8a96a3",
                    "axes.labelcolor": INK,
                    "xtick.color": "#8a96a3",
                    "ytick.color": "#8a96a3",
                    "axes.spines.top": False,
                    "axes.spines.right": False,
                    "xtick.labelcolor": INK,
                    "ytick.labelcolor": INK,
                },
            ]
        )
        self._size = figsize

    def __enter__(self) -> Canvas:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self._style.__enter__()
        self.figure: Any = Figure(figsize=self._size, layout="constrained")
        FigureCanvasAgg(self.figure)
        return self

    def __exit__(self, *error: Any) -> None:
        self._style.__exit__(*error)

    def png(self) -> bytes:
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
        return buffer.getvalue()


def _scatter_sea(axes: Any, sea: _Points) -> None:
    # fainter and finer the more there are, so that density still shows at a million
    n = max(len(sea), 1)
    size = float(np.clip(130 / np.sqrt(n), 0.35, 2.4))
    alpha = float(np.clip(60 / np.sqrt(n), 0.06, 0.7))
    for start in range(0, len(sea), _DRAWN):
        # drawing copies all points of one call several times
        part = sea[start : start + _DRAWN]
        axes.plot(*part.T, "o", ms=size, mew=0, color=_SEA, alpha=alpha, rasterized=True)


def _members_on_map(findings: Findings, classes: Sequence[RareClass]) -> list[_Points]:
    groups = []
    for rows in members_of(classes, findings.ids):
        points = findings.map[rows].astype(np.float64)
        groups.append(points[np.isfinite(points).all(axis=1)])
    return groups


def number(axes: Any, groups: Sequence[_Points]) -> None:
    """Write 1, 2, ... beside each group, clear of the other groups and numbers."""
    from matplotlib.patheffects import withStroke

    axes.figure.canvas.draw()
    centers = {i: np.median(points, axis=0) for i, points in enumerate(groups) if len(points)}
    anchors = {i: axes.transData.transform(center) for i, center in centers.items()}
    taken = list(anchors.values())
    for i, anchor in anchors.items():
        spot = _free_spot(anchor, taken)
        taken.append(spot)
        far = np.linalg.norm(spot - anchor) > 25
        axes.annotate(
            str(i + 1),
            xy=centers[i],
            xytext=(spot - anchor) * 72 / axes.figure.dpi,
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=9.5,
            fontweight="bold",
            color=INK,
            annotation_clip=False,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
            arrowprops={"arrowstyle": "-", "color": INK, "lw": 0.6} if far else None,
        )


def _free_spot(anchor: _Points, taken: Sequence[_Points]) -> _Points:
    """A place near ``anchor``, in pixels, clear of those ``taken``."""
    turns = np.arange(1, 9) * np.pi / 4
    directions = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    spots = anchor + np.concatenate([radius * directions for radius in (20, 30, 44, 60)])
    room = np.linalg.norm(spots[:, None] - np.array(taken)[None], axis=2).min(axis=1)
    clear = np.flatnonzero(room >= 18)
    return np.asarray(spots[clear[0] if len(clear) else np.argmax(room)])
