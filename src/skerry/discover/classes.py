"""From candidates to named, ranked classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skerry.config import ClassesConfig
from skerry.types import Candidate, FloatArray, RareClass

ROUTE = "umap-hdbscan"
"""The way from vectors to classes that this package goes; each class carries its name."""


def rare_classes(
    candidates: Sequence[Candidate],
    ids: Sequence[str],
    votes: FloatArray,
    vote_columns: Sequence[str],
    config: ClassesConfig,
) -> list[RareClass]:
    """Classes, not yet judged, ranked by persistence, then size (larger first), then name.

    Parameters
    ----------
    candidates : members most central first, as ``candidates.centered`` orders them
    ids : the ``id_str`` of each row
    votes : float32 (n, n_answers), shares the encoder expects; (n, 0) where it has no heads
    vote_columns : the n_answers names
    config : ``exemplars`` is how many of the most central members stand for the class

    Returns
    -------
    list of RareClass
        A class is called ``SKR-`` and the ``id_str`` of its most central member.
    """

    def place(candidate: Candidate) -> tuple[float, int, str]:
        return -candidate.persistence, -len(candidate.members), ids[candidate.members[0]]

    classes = []
    for rank, candidate in enumerate(sorted(candidates, key=place), start=1):
        members = tuple(ids[i] for i in candidate.members)
        means = votes[candidate.members].mean(axis=0, dtype=np.float64)
        classes.append(
            RareClass(
                class_id=f"SKR-{members[0]}",
                rank=rank,
                members=members,
                probability=tuple(float(p) for p in candidate.probability),
                exemplars=members[: config.exemplars],
                persistence=candidate.persistence,
                route=ROUTE,
                votes={name: float(m) for name, m in zip(vote_columns, means, strict=True)},
            )
        )
    return classes


def distinctive(
    classes: Sequence[RareClass], votes: FloatArray, vote_columns: Sequence[str], n: int = 3
) -> dict[str, str]:
    """The answers that set each class apart, as ``"bar yes 0.81 (all: 0.34), ..."``.

    They are the n whose mean share inside differs most from the mean over all sources, in
    units of the standard deviation over all; of equals, the first column.

    Parameters
    ----------
    votes : float32 (n_sources, n_answers), the shares of all sources
    vote_columns : the n_answers names, as ``question_answer``

    Returns
    -------
    dict
        By ``class_id``; empty strings where there are no votes.
    """
    if not len(vote_columns) or not len(votes):
        return {rare.class_id: "" for rare in classes}
    mean = votes.mean(axis=0, dtype=np.float64)
    scatter = votes.std(axis=0, dtype=np.float64)
    # an answer that is the same for every source sets nothing apart
    unit = np.where(scatter > 0, scatter, np.inf)

    def said(rare: RareClass) -> str:
        if not rare.votes:
            return ""
        inside = np.array([rare.votes[name] for name in vote_columns])
        apart = np.abs(inside - mean) / unit
        return ", ".join(
            f"{_words(vote_columns[i])} {inside[i]:.2f} (all: {mean[i]:.2f})"
            for i in np.argsort(-apart, kind="stable")[:n]
        )

    return {rare.class_id: said(rare) for rare in classes}


def _words(column: str) -> str:
    """``bar-gz2_yes`` as ``bar yes``: the campaign is the same in every column."""
    question, _, answer = column.rpartition("_")
    name, _, campaign = question.rpartition("-")
    return f"{name if campaign[:2] == 'gz' else question} {answer}".replace("-", " ").strip()
