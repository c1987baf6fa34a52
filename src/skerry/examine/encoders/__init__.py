"""Does a second encoder see the same classes in the same sky?"""

from skerry.examine.encoders.answer import encoders

__all__ = ["encoders"]
