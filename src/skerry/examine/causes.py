"""What spoiled an image, named from the measures of its pixels by rules in a fixed order.

Each rule asks for what its cause leaves and the causes before it do not explain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from skerry.examine.pixels import Evidence
from skerry.types import DoubleArray

NONE = "none"

COLUMN = 70.0
"""Levels by which a column filled with charge rises at both its sides."""
CROSSING = 0.9
"""Share of a line's or a step's length that is seen, from which it crosses the frame."""
IN_OTHERS = 0.62
"""The same in another plane, from which the line is in that one too."""
HALO = 10.0
"""Levels by which the sky differs over the corners under a bright star's halo."""
RING = 80.0
"""Levels above the sky, close around a saturated star, which the seeing alone does not spread."""
SKY = 8.0
"""Levels by which a sky differs from the survey's."""
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
    """Medians of a survey: of ``sky``, float64 (planes,), and of ``range``."""

    sky: DoubleArray
    range: float


def usual(found: Sequence[Evidence]) -> Usual:
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
    return Usual(
        np.median([one.sky for one in alike], axis=0),
        float(np.median([one.range for one in alike])),
    )


def _line(one: Evidence) -> bool:
    return one.lines.line >= CROSSING


def _raised(levels: DoubleArray, norm: Usual) -> bool:
    """Above the usual sky in a plane; an image with another number of planes has its mean."""
    known = norm.sky if len(norm.sky) == len(levels) else np.full(len(levels), norm.sky.mean())
    return bool((levels - known).max() >= SKY)


def _halo(one: Evidence, norm: Usual) -> bool:
    return one.gradient >= HALO or _raised(one.sky, norm)


def _bleed(one: Evidence, norm: Usual) -> bool:
    return one.column >= COLUMN


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
    return one.flat >= FLAT or one.lines.step >= CROSSING


def _whole_sky(one: Evidence, norm: Usual) -> bool:
    """At all sides: too bright, or cut off at black."""
    return _raised(one.floor, norm) or one.range < QUIET * norm.range


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
    "bright-star": "a saturated star and its halo",
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
