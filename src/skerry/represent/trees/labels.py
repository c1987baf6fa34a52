"""The answers that a class label implies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from skerry.errors import InputError
from skerry.represent.trees.schema import Schema

GZ2_SUMMARIES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "completely round smooth": (
        ("smooth-or-featured-gz2", "smooth"),
        ("how-rounded-gz2", "round"),
    ),
    "In between smooth": (
        ("smooth-or-featured-gz2", "smooth"),
        ("how-rounded-gz2", "in-between"),
    ),
    "Cigar-shaped smooth": (
        ("smooth-or-featured-gz2", "smooth"),
        ("how-rounded-gz2", "cigar"),
    ),
    "edge-on": (
        ("smooth-or-featured-gz2", "featured-or-disk"),
        ("disk-edge-on-gz2", "yes"),
    ),
    "spiral": (
        ("smooth-or-featured-gz2", "featured-or-disk"),
        ("disk-edge-on-gz2", "no"),
        ("has-spiral-arms-gz2", "yes"),
    ),
}
"""What the five confident classes of the Galaxy Zoo 2 clean sample say of each question."""


def implied_answers(
    summaries: Sequence[str | None],
    schema: Schema,
    meaning: Mapping[str, tuple[tuple[str, str], ...]] = GZ2_SUMMARIES,
) -> npt.NDArray[np.bool_]:
    """Answers that each class label implies, shape (n, n_columns); none for a missing label.

    Raises
    ------
    InputError
        A label that ``meaning`` does not know.
    """
    implied = np.zeros((len(summaries), len(schema.columns)), bool)
    for row, summary in enumerate(summaries):
        if summary is None:
            continue
        if summary not in meaning:
            raise InputError(
                f"row {row} has the unknown label {summary!r}; known: {', '.join(meaning)}"
            )
        for question, answer in meaning[summary]:
            implied[row, schema.index(question, answer)] = True
    return implied
