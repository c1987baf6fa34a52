"""Galaxy Zoo decision trees as data: questions, answers and who is asked what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from skerry.errors import ConfigError

T = TypeVar("T", bound=Any)


@dataclass(frozen=True)
class Question:
    """One question of a decision tree.

    ``asked_if`` is the (question, answer) that leads here, or None for the first question.
    """

    name: str
    answers: tuple[str, ...]
    asked_if: tuple[str, str] | None = None


@dataclass(frozen=True)
class Schema:
    """A decision tree: its questions, in the order of the concentrations a network predicts."""

    name: str
    questions: tuple[Question, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names ``question_answer``, one for each predicted concentration."""
        return tuple(f"{q.name}_{a}" for q in self.questions for a in q.answers)

    @property
    def slices(self) -> tuple[slice, ...]:
        """Where each question's answers lie among :attr:`columns`."""
        bounds, start = [], 0
        for question in self.questions:
            bounds.append(slice(start, start + len(question.answers)))
            start += len(question.answers)
        return tuple(bounds)

    def index(self, question: str, answer: str) -> int:
        """Position of an answer among :attr:`columns`.

        Raises
        ------
        ConfigError
            The schema has no such question or answer.
        """
        column = f"{question}_{answer}"
        if column not in self.columns:
            raise ConfigError(
                f"schema {self.name!r} has no answer {column!r}; it has: {', '.join(self.columns)}"
            )
        return self.columns.index(column)

    def cumulative(self, shares: T) -> T:
        """Shares of those asked times the chance of being asked; rows are galaxies.

        A question that hangs on one that the schema lacks is taken as always asked.
        """
        out: T = shares * 1.0
        names = [q.name for q in self.questions]
        for question, s in zip(self.questions, self.slices, strict=True):
            if question.asked_if is not None and question.asked_if[0] in names:
                at = self.index(*question.asked_if)
                out[:, s] = out[:, s] * out[:, at : at + 1]
        return out

    def without(self, names: Sequence[str]) -> Schema:
        """The same tree with some questions left out."""
        return Schema(self.name, tuple(q for q in self.questions if q.name not in names))


GZ2 = Schema(
    "gz2",
    (
        Question("smooth-or-featured-gz2", ("smooth", "featured-or-disk", "artifact")),
        Question(
            "disk-edge-on-gz2",
            ("yes", "no"),
            ("smooth-or-featured-gz2", "featured-or-disk"),
        ),
        Question("bar-gz2", ("yes", "no"), ("disk-edge-on-gz2", "no")),
        Question("has-spiral-arms-gz2", ("yes", "no"), ("disk-edge-on-gz2", "no")),
        Question(
            "bulge-size-gz2",
            ("no", "just-noticeable", "obvious", "dominant"),
            ("disk-edge-on-gz2", "no"),
        ),
        Question("something-odd-gz2", ("yes", "no")),
        Question(
            "how-rounded-gz2",
            ("round", "in-between", "cigar"),
            ("smooth-or-featured-gz2", "smooth"),
        ),
        Question(
            "odd-feature-gz2",
            ("ring", "lens-or-arc", "disturbed", "irregular", "other", "merger", "dust-lane"),
            ("something-odd-gz2", "yes"),
        ),
        Question("bulge-shape-gz2", ("round", "boxy", "no-bulge"), ("disk-edge-on-gz2", "yes")),
        Question(
            "spiral-winding-gz2", ("tight", "medium", "loose"), ("has-spiral-arms-gz2", "yes")
        ),
        Question(
            "spiral-arm-count-gz2",
            ("1", "2", "3", "4", "more-than-4", "cant-tell"),
            ("has-spiral-arms-gz2", "yes"),
        ),
    ),
)
"""Galaxy Zoo 2 (Willett et al. 2013, MNRAS 435, 2835, table 2)."""

ODD_QUESTIONS = ("something-odd-gz2", "odd-feature-gz2")
"""The questions that score discovery; no encoder that ships is trained on them."""

GZ2_TRAINED = GZ2.without(ODD_QUESTIONS)
"""What the shipped encoder learns: Galaxy Zoo 2 without the odd features."""
