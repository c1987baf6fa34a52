"""The colors of a column: a scale for numbers, a few colors for words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from skerry.atlas.chart import Words
from skerry.publish.figures import COLORS
from skerry.types import ByteArray, DoubleArray

MARKERS = ("circle", "square", "triangle", "diamond", "inverted_triangle", "hex", "star")
"""Of classes beyond the first seven, which have the same colors again."""

SEA = (96, 110, 124)
"""Gray of the sources in no class, and of those without a value."""

REJECTED = "#5b6672"
VERDICTS = {
    "confirmed": "#0072B2",
    "tentative": "#E69F00",
    "unjudged": "#009E73",
    "rejected": REJECTED,
}
WORDS = len(COLORS) - 1
"""Words that get a color of their own; black is for all others."""


@dataclass(frozen=True)
class Coloring:
    """A column as colors.

    Attributes
    ----------
    palette
        uint8 (k, 3), RGB.
    level
        Of each source: for numbers float32 in [0, 1] along the palette, for words int8, a row of
        it; NaN or -1 where there is no value.
    legend
        What the page shows: ``low`` and ``high``, or ``words`` with their colors.
    """

    palette: ByteArray
    level: npt.NDArray[np.float32] | npt.NDArray[np.int8]
    legend: dict[str, Any]

    @property
    def numeric(self) -> bool:
        """Whether it is a scale."""
        return self.level.dtype == np.float32


def coloring(values: DoubleArray | Words, name: str = "") -> Coloring:
    """The colors of a column, its ``name`` as a title.

    Numbers are viridis, or cividis where they are shares within [0, 1] as votes are, between their
    2nd and 98th percentile; words the colors of Okabe & Ito (2008), the most frequent ones first,
    all others black.
    """
    if values.dtype == object:
        return _words(np.asarray(values, dtype=object), name)
    return _numbers(np.asarray(values, np.float64), name)


def _numbers(values: DoubleArray, name: str) -> Coloring:
    from bokeh.palettes import Cividis256, Viridis256

    known = values[np.isfinite(values)]
    low, high = np.percentile(known, [2, 98]) if len(known) else (0.0, 1.0)
    if low == high and len(known):
        low, high = known.min(), known.max()
    share = len(known) > 0 and known.min() >= 0 and known.max() <= 1
    palette = Cividis256 if share else Viridis256
    with np.errstate(invalid="ignore"):
        level = np.clip((values - low) / ((high - low) or 1.0), 0, 1)
    level[~np.isfinite(values)] = np.nan
    return Coloring(
        _rgb(palette),
        level.astype(np.float32),
        {
            "title": name,
            "low": f"{low:.4g}",
            "high": f"{high:.4g}",
            "scale": [*palette[::32], palette[-1]],
            "missing": int(len(values) - len(known)),
        },
    )


def _words(values: Words, name: str) -> Coloring:
    counted = Counter(str(v) for v in values if v != "")
    ordered = sorted(counted, key=lambda word: (-counted[word], word))
    place = {word: min(i, WORDS) for i, word in enumerate(ordered)}
    level = np.array([place.get(str(v), -1) if v != "" else -1 for v in values], np.int8)
    shown = [
        {"word": w, "color": c, "n": counted[w]} for w, c in zip(ordered, COLORS, strict=False)
    ][:WORDS]
    rest = ordered[WORDS:]
    if rest:
        others = f"{len(rest)} other{'s' if len(rest) > 1 else ''}"
        shown.append({"word": others, "color": COLORS[-1], "n": sum(counted[w] for w in rest)})
    missing = len(values) - sum(counted.values())
    return Coloring(_rgb(COLORS), level, {"title": name, "words": shown, "missing": missing})


def _rgb(palette: tuple[str, ...]) -> ByteArray:
    return np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in palette], np.uint8)


def look_of(place: int, verdict: str) -> dict[str, str]:
    """Color and marker of a class, by its place among those that were not rejected."""
    if verdict == "rejected":
        return {"color": REJECTED, "marker": "x"}
    marker = MARKERS[place // len(COLORS) % len(MARKERS)]
    return {"color": COLORS[place % len(COLORS)], "marker": marker}
