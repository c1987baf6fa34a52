"""From vectors to judged classes: neighbors, routes to candidates, measures, nulls."""

from skerry.discover.candidates import centered, find_candidates, largest_size
from skerry.discover.classes import distinctive, rare_classes
from skerry.discover.cluster import cluster
from skerry.discover.measure import measure, pooled
from skerry.discover.neighbors import neighbor_graph, neighbor_search
from skerry.discover.nulls import judged, null_search
from skerry.discover.order import (
    canonical_order,
    distinct_rows,
)
from skerry.discover.ordered import Ordered, read_in_order
from skerry.discover.reduce import embed
from skerry.discover.routes import OwnRoute, Route, candidates_of, route_of
from skerry.discover.space import Space, space_of
from skerry.discover.surrogates import Surrogates, groups_in, kinds_of

__all__ = [
    "Ordered",
    "OwnRoute",
    "Route",
    "Space",
    "Surrogates",
    "candidates_of",
    "canonical_order",
    "centered",
    "cluster",
    "distinct_rows",
    "distinctive",
    "embed",
    "find_candidates",
    "groups_in",
    "judged",
    "kinds_of",
    "largest_size",
    "measure",
    "neighbor_graph",
    "neighbor_search",
    "null_search",
    "pooled",
    "rare_classes",
    "read_in_order",
    "route_of",
    "space_of",
]
