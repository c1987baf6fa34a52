"""Simulated volunteers: what they answer to the Galaxy Zoo DECaLS tree of data release 5.

The answers' chances are smooth functions made up to behave as volunteers do; they are not
fitted to the votes of any survey.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from skerry.errors import ConfigError
from skerry.represent.trees.schema import Schema
from skerry.types import DoubleArray

DISTURBANCES = ("none", "minor-disturbance", "major-disturbance", "merger")
"""How disturbed a galaxy looks, in order; the answers of the question on merging."""

_LAPSE = 0.02
"""Share of answers that have nothing to do with the image, spread evenly."""

_RESOLVED, _BLUR = 3.0, 0.8
"""R90 over the PSF's FWHM at which half of a feature's strength is seen; the logistic's width."""


@dataclass(frozen=True)
class Appearance:
    """What a volunteer could see of a source.

    ``late`` runs along the Hubble sequence, 0 elliptical to 1 late spiral; ``bulge_fraction`` is
    of the light, ``axis_ratio`` apparent, ``pitch`` of the arms in radians. ``arm_strength``
    (to 1.25), ``bar``, ``boxy`` (of a bulge seen edge-on), ``clumps`` (to 1.2) and ``artifact``
    are 0 where there is none, and ``arms`` (0 to 4) counts. ``edge_on`` is 0 for a disk seen
    face-on, 1 for exactly edge-on: 1 minus the cosine of the inclination. ``merger`` is one of
    `DISTURBANCES`. ``resolution`` is R90 over the PSF's FWHM: below about 3 all looks smooth.

    Raises
    ------
    ConfigError
        A value is out of range.
    """

    late: float = 0.5
    bulge_fraction: float = 0.3
    axis_ratio: float = 0.7
    arm_strength: float = 0.0
    arms: int = 0
    pitch: float = 0.3
    bar: float = 0.0
    boxy: float = 0.0
    edge_on: float = 0.3
    clumps: float = 0.0
    merger: str = "none"
    artifact: float = 0.0
    resolution: float = 8.0

    def __post_init__(self) -> None:
        for name, highest in _HIGHEST.items():
            value = getattr(self, name)
            if not 0 <= value <= highest or value == math.inf:
                raise ConfigError(
                    f"{name} of an appearance is {value}; expected 0 to {highest:.4g}"
                )
        if self.merger not in DISTURBANCES:
            raise ConfigError(
                f"merger is {self.merger!r}; expected one of {', '.join(DISTURBANCES)}"
            )

    @property
    def seen(self) -> float:
        """Share of a feature's strength that the resolution leaves, 0 to 1."""
        return _logistic((self.resolution - _RESOLVED) / _BLUR)

    @property
    def arms_seen(self) -> float:
        """Strength of spiral arms as they show: tilting the disk hides them."""
        present = self.arm_strength if self.arms > 0 else 0.0
        return self.seen * present * (1 - 0.7 * self.edge_on)


_HIGHEST: Mapping[str, float] = {
    "late": 1,
    "bulge_fraction": 1,
    "axis_ratio": 1,
    "arm_strength": 1.25,
    "arms": 4,
    "pitch": math.pi / 2,
    "bar": 1,
    "boxy": 1,
    "edge_on": 1,
    "clumps": 1.2,
    "artifact": 1,
    "resolution": math.inf,
}


def answer_probabilities(a: Appearance, schema: Schema) -> dict[str, DoubleArray]:
    """Mean share of each answer among the volunteers who are asked, for every question.

    Each float64 (n_answers,), in the tree's order: strictly between 0 and 1, with sum 1.

    Raises
    ------
    ConfigError
        The tree asks what these volunteers do not answer; they know ``decals_dr5`` and what is
        left of it without some of its questions.
    """
    given = {f"{name}-dr5": shares for name, shares in _shares(a).items()}
    found = {}
    for question in schema.questions:
        shares = given.get(question.name, {})
        if set(shares) != set(question.answers):
            raise ConfigError(
                f"{question.name!r} of the tree {schema.name!r} has the answers "
                f"{', '.join(question.answers)}; simulated volunteers give "
                f"{', '.join(shares) or 'none'}. Take the tree 'decals_dr5'"
            )
        looked = np.array([shares[answer] for answer in question.answers])
        found[question.name] = (1 - _LAPSE) * looked / looked.sum() + _LAPSE / len(looked)
    return found


def draw_votes(
    a: Appearance,
    rng: np.random.Generator,
    schema: Schema,
    volunteers: float = 40.0,
    concentration: float = 15.0,
) -> dict[str, int]:
    """Draw the votes on one source: a count for each of `vote_columns`.

    As many volunteers are asked a question as gave an answer that leads to it. Their votes are
    Dirichlet-multinomial (Walmsley et al. 2022, MNRAS 509, 3966, equation 2) with alpha the
    mean shares times ``concentration``: sources that look alike differ by more than chance of
    40 votes. The number of volunteers is Poisson, at least 1, around ``volunteers``; fully
    classified galaxies of Galaxy Zoo DECaLS have 30 and more.

    Raises
    ------
    ConfigError
        As :func:`answer_probabilities`; or ``volunteers`` or ``concentration`` is not positive.
    """
    for name, value in (("volunteers", volunteers), ("concentration", concentration)):
        if not 0 < value < math.inf:
            raise ConfigError(f"{name} is {value}; expected a positive, finite number")
    mean = answer_probabilities(a, schema)
    everybody = max(1, int(rng.poisson(volunteers)))
    counts: dict[str, int] = {}
    for question in schema.questions:
        leading = [counts[f"{asked}_{answer}"] for asked, answer in question.asked_if]
        asked = sum(leading) if question.asked_if else everybody
        votes = rng.multinomial(asked, rng.dirichlet(concentration * mean[question.name]))
        counts[f"{question.name}_total-votes"] = asked
        for answer, vote in zip(question.answers, votes, strict=True):
            counts[f"{question.name}_{answer}"] = int(vote)
    return counts


def vote_columns(schema: Schema) -> tuple[str, ...]:
    """Names of the counts, in order: of each question all votes, then those for each answer."""
    return tuple(
        f"{question.name}_{column}"
        for question in schema.questions
        for column in ("total-votes", *question.answers)
    )


def _shares(a: Appearance) -> dict[str, dict[str, float]]:
    """What is answered to each question by volunteers who look, up to a common factor."""
    bulge, wound = math.sqrt(a.bulge_fraction), math.degrees(a.pitch)
    disturbed = a.seen * DISTURBANCES.index(a.merger)
    sizes = ("none", "small", "moderate", "large", "dominant")
    round_to_cigar = ("round", "in-between", "cigar-shaped")
    return {
        "smooth-or-featured": _smooth_or_featured(a),
        "disk-edge-on": _yes_or_no(12 * (a.edge_on - 0.78)),
        "has-spiral-arms": _yes_or_no(-1.5 + 7 * a.arms_seen),
        "bar": _ordered(("no", "weak", "strong"), a.seen * a.bar, (0.3, 0.65), 0.13),
        "bulge-size": _ordered(sizes, bulge, (0.15, 0.4, 0.65, 0.85), 0.08),
        "how-rounded": _ordered(round_to_cigar, 1 - a.axis_ratio, (0.25, 0.65), 0.07),
        "edge-on-bulge": _edge_on_bulge(a),
        "spiral-winding": _ordered(("tight", "medium", "loose"), wound, (14, 25), 4),
        "spiral-arm-count": _spiral_arm_count(a),
        "merging": _ordered(DISTURBANCES, disturbed, (0.6, 1.5, 2.45), 0.28),
    }


def _smooth_or_featured(a: Appearance) -> dict[str, float]:
    disturbed = (0.0, 0.5, 1.2, 1.5)[DISTURBANCES.index(a.merger)]
    shape = 1.6 * a.late + 3.2 * a.edge_on * _logistic((a.late - 0.3) / 0.08)
    details = 2.8 * a.arm_strength * (a.arms > 0) * (1 - 0.7 * a.edge_on) + 1.6 * a.bar
    featured = _logistic(-2.8 + a.seen * (shape + details + 1.6 * a.clumps + disturbed))
    artifact = _logistic(-4 + 7 * a.artifact)
    good = 1 - artifact
    return {
        "smooth": good * (1 - featured),
        "featured-or-disk": good * featured,
        "artifact": artifact,
    }


def _edge_on_bulge(a: Appearance) -> dict[str, float]:
    scores = {"boxy": -2.5 + 6 * a.seen * a.boxy, "none": 2 - 4 * math.sqrt(a.bulge_fraction)}
    return {answer: math.exp(score) for answer, score in {**scores, "rounded": 0.0}.items()}


def _spiral_arm_count(a: Appearance) -> dict[str, float]:
    """Near counts are mistaken for each other, all the more where the arms are faint."""
    counts = ("1", "2", "3", "4", "more-than-4")
    scores = {
        answer: a.arms_seen * (4.5 - 2.2 * abs(number - a.arms))
        for number, answer in enumerate(counts, 1)
    }
    scores["cant-tell"] = 1.2
    return {answer: math.exp(score) for answer, score in scores.items()}


def _logistic(x: float) -> float:
    """Between 0 and 1, never either; the bound keeps far tails from rounding to them."""
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, x))))


def _yes_or_no(score: float) -> dict[str, float]:
    return {"yes": _logistic(score), "no": _logistic(-score)}


def _ordered(
    answers: tuple[str, ...], value: float, cuts: tuple[float, ...], width: float
) -> dict[str, float]:
    """Shares of answers along a scale (proportional odds: McCullagh 1980, JRSS B 42, 109).

    ``cuts`` are where a volunteer is as likely to go for the answers below as for those above.
    """
    below = [0.0, *(_logistic((cut - value) / width) for cut in cuts), 1.0]
    return {answer: below[i + 1] - below[i] for i, answer in enumerate(answers)}
