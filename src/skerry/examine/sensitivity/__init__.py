"""In which settings of the search does a class live?"""

from skerry.examine.sensitivity.answer import sensitivity

__all__ = ["sensitivity"]
