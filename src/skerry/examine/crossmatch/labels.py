"""Existing classifications of the sources: a user's labels, and votes turned into labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from skerry.errors import CannotAnswerError, SkerryError
from skerry.examine.columns import ALIASES, TRUTH, require_columns
from skerry.examine.settings import names_of
from skerry.represent.trees.schema import Schema, get, names
from skerry.represent.trees.votes import read_counts
from skerry.survey import Attributes
from skerry.survey.columns import listed, normalized
from skerry.types import DoubleArray

Words = np.ndarray[tuple[int], np.dtype[np.object_]]
Bools = npt.NDArray[np.bool_]

MAJORITY = 0.5
"""More than this share of the volunteers has to have been asked, and of these to say so."""
MOST_VALUES = 50
"""Of more different words a column holds names rather than labels."""
FEWEST = 2
"""Sources that a label needs."""
FULL = 0.9
"""From this share of the sources on, a labelling is a full one."""

MISSING = ("", "nan", "null", "none", "--", "n/a")
"""Texts, in small letters, that say there is no label."""
_YES, _NO = ("1", "1.0", "true", "yes"), ("0", "0.0", "false", "no")
_NEVER = {alias for role in ("detector", "brick", "exposure") for alias in ALIASES[role]}


@dataclass(frozen=True)
class Labelling:
    """One classification of the sources.

    ``values`` object (n,): the label of each source, "" for none of them. ``known`` bool (n,): it
    was looked at. ``flag``: one label only, which a source has or has not. ``chance`` is the share
    of the labels that are expected to belong to another object, where they came by position.
    ``weight``: how many sources in no class each of those that were looked at stands for.
    ``presence``: it says only whether a source is in a catalog.
    """

    name: str
    values: Words
    known: Bools
    flag: bool = False
    chance: float = 0.0
    weight: float = 1.0
    presence: bool = False

    def labels(self) -> dict[str, Bools]:
        """Which sources have each label, (n,), those of fewer than ``FEWEST`` left out."""
        found = {}
        for value in sorted(set(self.values[self.known]) - {""}):
            has = (self.values == value) & self.known
            if has.sum() >= FEWEST:
                found[value if self.flag else f"{self.name}: {value}"] = has
        return found

    @property
    def full(self) -> bool:
        """Whether nearly all sources have one of two or more labels."""
        labeled = self.values != ""
        return bool(labeled.mean() >= FULL and len(set(self.values[labeled])) >= 2)


def labelling_of(name: str, texts: Sequence[str], known: Bools | None = None) -> Labelling:
    """A column of words or of yes and no as a labelling.

    ``texts`` (n,) in which ``MISSING`` says nothing. A column of nothing but 1 and 0 (or true and
    false, yes and no) is one label, the column's name. ``known`` bool (n,) are the rows to look at.
    """
    plain = np.array([str(t).strip() for t in texts], dtype=object)
    small = np.array([t.lower() for t in plain], dtype=object)
    held = ~np.isin(small, MISSING)
    if known is not None:
        held &= known
    values = set(small[held])
    if values and values <= {*_YES, *_NO}:
        flagged = held & np.isin(small, _YES)
        return Labelling(name, np.where(flagged, name, "").astype(object), held, flag=True)
    return Labelling(name, np.where(held, plain, "").astype(object), held)


def own_labels(attributes: Attributes, named: str) -> tuple[list[Labelling], list[str]]:
    """The labellings among the columns of the run's catalog, and notes on them.

    ``named`` are columns joined by commas; empty: every column of 2 to ``MOST_VALUES`` words that
    is no position, detector or exposure, and the votes of a decision tree.

    Raises
    ------
    ConfigError
        A column that is named is missing.
    CannotAnswerError
        One that is named is neither of words nor of 0 and 1.
    """
    if named:
        return [_named(attributes, name) for name in names_of(named)], []
    found, notes = [], []
    for name, texts in attributes.words.items():
        if (
            not name.startswith(TRUTH)
            and normalized(name) not in _NEVER
            and is_labelling(list(texts))
        ):
            found.append(labelling_of(name, list(texts)))
    flags = [name for name, values in attributes.numbers.items()
             if not name.startswith(TRUTH) and set(values[np.isfinite(values)]) == {0.0, 1.0}
             and not name.endswith("_fraction")]  # fmt: skip
    if flags:
        notes.append(
            f"Columns of 0 and 1 were not taken for labels ({listed(flags, 5)}): name those that "
            "are, as labels=NAME."
        )
    voted, said = vote_labels(attributes.numbers)
    return [*found, *voted], [*notes, *said]


def is_labelling(texts: Sequence[Any]) -> bool:
    """Whether a column of words looks like labels: few different ones, and no numbers."""
    held = [t for t in (str(text).strip() for text in texts) if t.lower() not in MISSING]
    values = set(held)
    if not 2 <= len(values) <= min(MOST_VALUES, len(held) / 2):
        return False
    return not all(_is_number(value) for value in values)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _named(attributes: Attributes, name: str) -> Labelling:
    require_columns(attributes, [name])
    if name in attributes.words:
        texts = list(attributes.words[name])
    else:
        texts = [repr(value) for value in attributes.numbers[name].tolist()]
    found = checked_column(labelling_of(name, texts))
    if not found.labels():
        raise CannotAnswerError(f"column {name!r} gives no label to {FEWEST} sources or more")
    return found


def checked_column(found: Labelling) -> Labelling:
    """A column that was named for its labels, if it can be one.

    Raises
    ------
    CannotAnswerError
        It holds numbers other than 0 and 1, or more than ``MOST_VALUES`` different words.
    """
    values = set(found.values) - {""}
    if not found.flag and values and all(_is_number(value) for value in values):
        raise CannotAnswerError(
            f"column {found.name!r} holds numbers other than 0 and 1; labels are words, or 0 and 1"
        )
    if len(values) > MOST_VALUES:
        raise CannotAnswerError(
            f"column {found.name!r} has {len(values)} different words; labels are at most "
            f"{MOST_VALUES}"
        )
    return found


def vote_labels(numbers: Mapping[str, DoubleArray]) -> tuple[list[Labelling], list[str]]:
    """Galaxy Zoo's votes as labels: for each question of the tree the answer of the majority.

    A source has an answer's label where more than half of the volunteers were asked the question
    (all the questions that lead to it having been answered so) and more than half of those gave
    that answer; where not, it has none of them, which counts. So are the odd features of Galaxy Zoo
    2 taken for kinds in the clean samples of Willett et al. (2013, MNRAS 435, 2835, table 3, where
    thresholds are higher).
    """
    schema = _tree_of(numbers)
    if schema is None:
        fractions = [name for name in numbers if name.endswith("_fraction")]
        if fractions:
            return [], [
                f"Columns {listed(fractions, 3)} are not all the votes of a decision tree that "
                "skerry knows, and were not made into labels."
            ]
        return [], []
    try:
        counts = read_counts(pa.table(dict(numbers)), schema).astype(np.float64)
    except SkerryError as error:
        return [], [f"The votes of the tree {schema.name!r} cannot be read: {error}."]
    return [*_majorities(counts, schema)], []


def _tree_of(columns: Mapping[str, Any]) -> Schema | None:
    """The largest tree of those that ship all of whose counts or fractions are there."""
    held = set(columns)
    found = [
        schema
        for schema in map(get, names())
        if set(schema.columns) <= held or {f"{c}_fraction" for c in schema.columns} <= held
    ]
    return max(found, key=lambda schema: (len(schema.columns), schema.name), default=None)


def _majorities(counts: DoubleArray, schema: Schema) -> list[Labelling]:
    asked = np.stack([counts[:, s].sum(axis=1) for s in schema.slices], axis=1)
    root = np.array([not question.asked_if for question in schema.questions])
    volunteers = asked[:, root].max(axis=1)
    known = volunteers > 0
    found = []
    for q, (question, s) in enumerate(zip(schema.questions, schema.slices, strict=True)):
        reached = known & (asked[:, q] > MAJORITY * volunteers)
        values = np.full(len(counts), "", dtype=object)
        for answer, votes in zip(question.answers, counts[:, s].T, strict=True):
            values[reached & (votes > MAJORITY * asked[:, q])] = answer
        found.append(Labelling(question.name, values, known))
    return found
