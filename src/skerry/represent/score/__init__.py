"""How good a representation is, measured on labeled galaxies it never saw; no torch needed."""

from skerry.represent.score.result import Row

__all__ = ["Row"]
