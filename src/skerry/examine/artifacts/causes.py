"""What spoiled an image, named from the measures of its pixels by rules in a fixed order.

Each rule asks for what its cause leaves and the causes before it do not explain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from skerry.examine.artifacts.pixels import Evidence
from skerry.types import DoubleArray

NONE = "none"

COLUMN = 70.0
"""Levels by which a column filled with charge rises at both its sides."""
CROSSING = 0.9
"""Share of a line's or a step's length that is seen, from which it crosses the frame."""
IN_OTHERS = 0.62
"""The same in another plane, from which the line is in that one too."""
EVEN = 0.45
"""Height of a line near the rim over that nearer to the center."""
HALO = 10.0
"""Levels by which the sky differs over the corners under a bright star's halo."""
RING = 80.0
"""Levels above the sky, close around a saturated star, which the seeing alone does not spread."""
SKY = 8.0
"""Levels by which a sky is above the survey's, at the least."""
SPREADS = 5.0
"""The same in standard deviations of the survey's skies, from their median absolute deviation."""
PATCH = 0.0008
"""Share of the frame that a saturated star fills."""
APART = 0.15
"""Sides of the image that it is away from the center, where the source may be saturated itself."""
QUIET = 0.15
"""Range of levels over the survey's usual one, below which a sky has been cut off at black."""
FLAT = 0.3
"""How much more of one side of a border is without noise than of the other."""
BAND = 0.08
"""Light in the weakest plane over that in the strongest, below which a band is missing."""
SHARP = 6.0
"""Pixels sharp in one plane alone."""
REPEATED = 0.05
"""Share of rows or columns that repeat the one before."""


@dataclass(frozen=True)
class Usual:
    """What is usual in a survey: the median of ``sky`` and how far above it a sky is another,
    float64 (planes,); the median of ``range``. ``fixed``: black and white are the same flux in all
    images; where they are not, levels of the sky tell nothing."""

    sky: DoubleArray
    above: DoubleArray
    range: float
    fixed: bool = True


def usual(found: Sequence[Evidence], fixed: bool = True) -> Usual:
    """What is usual among images, of those with as many planes as most of them have.

    Raises
    ------
    ValueError
        There is none.
    """
    if not found:
        raise ValueError("no image was measured; expected one or more")
    counts = [len(one.sky) for one in found]
    most = max(set(counts), key=lambda n: (counts.count(n), n))
    alike = [one for one in found if len(one.sky) == most]
    sky = np.array([one.sky for one in alike])
    middle = np.median(sky, axis=0)
    spread = 1.4826 * np.median(np.abs(sky - middle), axis=0)
    above = np.maximum(SKY, SPREADS * spread)
    return Usual(middle, above, float(np.median([one.range for one in alike])), fixed)


def _line(one: Evidence) -> bool:
    """A line across; in gray images, where no color tells it from a galaxy seen edge-on, one that
    is as bright at the rim."""
    return one.lines.line >= CROSSING and (not one.gray or one.lines.even >= EVEN)


def _raised(levels: DoubleArray, norm: Usual) -> bool:
    """Above the usual sky in a plane; an image with another number of planes has their mean."""
    known, above = norm.sky, norm.above
    if len(known) != len(levels):
        known, above = known.mean(keepdims=True), above.max(keepdims=True)
    return norm.fixed and bool((levels - known >= above).any())


def _halo(one: Evidence, norm: Usual) -> bool:
    return one.gradient >= HALO or _raised(one.sky, norm)


def _bleed(one: Evidence, norm: Usual) -> bool:
    return one.column >= COLUMN and not one.gray


def _trail(one: Evidence, norm: Usual) -> bool:
    if one.gray:
        return _line(one) and not _halo(one, norm)
    return _line(one) and one.lines.others < IN_OTHERS


def _spike(one: Evidence, norm: Usual) -> bool:
    return _line(one) and _halo(one, norm)


def _star(one: Evidence, norm: Usual) -> bool:
    saturated = one.saturated >= PATCH and one.away >= APART
    return saturated and (one.halo >= RING or one.gradient >= HALO)


def _band(one: Evidence, norm: Usual) -> bool:
    return one.band < BAND and not _raised(one.sky, norm)


def _edge(one: Evidence, norm: Usual) -> bool:
    # both sides of a line are steps
    stepped = one.lines.step >= CROSSING > one.lines.line
    return one.flat >= FLAT or stepped


def _whole_sky(one: Evidence, norm: Usual) -> bool:
    """At all sides: too bright, or cut off at black."""
    return _raised(one.floor, norm) or (norm.fixed and one.range < QUIET * norm.range)


def _sky(one: Evidence, norm: Usual) -> bool:
    return _raised(one.sky, norm)


def _cosmic(one: Evidence, norm: Usual) -> bool:
    return one.sharp >= SHARP


def _duplicate(one: Evidence, norm: Usual) -> bool:
    return one.repeated >= REPEATED


_RULES: tuple[tuple[str, Callable[[Evidence, Usual], bool]], ...] = (
    ("bleed", _bleed),
    ("satellite-trail", _trail),
    ("diffraction-spike", _spike),
    ("bright-star", _star),
    ("missing-band", _band),
    ("bad-sky", _whole_sky),
    ("chip-edge", _edge),
    ("cosmic-ray", _cosmic),
    ("bad-sky", _sky),
    ("duplicate", _duplicate),
)

CAUSES: Mapping[str, str] = {
    "bleed": "a column filled with charge, with steep sides",
    "satellite-trail": "a straight line across the frame, in one band",
    "diffraction-spike": "a straight line in several bands, under a star's halo",
    "bright-star": "a saturated neighbor and its halo",
    "missing-band": "no light of the source in one band",
    "chip-edge": "a straight border, beyond which noise or level are another",
    "cosmic-ray": "pixels sharp in one band alone",
    "bad-sky": "a sky brighter than the survey's, or cut off at black",
    "duplicate": "rows or columns that repeat the one before",
}
"""Each cause and what it leaves in an image."""


def cause_of(one: Evidence, norm: Usual) -> str:
    """The first cause that explains an image, ``NONE`` where none does."""
    return next((name for name, rule in _RULES if rule(one, norm)), NONE)
