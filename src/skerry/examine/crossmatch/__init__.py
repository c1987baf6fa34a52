"""Are the classes known types? Against existing labels, and against lists of odd objects."""

from skerry.examine.crossmatch.answer import crossmatch

__all__ = ["crossmatch"]
