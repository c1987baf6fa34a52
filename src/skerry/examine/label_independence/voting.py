"""The votes of a run's sources: those that its encoder predicts, those that volunteers gave."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from skerry.errors import SkerryError
from skerry.examine.label_independence.latent_votes import SMALLEST, stabilized
from skerry.examine.subject import Subject
from skerry.represent.trees.schema import ODD_QUESTIONS, get, names
from skerry.represent.trees.tree import Question, Schema
from skerry.represent.trees.votes import read_counts
from skerry.types import DoubleArray, IntArray

PREDICTED, OBSERVED = "predicted", "observed"
VOLUNTEERS = 40.0
"""How many classified each source where the catalog has only fractions (Willett et al. 2013)."""


@dataclass(frozen=True)
class Votes:
    """Votes on the questions of a tree, of the sources ``rows`` int64 (m,).

    ``values`` float64 (m, k): predicted shares of those asked, or how many gave each answer.
    """

    kind: str
    tree: Schema
    rows: IntArray
    values: DoubleArray

    @property
    def noisy(self) -> bool:
        """Whether they are those of a few volunteers."""
        return self.kind == OBSERVED

    def of(self, kept: IntArray) -> Votes:
        """Those of some of its rows, by their places among them."""
        return Votes(self.kind, self.tree, self.rows[kept], self.values[kept])

    @property
    def places(self) -> DoubleArray:
        """Square roots of the fractions of all volunteers (m, k): their Euclidean distance is
        Hellinger's, summed over the questions by the chance of being asked."""
        if self.noisy:
            return stabilized(self.values, self.tree)
        return np.asarray(np.sqrt(np.maximum(self.tree.cumulative(self.values), 0.0)))

    @property
    def columns(self) -> DoubleArray:
        """What is fitted on: `places` of observed votes; predicted ones are exact however small,
        so their logarithms are beside them (m, 2 k)."""
        if self.noisy:
            return self.places
        return np.concatenate([self.values, np.log(np.maximum(self.values, SMALLEST))], axis=1)


def votes_of(subject: Subject, withheld: Collection[str] = ()) -> tuple[list[Votes], list[str]]:
    """Predicted and observed votes, those of them that there are, and notes on what is not.

    Questions about odd features, that encoders which ship never learned, and those of the columns
    ``withheld`` are left out of the observed ones.
    """
    found, notes = [], []
    for votes, note in (_predicted(subject), _observed(subject, withheld)):
        if votes is not None:
            found.append(votes)
        if note:
            notes.append(note)
    return found, notes


def _predicted(subject: Subject) -> tuple[Votes | None, str]:
    if not subject.votes.shape[1]:
        return None, "The encoder predicts no votes: it has no vote heads."
    tree = _tree_of(subject.vote_columns)
    if tree is None:
        return None, "The encoder's vote columns are no questions with two answers or more."
    order = [subject.vote_columns.index(column) for column in tree.columns]
    shares = subject.votes[:, order].astype(np.float64)
    return Votes(PREDICTED, tree, np.arange(len(subject)), shares), ""


def _tree_of(columns: Sequence[str]) -> Schema | None:
    """The tree of a network's columns; one without branches where none that ships has them."""
    for name in names():
        tree = _kept(get(name), set(columns))
        if tree is not None and set(tree.columns) == set(columns):
            return tree
    answers: dict[str, list[str]] = {}
    for column in columns:
        question, _, answer = column.rpartition("_")
        answers.setdefault(question, []).append(answer)
    try:
        return Schema("given", tuple(Question(q, tuple(a)) for q, a in answers.items()))
    except SkerryError:
        return None


def _kept(tree: Schema, columns: Collection[str], without: Collection[str] = ()) -> Schema | None:
    lost = [
        q.name
        for q in tree.questions
        if q.name in without or any(f"{q.name}_{a}" not in columns for a in q.answers)
    ]
    return tree.without(lost) if len(lost) < len(tree.questions) else None


def question_of(column: str) -> str:
    """The question whose votes a column holds, as far as its name tells."""
    return column.removesuffix("_fraction").rpartition("_")[0]


def _observed(subject: Subject, withheld: Collection[str]) -> tuple[Votes | None, str]:
    numbers = subject.attributes.numbers
    without = {*ODD_QUESTIONS, *(question_of(column) for column in withheld)}
    found: tuple[Schema, tuple[str, ...]] | None = None
    for name in names():
        for suffix in ("", "_fraction"):
            held = {c.removesuffix(suffix) for c in numbers if c.endswith(suffix)}
            tree = _kept(get(name), held, without)
            if tree and (found is None or len(tree.questions) > len(found[0].questions)):
                totals = tuple(f"{q.name}_total-votes" for q in tree.questions)
                columns = (*(f"{c}{suffix}" for c in tree.columns), *totals)
                found = tree, tuple(c for c in columns if c in numbers)
    if found is None:
        return None, "The catalog has no votes of volunteers that a tree which ships knows."
    tree, columns = found
    table = pa.table({c: pa.array(numbers[c], from_pandas=True) for c in columns})
    try:
        counts = read_counts(table, tree, volunteers=VOLUNTEERS).astype(np.float64)
    except SkerryError as error:
        return None, f"The catalog's votes were left out: {error}."
    rows = np.flatnonzero(counts.sum(axis=1) > 0)
    if not len(rows):
        return None, "The catalog has no votes for any source of the run."
    return Votes(OBSERVED, tree, rows, counts[rows]), ""
