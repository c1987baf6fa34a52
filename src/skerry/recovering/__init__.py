"""What a search of a survey would have found: classes planted in it at known prevalence."""

from skerry.recovering.curve import Limit, Point
from skerry.recovering.examples import of_images
from skerry.recovering.opened import Opened, open_run
from skerry.recovering.planters import Plan, Planter, copies
from skerry.recovering.planting import PREVALENCES, REALIZATIONS, recover
from skerry.recovering.result import Recovery
from skerry.recovering.search import Outcome, look_for
from skerry.recovering.simulated import of_kind

__all__ = [
    "PREVALENCES",
    "REALIZATIONS",
    "Limit",
    "Opened",
    "Outcome",
    "Plan",
    "Planter",
    "Point",
    "Recovery",
    "copies",
    "look_for",
    "of_images",
    "of_kind",
    "open_run",
    "recover",
]
