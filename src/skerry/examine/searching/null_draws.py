"""Searches of featureless data, as many as it takes to hold something against them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from skerry.config import Config
from skerry.discover import kinds_of
from skerry.discover.searches import each

Found = TypeVar("Found")

ENOUGH = 60
"""Candidates of a kind from which on no more searches of it are made: a share of them is then
known to a few per cent, and large surveys, which give many, take no longer than they must."""


def null_draws(
    config: Config,
    number: int,
    search: Callable[[tuple[str, int]], Found],
    candidates: Callable[[Found], int],
    enough: float = ENOUGH,
) -> dict[str, list[Found]]:
    """What ``search`` makes of the draws of each kind, (kind, 0) and so on, up to ``number`` each.

    ``candidates`` counts those in one result.
    """
    made: dict[str, list[Found]] = {kind: [] for kind in kinds_of(config)}
    for i in range(number):
        short = [kind for kind, found in made.items() if sum(map(candidates, found)) < enough]
        plans = [(kind, i) for kind in short]
        for (kind, _), found in zip(plans, each(search, plans), strict=True):
            made[kind].append(found)
    return {kind: found for kind, found in made.items() if found}
