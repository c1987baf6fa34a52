"""The figure of how often planted classes are found, by how common they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from skerry.publish.figures import COLORS, INK, Canvas

_CONTROL = "#5b6672"
_MARKS = ("o", "s", "^", "D", "v", "P")
_ASIDE, _BESIDE = 1.02, 1.3


@dataclass(frozen=True)
class Line:
    """One curve: prevalences, ascending, and the shares found with their 95% intervals."""

    label: str
    prevalence: Sequence[float]
    share: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


def recovery_figure(lines: Sequence[Line], control: Line, reached: float, title: str) -> bytes:
    """Completeness against prevalence, as PNG bytes.

    Each line is one visibility, its bars 95% intervals; the gray one is where ordinary sources
    were planted. The dashed line is the probability ``reached`` that limits are of.
    """
    with Canvas(figsize=(7.2, 4.0)) as canvas:
        axes = canvas.figure.add_subplot()
        axes.set_xscale("log")
        ticks = list(control.prevalence)
        axes.set_xlim(ticks[0] / _BESIDE, ticks[-1] * _BESIDE)
        axes.axhline(reached, color=INK, lw=0.8, ls="--")
        for i, line in enumerate(lines):
            style = {"color": COLORS[i % len(COLORS)], "marker": _MARKS[i % len(_MARKS)]}
            # side by side, so that bars do not hide each other
            _draw(axes, line, _ASIDE ** (i - len(lines) / 2), ms=5, **style)
        _draw(axes, control, _ASIDE ** (len(lines) / 2), color=_CONTROL, marker="x", ms=5, ls=":")
        axes.set_ylim(-0.03, 1.03)
        axes.set_xticks(ticks, [f"{100 * p:g}" for p in ticks])
        axes.set_xticks([], minor=True)
        axes.set_xlabel("share of the sample that is planted (%)")
        axes.set_ylabel("share of realizations in which it is found")
        axes.set_title(title, fontsize=10, loc="left")
        axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
        return canvas.png()


def _draw(axes: Any, line: Line, aside: float, **style: Any) -> None:
    below = [share - low for share, low in zip(line.share, line.low, strict=True)]
    above = [high - share for share, high in zip(line.share, line.high, strict=True)]
    x = [aside * p for p in line.prevalence]
    axes.errorbar(
        x,
        line.share,
        yerr=[below, above],
        label=line.label,
        lw=1.6,
        capsize=3,
        elinewidth=1,
        **style,
    )
