"""What can be set of the questions about a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

from skerry.errors import ConfigError

MOST_RADIUS = 60.0
"""Arcsec. The places in which matches by chance are counted lie 10 radii away: further ones would
lie off many a survey, where nothing matches."""


@dataclass(frozen=True)
class ExamineConfig:
    """Settings of all questions; each question names those it ``uses``.

    ``classes``: ids joined by commas; empty: those not rejected, or every candidate where all
    were. ``columns``, ``matched``, ``nuisance`` and ``labels`` name columns of the catalog, joined
    by commas; empty: as the question's page says. ``table`` is another table by id that adds
    columns. ``catalog`` is another catalog, or a VO service's address, to be matched by position
    within ``radius`` (arcsec). ``target`` is the column that no encoder was trained on.
    ``permutations`` and ``seed`` are those of every test by chance, ``alpha`` the share of false
    positives, or of false discoveries where many tests are made.
    ``nulls``: searches of each kind of featureless data that are made again to answer. With other
    settings than the run's UMAP is run for no more sources than ``umap_sources``.
    ``joined`` are columns put beside the representation, and ``subtle_nulls`` the searches of each
    kind of featureless data for every representation that is searched again.
    """

    classes: str = ""
    columns: str = ""
    matched: str = ""
    nuisance: str = ""
    labels: str = ""
    target: str = ""
    table: str = ""
    catalog: str = ""
    radius: float = 1.0
    permutations: int = 999
    alpha: float = 0.05
    seed: int = 0
    nulls: int = 3
    umap_sources: int = 5000
    joined: str = ""
    subtle_nulls: int = 20

    def __post_init__(self) -> None:
        rules = [
            (
                "radius",
                0 < self.radius <= MOST_RADIUS,
                f"above 0 and at most {MOST_RADIUS:g} arcsec",
            ),
            ("permutations", self.permutations >= 19, "19 or more"),
            ("alpha", 0 < self.alpha < 1, "between 0 and 1"),
            ("seed", self.seed >= 0, "0 or more"),
            ("nulls", self.nulls >= 0, "0 (none) or more"),
            ("umap_sources", self.umap_sources >= 0, "0 (never) or more"),
            ("subtle_nulls", self.subtle_nulls >= 1, "1 or more"),
        ]
        for name, holds, expected in rules:
            if not holds:
                raise ConfigError(f"{name} is {getattr(self, name)}; expected {expected}")


def from_settings(texts: Sequence[str]) -> ExamineConfig:
    """Settings from ``name=value`` as a command line gives them.

    Raises
    ------
    ConfigError
        A name is unknown, or a value is not of its kind or out of range.
    """
    kinds: dict[str, type] = get_type_hints(ExamineConfig)
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name, value = name.strip(), value.strip()
        if not equals or name not in kinds:
            raise ConfigError(
                f"{text!r} is no setting of examine; write name=value with one of "
                f"{', '.join(kinds)}"
            )
        try:
            found[name] = kinds[name](value)
        except ValueError as error:
            raise ConfigError(f"{name} is {value!r}; expected {kinds[name].__name__}") from error
    return ExamineConfig(**found)


def names_of(text: str) -> tuple[str, ...]:
    """The names that a setting joins by commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
