"""From candidates to named, ranked classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skerry.config import ClassesConfig
from skerry.types import Candidate, FloatArray, RareClass


def rare_classes(
    candidates: Sequence[Candidate],
    ids: Sequence[str],
    votes: FloatArray,
    vote_columns: Sequence[str],
    config: ClassesConfig,
    route: str = "umap-hdbscan",
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
                route=route,
                votes={name: float(m) for name, m in zip(vote_columns, means, strict=True)},
            )
        )
    return classes


def distinctive(
    rare: RareClass, votes_all: FloatArray, vote_columns: Sequence[str], n: int = 3
) -> str:
    """The answers that set a class apart, as ``"bar yes 0.81 (all: 0.34), ..."``.

    They are the n whose mean share inside differs most from the mean over all sources, in
    units of the standard deviation over all; of equals, the first column.

    Parameters
    ----------
    votes_all : float32 (n_sources, n_answers), the shares of all sources
    vote_columns : the n_answers names, as ``question_answer``

    Returns
    -------
    str
        Empty where there are no votes.
    """
    if not rare.votes or not len(vote_columns):
        return ""
    inside = np.array([rare.votes[name] for name in vote_columns])
    mean = votes_all.mean(axis=0, dtype=np.float64)
    scatter = votes_all.std(axis=0, dtype=np.float64)
    # an answer that is the same for every source sets nothing apart
    apart = np.abs(inside - mean) / np.where(scatter > 0, scatter, np.inf)
    return ", ".join(
        f"{_words(vote_columns[i])} {inside[i]:.2f} (all: {mean[i]:.2f})"
        for i in np.argsort(-apart, kind="stable")[:n]
    )


def _words(column: str) -> str:
    """``bar-gz2_yes`` as ``bar yes``: the campaign is the same in every column."""
    question, _, answer = column.rpartition("_")
    name, _, campaign = question.rpartition("-")
    return f"{name if campaign[:2] == 'gz' else question} {answer}".replace("-", " ").strip()
