"""The figure of what was found beside what featureless data gives."""

from __future__ import annotations

from typing import Any

import numpy as np

from skerry.publish.figures import COLORS, INK, NUMBERED, Canvas, number
from skerry.publish.findings import Findings
from skerry.types import DoubleArray

_LINES = ("-", "--", "-.", ":")
_MARKS = {
    "confirmed": {"marker": "o", "color": INK, "ms": 7},
    "tentative": {"marker": "o", "color": INK, "ms": 7, "fillstyle": "none"},
    "rejected": {"marker": "x", "color": "#5b6672", "ms": 4.5},
}


def null_figure(findings: Findings) -> bytes:
    """How many groups are of at least a containment s, found and by chance, as PNG bytes.

    The black steps are the candidates of this search, each marked by its verdict and the first
    ``NUMBERED`` by their rank; each colored line is the mean over the searches of one kind of
    featureless data, as many times as these would fit into the survey.
    """
    with Canvas(figsize=(7.2, 4.0)) as canvas:
        axes = canvas.figure.add_subplot()
        axes.set_yscale("log")
        searches = max(1, findings.n_nulls) / max(1.0, findings.null_times)
        for i, (kind, values) in enumerate(findings.null_containment.items()):
            color, line = COLORS[i % len(COLORS)], _LINES[i % len(_LINES)]
            label = kind if len(values) else f"{kind} (nothing found)"
            _steps(axes, values, searches, color=color, ls=line, lw=1.6, label=label)
        observed = np.array([c.containment for c in findings.classes], dtype=np.float64)
        _steps(axes, observed, 1, color=INK, lw=1.2, label="found")
        _mark_classes(axes, findings, observed)
        axes.set_ylim(bottom=0.5 / searches)
        axes.set_xlabel("containment s")
        axes.set_ylabel("groups with containment ≥ s, per search")
        axes.legend(frameon=False, fontsize=9)
        return canvas.png()


def _steps(axes: Any, values: DoubleArray, searches: float, **style: Any) -> None:
    """How many of ``values`` reach each of them, per search, drawn down to the last one."""
    reached = np.sort(values)
    left = np.arange(len(reached), 0, -1) / searches
    axes.step(reached, left, where="pre", **style)


def _mark_classes(axes: Any, findings: Findings, observed: DoubleArray) -> None:
    def place(containment: float) -> tuple[float, int]:
        return containment, int((observed >= containment).sum())

    for verdict, style in _MARKS.items():
        spots = [place(c.containment) for c in findings.classes if c.verdict == verdict]
        if spots:
            axes.plot(*np.array(spots).T, ls="", mew=1.2, label=verdict, **style)
    axes.margins(0.05, 0.12)
    top = [np.array([place(c.containment)], dtype=float) for c in findings.kept[:NUMBERED]]
    number(axes, top)
