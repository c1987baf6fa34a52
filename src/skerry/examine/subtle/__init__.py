"""Which classes show only when the leading structure is taken out, or when more is joined to it?"""

from skerry.examine.subtle.answer import subtle

__all__ = ["subtle"]
