"""From judged candidates to ranked classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from skerry.config import ClassesConfig
from skerry.discover.judge import Judgement
from skerry.types import Candidate, FloatArray, IntArray, RareClass, Verdict

_ORDER: tuple[Verdict, ...] = ("confirmed", "tentative", "rejected", "unjudged")


@dataclass(frozen=True)
class Found:
    """A candidate under its name, with all that is known of it.

    ``candidate`` has its members most central first. ``overdensity``, ``isolation``
    and ``containment`` are those of ``Measures``.
    ``judgement`` is None where it was not judged. ``replication`` is the share of repeated
    searches that found it and ``returned``, (n_members,), how often each member came back with
    it; None where no search was repeated. The first ``core`` members are those it was judged by.
    """

    candidate: Candidate
    class_id: str
    overdensity: float
    isolation: float
    containment: float = 0.0
    history: str = ""
    judgement: Judgement | None = None
    replication: float | None = None
    returned: FloatArray | None = None
    core: int | None = None


def rare_classes(
    found: Sequence[Found],
    ids: Sequence[str],
    votes: FloatArray,
    vote_columns: Sequence[str],
    config: ClassesConfig,
    route: str,
) -> list[RareClass]:
    """Classes ranked by verdict (confirmed first), containment, size (larger first), isolation,
    then name.

    Parameters
    ----------
    ids : the ``id_str`` of each row
    votes : float32 (n, n_answers), shares the encoder expects; (n, 0) where it has no heads
    vote_columns : the n_answers names
    config : ``exemplars`` is how many of the most central members stand for the class
    route : the way from vectors to candidates
    """
    classes = [_rare_class(one, ids, votes, vote_columns, config.exemplars, route) for one in found]
    ranked = sorted(classes, key=_place)
    return [replace(rare, rank=rank) for rank, rare in enumerate(ranked, start=1)]


def _place(rare: RareClass) -> tuple[int, float, int, float, str]:
    # of islands, which no edge leaves, all are contained alike
    measured = (-rare.containment, -rare.size, -rare.isolation)
    return _ORDER.index(rare.verdict), *measured, rare.class_id


def _rare_class(
    found: Found,
    ids: Sequence[str],
    votes: FloatArray,
    vote_columns: Sequence[str],
    exemplars: int,
    route: str,
) -> RareClass:
    candidate, judgement = found.candidate, found.judgement or Judgement("unjudged", (), ())
    probability = candidate.probability if found.returned is None else found.returned
    if len(probability) != len(candidate.members):
        raise ValueError(f"{len(probability)} probabilities, {len(candidate.members)} members")
    members = tuple(ids[i] for i in candidate.members)
    means = votes[candidate.members].mean(axis=0, dtype=np.float64)
    return RareClass(
        class_id=found.class_id,
        rank=0,
        members=members,
        probability=tuple(float(p) for p in probability),
        exemplars=members[: min(exemplars, len(members) if found.core is None else found.core)],
        persistence=candidate.persistence,
        route=route,
        verdict=judgement.verdict,
        p_value=judgement.p,
        q_value=judgement.q,
        overdensity=found.overdensity,
        isolation=found.isolation,
        containment=found.containment,
        replication=found.replication,
        reasons=(*judgement.reasons, *_completed(len(members), found.core)),
        history=found.history,
        checks=judgement.checks,
        core=len(members) if found.core is None else found.core,
        votes={name: float(m) for name, m in zip(vote_columns, means, strict=True)},
    )


def _completed(size: int, core: int | None) -> tuple[str, ...]:
    if core is None or core == size:
        return ()
    return (f"Around the {core} members that were judged {size - core} more complete it.",)


TOLD = 0.1
"""The least difference of an answer's share, in a class and in all, that sets the class apart."""


def distinctive(
    classes: Sequence[RareClass], votes: FloatArray, vote_columns: Sequence[str], n: int = 3
) -> dict[str, str]:
    """The answers that set each class apart, as ``"bar yes 0.81 (all: 0.34), ..."``.

    They are the n whose mean share inside differs most from the mean over all sources, in
    units of the standard deviation over all, of those that differ by ``TOLD`` at least; of
    equals, the first column.

    Parameters
    ----------
    votes : float32 (n_sources, n_answers), the shares of all sources
    vote_columns : the n_answers names, as ``question_answer``

    Returns
    -------
    dict
        By ``class_id``; empty strings where there are no votes, or none that differ.
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
        differs = np.abs(inside - mean)
        apart = np.where(differs >= TOLD, differs / unit, 0.0)
        return ", ".join(
            f"{_words(vote_columns[i])} {inside[i]:.2f} (all: {mean[i]:.2f})"
            for i in np.argsort(-apart, kind="stable")[:n]
            if apart[i] > 0
        )

    return {rare.class_id: said(rare) for rare in classes}


def _words(column: str) -> str:
    """``bar-gz2_yes`` as ``bar yes``: the campaign is the same in every column."""
    question, _, answer = column.rpartition("_")
    name, _, campaign = question.rpartition("-")
    return f"{name if campaign[:2] == 'gz' else question} {answer}".replace("-", " ").strip()


def members_of(classes: Sequence[RareClass], ids: Sequence[str]) -> list[IntArray]:
    """Rows of ``ids`` in each class, most central first; members that are not in it left out."""
    named = {m for rare in classes for m in rare.members}
    row = {name: i for i, name in enumerate(ids) if name in named}
    return [np.array([row[m] for m in rare.members if m in row], np.int64) for rare in classes]
