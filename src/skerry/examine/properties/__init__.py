"""Do a class's members differ from other sources in the numbers that the catalog has of them?"""

from skerry.examine.properties.answer import properties

__all__ = ["properties"]
