"""A contact sheet of a simulated survey: a few sources of the sea and of each planted kind."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from skerry.publish.sheets import contact_sheet
from skerry.simulate.draw import show
from skerry.simulate.plan import Planned
from skerry.simulate.sky import KINDS, SEA, Sky

_OF_THE_SEA, _OF_A_KIND = 18, 6


def samples(sources: Sequence[Planned]) -> list[Planned]:
    """The sources to show: of the sea first, then of each kind, the first of each by number."""
    shown: list[Planned] = []
    for kind in (SEA, *KINDS):
        own = sorted(
            (source for source in sources if source.kind == kind),
            key=lambda source: (source.number, source.fragment),
        )
        shown += islice(own, _OF_THE_SEA if kind == SEA else _OF_A_KIND)
    return shown


def sheet(sources: Sequence[Planned], sky: Sky) -> bytes:
    """The contact sheet of :func:`samples`, as JPEG bytes."""
    shown = samples(sources)
    cutouts = [show(source.drawn(sky).image, sky) for source in shown]
    return contact_sheet(
        cutouts,
        [f"{source.kind}\n{source.parent or source.id_str}" for source in shown],
        f"Simulated: {sky.n} sources of seed {sky.seed}, by kind",
    )
