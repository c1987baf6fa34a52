"""Distinct vectors with their one neighbor graph, and a search for more neighbors of some."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from skerry.backends import card, parallel
from skerry.config import NeighborsConfig
from skerry.discover.communities import Communities, communities
from skerry.discover.neighbors import NeighborSearch, neighbor_graph, neighbor_search
from skerry.progress import OnEvent, silent
from skerry.types import FloatArray, IntArray, NeighborGraph


@dataclass(frozen=True)
class Space:
    """What every route and every measure works on.

    ``vectors`` float32 (n, d), all different; ``graph`` their nearest neighbors.
    """

    vectors: FloatArray
    graph: NeighborGraph
    config: NeighborsConfig

    def __len__(self) -> int:
        return len(self.vectors)

    @cached_property
    def search(self) -> NeighborSearch:
        """The search that looks up more neighbors, by the means the graph was made with.

        Where that was a GPU and here is none, as on a laptop that a finished run is looked at on,
        every pair is compared on the CPU: the same neighbors and distances.
        """
        config = self.config
        if config.device != "cpu" and card.lacking():
            config = replace(config, device="cpu", exact_below=len(self.vectors))
        return neighbor_search(self.vectors, config)

    def forget_search(self) -> None:
        """Let go of the search: of a million vectors its index takes a quarter of a gigabyte.

        It is made again, the same, when it is next asked for.
        """
        self._forget("search")

    def forget_all(self) -> None:
        """Let go of the communities, too, 0.7 GB of a million; made again where asked for."""
        self._forget("search", "communities")

    def _forget(self, *names: str) -> None:
        for name in names:
            self.__dict__.pop(name, None)
        parallel.give_back()

    @cached_property
    def communities(self) -> Communities:
        """The communities of its neighbor graph, from fine to coarse, that measures rest on."""
        return communities(self.graph)

    def find_communities(self, at_once: int, on_event: OnEvent = silent) -> None:
        """Work out the communities, so many partitions at a time, if they are not there yet."""
        if "communities" not in self.__dict__:
            self.__dict__["communities"] = communities(self.graph, at_once, on_event)

    def near(self, rows: IntArray, k: int) -> tuple[IntArray, FloatArray]:
        """The k nearest of some rows (m,), themselves left out: int64 and float32 (m, k)."""
        return self.search.of_rows(rows, k)


def space_of(vectors: FloatArray, config: NeighborsConfig, *, on_event: OnEvent = silent) -> Space:
    """The vectors (n, d) with a neighbor graph of their own.

    Raises
    ------
    InputError
        Too few vectors, or some that are not finite.
    """
    search = neighbor_search(vectors, config)
    space = Space(vectors, neighbor_graph(search, config, on_event=on_event), config)
    space.__dict__["search"] = search
    return space
