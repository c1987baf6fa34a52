"""Does the representation hold more than the votes that its encoder was trained on?"""

from skerry.examine.label_independence.answer import label_independence

__all__ = ["label_independence"]
