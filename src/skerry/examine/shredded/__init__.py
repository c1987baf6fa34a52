"""Which sources are pieces of one galaxy that the catalog holds several times?"""

from skerry.examine.shredded.answer import shredded

__all__ = ["shredded"]
