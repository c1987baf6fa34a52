"""What a recovery says, in sentences that can be quoted."""

from __future__ import annotations

import math
from collections.abc import Sequence

from skerry.discover.separation import Separation
from skerry.recovering.curve import REACHED, Limit, Point, jeffreys

PUBLISHED = 20
"""Realizations, with fewer of which intervals are too wide to publish."""

SMALL = 0.01
"""The share planted up to which the run's nulls are taken for those of survey and planted."""

_OFTEN = 0.1
"""The share, of realizations or of sources, from which what happens to some is told."""

_TOLD = 0.95
"""The area under the curve from which ordinary planted sources count as told from the survey."""


def of_limit(limit: Limit, points: Sequence[Point], several: bool) -> str:
    """The sentence on one visibility.

    Parameters
    ----------
    points : its reachable points
    several : whether there are other visibilities, so that this one is to be named
    """
    ordered = sorted(points, key=lambda p: p.prevalence)
    least, most = ordered[0], ordered[-1]
    at = f"At visibility {limit.visibility:g}: " if several else ""
    if limit.prevalence == 0:
        return (
            f"{at}A class like this would have been found with {REACHED:.0%} probability at every "
            f"prevalence planted, down to {_part(least)}, where it was found in {_counted(least)}; "
            f"the limit is {_surely(limit.high == 0)}there or below{_up_to(limit.high, most)}."
        )
    if math.isinf(limit.prevalence):
        above = f"{_surely(math.isinf(limit.low))}above{_down_to(limit.low, least)}"
        return (
            f"{at}No prevalence planted is shown to reach a probability of {REACHED:.0%}: at the "
            f"largest, {_part(most)}, a class like this was found in {_counted(most)}; the limit, "
            f"if there is one, is {above}."
        )
    n = round(limit.prevalence * most.planted / most.prevalence)
    low = percent(limit.low) if limit.low else f"below {percent(least.prevalence)}"
    high = percent(limit.high) if math.isfinite(limit.high) else f"above {percent(most.prevalence)}"
    return (
        f"{at}A class like this would have been found with {REACHED:.0%} probability if it made up "
        f"more than {percent(limit.prevalence)} of the sample ({_sources(n)}; 95% interval {low} "
        f"to {high})."
    )


def of_unreachable(points: Sequence[Point]) -> str:
    """The sentences on the prevalences that were not planted, one a reason; empty for none."""
    reasons = dict.fromkeys(p.unreachable for p in points)
    listed = {why: ", ".join(_part(p) for p in points if p.unreachable == why) for why in reasons}
    return " ".join(f"Not planted: {parts}; {why}." for why, parts in listed.items())


def of_controls(controls: Sequence[Point]) -> str:
    """The sentence on the searches with ordinary sources planted.

    It tells the worst prevalence: the searches of one realization share its sources, so that
    they do not add up.
    """
    n = controls[0].realizations
    found, new = (max(getattr(p, name) or 0 for p in controls) for name in ("found", "new"))
    return (
        "Where as many ordinary sources were planted instead, at the worst prevalence these were "
        f"found as a class in {found} of {n} realizations (95% interval {_interval(found, n)}), "
        f"and a confirmed class that the run itself has not appeared in {new} "
        f"({_interval(new, n)})."
    )


def of_separation(what: str, found: Separation) -> str:
    """The sentence on how far planted sources stand apart from the survey's own."""
    return (
        f"In the run's encoder a linear probe tells {what} from the survey's sources with an area "
        f"under the ROC curve of {found.auc:.3f} ({found.auc_low:.3f} to {found.auc_high:.3f}); "
        f"among their 20 nearest neighbors are {found.enrichment:.1f} times as many of them as by "
        f"chance ({found.enrichment_low:.1f} to {found.enrichment_high:.1f}; at most "
        f"{found.ceiling:.1f})."
    )


def cautions(
    planted: Sequence[Point], controls: Sequence[Point], apart: Separation | None
) -> list[str]:
    """What forbids to take the curve at its word.

    Parameters
    ----------
    planted, controls : the reachable points
    apart : how far the control's sources stand apart from the survey's
    """
    told = []
    realizations = controls[0].realizations
    joined = max(p.joined or 0.0 for p in planted)
    pieces = max(p.pieces or 0 for p in planted)
    if realizations < PUBLISHED:
        told.append(
            f"Realizations made: {realizations}. The intervals are wide; publish {PUBLISHED} or "
            "more."
        )
    if any(p.prevalence > SMALL for p in controls):
        told.append(
            f"More than {SMALL:.0%} of the sample was planted: chance groups were counted without "
            "it, and so large a class may change the surroundings that it is held against."
        )
    if apart is not None and apart.auc > _TOLD:
        told.append(
            "Ordinary sources made in the same way are told from the survey's own by a straight "
            f"cut (area {apart.auc:.3f}): part of what is found may be how the sources were made, "
            "not what they are. Take the curve as optimistic."
        )
    if any(p.found for p in controls):
        told.append(
            "Ordinary sources were found as a class, so that the curve counts how the sources were "
            "made, not what they are: it cannot be used."
        )
    if pieces >= _OFTEN * realizations:
        told.append(
            f"In up to {pieces} of {realizations} realizations a piece of the planted class was "
            "confirmed as a class of its own, which does not count as found: to the run's encoder "
            "it is several groups rather than one. See the columns pieces and completeness."
        )
    if joined >= _OFTEN:
        told.append(
            f"Up to {joined:.0%} of the planted sources went into classes that the run has "
            "already: the survey seems to hold the class, and what joins it does not count as "
            "found."
        )
    return told


def percent(share: float) -> str:
    """A share as a percentage of two digits."""
    return f"{float(f'{100 * share:.2g}'):g}%"


def _surely(whole: bool) -> str:
    """How sure a limit beyond what was planted is: whether all of its interval lies there."""
    return "" if whole else "probably "


def _up_to(high: float, most: Point) -> str:
    if high == 0:
        return ""
    if math.isinf(high):
        return f", though its 95% interval reaches beyond {percent(most.prevalence)}"
    return f" (95% interval up to {percent(high)})"


def _down_to(low: float, least: Point) -> str:
    if math.isinf(low):
        return ""
    if low == 0:
        return f", though its 95% interval reaches below {percent(least.prevalence)}"
    return f" (95% interval from {percent(low)})"


def _part(p: Point) -> str:
    return f"{percent(p.prevalence)} of the sample ({_sources(p.planted)})"


def _sources(n: int) -> str:
    return f"{n:,} source{'s' * (n != 1)}"


def _counted(p: Point) -> str:
    return (
        f"{p.found} of {p.realizations} realizations "
        f"(95% interval {_interval(p.found or 0, p.realizations)})"
    )


def _interval(hits: int, n: int) -> str:
    low, high = jeffreys(hits, n)
    return f"{low:.0%} to {high:.0%}"
