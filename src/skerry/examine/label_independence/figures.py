"""Figures of the answer on votes and representation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skerry.answer import Plot, Series, array
from skerry.examine.label_independence.classes import ByVotes
from skerry.examine.label_independence.independence_tests import LEARNED, Tested
from skerry.examine.label_independence.principal_directions import Predicted
from skerry.types import DoubleArray


def directions_plot(found: Sequence[Predicted]) -> Plot:
    series = [
        Series("line", array(range(1, len(one.variance) + 1)), np.maximum(one.explained, 0.0),
               f"by {one.kind} votes")
        for one in found
    ]  # fmt: skip
    return Plot(
        "The share of the variance along each principal direction of the representation that the "
        "votes predict, of sources not fitted on; the direction with the most variance is first. "
        "What lies below 1 is not in the votes; observed votes lose some to their own noise.",
        "principal direction",
        "share of variance explained",
        tuple(series),
        at_y=(0.0, 1.0),
    )


def gains_plot(found: Sequence[Tested]) -> Plot:
    rows = list(dict.fromkeys((t.target, t.votes) for t in found))[::-1]
    series = []
    for i, what in enumerate(dict.fromkeys(t.what for t in found)):
        held = [t for t in found if t.what == what]
        series.append(
            Series(
                "intervals",
                array([t.gain.gain for t in held]),
                array([rows.index((t.target, t.votes)) for t in held]) + 0.15 * (1 - i),
                what,
                array([t.gain.low for t in held]),
                array([t.gain.high for t in held]),
                across=True,
            )
        )
    held = [t for t in found if t.what == LEARNED and len(t.gain.world_gains)]
    if held:
        most = array([t.gain.world_gains.max() for t in held])
        at = array([rows.index((t.target, t.votes)) for t in held]) + 0.15
        series.append(Series("points", most, at, "most by votes alone (simulated)"))
    return Plot(
        "What a representation explains of each target beyond votes and nuisance: the share of the "
        "variance that they leave, with its 95% interval. Points: the most that any simulated "
        "representation gains which holds the votes alone.",
        "gain: share of what the votes leave",
        "",
        tuple(series),
        y_ticks=tuple(f"{target}, {votes} votes" for target, votes in rows),
        at_x=(0.0,),
    )


def class_plot(found: Sequence[ByVotes]) -> Plot:
    series = [_curve(f"{one.kind} votes", one.by_votes.recalls, one.by_votes.precisions)
              for one in found]  # fmt: skip
    learned = found[0].by_vectors
    series.append(_curve(LEARNED, learned.recalls, learned.precisions))
    return Plot(
        f"How well votes, and the representation, tell the members of {found[0].class_id} from "
        "other sources: of the sources that score highest, the share that are members, as more and "
        "more members are found. The closer the curves, the more of the class is in the votes.",
        "share of members found",
        "share that are members",
        tuple(series),
    )


def _curve(label: str, recalls: DoubleArray, precisions: DoubleArray) -> Series:
    """Where the recall changes, so that there are no more points than members."""
    kept = np.append(np.flatnonzero(np.diff(recalls) > 0) + 1, len(recalls) - 1)
    kept = np.unique(kept)
    return Series("line", recalls[kept], precisions[kept], label)
