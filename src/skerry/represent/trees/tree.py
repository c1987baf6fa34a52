"""A decision tree: questions, answers and who is asked what."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from skerry.errors import ConfigError

T = TypeVar("T", bound=Any)


@dataclass(frozen=True)
class Question:
    """One question of a decision tree.

    ``asked_if`` holds the (question, answer) pairs that lead here: a volunteer who gives any of
    them is asked. Empty where everybody is.
    """

    name: str
    answers: tuple[str, ...]
    asked_if: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Schema:
    """A decision tree: its questions, in the order of the concentrations a network predicts.

    ``survey`` says in words whose tree it is, ``source`` where it was published.

    Raises
    ------
    ConfigError
        The questions are no tree: a name or column twice, fewer than two answers, a question
        asked after one that is unknown, comes later or hangs on it in turn, or asked after
        answers that one volunteer may give both, whose chances do not add up.
    """

    name: str
    questions: tuple[Question, ...]
    survey: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        try:
            check_tree(self.questions)
        except ConfigError as error:
            raise ConfigError(f"decision tree {self.name!r}: {error}") from None

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

    def leading(self, question: Question) -> list[int]:
        """Positions among :attr:`columns` of the answers that lead to a question."""
        return [self.index(*pair) for pair in question.asked_if]

    def cumulative(self, shares: T) -> T:
        """Shares of those asked times the chance of being asked.

        ``shares`` is an array or tensor of shape (n_galaxies, n_columns), as is the result. The
        chance of being asked is the sum over the answers that lead to a question.
        """
        out: T = shares * 1.0
        for question, s in zip(self.questions, self.slices, strict=True):
            if question.asked_if:
                out[:, s] = out[:, s] * out[:, self.leading(question)].sum(1)[:, None]
        return out

    def without(self, names: Sequence[str]) -> Schema:
        """The same tree with some questions left out.

        A question that hung on one of them counts as always asked: its chance is not known.
        """
        kept = []
        for question in self.questions:
            if question.name in names:
                continue
            lost = any(asked in names for asked, _ in question.asked_if)
            kept.append(replace(question, asked_if=()) if lost else question)
        return replace(self, questions=tuple(kept))


def nearest(word: str, known: Collection[str]) -> str:
    """The known word most like another, to suggest in an error."""
    return difflib.get_close_matches(word, list(known), n=1, cutoff=0.0)[0]


def check_tree(questions: Sequence[Question]) -> None:
    """Raise ConfigError where questions do not make a tree, as :class:`Schema` says."""
    if not questions:
        raise ConfigError("it has no questions; give at least one")
    columns: set[str] = set()
    by_name: dict[str, Question] = {}
    for question in questions:
        if not question.name or not all(question.answers):
            raise ConfigError(f"question {question.name!r} or an answer of it has an empty name")
        if question.name in by_name:
            raise ConfigError(f"question {question.name!r} comes twice; give each its own name")
        if len(question.answers) < 2:
            raise ConfigError(
                f"question {question.name!r} has {len(question.answers)} answer(s); "
                "expected two or more"
            )
        for answer in question.answers:
            column = f"{question.name}_{answer}"
            if column in columns:
                raise ConfigError(f"column {column!r} comes twice; rename the question or answer")
            columns.add(column)
        for pair in question.asked_if:
            if not isinstance(pair, tuple) or len(pair) != 2:
                raise ConfigError(
                    f"question {question.name!r} is asked after {pair!r}; "
                    "expected (question, answer) pairs, as ((question, answer),)"
                )
        by_name[question.name] = question
    earlier: set[str] = set()
    for question in questions:
        _check_asked_if(question, by_name, earlier)
        earlier.add(question.name)
    _check_exclusive(questions)


def _check_asked_if(question: Question, known: Mapping[str, Question], earlier: set[str]) -> None:
    where = f"question {question.name!r} is asked after"
    if len(set(question.asked_if)) < len(question.asked_if):
        raise ConfigError(f"{where} the same answer twice; name each once")
    for asked, answer in question.asked_if:
        if asked not in known:
            raise ConfigError(
                f"{where} {asked!r}, which is no question; did you mean {nearest(asked, known)!r}?"
            )
        answers = known[asked].answers
        if answer not in answers:
            raise ConfigError(
                f"{where} {answer!r} of {asked!r}, which has no such answer; "
                f"did you mean {nearest(answer, answers)!r}?"
            )
        if _hangs_on(asked, question.name, known):
            raise ConfigError(
                f"{where} {asked!r}, which is itself asked only after {question.name!r}; "
                "break the cycle"
            )
        if asked not in earlier:
            raise ConfigError(f"{where} {asked!r}, which comes later; move it after {asked!r}")


def _hangs_on(name: str, other: str, known: Mapping[str, Question]) -> bool:
    """Whether a question is another, or follows it through any number of answers."""
    waiting, seen = [name], set()
    while waiting:
        at = waiting.pop()
        if at == other:
            return True
        if at in known and at not in seen:
            seen.add(at)
            waiting += [asked for asked, _ in known[at].asked_if]
    return False


def _check_exclusive(questions: Sequence[Question]) -> None:
    """Raise ConfigError where a volunteer may give two of the answers that lead to a question."""
    # which answers to earlier questions whoever is asked a question has to have given
    given: dict[str, dict[str, set[str]]] = {}
    for question in questions:
        ways = [{**given[asked], asked: {answer}} for asked, answer in question.asked_if]
        for i, way in enumerate(ways):
            for j, other in enumerate(ways[:i]):
                if not any(way[q].isdisjoint(other[q]) for q in way.keys() & other.keys()):
                    raise ConfigError(
                        f"question {question.name!r} is asked after both "
                        f"{'_'.join(question.asked_if[j])!r} and "
                        f"{'_'.join(question.asked_if[i])!r}, which one volunteer may give both; "
                        "name answers that exclude each other"
                    )
        shared = set.intersection(*(set(way) for way in ways)) if ways else set()
        given[question.name] = {q: set.union(*(way[q] for way in ways)) for q in shared}
