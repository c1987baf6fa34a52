"""The whole search in memory: vectors in, judged candidates out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skerry.backends.embedding import backend_of
from skerry.config import Config
from skerry.discover.around import surroundings
from skerry.discover.assemble import (
    Judged,
    Repeated,
    judge_all,
    p_and_q,
    repeated_of,
    whole_classes,
)
from skerry.discover.complete import Whole
from skerry.discover.elsewhere import (
    REPEATING,
    SEARCHING_NULLS,
    null_searches,
    partitions_at_once,
    repeated_searches,
)
from skerry.discover.measure import measure
from skerry.discover.nulls import null_search
from skerry.discover.order import distinct_rows
from skerry.discover.replicate import replicate
from skerry.discover.routes import Route, route_of
from skerry.discover.searches import each, search_by
from skerry.discover.space import Space, space_of
from skerry.discover.surrogates import Surrogates, groups_in, kinds_of
from skerry.discover.variants import HALF, every_variant
from skerry.errors import InputError
from skerry.progress import OnEvent, silent
from skerry.types import Candidate, FloatArray, IntArray, Measures, Replicate


@dataclass(frozen=True)
class Searched:
    """What a search found.

    ``rows`` int64 are the rows of the input that were searched, in canonical order: each vector
    once. ``candidates`` hold positions in ``rows``; ``measures`` and ``judged`` are in their
    order. ``whole`` are the candidates with what completes them, None where one is a piece of
    another. ``nulls`` are the measures of the candidates in each null, by kind.
    """

    rows: IntArray
    space: Space
    candidates: list[Candidate]
    measures: Measures
    judged: list[Judged]
    whole: list[Whole | None]
    nulls: dict[str, list[Measures]]

    def members(self, i: int) -> IntArray:
        """Rows of the input in candidate i: what was judged, most central first, then the rest.

        Of a piece of another class what was judged.
        """
        whole = self.whole[i]
        return self.rows[self.candidates[i].members if whole is None else whole.members]

    def confirmed(self) -> list[IntArray]:
        """The members of each confirmed class, as rows of the input."""
        return [
            self.members(i)
            for i, (judged, whole) in enumerate(zip(self.judged, self.whole, strict=True))
            if judged.judgement.verdict == "confirmed" and whole is not None
        ]


def find(
    vectors: npt.ArrayLike,
    config: Config | None = None,
    *,
    route: Route | None = None,
    on_event: OnEvent = silent,
) -> Searched:
    """Search ``vectors`` (n, d) and judge what is found.

    Parameters
    ----------
    vectors : numbers of any kind, taken as float32
    config : ``nulls.n = 0`` leaves the nulls out, ``replication.subsamples = replication.seeds
        = 0`` the repeated searches
    route : a search of one's own, as :class:`OwnRoute`; that of ``clusters.route`` unless given

    Raises
    ------
    InputError
        There are too few distinct vectors, some are not finite in float32, or they are no
        table of numbers.
    ConfigError
        A GPU is asked for that cannot be used.
    """
    config = config or Config()
    backend_of(config.embedding.device)  # where it cannot be used, this says so before any work
    table = _table(vectors)
    rows = distinct_rows(table)
    ordered = table[rows]
    # of a million sources a copy is half a gigabyte: freed where the caller holds no other
    del vectors, table
    space = space_of(ordered, config.neighbors, on_event=on_event)
    space.find_communities(partitions_at_once(len(space)), on_event)
    chosen = route or route_of(config.clusters.route)
    candidates = chosen(space, config)
    measures = measure(candidates, space)
    surrogates = Surrogates(space, config, groups_in(space, candidates, measures))
    # null searches have indices of their own
    space.forget_search()
    nulls = _nulls(surrogates, config, route, on_event)
    _, q = p_and_q(measures, nulls, len(space), config)
    around = surroundings(candidates, q, space, config)
    repeated = repeat(space, config, route, around=around, on_event=on_event)
    judged = judge_all(candidates, measures, space, config, nulls, repeated)
    whole = whole_classes(candidates, judged, space, config)
    return Searched(rows, space, candidates, measures, judged, whole, nulls)


def _table(vectors: npt.ArrayLike) -> FloatArray:
    given = np.asarray(vectors)
    if given.ndim != 2 or given.dtype.kind not in "fiu" or not given.size:
        raise InputError(
            f"vectors of shape {given.shape} and type {given.dtype}; expected one row of real "
            "numbers a source, as (n, d) of float32"
        )
    # what is too large becomes infinite, and is refused with what is not finite
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(given, dtype=np.float32)


def _nulls(
    surrogates: Surrogates, config: Config, own: Route | None, on_event: OnEvent
) -> dict[str, list[Measures]]:
    if own is None:
        return null_searches(surrogates, on_event=on_event)
    plans = [(kind, number) for kind in kinds_of(config) for number in range(config.nulls.n)]
    surrogates.prepare({kind for kind, _ in plans})

    def search(plan: tuple[str, int]) -> Measures:
        return null_search(surrogates, *plan, own, config)[0]

    found: dict[str, list[Measures]] = {}
    for done, measures in enumerate(each(search, plans), start=1):
        found.setdefault(plans[done - 1][0], []).append(measures)
        on_event(SEARCHING_NULLS, done, len(plans))
    return found


def repeat(
    space: Space,
    config: Config,
    own: Route | None = None,
    *,
    around: IntArray | None = None,
    on_event: OnEvent = silent,
) -> Repeated | None:
    """Every repeated search; None where the settings ask for none.

    ``own`` is a search of one's own in the place of ``clusters.route``, which none of the settings
    changes that are varied, and no random start of UMAP. ``around`` are the rows that they are
    confined to, as :func:`surroundings` gives them.
    """
    # it knows nothing of these settings: it would only repeat itself
    but = () if own is None else ("neighbors", "samples", "size", "seed")
    plans = [p for p in every_variant(len(space), config, around) if p.kind not in but]
    if not any(plan.kind != HALF for plan in plans):
        return None
    if own is None:
        return repeated_of(repeated_searches(space.vectors, plans, on_event=on_event))
    search = search_by(own, config.clusters.route)
    made: list[Replicate] = []
    for found in each(lambda plan: replicate(plan, space.vectors, search), plans):
        made.append(found)
        on_event(REPEATING, len(made), len(plans))
    return repeated_of(made)
