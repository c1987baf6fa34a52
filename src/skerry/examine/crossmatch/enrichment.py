"""Are labels more common among a class's members than among other sources? By exact tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from skerry.examine.crossmatch.labels import Labelling
from skerry.examine.statistics import q_values
from skerry.types import IntArray

COMMON = 0.2
"""A label that more of the labeled sources have is no rare type: it explains no class."""
DOUBTFUL = 0.5
"""Where more of the matches than this are expected by chance, their labels explain nothing."""
HELD = 0.5
"""More than this share of a class has to have the label of the type that it rediscovers."""


@dataclass(frozen=True)
class Enrichment:
    """One label in one class.

    Of ``members`` with a known label ``having`` have it, of all ``others`` (known, not members)
    ``others_having``. ``share_of_all`` is the label's of the whole survey, ``complete`` how large
    a share of the sources with it are members. ``p`` is the one-sided exact p-value, ``q`` over
    all labels and classes together.
    ``explains``: enriched, and of a type rare enough to be a class of its own.
    """

    number: int
    labelling: str
    label: str
    having: int
    members: int
    others_having: int
    others: int
    share_of_all: float
    complete: float
    p: float
    q: float
    enriched: bool
    explains: bool

    @cached_property
    def odds(self) -> tuple[float, float, float]:
        """The odds ratio, the conditional maximum-likelihood one, with its exact 95% interval
        (Cornfield 1956); NaN where no member has the label."""
        if not self.having:
            return float("nan"), float("nan"), float("nan")
        from scipy.stats.contingency import odds_ratio

        inside = [self.having, self.members - self.having]
        outside = [self.others_having, self.others - self.others_having]
        found = odds_ratio(np.array([inside, outside], dtype=np.int64), kind="conditional")
        interval = found.confidence_interval(0.95)
        return float(found.statistic), float(interval.low), float(interval.high)

    @property
    def share(self) -> float:
        """Of the members."""
        return self.having / self.members

    @property
    def rediscovered(self) -> bool:
        """Whether the class is this known type: it explains it, and most members have it."""
        return self.explains and self.share > HELD


def enrichments(
    labellings: Sequence[Labelling], members: Sequence[IntArray], alpha: float
) -> list[Enrichment]:
    """Every label in every class with a member whose label is known, classes in their order.

    The p-value is that of Fisher's exact test (1922, J. R. Stat. Soc. 85, 87), one-sided: that so
    many of the labeled sources with this label are members if they were drawn at random. Where
    the sources in no class were only looked at in part, the others are these alone.
    """
    found = [one for labelling in labellings for one in _of_labelling(labelling, members)]
    found.sort(key=lambda e: (e.number, e.labelling, e.label))
    q = q_values(np.array([e.p for e in found])) if found else np.empty(0)
    doubtful = {la.name for la in labellings if la.chance > DOUBTFUL}
    return [
        replace(
            e,
            q=float(v),
            enriched=bool(v <= alpha),
            explains=bool(v <= alpha and e.share_of_all <= COMMON and e.labelling not in doubtful),
        )
        for e, v in zip(found, q, strict=True)
    ]


def _of_labelling(labelling: Labelling, members: Sequence[IntArray]) -> Iterator[Enrichment]:
    from scipy.stats import hypergeom

    known, weight = labelling.known, labelling.weight
    sea = np.ones(len(known), dtype=bool)
    for rows in members:
        sea[rows] = False
    stands_for = np.where(sea, weight, 1.0)
    for label, has in labelling.labels().items():
        of_all = float(stands_for[has].sum())
        for number, rows in enumerate(members):
            outside = known & sea if weight > 1 else known.copy()
            outside[rows] = False
            n, others = int(known[rows].sum()), int(outside.sum())
            if not n or not others:
                continue
            k, having = int(has[rows].sum()), int((has & outside).sum())
            yield Enrichment(
                number, labelling.name, label, k, n, having, others,
                of_all / float(stands_for[known].sum()), k / of_all,
                float(hypergeom.sf(k - 1, n + others, k + having, n)), 1.0, False, False,
            )  # fmt: skip
