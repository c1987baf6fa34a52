"""From vectors to candidate classes: neighbors, embedding, clusters, candidates, classes."""

from skerry.discover.candidates import centered, find_candidates, largest_size
from skerry.discover.classes import distinctive, rare_classes
from skerry.discover.cluster import cluster
from skerry.discover.neighbors import neighbor_graph
from skerry.discover.order import canonical_order, in_canonical_order
from skerry.discover.reduce import embed

__all__ = [
    "canonical_order",
    "centered",
    "cluster",
    "distinctive",
    "embed",
    "find_candidates",
    "in_canonical_order",
    "largest_size",
    "neighbor_graph",
    "rare_classes",
]
