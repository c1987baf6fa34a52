"""The questions in their order, each with the settings it depends on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from skerry.answer import Answer
from skerry.examine.properties import properties
from skerry.examine.settings import ExamineConfig
from skerry.examine.subject import Subject


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
        "properties",
        "Do its members differ in mass, color, size, or where they live?",
        properties,
        ("columns", "matched", "table", "alpha", "seed"),
    ),
)
"""All questions; ``classes`` is a setting of each."""
