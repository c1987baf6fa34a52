"""What a finished run is used for: growing a class, and placing new sources."""

from skerry.using.finished import Finished
from skerry.using.placing import Placed
from skerry.using.tables import ASSIGNED_SCHEMA, GROWN_SCHEMA, as_table

__all__ = ["ASSIGNED_SCHEMA", "GROWN_SCHEMA", "Finished", "Placed", "as_table"]
