"""Is a class made by the instrument or by its processing, and by what?"""

from skerry.examine.artifacts.answer import artifacts

__all__ = ["artifacts"]
