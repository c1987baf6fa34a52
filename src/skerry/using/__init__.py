"""What a finished run is used for: growing a class, placing new sources, finding similar ones."""

from skerry.using.finished import Finished
from skerry.using.placing import Placed
from skerry.using.similar import Similar
from skerry.using.tables import ASSIGNED_SCHEMA, GROWN_SCHEMA, SIMILAR_SCHEMA, as_table

__all__ = [
    "ASSIGNED_SCHEMA",
    "GROWN_SCHEMA",
    "SIMILAR_SCHEMA",
    "Finished",
    "Placed",
    "Similar",
    "as_table",
]
