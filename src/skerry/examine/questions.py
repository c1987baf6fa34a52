"""The questions in their order, each with the settings it depends on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from skerry.answer import Answer
from skerry.examine.artifacts import artifacts
from skerry.examine.compression import compression
from skerry.examine.crossmatch import crossmatch
from skerry.examine.encoders import encoders
from skerry.examine.label_independence import label_independence
from skerry.examine.properties import properties
from skerry.examine.sensitivity import sensitivity
from skerry.examine.settings import ExamineConfig
from skerry.examine.shredded import shredded
from skerry.examine.subject import Subject
from skerry.examine.subtle import subtle
from skerry.examine.unclustered import unclustered


@dataclass(frozen=True)
class Question:
    """``title`` is asked in words; ``uses`` are the settings that the answer depends on.

    ``inputs``: which of ``images`` and ``second`` (another encoder's representations) it needs.
    """

    name: str
    title: str
    answer: Callable[[Subject, ExamineConfig], Answer]
    uses: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()


QUESTIONS = (
    Question(
        "label_independence",
        "Does the representation hold more than the votes?",
        label_independence,
        ("target", "nuisance", "table", "permutations", "alpha", "seed"),
        ("images",),
    ),
    Question(
        "compression",
        "Is it there before UMAP, or an artifact of it?",
        compression,
        ("nulls", "alpha", "seed"),
    ),
    Question(
        "sensitivity",
        "In which settings of the search does it live?",
        sensitivity,
        ("nulls", "umap_sources", "alpha"),
    ),
    Question(
        "unclustered",
        "Why are most sources in no class?",
        unclustered,
        ("seed",),
    ),
    Question(
        "encoders",
        "Does a second encoder see the same classes?",
        encoders,
        ("seed",),
        ("second",),
    ),
    Question(
        "shredded",
        "Is one galaxy catalogued as several sources?",
        shredded,
        ("table", "permutations", "alpha", "seed"),
        ("images",),
    ),
    Question(
        "artifacts",
        "Is it made by the instrument, and by what?",
        artifacts,
        ("columns", "table", "permutations", "alpha", "seed"),
        ("images",),
    ),
    Question(
        "properties",
        "Do its members differ in mass, color, size, or where they live?",
        properties,
        ("columns", "matched", "table", "alpha", "seed"),
    ),
    Question(
        "crossmatch",
        "Is it a known type, and would a search for single outliers have shown it?",
        crossmatch,
        ("labels", "catalog", "radius", "table", "permutations", "alpha", "seed"),
    ),
    Question(
        "subtle",
        "Which classes show only when the obvious is taken out?",
        subtle,
        ("columns", "joined", "table", "subtle_nulls"),
    ),
)
"""All questions; ``classes`` is a setting of each."""
