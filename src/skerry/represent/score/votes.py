"""How far expected vote fractions are from the volunteers'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from skerry.represent.score.bootstrap import interval, resampled_means
from skerry.represent.trees.schema import Schema

Floats = npt.NDArray[np.float64]

ALPHAS = tuple(10.0**p for p in range(-2, 6))
"""Strengths of the ridge penalty to choose from, for features of variance 1."""


def from_heads(votes: Floats, columns: Sequence[str], schema: Schema) -> Floats:
    """Cumulative fractions that an encoder's heads expect: (n, schema's columns).

    ``votes`` (n, len(columns)) are shares of those asked. Questions without all their heads
    are NaN.
    """
    held = [
        q.name for q in schema.questions if {f"{q.name}_{a}" for a in q.answers} <= set(columns)
    ]
    out = np.full((len(votes), len(schema.columns)), np.nan)
    if held:
        known = schema.without([q.name for q in schema.questions if q.name not in held])
        shares = votes[:, [list(columns).index(c) for c in known.columns]]
        out[:, [schema.columns.index(c) for c in known.columns]] = known.cumulative(shares)
    return out


def ridge(fit_vectors: Floats, fit_votes: Floats, vectors: Floats) -> Floats:
    """Fractions by ridge regression, clipped to [0, 1]: (n, m).

    Fitted on vectors (k, d) and fractions (k, m) of other galaxies; each answer's penalty is
    the best of ``ALPHAS`` by leaving one of those out at a time. Features are scaled to
    variance 1 among them.
    """
    from sklearn.linear_model import RidgeCV

    mean, spread = fit_vectors.mean(0), fit_vectors.std(0)
    spread = np.where(spread > 0, spread, 1.0)
    model = RidgeCV(ALPHAS, alpha_per_target=True)
    model.fit((fit_vectors - mean) / spread, fit_votes)
    found = model.predict((vectors - mean) / spread).reshape(len(vectors), -1)
    return np.asarray(np.clip(found, 0.0, 1.0))


def groups(schema: Schema, predicted: Sequence[str]) -> dict[str, list[int]]:
    """Answers to take the error of together: all, with and without a head, each question's."""
    columns = range(len(schema.columns))
    known = [i for i in columns if schema.columns[i] in predicted]
    found = {f"all {len(columns)} answers": list(columns)}
    if known and len(known) < len(columns):
        found[f"{len(known)} answers with heads"] = known
        others = [i for i in columns if i not in known]
        found[f"{len(others)} answers without heads"] = others
    slices = zip(schema.questions, schema.slices, strict=True)
    return found | {q.name: list(range(s.start, s.stop)) for q, s in slices}


def rmse(
    expected: Floats, truth: Floats, groups: Mapping[str, Sequence[int]], seed: int
) -> dict[str, tuple[float, float, float]]:
    """Root mean squared error of each group of columns: value and 95% interval over galaxies.

    Groups with a column that was not predicted (NaN) are left out.
    """
    squares = (expected - truth) ** 2
    parts = {g: squares[:, list(c)].mean(1) for g, c in groups.items()}
    parts = {g: p for g, p in parts.items() if np.isfinite(p).all()}
    if not parts:
        return {}
    resampled = np.sqrt(resampled_means(np.stack(list(parts.values()), 1), seed))
    return {
        g: (float(np.sqrt(p.mean())), *interval(resampled[:, i]))
        for i, (g, p) in enumerate(parts.items())
    }
