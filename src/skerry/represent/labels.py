"""Training targets: vote counts and the answers that a class label implies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from skerry.represent.schema import Schema

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


def vote_fractions(table: pa.Table, schema: Schema) -> npt.NDArray[np.float32]:
    """Cumulative vote fractions, shape (n, n_columns); NaN where a galaxy has no votes."""
    columns = []
    for name in schema.columns:
        column = table[f"{name}_fraction"].combine_chunks().cast(pa.float32())
        columns.append(np.asarray(column.fill_null(np.nan), dtype=np.float32))
    return np.stack(columns, 1)


def counts_from_fractions(
    fractions: npt.NDArray[np.float32], volunteers: float
) -> npt.NDArray[np.float32]:
    """Assumed vote counts: cumulative fractions times ``volunteers``, zero for missing votes.

    A cumulative fraction holds the probability of reaching its question, so its product with
    the galaxy's volunteers is the number who gave that answer.
    """
    counts = np.nan_to_num(fractions * volunteers, nan=0.0)
    return np.asarray(counts, dtype=np.float32)


def implied_answers(
    summaries: Sequence[str | None],
    schema: Schema,
    meaning: Mapping[str, tuple[tuple[str, str], ...]] = GZ2_SUMMARIES,
) -> npt.NDArray[np.bool_]:
    """Answers that each class label implies, shape (n, n_columns); none for a missing label.

    Raises
    ------
    KeyError
        A label that ``meaning`` does not know.
    """
    implied = np.zeros((len(summaries), len(schema.columns)), bool)
    for row, summary in enumerate(summaries):
        for question, answer in meaning[summary] if summary is not None else ():
            implied[row, schema.index(question, answer)] = True
    return implied
