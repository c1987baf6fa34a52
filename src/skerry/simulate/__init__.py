"""A simulated survey: a continuous sea of galaxies, rare kinds planted in it, and its truth."""

from skerry.simulate.draw import Drawn, draw_cutouts, draw_source, fragments, show
from skerry.simulate.sky import ARTIFACTS, GALAXIES, KINDS, SEA, Sky, presets, sky_of

__all__ = [
    "ARTIFACTS",
    "GALAXIES",
    "KINDS",
    "SEA",
    "Drawn",
    "Sky",
    "draw_cutouts",
    "draw_source",
    "fragments",
    "presets",
    "show",
    "sky_of",
]
