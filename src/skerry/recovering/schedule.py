"""What is planted how often, and which prevalences cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skerry.discover import largest_size
from skerry.errors import ConfigError
from skerry.recovering.opened import Opened
from skerry.recovering.parts import Part

LEAST = 15
"""Members, with fewer of which no class is planted."""


@dataclass(frozen=True)
class Schedule:
    """What is planted how often: sizes of the reachable prevalences, and why others are not."""

    sizes: dict[float, int]
    unreachable: dict[float, tuple[int, str]]
    visibilities: tuple[float, ...]
    realizations: int
    seed: int

    @property
    def parts(self) -> list[Part]:
        """Every part, the controls last."""
        kinds: list[float | None] = [*self.visibilities, None]
        return [Part(v, i) for v in kinds for i in range(self.realizations)]


def schedule_of(
    opened: Opened,
    prevalences: Sequence[float],
    visibilities: Sequence[float],
    realizations: int,
    seed: int,
) -> Schedule:
    """What is to be planted.

    Raises
    ------
    ConfigError
        A setting is out of range, or no prevalence can be planted.
    """
    prevalences = [float(p) for p in prevalences]
    visibilities = [float(v) for v in visibilities]
    rules = [
        ("prevalences", prevalences, all(0 < p < 0.5 for p in prevalences), "above 0, below 0.5"),
        ("visibilities", visibilities, all(0 < v <= 1 for v in visibilities), "above 0, at most 1"),
    ]
    for name, values, holds, expected in rules:
        if not values or not holds:
            raise ConfigError(f"{name} are {list(values)}; expected one or more, each {expected}")
    if realizations < 1 or seed < 0:
        raise ConfigError(
            f"realizations is {realizations} and seed {seed}; expected 1 or more, and 0 or more"
        )
    sizes, unreachable = {}, {}
    for prevalence in sorted(set(prevalences)):
        n = round(prevalence * len(opened) / (1 - prevalence))
        reason = _unreachable(n, opened)
        if reason:
            unreachable[prevalence] = n, reason
        else:
            sizes[prevalence] = n
    if not sizes:
        told = (f"{p:g}: {n}, and {reason}" for p, (n, reason) in unreachable.items())
        raise ConfigError(
            f"none of the prevalences can be planted among {len(opened):,} sources "
            f"({'; '.join(told)}); give some from {_share(_least(opened), opened):.3g} to "
            f"{_share(largest_size(len(opened), opened.config.classes), opened):.3g}"
        )
    return Schedule(sizes, unreachable, tuple(sorted(set(visibilities))), realizations, seed)


def _share(n: int, opened: Opened) -> float:
    return n / (len(opened) + n)


def _least(opened: Opened) -> int:
    return max(LEAST, opened.config.classes.min_size)


def _unreachable(n: int, opened: Opened) -> str:
    least = _least(opened)
    largest = largest_size(len(opened) + n, opened.config.classes)
    if n < least:
        return f"fewer than {least} are not planted"
    if n > largest:
        return f"a class holds at most {largest}"
    return ""
