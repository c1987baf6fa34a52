"""Why are most galaxies in no class?"""

from skerry.examine.unclustered.answer import unclustered

__all__ = ["unclustered"]
